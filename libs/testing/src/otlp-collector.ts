// What lies beyond our edge: a collector that takes traces as OTLP/HTTP JSON and remembers them.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
export interface ExportedSpan {
  readonly service: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** Numbers as they came: JSON writes large ones as text. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface OtlpCollector {
  readonly url: string;
  readonly spans: readonly ExportedSpan[];
  /** Everything that was ever sent to it. */
  readonly bytes: () => string;
  readonly paths: readonly string[];
  close(): void;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly Value[] };
}
type Attributes = readonly { readonly key: string; readonly value: Value }[];
interface Body {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ExportedSpan, 'attributes' | 'service'> & { readonly attributes: Attributes })[];
    }[];
  }[];
}

const plain = (value: Value): unknown =>
  value.arrayValue?.values.map(plain) ?? value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue;
const record = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

export const otlpCollector = async (): Promise<OtlpCollector> => {
  const spans: ExportedSpan[] = [];
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      paths.push(request.url ?? '');
      bodies.push(text);
      for (const { resource, scopeSpans } of (JSON.parse(text) as Body).resourceSpans)
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({
            ...span,
            service: String(record(resource.attributes)['service.name']),
            attributes: record(span.attributes),
          });
      response.end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bytes: () => bodies.join('\n'),
    paths,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
};
