// OpenTelemetry, off unless an OTLP endpoint is set: then nothing of it is loaded and `span` is one comparison.
// Trace context travels as a W3C traceparent (https://www.w3.org/TR/trace-context/): over the bus by the bus itself, over HTTP by whoever opens the span.
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Span, Tracer } from '@opentelemetry/api';

type Api = typeof OpenTelemetry;

let tracing: { readonly api: Api; readonly tracer: Tracer } | undefined;

export interface Telemetry {
  readonly enabled: boolean;
  /** Sends what is buffered, within the time given. */
  close(timeoutMs: number): Promise<void>;
}

export interface TelemetryOptions {
  /** Base URL; `/v1/traces` is added. */
  readonly endpoint: string | undefined;
  readonly service: string;
  readonly release: string;
}

const OFF: Telemetry = { enabled: false, close: () => Promise.resolve() };

export const startTelemetry = async (options: TelemetryOptions): Promise<Telemetry> => {
  if (options.endpoint === undefined) return OFF;
  const [api, sdk, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.version': options.release }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.trace.setGlobalTracerProvider(provider);
  tracing = { api, tracer: provider.getTracer('waystation') };
  return {
    enabled: true,
    async close(timeoutMs) {
      tracing = undefined;
      const late = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
};

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

const remoteParent = (api: Api, traceparent: string): ReturnType<Api['context']['active']> => {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return api.context.active();
  return api.trace.setSpanContext(api.context.active(), {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
};

export const isTracing = (): boolean => tracing !== undefined;

/**
 * Runs `fn` inside a span that ends with it, and records what it throws. Without tracing it only calls `fn`.
 * `traceparent` names the caller's span where there is no active one.
 */
export const span = <Result>(
  name: string,
  attributes: Attributes,
  fn: (span: Span | undefined) => Result,
  traceparent?: string,
): Result => {
  if (tracing === undefined) return fn(undefined);
  const { api, tracer } = tracing;
  const parent =
    traceparent === undefined || api.trace.getActiveSpan() !== undefined
      ? api.context.active()
      : remoteParent(api, traceparent);
  return tracer.startActiveSpan(name, { attributes }, parent, (each) => finishing(api, each, fn));
};

const finishing = <Result>(api: Api, each: Span, fn: (span: Span) => Result): Result => {
  const fail = (error: unknown): never => {
    // The code only: a message may quote what a client sent.
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'error';
    each.setStatus({ code: api.SpanStatusCode.ERROR, message: code });
    each.end();
    throw error;
  };
  try {
    const result = fn(each);
    if (!(result instanceof Promise)) {
      each.end();
      return result;
    }
    return result.then((value: unknown) => (each.end(), value), fail) as Result;
  } catch (error) {
    return fail(error);
  }
};
