// Own provider keys over real HTTP: shapes of the reference, bad input told before control is asked, a key that is never told again; and what a call with one costs,
// holds and tells.
import { WaystationError, type LeaseReply, type OwnKey } from '@waystation/contracts';
import { completion, inferenceKey, managementKey, planned, serving, workspace } from '../test-edge/fixtures.js';
import { expectDescribed } from '../test-edge/expect-described.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

type Answer = Readonly<Record<string, unknown>>;
const ID = '550e8400-e29b-41d4-a716-446655440000';
const HASH = 'c'.repeat(64);
const SECRET = 'sk-own-canary-0123456789';
const ownKey: OwnKey = {
  ...{ id: ID, workspaceId: 'default', provider: 'alpha', name: 'Night', label: 'sk-...6789' },
  ...{ disabled: false, isFallback: true, alwaysUse: false, sortOrder: 3, allowedKeyHashes: [HASH] },
  createdAt: 1_700_000_000_000,
};
const SHOWN = {
  ...{ id: ID, workspace_id: 'default', provider: 'alpha', name: 'Night', label: 'sk-...6789', disabled: false },
  ...{ is_fallback: true, always_use: false, sort_order: 3, allowed_models: null, allowed_api_key_hashes: [HASH] },
  ...{ allowed_user_ids: null, capacity: null, created_at: '2023-11-14T22:13:20.000Z' },
};

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  const { rpc } = ingress.bus;
  rpc.set('control.own-key.list', () => ({ ownKeys: [ownKey], total: 7 }));
  for (const verb of ['create', 'get', 'update'] as const) rpc.set(`control.own-key.${verb}`, () => ({ ownKey }));
  rpc.set('control.own-key.delete', () => ({ deleted: true }));
});
afterEach(() => ingress.close());

const call = async (
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly key?: string } = {},
): Promise<{ status: number; text: string; json: Answer; message: string | undefined; id: string | null }> => {
  const { body, key = managementKey } = options;
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer;
  if (path.startsWith('/byok')) expectDescribed(method, response, json);
  const message = (json['error'] as { message: string } | undefined)?.message;
  return { status: response.status, text, json, message, id: response.headers.get('x-generation-id') };
};
/** What was asked over the bus, but for who asked. */
const asked = (): { readonly name: string; readonly request: Answer }[] =>
  ingress.bus.asked.map(({ name, request }) => ({
    name,
    request: Object.fromEntries(Object.entries(request).filter(([field]) => field !== 'principal' && field !== 'v')),
  }));

