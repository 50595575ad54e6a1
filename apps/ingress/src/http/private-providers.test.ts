// Private providers over real HTTP: for operators only, answered in full, and every bad input told before control is asked.
import { WaystationError, type PrivateProvider } from '@waystation/contracts';
import { expectDescribed } from '../test-edge/expect-described.js';
import { hashOf, inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

type Answer = Readonly<Record<string, unknown>>;

const PROVIDER: PrivateProvider = {
  slug: 'home',
  provider: { slug: 'home', dialect: 'openai-chat', baseUrl: 'http://vllm.lan/v1' },
  key: 'sealed',
  endpoints: [
    {
      ...{ id: 'home/small@home', model: 'home/small', tag: 'home', upstreamModel: 'm-1', serving: true },
      probe: { status: 'passing', at: 1_700_000_000_000, latencyMs: 12, costPicodollars: '1650000' },
    },
    {
      ...{ id: 'home/late@home', model: 'home/late', tag: 'home', upstreamModel: 'm-2', serving: false },
      note: 'it failed when it was last tried',
      probe: {
        ...{ status: 'failing', at: 1_700_000_000_000, latencyMs: 7, costPicodollars: '0' },
        problem: { step: 'model', message: 'There is no such model.', upstreamStatus: 404, answer: 'unknown' },
      },
    },
    {
      id: 'home/off@home',
      model: 'home/off',
      tag: 'home',
      upstreamModel: 'm-3',
      serving: false,
      note: 'it is disabled',
    },
  ],
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_000_000,
};

let ingress: TestIngress;
const start = async (isOperator: boolean): Promise<void> => {
  ingress = await startIngress({ operatorKeyHashes: isOperator ? [hashOf(managementKey)] : [] });
  const { rpc } = ingress.bus;
  for (const verb of ['create', 'get', 'update', 'put-endpoint', 'delete-endpoint', 'probe'] as const)
    rpc.set(`control.private-provider.${verb}`, () => ({ provider: PROVIDER }));
  rpc.set('control.private-provider.list', () => ({ providers: [PROVIDER], total: 7 }));
  rpc.set('control.private-provider.delete', () => ({ deletedAt: 1_700_000_000_000 }));
};
beforeEach(() => start(true));
afterEach(() => ingress.close());

const call = async (
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly key?: string } = {},
): Promise<{ status: number; text: string; json: Answer; message: string | undefined }> => {
  const { body, key = managementKey } = options;
  const response = await fetch(`${ingress.url}/api/v1/private/providers${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer;
  expectDescribed(method, response, json);
  return { status: response.status, text, json, message: (json['error'] as { message: string } | undefined)?.message };
};
const asked = () =>
  ingress.bus.asked.map(({ name, request }) => ({
    name,
    request: Object.fromEntries(Object.entries(request).filter(([field]) => field !== 'principal' && field !== 'v')),
  }));

describe('private providers', () => {
  it('are shown with what serves, what came of trying it, and what that cost to the last digit', async () => {
    const { status, text, json } = await call('GET', '/home');
    expect(status).toBe(200);
    expect(text).toContain('"cost_usd":0.00000165');
    expect(json['data']).toMatchObject({
      ...{ slug: 'home', provider: PROVIDER.provider, key: 'sealed', fault: null, changed_by: null },
      endpoints: [
        { status: 'passing', serving: true, note: null, probe: { problem: null } },
        {
          status: 'failing',
          serving: false,
          probe: { problem: { step: 'model', upstream_status: 404, answer: 'unknown' } },
        },
        { status: 'untested', serving: false, note: 'it is disabled', probe: null },
      ],
    });
    expect((await call('GET', '')).json).toMatchObject({ data: [{ slug: 'home' }], total_count: 7 });
    expect((await call('GET', '/home/endpoints')).json['data']).toHaveLength(3);
  });

  it.each<[string, string, unknown, number, string, object]>([
    [
      'POST',
      '',
      { slug: 'home', dialect: 'openai-chat', force: 'soon' },
      201,
      'create',
      { provider: { slug: 'home', dialect: 'openai-chat' }, force: 'soon' },
    ],
    [
      'PATCH',
      '/home',
      { name: null, baseUrl: 'https://x/v1' },
      200,
      'update',
      { slug: 'home', changes: { name: null, baseUrl: 'https://x/v1' } },
    ],
    [
      'PUT',
      '/home/endpoints',
      { model: 'home/small', context: 1 },
      200,
      'put-endpoint',
      { slug: 'home', endpoint: { model: 'home/small', context: 1 } },
    ],
    [
      'DELETE',
      '/home/endpoints?model=home/small&tag=eu',
      undefined,
      200,
      'delete-endpoint',
      { slug: 'home', model: 'home/small', tag: 'eu' },
    ],
    ['POST', '/home/probe', { model: 'home/small' }, 200, 'probe', { slug: 'home', model: 'home/small' }],
    ['POST', '/home/probe', undefined, 200, 'probe', { slug: 'home' }],
    ['DELETE', '/home', undefined, 200, 'delete', { slug: 'home' }],
  ])('%s %s is told to control as it was said', async (method, path, body, status, verb, request) => {
    expect((await call(method, path, { body })).status).toBe(status);
    expect(asked()).toEqual([{ name: `control.private-provider.${verb}`, request }]);
  });

  it('that are refused say at which step which endpoint failed', async () => {
    ingress.bus.rpc.set('control.private-provider.create', () => {
      throw new WaystationError('unprocessable', 'Nothing was changed: home/small@home does not pass its probe.', {
        details: {
          problems: [{ endpointId: 'home/small@home', step: 'credential', upstreamStatus: 401, answer: 'no' }],
        },
      });
    });
    const { status, json } = await call('POST', '', { body: { slug: 'home' } });
    expect([status, json]).toMatchObject([
      422,
      {
        error: {
          metadata: { problems: [{ endpoint_id: 'home/small@home', step: 'credential', upstream_status: 401 }] },
        },
      },
    ]);
  });

  it.each<[string, string, string, unknown, number, string]>([
    ['no JSON', 'POST', '', '{', 400, 'The request body is not valid JSON.'],
    ['a list', 'POST', '', [], 400, 'body: Expected object, received array'],
    ['an empty reason', 'POST', '', { force: '' }, 400, 'force: Expected string of 1 to 256 characters'],
    ['true for a reason', 'PATCH', '/home', { force: true }, 400, 'force: Expected string of 1 to 256 characters'],
    ['an unknown order', 'POST', '/home/probe', { models: [] }, 400, "Unrecognized key(s) in object: 'models'"],
    ['no model', 'DELETE', '/home/endpoints', undefined, 400, 'model: Expected string of 1 to 256 characters'],
    ['a slug that can be none', 'GET', '/Home', undefined, 404, 'There is no private provider "Home".'],
    ['too much', 'POST', '', { slug: 'x'.repeat(300_000) }, 413, ''],
  ])('with %s are refused, and control is not asked', async (_name, method, path, body, status, message) => {
    const answer = await call(method, path, { body });
    expect([answer.status, answer.message]).toEqual([status, expect.stringContaining(message)]);
    expect(asked()).toEqual([]);
  });

  it.each([
    ['a management key that is no operator’s', managementKey],
    ['an inference key', inferenceKey],
  ])('are neither seen nor changed by %s', async (_name, key) => {
    await ingress.close();
    await start(false);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/home'],
      ['POST', ''],
      ['DELETE', '/home'],
      ['POST', '/home/probe'],
    ] as const)
      expect((await call(method, path, { key, ...(method === 'POST' ? { body: {} } : {}) })).status).toBe(403);
    expect(asked()).toEqual([]);
  });
});
