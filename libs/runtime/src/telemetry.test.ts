import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { isTracing, span, startTelemetry } from './telemetry.js';

interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number; readonly message?: string };
}

/** What lies beyond our edge: a collector that takes OTLP/HTTP JSON. */
const collector = async (): Promise<{ url: string; spans: ExportedSpan[]; paths: string[]; close(): void }> => {
  const spans: ExportedSpan[] = [];
  const paths: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      paths.push(request.url ?? '');
      const body = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: { scopeSpans: { spans: ExportedSpan[] }[] }[];
      };
      spans.push(...body.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)));
      response.end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    paths,
    close: () => server.close(),
  };
};

describe('tracing', () => {
  test('without an endpoint a span is nothing but its function', async () => {
    const telemetry = await startTelemetry({ endpoint: undefined, service: 's', release: 'r' });
    expect(telemetry.enabled).toBe(false);
    expect(isTracing()).toBe(false);
    expect(span('x', {}, (own) => own)).toBeUndefined();
    await telemetry.close(100);
  });

  test('with one, spans nest across awaits, follow the traceparent of the caller, tell failures by code only, and are flushed at the end', async () => {
    const { url, spans, paths, close } = await collector();
    const telemetry = await startTelemetry({ endpoint: `${url}/`, service: 's', release: 'r' });
    const traceId = 'a'.repeat(32);
    const answer = await span(
      'outer',
      { model: 'm' },
      async () => {
        await Promise.resolve();
        return span('inner', {}, () => 42);
      },
      `00-${traceId}-${'b'.repeat(16)}-01`,
    );
    expect(answer).toBe(42);
    await expect(
      span('failing', {}, () => Promise.reject(Object.assign(new Error('the prompt'), { code: 'no_worker' }))),
    ).rejects.toThrow('the prompt');
    expect(() =>
      span('throwing', {}, () => {
        throw new Error('at once');
      }),
    ).toThrow('at once');
    await telemetry.close(2_000);
    close();
    expect(paths.every((path) => path === '/v1/traces')).toBe(true);
    const byName = Object.fromEntries(spans.map((each) => [each.name, each]));
    expect(Object.keys(byName).sort()).toEqual(['failing', 'inner', 'outer', 'throwing']);
    expect(byName['outer']).toMatchObject({ traceId, parentSpanId: 'b'.repeat(16) });
    expect(byName['inner']).toMatchObject({ traceId, parentSpanId: byName['outer']?.spanId });
    expect(byName['failing']?.status).toEqual({ code: 2, message: 'no_worker' });
    expect(JSON.stringify(spans)).not.toContain('the prompt');
    expect(isTracing()).toBe(false);
  });
});
