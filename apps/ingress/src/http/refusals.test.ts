// Every 4xx of the reference in every dialect over real HTTP: status, code, message, type and headers, in the dialect's own shape. Nothing is dispatched, nothing is charged.
// The reference API, sections 3.3, 4.1 and 4.2, and its OpenAPI document; https://docs.anthropic.com/en/api/errors; https://platform.openai.com/docs/guides/error-codes
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import {
  SNAPSHOT_KEYS,
  WaystationError,
  newApiKey,
  type LeaseRefusal,
  type RoutePlanReply,
} from '@waystation/contracts';
import {
  completion,
  hashOf,
  inferenceKey,
  keyEntryOf,
  managementKey,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const BODY_BYTES_MAX = 2_000;
let ingress: TestIngress;
// Afresh each time: credit that was granted once is kept for the next request.
beforeEach(async () => {
  ingress = await startIngress({ bodyBytesMax: BODY_BYTES_MAX, looksEveryMs: 30 });
  ingress.bus.worker = serving([completion('never asked for')]);
});
afterEach(() => ingress.close());

interface Refused {
  readonly status: number;
  /** Ours, in the metadata. */
  readonly code: string;
  /** The reference's, the same in every dialect. */
  readonly type: string;
  readonly message: string | RegExp;
  readonly headers?: Readonly<Record<string, string | RegExp>>;
}

/** Where each dialect has what is told. */
interface Shape {
  readonly body: (refused: Refused, message: unknown, metadata: unknown) => unknown;
}

const chat: Shape = {
  body: ({ status }, message, metadata) => ({ error: { code: status, message, metadata } }),
};

const RESPONSES_CODES: Readonly<Record<string, string>> = {
  rate_limit_exceeded: 'rate_limit_exceeded',
  context_length_exceeded: 'invalid_prompt',
  invalid_request: 'invalid_prompt',
  content_policy_violation: 'image_content_policy_violation',
};
const responses: Shape = {
  body: ({ type }, message, metadata) => ({
    error: { code: RESPONSES_CODES[type] ?? 'server_error', message },
    error_type: type,
    metadata,
  }),
};

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  429: 'rate_limit_error',
};
const messages: Shape = {
  body: ({ status, type }, message, metadata) => ({
    type: 'error',
    error: { type: ANTHROPIC_TYPES[status] ?? 'invalid_request_error', message, error_type: type, metadata },
    request_id: null,
  }),
};

interface Route {
  readonly path: string;
  readonly shape: Shape;
  readonly body: Readonly<Record<string, unknown>>;
  /** A field of this route with a wrong value, and what is said of it. */
  readonly wrong: readonly [name: string, value: unknown, message: string];
  readonly required: readonly [name: string, message: string];
}

const model = 'lab/small';
const turn = [{ role: 'user', content: 'Hello' }];

const ROUTES: readonly Route[] = [
  {
    path: 'chat/completions',
    shape: chat,
    body: { model, messages: turn },
    wrong: ['temperature', 3, 'temperature: Number must be less than or equal to 2, received 3'],
    required: ['messages', 'messages: Invalid request: messages is required'],
  },
  {
    path: 'completions',
    shape: chat,
    body: { model, prompt: 'Hello' },
    wrong: ['top_p', 2, 'top_p: Number must be less than or equal to 1, received 2'],
    required: ['prompt', 'prompt: Invalid request: prompt is required'],
  },
  {
    path: 'responses',
    shape: responses,
    body: { model, input: 'Hello' },
    wrong: ['store', true, 'store: responses are not stored here; send false, or leave it out'],
    required: ['input', 'input: Invalid request: input is required'],
  },
  {
    path: 'messages',
    shape: messages,
    body: { model, max_tokens: 10, messages: turn },
    wrong: ['max_tokens', 0, 'max_tokens: Number must be greater than or equal to 1, received 0'],
    required: ['messages', 'messages: Invalid request: messages is required'],
  },
  {
    path: 'embeddings',
    shape: chat,
    body: { model, input: 'Hello' },
    wrong: ['dimensions', 0, 'dimensions: Number must be greater than or equal to 1, received 0'],
    required: ['input', 'input: Invalid request: input is required'],
  },
  {
    path: 'rerank',
    shape: chat,
    body: { model, query: 'q', documents: ['a'] },
    wrong: ['top_n', 0, 'top_n: Number must be greater than or equal to 1, received 0'],
    required: ['documents', 'documents: Invalid request: documents is required'],
  },
  {
    path: 'images',
    shape: chat,
    body: { model, prompt: 'Hello' },
    wrong: ['n', 11, 'n: Number must be less than or equal to 10, received 11'],
    required: ['prompt', 'prompt: Invalid request: prompt is required'],
  },
  {
    path: 'audio/speech',
    shape: chat,
    body: { model, input: 'Hello', voice: 'alloy' },
    wrong: ['speed', 9, 'speed: Number must be less than or equal to 4, received 9'],
    required: ['input', 'input: Invalid request: input is required'],
  },
];

