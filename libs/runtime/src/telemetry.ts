// OpenTelemetry, off unless an OTLP endpoint is set: then nothing of it is loaded and a span is one comparison. A trace begins at the edge, where it is decided
// whether it is kept; what is not kept has no span anywhere and no context on the bus. Everything below follows the active span.
// Invariant: attributes hold names, counts and codes, never a message, a prompt or an answer.
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Span, SpanKind, Tracer } from '@opentelemetry/api';

type Api = typeof OpenTelemetry;
type Context = ReturnType<Api['context']['active']>;

interface Tracing {
  readonly api: Api;
  readonly tracer: Tracer;
  /** Of the traces that begin here without a caller's say, how many are kept: 0 to 1. */
  readonly ratio: number;
}

let tracing: Tracing | undefined;

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
  /** Default: all. */
  readonly ratio?: number;
  /** Between two exports, default 5 s. */
  readonly everyMs?: number;
}

export type Kind = 'internal' | 'server' | 'client' | 'consumer';

/** A span that is recorded, from when it is opened until `end`. */
export interface OpenSpan {
  readonly traceId: string;
  /** Runs the work with this span as the active one. */
  run<Result>(work: () => Result): Result;
  child(name: string, attributes: Attributes, kind?: Kind): OpenSpan;
  set(attributes: Attributes): void;
  /** The first time ends it. With a code it has failed. */
  end(errorCode?: string): void;
}