describe('/byok', () => {
  it('lists them as the reference has them', async () => {
    const { status, json } = await call('GET', '/byok?offset=5&limit=2&workspace_id=default&provider=alpha');
    expect([status, json]).toEqual([200, { data: [SHOWN], total_count: 7 }]);
    expect(asked()).toEqual([
      {
        name: 'control.own-key.list',
        request: { workspaceId: 'default', provider: 'alpha', offset: 5, limit: 2 },
      },
    ]);
  });

  it('keeps one with all that can be said, and never says its key', async () => {
    const body = {
      ...{ provider: 'alpha', key: SECRET, name: 'Night', disabled: false, is_fallback: true, always_use: false },
      ...{ sort_order: 3, allowed_models: [], allowed_api_key_hashes: [HASH, HASH], allowed_user_ids: null },
      workspace_id: 'default',
    };
    const { status, json, text } = await call('POST', '/byok', { body });
    expect([status, json]).toEqual([201, { data: SHOWN }]);
    expect(asked()[0]).toEqual({
      name: 'control.own-key.create',
      request: {
        ...{ workspaceId: 'default', provider: 'alpha', secret: SECRET },
        settings: {
          ...{ name: 'Night', disabled: false, isFallback: true, alwaysUse: false, sortOrder: 3 },
          ...{ allowedModels: [], allowedKeyHashes: [HASH], allowedMemberIds: null },
        },
      },
    });
    expect(text + ingress.logged.join('')).not.toContain('canary');
  });

  it('changes what is said alone, and puts another key in its place', async () => {
    const one = { workspaceId: 'default', id: ID };
    expect(await call('PATCH', `/byok/${ID}`, { body: {} })).toMatchObject({ status: 200, json: { data: SHOWN } });
    await call('PATCH', `/byok/${ID}`, { body: { key: SECRET, allowed_api_key_hashes: null, disabled: true } });
    expect(asked().map(({ request }) => request)).toEqual([
      { ...one, settings: {} },
      { ...one, secret: SECRET, settings: { allowedKeyHashes: null, disabled: true } },
    ]);
  });

  it('says what it can take, a limit or none of each, and shows it', async () => {
    ingress.bus.rpc.set('control.own-key.update', () => ({ ownKey: { ...ownKey, capacity: { inFlight: 4 } } }));
    const { json } = await call('PATCH', `/byok/${ID}`, {
      body: { capacity: { requests_per_minute: null, in_flight: 4 } },
    });
    const capacity = { requests_per_minute: null, tokens_per_minute: null, in_flight: 4 };
    expect(json).toEqual({ data: { ...SHOWN, capacity } });
    await call('PATCH', `/byok/${ID}`, { body: { capacity: null } });
    expect(asked().map(({ request }) => request)).toEqual([
      { workspaceId: 'default', id: ID, settings: { capacity: { inFlight: 4 } } },
      { workspaceId: 'default', id: ID, settings: { capacity: null } },
    ]);
  });

  it('shows and forgets one', async () => {
    expect(await call('GET', `/byok/${ID}`)).toMatchObject({ status: 200, json: { data: SHOWN } });
    expect(await call('DELETE', `/byok/${ID}`)).toMatchObject({ status: 200, text: '{"deleted":true}' });
  });

  it.each<[string, unknown, string]>([
    ['no key', { provider: 'alpha' }, 'key: Expected string of 1 to 16384 characters, received nothing'],
    ['an empty key', { provider: 'alpha', key: '' }, 'key: Expected string of 1 to'],
    ['a key that is no text', { provider: 'alpha', key: { canary: 1 } }, 'key: Expected string of 1 to'],
    ['a key that is too long', { provider: 'alpha', key: 'canary'.repeat(3_000) }, 'key: Expected string of 1 to'],
    ['no provider', { key: SECRET }, 'provider: Expected string'],
    [
      'a name that is too long',
      { provider: 'a', key: SECRET, name: 'n'.repeat(256) },
      'name: Expected string of 1 to 255',
    ],
    [
      'a flag that is text',
      { provider: 'a', key: SECRET, disabled: 'no' },
      'disabled: Expected boolean, received string',
    ],
    [
      'a flag that is null',
      { provider: 'a', key: SECRET, is_fallback: null },
      'is_fallback: Expected boolean, received null',
    ],
    [
      'a capacity of nothing',
      { provider: 'a', key: SECRET, capacity: { in_flight: 0 } },
      'capacity.in_flight: Expected a whole',
    ],
    [
      'a capacity of what nobody knows',
      { provider: 'a', key: SECRET, capacity: { rpm: 1 } },
      'capacity: Unknown member "rpm"',
    ],
    ['a capacity that is a number', { provider: 'a', key: SECRET, capacity: 5 }, 'capacity: Expected object or null'],
    ['half a place', { provider: 'a', key: SECRET, sort_order: 1.5 }, 'sort_order: Expected a whole number'],
    ['a place before the first', { provider: 'a', key: SECRET, sort_order: -1 }, 'sort_order: Expected a whole number'],
    [
      'hashes of nobody',
      { provider: 'a', key: SECRET, allowed_api_key_hashes: [] },
      'allowed_api_key_hashes: Expected 1 to 100',
    ],
    [
      'a hash that is none',
      { provider: 'a', key: SECRET, allowed_api_key_hashes: ['C'.repeat(64)] },
      'allowed_api_key_hashes: Expected hashes',
    ],
    [
      'a model for a list',
      { provider: 'a', key: SECRET, allowed_models: 'lab/small' },
      'allowed_models: Expected array or null',
    ],
    [
      'too many models',
      { provider: 'a', key: SECRET, allowed_models: Array.from({ length: 101 }, String) },
      'allowed_models: Expected 0 to 100',
    ],
    ['what is not known', { provider: 'a', key: SECRET, label: 'x' }, "Unrecognized key(s) in object: 'label'"],
    ['no JSON', '{"key":"canary', 'The request body is not valid JSON.'],
  ])('refuses %s before control is asked, and quotes no key', async (_name, body, message) => {
    const answer = await call('POST', '/byok', { body });
    expect(answer).toMatchObject({ status: 400, message: expect.stringContaining(message) });
    expect(answer.text + ingress.logged.join('')).not.toContain('canary');
    expect(asked()).toEqual([]);
  });

  it('lets nobody give a key to another provider, or another workspace', async () => {
    expect((await call('PATCH', `/byok/${ID}`, { body: { provider: 'beta' } })).status).toBe(400);
    expect((await call('POST', '/byok', { body: { provider: 'a', key: SECRET, workspace_id: 'other' } })).status).toBe(
      404,
    );
    expect((await call('GET', '/byok?workspace_id=other')).status).toBe(404);
    expect((await call('GET', '/byok/nothing')).status).toBe(404);
    expect(asked()).toEqual([]);
  });

  it('is for management keys', async () => {
    for (const [method, path] of [
      ['GET', '/byok'],
      ['POST', '/byok'],
      ['GET', `/byok/${ID}`],
      ['DELETE', `/byok/${ID}`],
    ] as const)
      expect((await call(method, path, { key: inferenceKey })).status).toBe(403);
    expect(asked()).toEqual([]);
  });

  it("tells control's refusal as it is", async () => {
    ingress.bus.rpc.set('control.own-key.create', () => {
      throw new WaystationError('invalid_request', 'key: It has spaces', { details: { field: 'key' } });
    });
    expect(await call('POST', '/byok', { body: { provider: 'a', key: SECRET } })).toMatchObject({
      status: 400,
      message: 'key: It has spaces',
    });
  });
});

