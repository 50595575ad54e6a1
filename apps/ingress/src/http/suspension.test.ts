// A suspended workspace over real HTTP: what stays open to it, what it is told everywhere else, and who may suspend and resume.
import { SNAPSHOT_KEYS, type Suspension } from '@waystation/contracts';
import { expectDescribed } from '../test-edge/expect-described.js';
import { hashOf, inferenceKey, managementKey, workspace } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';
import { API_PREFIXES, ROUTES } from './routes.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress({ operatorKeyHashes: [hashOf(managementKey)] });
  ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('other'), { ...workspace, id: 'other', slug: 'other' });
});
afterEach(async () => {
  await ingress.close();
});

const SINCE = Date.UTC(2026, 10, 1);
const suspend = (suspension: Suspension): void =>
  ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
    ...{ ...workspace, version: 2, suspended: true, suspension },
  });
const DISPUTED: Suspension = { by: 'billing', reason: 'payment top-1 is disputed (dp_1)', since: SINCE };

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly error: { readonly message: string; readonly metadata: unknown };
}
const call = async (method: string, path: string, key: string, body?: unknown): Promise<Answer> => {
  const response = await fetch(`${ingress.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = (await response.json()) as Omit<Answer, 'status'>;
  expectDescribed(method, response, json);
  return { status: response.status, ...json };
};
const PATH = '/api/v1/workspaces/default/suspension';

test('paying, and reading why, is all that stays open to it', () => {
  const open = ROUTES.filter(({ whileSuspended }) => whileSuspended).map(({ method, path }) => `${method} ${path}`);
  const expected = [
    'GET /credits',
    'GET /credits/topups',
    'POST /credits/topups',
    'GET /credits/topups/:id',
    'GET /workspaces/:id/suspension',
    'PUT /workspaces/:id/suspension',
  ];
  expect(open).toEqual(API_PREFIXES.flatMap((prefix) => expected.map((route) => route.replace(' ', ` ${prefix}`))));
});

test('a completion is refused with the reason and what to do, and nobody is asked', async () => {
  suspend(DISPUTED);
  const body = { model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }] };
  const { status, error } = await call('POST', '/api/v1/chat/completions', inferenceKey, body);
  expect([status, error.message]).toEqual([
    403,
    'This workspace is suspended: payment top-1 is disputed (dp_1). Settle what is owed with POST /credits/topups, which stays open, and ask the operator of this station to resume it; a dispute that ends in our favour resumes it by itself.',
  ]);
  expect([ingress.bus.asked, ingress.bus.streams]).toEqual([[], []]);
});

test.each([
  ['GET', '/api/v1/keys', managementKey],
  ['POST', '/api/v1/keys', managementKey],
  ['PUT', '/api/v1/credits/auto-topup', managementKey],
  ['POST', '/api/v1/credits/topups/top-1/refunds', managementKey],
  ['GET', '/api/v1/key', inferenceKey],
])('%s %s is refused to it', async (method, path, key) => {
  suspend({ by: 'operator', reason: 'Unpaid invoices.', since: SINCE });
  const { status, error } = await call(method, path, key, method === 'GET' ? undefined : {});
  expect([status, error.message]).toEqual([
    403,
    'This workspace is suspended: Unpaid invoices. Only the operator of this station resumes it.',
  ]);
  expect(ingress.bus.asked).toEqual([]);
});

test('it can top up', async () => {
  suspend(DISPUTED);
  ingress.bus.rpc.set('billing.topup.list', () => ({ orders: [] }));
  expect(await call('GET', '/api/v1/credits/topups', managementKey)).toMatchObject({ status: 200, data: [] });
  await call('POST', '/api/v1/credits/topups', managementKey, { amount: 20 });
  expect(ingress.bus.asked.map(({ name }) => name)).toEqual(['billing.topup.list', 'billing.topup.create']);
});

test('it reads why, by whom and since when', async () => {
  const active = { workspace_id: 'default', suspended: false, by: null, reason: null, since: null };
  expect(await call('GET', PATH, managementKey)).toMatchObject({ status: 200, data: active });
  suspend(DISPUTED);
  expect(await call('GET', PATH, managementKey)).toMatchObject({
    status: 200,
    data: { ...active, suspended: true, ...DISPUTED, since: '2026-11-01T00:00:00.000Z' },
  });
});

test('an operator resumes its own workspace, and suspends another, with a reason', async () => {
  suspend(DISPUTED);
  const because = { by: 'operator', reason: 'fraud', since: SINCE } as const;
  ingress.bus.rpc.set('control.suspension.put', ({ suspended }: { suspended: boolean }) =>
    suspended ? { suspension: because } : {},
  );
  expect(await call('PUT', PATH, managementKey, { suspended: false, reason: 'paid by wire' })).toMatchObject({
    ...{ status: 200, data: { workspace_id: 'default', suspended: false, reason: null } },
  });
  const other = PATH.replace('default', 'other');
  expect(await call('PUT', other, managementKey, { suspended: true, reason: 'fraud' })).toMatchObject({
    ...{ status: 200, data: { workspace_id: 'other', suspended: true, by: 'operator', reason: 'fraud' } },
  });
  expect(ingress.bus.asked.map(({ request }) => request)).toMatchObject([
    { workspaceId: 'default', suspended: false, reason: 'paid by wire', principal: { keyHash: hashOf(managementKey) } },
    { workspaceId: 'other', suspended: true, reason: 'fraud' },
  ]);
});

test.each<[string, string, unknown, number, RegExp]>([
  ['an unknown workspace', PATH.replace('default', 'nobody'), { suspended: true, reason: 'x' }, 404, /Workspace/],
  ['no reason', PATH, { suspended: true }, 400, /^reason: Expected string of 1 to 256 characters/],
  ['an empty reason', PATH, { suspended: true, reason: '' }, 400, /^reason: /],
  ['a reason that cannot be stored', PATH, { suspended: true, reason: 'a\0b' }, 400, /^reason: .*U\+0000/],
  ['no decision', PATH, { reason: 'x' }, 400, /^suspended: Expected boolean, received nothing/],
  ['another field', PATH, { suspended: true, reason: 'x', by: 'billing' }, 400, /'by'/],
])('%s is refused, and control is not asked', async (_what, path, body, status, message) => {
  const { status: answered, error } = await call('PUT', path, managementKey, body);
  expect([answered, error.message]).toEqual([status, expect.stringMatching(message)]);
  expect(ingress.bus.asked).toEqual([]);
});

describe('a management key that is no operator’s', () => {
  beforeEach(async () => {
    await ingress.close();
    ingress = await startIngress();
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('other'), { ...workspace, id: 'other', slug: 'other' });
  });

  test('does not resume its workspace, and another does not exist for it', async () => {
    suspend(DISPUTED);
    const body = { suspended: false, reason: 'please' };
    expect((await call('PUT', PATH, managementKey, body)).status).toBe(403);
    expect((await call('PUT', PATH.replace('default', 'other'), managementKey, body)).status).toBe(404);
    expect((await call('GET', PATH.replace('default', 'other'), managementKey)).status).toBe(404);
    expect(ingress.bus.asked).toEqual([]);
  });
});