const OFF: Telemetry = { enabled: false, close: () => Promise.resolve() };
const EXPORT_EVERY_MS = 5_000;
const SAMPLED = 1;

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
  const scheduledDelayMillis = options.everyMs ?? EXPORT_EVERY_MS;
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.version': options.release }),
    // What is kept was decided before a span is made.
    sampler: new sdk.AlwaysOnSampler(),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis })],
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.trace.setGlobalTracerProvider(provider);
  tracing = { api, tracer: provider.getTracer('waystation'), ratio: options.ratio ?? 1 };
  return {
    enabled: true,
    async close(timeoutMs) {
      tracing = undefined;
      const late = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
};

export const isTracing = (): boolean => tracing !== undefined;

/** https://www.w3.org/TR/trace-context/ */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

interface Remote {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const remoteOf = (traceparent: string | undefined): Remote | undefined => {
  const [, traceId, spanId, flags] = (traceparent === undefined ? null : TRACEPARENT.exec(traceparent)) ?? [];
  return traceId === undefined || spanId === undefined || flags === undefined
    ? undefined
    : { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
};

const under = (api: Api, remote: Remote): Context =>
  api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });

const kindOf = ({ SpanKind }: Api, kind: Kind): SpanKind => SpanKind[kind.toUpperCase() as Uppercase<Kind>];

const failSpan = ({ SpanStatusCode }: Api, span: Span, code: string): void => {
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  span.setAttribute('error.type', code);
};

class RecordedSpan implements OpenSpan {
  readonly traceId: string;
  readonly #tracing: Tracing;
  readonly #span: Span;
  #ended = false;

  constructor(own: Tracing, span: Span) {
    this.traceId = span.spanContext().traceId;
    this.#tracing = own;
    this.#span = span;
  }

  get #context(): Context {
    const { api } = this.#tracing;
    return api.trace.setSpan(api.context.active(), this.#span);
  }

  run<Result>(work: () => Result): Result {
    return this.#tracing.api.context.with(this.#context, work);
  }

  child(name: string, attributes: Attributes, kind: Kind = 'internal'): OpenSpan {
    const { api, tracer } = this.#tracing;
    return new RecordedSpan(
      this.#tracing,
      tracer.startSpan(name, { attributes, kind: kindOf(api, kind) }, this.#context),
    );
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  end(errorCode?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (errorCode !== undefined) failSpan(this.#tracing.api, this.#span, errorCode);
    this.#span.end();
  }
}

/**
 * The first span of a request: undefined where it is not traced. A caller that traces decides with its `traceparent`, in which case the trace is its trace; otherwise
 * the ratio of this process does.
 */
export const beginTrace = (name: string, attributes: Attributes, traceparent?: string): OpenSpan | undefined => {
  if (tracing === undefined) return undefined;
  const { api, tracer, ratio } = tracing;
  const remote = remoteOf(traceparent);
  const isKept = remote === undefined ? Math.random() < ratio : (remote.traceFlags & SAMPLED) === SAMPLED;
  if (!isKept) return undefined;
  const parent = remote === undefined ? api.ROOT_CONTEXT : under(api, remote);
  return new RecordedSpan(tracing, tracer.startSpan(name, { attributes, kind: api.SpanKind.SERVER }, parent));
};

/** Runs `fn` inside a span below the active one that ends with it, and records what it throws. Where nothing is traced it only calls `fn`. */
export const span = <Result>(
  name: string,
  attributes: Attributes,
  fn: (span: OpenSpan | undefined) => Result,
  kind: Kind = 'internal',
): Result => {
  if (tracing === undefined) return fn(undefined);
  const { api, tracer } = tracing;
  if (api.trace.getActiveSpan() === undefined) return fn(undefined);
  const own = new RecordedSpan(tracing, tracer.startSpan(name, { attributes, kind: kindOf(api, kind) }));
  return own.run(() => finishing(own, fn));
};

/** The code only: a message may quote what a client sent. */
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'error';

const finishing = <Result>(own: OpenSpan, fn: (span: OpenSpan) => Result): Result => {
  const fail = (error: unknown): never => {
    own.end(codeOf(error));
    throw error;
  };
  try {
    const result = fn(own);
    if (!(result instanceof Promise)) {
      own.end();
      return result;
    }
    return result.then((value: unknown) => (own.end(), value), fail) as Result;
  } catch (error) {
    return fail(error);
  }
};

/** One batch of work is part of so many traces at most. */
const TRACES_PER_BATCH_MAX = 64;

/** Work on a batch whose items come from many traces: it runs once, and each of these traces has a span of it. */
export const batchSpan = async <Result>(
  name: string,
  attributes: Attributes,
  items: readonly { readonly traceparent?: string }[],
  work: () => Promise<Result>,
): Promise<Result> => {
  if (tracing === undefined) return work();
  const { api, tracer } = tracing;
  const parents = new Set<string>();
  for (const { traceparent } of items) {
    if (traceparent !== undefined) parents.add(traceparent);
    if (parents.size >= TRACES_PER_BATCH_MAX) break;
  }
  if (parents.size === 0) return work();
  const startTime = Date.now();
  const tell = (errorCode?: string): void => {
    for (const traceparent of parents) {
      const remote = remoteOf(traceparent);
      if (remote === undefined) continue;
      const kind = api.SpanKind.CONSUMER;
      const each = tracer.startSpan(name, { attributes, kind, startTime }, under(api, remote));
      if (errorCode !== undefined) failSpan(api, each, errorCode);
      each.end();
    }
  };
  try {
    const result = await work();
    tell();
    return result;
  } catch (error) {
    tell(codeOf(error));
    throw error;
  }
};

/** What is said of a batch that came off a stream. */
export const messagingOf = (stream: string, lines: number): Attributes => ({
  'messaging.system': 'nats',
  'messaging.destination.name': stream,
  'messaging.batch.message_count': lines,
});

/** A span of what is over. */
export interface PastSpan {
  readonly name: string;
  readonly kind: Kind;
  readonly attributes: Attributes;
  /** Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly errorCode?: string | undefined;
  readonly children?: readonly PastSpan[];
}

/** Tells a trace after the fact: of what was not traced and turned out to be worth it. */
export const tellPast = (past: PastSpan): void => {
  if (tracing === undefined) return;
  const { api, tracer } = tracing;
  const tell = (
    { name, kind, attributes, startMs, endMs, errorCode, children = [] }: PastSpan,
    parent: Context,
  ): void => {
    const own = tracer.startSpan(name, { attributes, kind: kindOf(api, kind), startTime: startMs }, parent);
    for (const child of children) tell(child, api.trace.setSpan(parent, own));
    if (errorCode !== undefined) failSpan(api, own, errorCode);
    own.end(endMs);
  };
  tell(past, api.ROOT_CONTEXT);
};