interface Case extends Refused {
  readonly name: string;
  /** Sets the scene; what it returns is sent instead of the route's good request. */
  readonly make: (route: Route) => { body?: unknown; headers?: Record<string, string> };
}

const plan = (reply: Partial<RoutePlanReply>): void =>
  void ingress.bus.rpc.set('route.plan', () => ({
    ...{ attempts: [], excluded: [], snapshotRevision: 1, strategy: 'price' },
    ...reply,
  }));
const refuseLease = (refused: Partial<LeaseRefusal>): void =>
  void ingress.bus.rpc.set('lease.grant', () => ({
    refused: {
      ...{ quotaId: 'wallet:default', scope: 'wallet', metric: 'usd', window: 'lifetime', asked: '1', left: '0' },
      ...refused,
    },
  }));
const key = (changes: Parameters<typeof keyEntryOf>[1]): { headers: Record<string, string> } => {
  const made = newApiKey(randomBytes);
  ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(made)), keyEntryOf(made, changes));
  return { headers: { authorization: `Bearer ${made}` } };
};
const failing =
  (error: WaystationError): TestIngress['bus']['worker'] =>
  ({ reader }) =>
    reader.fail(error);

const RESETS = Date.UTC(2100, 0, 1);

const CASES: readonly Case[] = [
  {
    name: 'a body that is no JSON',
    make: () => ({ body: '{"model":' }),
    ...{ status: 400, code: 'malformed_json', type: 'invalid_request' },
    message: 'The request body is not valid JSON, or is nested deeper than 512 levels.',
  },
  {
    name: 'a body that is empty',
    make: () => ({ body: '' }),
    ...{ status: 400, code: 'malformed_json', type: 'invalid_request' },
    message: 'The request body is empty; expected a JSON object.',
  },
  {
    name: 'a preference that does not exist',
    make: ({ body }) => ({ body: { ...body, provider: { Require_Parameters: true } } }),
    ...{ status: 400, code: 'unknown_parameter', type: 'invalid_request' },
    message: "Unrecognized key(s) in object: 'Require_Parameters'",
  },
  {
    name: 'a request without any model',
    make: ({ body }) => ({ body: { ...body, model: undefined } }),
    ...{ status: 400, code: 'invalid_request', type: 'invalid_request' },
    message: 'No models provided',
  },
  {
    name: 'a model that does not exist',
    make: ({ body }) => {
      ingress.bus.rpc.set('route.plan', () => {
        throw new WaystationError('model_not_found', 'no such model');
      });
      return { body: { ...body, model: 'no/such' } };
    },
    ...{ status: 400, code: 'model_not_found', type: 'invalid_request' },
    message: 'no/such is not a valid model ID',
  },
  {
    name: 'a request without a key',
    make: () => ({ headers: { authorization: '' } }),
    ...{ status: 401, code: 'missing_credentials', type: 'authentication' },
    message: 'Missing Authentication header',
  },
  {
    name: 'a key that nobody knows',
    make: () => ({ headers: { authorization: `Bearer ${newApiKey(randomBytes)}` } }),
    ...{ status: 401, code: 'invalid_credentials', type: 'authentication' },
    message: 'Invalid API key',
  },
  {
    name: 'a key that is disabled',
    make: () => key({ disabled: true }),
    ...{ status: 401, code: 'key_disabled', type: 'authentication' },
    message: 'This API key is disabled',
  },
  {
    name: 'a key that has expired',
    make: () => key({ expiresAt: 1 }),
    ...{ status: 401, code: 'key_expired', type: 'authentication' },
    message: 'This API key has expired',
  },
  {
    name: 'a workspace without credit',
    make: () => (refuseLease({ code: 'insufficient_credits' }), {}),
    ...{ status: 402, code: 'insufficient_credits', type: 'payment_required' },
    message: /^Insufficient credits\. It needs up to \$/,
  },
  {
    name: 'a limit that is used up',
    make: () => (refuseLease({ code: 'limit_exceeded', scope: 'key', window: 'day', limit: '5' }), {}),
    ...{ status: 402, code: 'limit_exceeded', type: 'payment_required' },
    message: /of the day limit of this key; \$0/,
  },
  {
    name: 'credit that running requests hold',
    make: () => (refuseLease({ code: 'in_flight', retryAfterMs: 2_000 }), {}),
    ...{ status: 402, code: 'in_flight', type: 'payment_required' },
    message: /^The remaining credit is held by requests that are still running; try again when they are done\./,
    headers: { 'retry-after': '2' },
  },
  {
    name: 'a key for management',
    make: () => ({ headers: { authorization: `Bearer ${managementKey}` } }),
    ...{ status: 403, code: 'permission_denied', type: 'permission_denied' },
    message: 'Management keys cannot be used for inference; use an API key of the workspace',
  },
  {
    name: 'a workspace that is suspended',
    make: () => {
      ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
        ...workspace,
        version: 2,
        suspended: true,
      });
      return {};
    },
    ...{ status: 403, code: 'workspace_suspended', type: 'permission_denied' },
    message: 'This workspace is suspended. Only the operator of this station resumes it.',
  },
  {
    name: 'a model that no endpoint serves',
    make: () => (plan({}), {}),
    ...{ status: 404, code: 'no_endpoints', type: 'not_found' },
    message: 'No endpoints found for lab/small.',
  },
  {
    name: 'a data policy that no endpoint keeps',
    make: () => (plan({ excluded: [{ model, provider: 'alpha', rule: 'data_policy:training' }] }), {}),
    ...{ status: 404, code: 'no_endpoints', type: 'not_found' },
    message: 'No endpoints found matching your data policy (Paid model training).',
  },
  {
    name: 'a body that is too large',
    make: ({ body }) => ({ body: { ...body, trace: { long: 'x'.repeat(BODY_BYTES_MAX) } } }),
    ...{ status: 413, code: 'payload_too_large', type: 'payload_too_large' },
    message: `The request body is larger than ${BODY_BYTES_MAX} bytes, the most that is taken.`,
  },
  {
    name: 'a rate that is exceeded',
    make: () => {
      refuseLease({
        code: 'rate_limited',
        quotaId: 'key:1:requests',
        scope: 'key',
        metric: 'requests',
        window: 'minute',
        limit: '30',
        retryAfterMs: 1_200,
        resetsAt: RESETS,
      });
      return {};
    },
    ...{ status: 429, code: 'rate_limited', type: 'rate_limit_exceeded' },
    message: /^Rate limit exceeded: key:1:requests\./,
    headers: {
      'retry-after': '2',
      'x-ratelimit-limit': '30',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(RESETS),
    },
  },
  {
    name: 'a model whose endpoints are all at their limit',
    make: () => (plan({ excluded: [{ model, provider: 'alpha', rule: 'capacity' }] }), {}),
    ...{ status: 429, code: 'credential_full', type: 'rate_limit_exceeded' },
    message: 'Every endpoint of lab/small is unavailable for the moment (capacity); try again.',
    headers: { 'retry-after': '1' },
  },
];

