// The sandbox's HTTP: node:http without a framework in between, since it is the upstream in benchmarks. Routes, bodies, and nothing else.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findRoute } from '../dialects/registry.js';
import { MODELS } from '../models/models.js';
import { createPromptCache } from '../reply/prompt-cache.js';
import { createTruthLog } from '../truth/truth-log.js';
import { answerCall, type Sandbox } from './answer-call.js';

const BODY_BYTES_MAX = 128 * 1024 * 1024;
/** Callers pool their connections; one that we close between two calls would be a fault that nobody asked for. */
const KEEP_ALIVE_MS = 3_600_000;

export interface SandboxServer {
  readonly url: string;
  readonly port: number;
  readonly truth: Sandbox['truth'];
  /** Destroys what is still open. */
  close(): Promise<void>;
}

const json = (response: ServerResponse, status: number, value: unknown): void => {
  const text = JSON.stringify(value);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
};

const modelList = (): unknown => ({
  object: 'list',
  data: MODELS.map((model) => ({
    id: `sandbox/${model.id}`,
    object: 'model',
    created: 1_767_225_600,
    owned_by: 'sandbox',
    name: model.name,
    description: model.description,
    context_length: model.context,
    max_output_tokens: model.maxOutput,
    price: model.price,
    input_modalities: model.inputModalities,
    output_modalities: model.outputModalities,
    apis: model.apis,
    supported_parameters: [
      'max_tokens',
      'max_completion_tokens',
      'seed',
      'stream',
      'tools',
      'tool_choice',
      'parallel_tool_calls',
      'reasoning',
      'temperature',
      'top_p',
      'stop',
      'response_format',
      'structured_outputs',
    ],
    bills_after_cancel: model.script.billsAfterCancel,
  })),
});

const answerTruth = (
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): void => {
  if (request.method === 'DELETE') {
    sandbox.truth.clear();
    json(response, 200, { cleared: true });
    return;
  }
  const whole = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  const [since, limit] = [whole('since'), whole('limit')];
  if ([since, limit].some((value) => value !== undefined && !(Number.isSafeInteger(value) && value >= 0))) {
    json(response, 400, { error: { message: 'since (Unix ms) and limit must be whole numbers.' } });
    return;
  }
  const request_ = query.get('request');
  const calls = sandbox.truth.read({
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
    ...(request_ === null ? {} : { request: request_ }),
  });
  json(response, 200, { totals: sandbox.truth.totals, dropped: sandbox.truth.dropped, calls });
};

/** Hands the whole body over, or answers 413. */
const withBody = (request: IncomingMessage, response: ServerResponse, then: (body: Buffer) => void): void => {
  const parts: Buffer[] = [];
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= BODY_BYTES_MAX) parts.push(part);
    else parts.length = 0;
  });
  request.on('end', () => {
    if (bytes > BODY_BYTES_MAX)
      json(response, 413, { error: { message: `A body has at most ${BODY_BYTES_MAX} bytes.` } });
    else then(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts));
  });
};

const route = (sandbox: Sandbox, models: unknown, request: IncomingMessage, response: ServerResponse): void => {
  const url = request.url ?? '/';
  const queryAt = url.indexOf('?');
  const whole = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt));
  const path = whole.replace(/^\/v1(?=\/)/, '');
  const found = request.method === 'POST' ? findRoute(whole) : undefined;
  if (found !== undefined) {
    withBody(request, response, (body) => {
      answerCall(sandbox, found, query, request, response, body).catch((thrown: unknown) => {
        // A fault that no script asked for: say it loudly to the caller rather than hang.
        if (response.headersSent) response.destroy();
        else json(response, 500, { error: { message: `The sandbox itself failed: ${String(thrown)}` } });
      });
    });
  } else if (path === '/models' && request.method === 'GET') json(response, 200, models);
  else if (path === '/truth' && (request.method === 'GET' || request.method === 'DELETE')) {
    answerTruth(sandbox, request, response, query);
  } else {
    request.resume();
    json(response, 404, {
      error: {
        message: `Unknown request: ${request.method ?? ''} ${path}`,
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    });
  }
};

const listen = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => resolve(server.address() as AddressInfo));
  });

export const startSandboxServer = async (host: string, port: number): Promise<SandboxServer> => {
  const run = Date.now().toString(36);
  let calls = 0;
  const sandbox: Sandbox = {
    truth: createTruthLog(Date.now),
    cache: createPromptCache(() => performance.now()),
    newId: (prefix) => `${prefix}-sandbox-${run}-${(calls += 1)}`,
  };
  const models = modelList();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) =>
    route(sandbox, models, request, response),
  );
  const address = await listen(server, host, port);
  return {
    url: `http://${host}:${address.port}/v1`,
    port: address.port,
    truth: sandbox.truth,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
