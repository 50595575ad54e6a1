// The internal port of a process: liveness, readiness, metrics, and how it is for people; never for clients. Up before everything else, so that a process that
// still waits for NATS or Postgres can say so.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health } from './health.js';
import type { Metrics } from './metrics/metrics.js';
import { statusOf, statusPage } from './status-page.js';

export interface InternalHttp {
  readonly port: number;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 5_000;

/** What Prometheus asks for where it keeps exemplars. */
const OPEN_METRICS = /application\/openmetrics-text/;

const answer = (response: ServerResponse, status: number, type: string, body: string): void => {
  response
    .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' })
    .end(body);
};
const json = (response: ServerResponse, status: number, value: unknown): void =>
  answer(response, status, 'application/json', `${JSON.stringify(value)}\n`);

export const startInternalHttp = async (
  listen: { host: string; port: number },
  health: Health,
  metrics: Metrics,
  identity: { readonly service: string; readonly release: string },
): Promise<InternalHttp> => {
  const routes: Record<string, (response: ServerResponse, request: IncomingMessage) => Promise<void> | void> = {
    // The event loop answers: that is all liveness means. A process is not restarted because NATS is away.
    '/healthz': (response) => json(response, 200, { status: 'ok' }),
    '/readyz': (response) => {
      const report = health.report();
      json(response, report.ready ? 200 : 503, report);
    },
    '/status': (response, request) => {
      const status = statusOf(health, identity);
      if (/\bapplication\/json\b/.test(request.headers.accept ?? '')) json(response, 200, status);
      else answer(response, 200, 'text/html; charset=utf-8', statusPage(status));
    },
    '/metrics': async (response, request) => {
      const registry = OPEN_METRICS.test(request.headers.accept ?? '') ? metrics.openMetrics : metrics.registry;
      answer(response, 200, registry.contentType, await registry.metrics());
    },
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = routes[(request.url ?? '').split('?', 1)[0] ?? ''];
    if (route === undefined) return json(response, 404, { error: 'there are /healthz, /readyz, /status and /metrics' });
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(response, 405, { error: 'use GET' });
    await route(response, request);
  };
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      request.resume();
      serve(request, response).catch(() =>
        response.headersSent ? response.destroy() : json(response, 500, { error: 'the report could not be made' }),
      );
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