/** Told by a provider, so that something was dispatched. */
const OF_PROVIDERS: readonly Case[] = [
  {
    name: 'what a provider refuses to do',
    make: () => {
      ingress.bus.worker = failing(new WaystationError('content_policy_violation', 'ALPHA refused the content.'));
      return {};
    },
    ...{ status: 400, code: 'content_policy_violation', type: 'content_policy_violation' },
    message: 'ALPHA refused the content.',
  },
  {
    name: 'what a provider calls wrong',
    make: () => {
      ingress.bus.worker = failing(new WaystationError('provider_rejected', 'ALPHA: no such tool.'));
      return {};
    },
    ...{ status: 400, code: 'provider_rejected', type: 'invalid_request' },
    message: 'ALPHA: no such tool.',
  },
  {
    name: 'a provider at its limit',
    make: () => {
      ingress.bus.worker = failing(
        new WaystationError('provider_rate_limited', 'ALPHA is busy.', { retryAfterMs: 9_000 }),
      );
      return {};
    },
    ...{ status: 429, code: 'provider_rate_limited', type: 'rate_limit_exceeded' },
    message: 'ALPHA is busy.',
    headers: { 'retry-after': '9' },
  },
];

const send = (
  { path, body: good }: Route,
  { body = good, headers = {} }: ReturnType<Case['make']>,
): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const metadataOf = ({ type, code }: Refused): unknown =>
  expect.objectContaining({ error_type: type, waystation_code: code });