describe('a call with an own key', () => {
  const own = planned('alpha', { byok: true, credentialId: ID });
  const plan = (...attempts: ReturnType<typeof planned>[]): void =>
    void ingress.bus.rpc.set('route.plan', () => ({
      ...{ attempts, excluded: [], snapshotRevision: 1, strategy: 'own-keys+price' },
    }));
  const noCredits = (): void => {
    const refused: LeaseReply = {
      refused: {
        ...{ code: 'insufficient_credits', quotaId: 'wallet:default', scope: 'wallet', metric: 'usd' },
        ...{ window: 'lifetime', asked: '1000', left: '0' },
      },
    };
    ingress.bus.rpc.set('lease.grant', () => refused);
  };
  const complete = (more: object = {}) =>
    call('POST', '/chat/completions', {
      key: inferenceKey,
      body: { model: 'lab/small', messages: [{ role: 'user', content: 'hi' }], ...more },
    });
  const usageOf = ({ json }: { json: Answer }): Answer => json['usage'] as Answer;

  it('costs nothing, says what the provider takes for it, and needs no credit', async () => {
    plan(own);
    noCredits();
    ingress.bus.worker = serving([completion('hello')]);
    const answer = await complete();
    expect(answer.status).toBe(200);
    expect(usageOf(answer)).toMatchObject({
      cost: 0,
      is_byok: true,
      cost_details: { upstream_inference_cost: 0.00002 },
    });
    expect(asked().map(({ name }) => name)).toEqual(['route.plan']);
    expect(ingress.bus.factLines).toMatchObject([{ attempts: [{ byok: true, holdPicodollars: '0' }] }]);
    expect(ingress.bus.trailLines).toMatchObject([{ byok: true, costPicodollars: '0', attempts: [{ ownKeyId: ID }] }]);
  });

  it('falls back from a key that is refused to capacity that is paid, each try as what it was', async () => {
    plan(own, planned('alpha'));
    ingress.bus.worker = (stream, ordinal) => {
      if (ordinal > 0) return serving([completion('hello')])(stream, ordinal);
      stream.reader.accepted('worker-test0001');
      stream.reader.fail(new WaystationError('provider_auth', 'ALPHA does not accept the key.'));
    };
    const answer = await complete();
    expect(usageOf(answer)).toMatchObject({ cost: 0.00002, is_byok: false });
    expect(ingress.bus.streams.map(({ request }) => [request.attempt.byok, request.attempt.credentialId])).toEqual([
      [true, ID],
      [false, undefined],
    ]);
    expect(ingress.bus.factLines).toMatchObject([
      {
        attempts: [
          { byok: true, errorCode: 'provider_auth' },
          { byok: false, outcome: 'completed' },
        ],
      },
    ]);
    const [recorded] = ingress.bus.trailLines;
    expect(recorded?.byok).toBe(false);
    expect(recorded?.attempts.map(({ ownKeyId }) => ownKeyId)).toEqual([ID, undefined]);
  });

  it.each([false, true])(
    'goes on without its fallback where there is no credit for that (stream: %s)',
    async (stream) => {
      plan(own, planned('beta'));
      noCredits();
      ingress.bus.worker = (opened) => {
        opened.reader.accepted('worker-test0001');
        opened.reader.fail(new WaystationError('provider_auth', 'ALPHA does not accept the key.'));
      };
      expect((await complete({ stream })).status).toBe(502);
      expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha']);
      expect(ingress.bus.trailLines[0]?.warnings?.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^Only the workspace's own provider keys are tried/),
      );
    },
  );

  it('holds its fee, and is refused where there is no credit for that', async () => {
    plan({ ...own, price: { perUnit: { input: '0', output: '2000000' } } });
    ingress.bus.put('workspaces', 'workspace.default', { ...workspace, version: 2, byokFeePpm: 50_000 });
    ingress.bus.worker = serving([completion('hello')]);
    const answer = await complete({ max_tokens: 100 });
    // 5 % of 5 tokens at $2 a million, of which 100 were held for.
    expect(usageOf(answer)).toMatchObject({ cost: 0.0000005, is_byok: true });
    expect(ingress.bus.streams[0]?.request.holdPicodollars).toBe('10000000');
    await ingress.close();
    ingress = await startIngress();
    plan(own);
    ingress.bus.put('workspaces', 'workspace.default', { ...workspace, version: 2, byokFeePpm: 50_000 });
    noCredits();
    expect((await complete({ max_tokens: 100 })).status).toBe(402);
    expect(ingress.bus.streams).toEqual([]);
  });
});