const expectRefused = async (response: Response, route: Route, refused: Refused): Promise<void> => {
  const message =
    typeof refused.message === 'string' ? refused.message : (expect.stringMatching(refused.message) as unknown);
  const body = (await response.json()) as { request_id?: unknown };
  expect([response.status, body.request_id === undefined ? body : { ...body, request_id: null }]).toEqual([
    refused.status,
    withAvailability(route.shape.body(refused, message, metadataOf(refused)), body),
  ]);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('x-request-id')).toMatch(/\S/);
  const { headers = {} } = refused;
  for (const name of ['retry-after', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'])
    expect([name, response.headers.get(name)]).toEqual([name, headers[name] ?? null]);
};

/** `availability` stands beside the message where the reference has it; what it holds is tested where it is made. */
const withAvailability = (expected: unknown, told: object): unknown => {
  const at = (value: object): unknown => ('availability' in value ? value.availability : undefined);
  const error = 'error' in told && typeof told.error === 'object' && told.error !== null ? told.error : {};
  const shape = expected as { error: object };
  if (at(told) !== undefined) return { ...shape, availability: at(told) };
  return at(error) === undefined ? shape : { ...shape, error: { ...shape.error, availability: at(error) } };
};

describe.each(ROUTES.map((route) => [route.path, route] as const))('POST /%s', (_, route) => {
  it.each(CASES.map((refused) => [refused.name, refused] as const))('refuses %s', async (__, refused) => {
    const before = [ingress.bus.streams.length, ingress.bus.factLines.length];
    await expectRefused(await send(route, refused.make(route)), route, refused);
    expect([ingress.bus.streams.length, ingress.bus.factLines.length]).toEqual(before);
  });

  it.each(OF_PROVIDERS.map((refused) => [refused.name, refused] as const))('tells %s', async (__, refused) => {
    await expectRefused(await send(route, refused.make(route)), route, refused);
  });

  it('names the field that is wrong, and the one that is missing', async () => {
    const [name, value, message] = route.wrong;
    const invalid = { status: 400, code: 'invalid_request', type: 'invalid_request' };
    await expectRefused(await send(route, { body: { ...route.body, [name]: value } }), route, { ...invalid, message });
    const [required, told] = route.required;
    const without = { ...route.body, [required]: undefined };
    await expectRefused(await send(route, { body: without }), route, { ...invalid, message: told });
  });

  it('refuses an idempotency key that another body was sent under', async () => {
    const headers = { 'idempotency-key': `order-${route.path}` };
    await (await send(route, { headers })).text();
    await expectRefused(await send(route, { headers, body: { ...route.body, user: 'someone' } }), route, {
      status: 422,
      code: 'idempotency_mismatch',
      type: 'unprocessable',
      message: /./,
    });
  });

  it('gives up on a body that does not come in time', async () => {
    const wire = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = net.connect(ingress.port, '127.0.0.1', () =>
        socket.write(
          `POST /api/v1/${route.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${inferenceKey}\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n{`,
        ),
      );
      socket
        // What comes first says that the head is there: without it nobody could know the dialect.
        .once('data', () => ingress.hurryRequests(1))
        .on('data', (part) => (text += part.toString()))
        .on('close', () => resolve(text))
        .on('error', reject);
    });
    const [going, head = '', body = ''] = wire.split('\r\n\r\n');
    expect(going).toBe('HTTP/1.1 100 Continue');
    const status = Number(head.split(' ', 2)[1]);
    const headers = head.split('\r\n').slice(1);
    const response = new Response(body, {
      status,
      headers: headers.map((line) => line.split(': ', 2) as [string, string]),
    });
    await expectRefused(response, route, {
      status: 408,
      code: 'request_timeout',
      type: 'timeout',
      message: 'The request did not arrive in time.',
    });
  });

  it('refuses other methods, and says which there are', async () => {
    const response = await fetch(`${ingress.url}/api/v1/${route.path}`, { method: 'DELETE' });
    expect(response.headers.get('allow')).toContain('POST');
    await expectRefused(response, route, {
      status: 405,
      code: 'method_not_allowed',
      type: 'invalid_request',
      message: /^Method DELETE is not allowed here; use POST/,
    });
  });
});
