// Members over real HTTP: shapes of the reference, and every bad input told what is wrong with it before control is asked.
import { WaystationError, type MemberEntry } from '@waystation/contracts';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

type Answer = Readonly<Record<string, unknown>>;
const member: MemberEntry = {
  id: 'user_0123456789abcdef01234567',
  workspaceId: 'default',
  email: 'jane@example.com',
  role: 'member',
  createdAt: 1_700_000_000_000,
};
const SHOWN = {
  id: member.id,
  workspace_id: 'default',
  user_id: member.id,
  email: 'jane@example.com',
  role: 'member',
  created_at: '2023-11-14T22:13:20.000Z',
};

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress.close());
beforeEach(() => {
  const { rpc, asked } = ingress.bus;
  asked.length = 0;
  rpc.set('control.member.list', () => ({ members: [member], total: 7 }));
  for (const verb of ['create', 'get', 'update'] as const) rpc.set(`control.member.${verb}`, () => ({ member }));
  rpc.set('control.member.remove', ({ memberIds }: { memberIds: string[] }) => ({
    removed: memberIds.length,
    disabledKeys: 3,
  }));
});

const call = async (
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly key?: string } = {},
): Promise<{ status: number; json: Answer; message: string | undefined }> => {
  const { body, key = managementKey } = options;
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const json = (await response.json()) as Answer;
  return { status: response.status, json, message: (json['error'] as { message: string } | undefined)?.message };
};
const MEMBERS = '/workspaces/default/members';
/** What was asked over the bus, but for who asked. */
const asked = (): { readonly name: string; readonly request: Answer }[] =>
  ingress.bus.asked.map(({ name, request }) => ({
    name,
    request: Object.fromEntries(Object.entries(request).filter(([field]) => field !== 'principal' && field !== 'v')),
  }));

it('are listed as the reference has them, in pages', async () => {
  expect(await call('GET', MEMBERS)).toMatchObject({ status: 200, json: { data: [SHOWN], total_count: 7 } });
  await call('GET', `${MEMBERS}?offset=100&limit=1`);
  expect(asked()).toEqual([
    { name: 'control.member.list', request: { workspaceId: 'default', offset: 0, limit: 50 } },
    { name: 'control.member.list', request: { workspaceId: 'default', offset: 100, limit: 1 } },
  ]);
});

it('are the organization, as the reference shows one', async () => {
  expect((await call('GET', '/organization/members')).json).toEqual({
    data: [{ id: member.id, email: member.email, first_name: null, last_name: null, role: 'org:member' }],
    total_count: 7,
  });
});

it('are made, read, changed and removed', async () => {
  const at = `${MEMBERS}/${member.id}`;
  const body = { email: 'jane@example.com' };
  expect(await call('POST', MEMBERS, { body })).toMatchObject({ status: 201, json: { data: SHOWN } });
  expect(await call('GET', at)).toMatchObject({ status: 200, json: { data: SHOWN } });
  expect(await call('PATCH', at, { body: { role: 'admin' } })).toMatchObject({ status: 200, json: { data: SHOWN } });
  expect(await call('DELETE', at)).toMatchObject({ status: 200, json: { deleted: true } });
  expect((await call('POST', `${MEMBERS}/remove`, { body: { user_ids: ['a', 'b', 'a'] } })).json).toEqual({
    ...{ removed_count: 2, disabled_key_count: 3 },
  });
  const about = { workspaceId: 'default' };
  expect(asked()).toEqual([
    { name: 'control.member.create', request: { ...about, email: 'jane@example.com', role: 'member' } },
    { name: 'control.member.get', request: { ...about, memberId: member.id } },
    { name: 'control.member.update', request: { ...about, memberId: member.id, role: 'admin' } },
    { name: 'control.member.remove', request: { ...about, memberIds: [member.id] } },
    { name: 'control.member.remove', request: { ...about, memberIds: ['a', 'b'] } },
  ]);
});

it('that control refuses are told as control says it', async () => {
  ingress.bus.rpc.set('control.member.create', () => {
    throw new WaystationError('conflict', 'email: jane@example.com is a member already.');
  });
  expect(await call('POST', MEMBERS, { body: { email: 'jane@example.com' } })).toMatchObject({
    ...{ status: 409, message: 'email: jane@example.com is a member already.' },
  });
});

describe('bad input', () => {
  const one = `${MEMBERS}/${member.id}`;
  it.each<[string, string, string, unknown, string]>([
    ['no address', 'POST', MEMBERS, {}, 'email: Expected string of 1 to 254 characters, received nothing'],
    [
      'an empty address',
      'POST',
      MEMBERS,
      { email: '' },
      'email: Expected string of 1 to 254 characters, received string',
    ],
    ['half an address', 'POST', MEMBERS, { email: '@example.com' }, 'email: Expected an address such as'],
    ['two addresses', 'POST', MEMBERS, { email: 'a@b, c@d' }, 'email: Expected an address such as'],
    ['a long address', 'POST', MEMBERS, { email: `${'x'.repeat(254)}@b` }, 'email: Expected string of 1 to 254'],
    ['U+0000', 'POST', MEMBERS, { email: 'a\0@b' }, 'email: Expected text without the character U+0000'],
    [
      'an unknown role',
      'POST',
      MEMBERS,
      { email: 'a@b', role: 'owner' },
      `role: Expected 'admin' | 'member', received "owner"`,
    ],
    [
      'an id of its own choosing',
      'POST',
      MEMBERS,
      { email: 'a@b', id: 'user_me' },
      "Unrecognized key(s) in object: 'id'",
    ],
    [
      'a workspace of its own choosing',
      'POST',
      MEMBERS,
      { email: 'a@b', workspace_id: 'other' },
      "Unrecognized key(s) in object: 'workspace_id'",
    ],
    ['no role', 'PATCH', one, {}, `role: Expected 'admin' | 'member', received nothing`],
    ['another address', 'PATCH', one, { role: 'admin', email: 'a@b' }, "Unrecognized key(s) in object: 'email'"],
    ['no JSON', 'PATCH', one, '{', 'The request body is not valid JSON.'],
    ['no ids', 'POST', `${MEMBERS}/remove`, {}, 'user_ids: Expected 1 to 100 ids, received nothing'],
    ['an empty list', 'POST', `${MEMBERS}/remove`, { user_ids: [] }, 'user_ids: Expected 1 to 100 ids, received 0'],
    [
      'too many ids',
      'POST',
      `${MEMBERS}/remove`,
      { user_ids: Array(101).fill('a') },
      'user_ids: Expected 1 to 100 ids, received 101',
    ],
    [
      'an id that is a number',
      'POST',
      `${MEMBERS}/remove`,
      { user_ids: [7] },
      'user_ids: Expected ids of members, received number',
    ],
    [
      'a long id',
      'POST',
      `${MEMBERS}/remove`,
      { user_ids: ['x'.repeat(65)] },
      'user_ids: Expected ids of members, received "xxx',
    ],
    ['a negative offset', 'GET', `${MEMBERS}?offset=-1`, undefined, 'offset: Expected a whole number from 0'],
    [
      'a limit of nothing',
      'GET',
      `${MEMBERS}?limit=0`,
      undefined,
      'limit: Expected a whole number from 1 to 100, received "0"',
    ],
    [
      'a large limit',
      'GET',
      `${MEMBERS}?limit=101`,
      undefined,
      'limit: Expected a whole number from 1 to 100, received "101"',
    ],
    [
      'two limits',
      'GET',
      '/organization/members?limit=1&limit=2',
      undefined,
      'limit: Expected a whole number from 1 to 100, received ["1","2"]',
    ],
  ])('with %s is 400 and asks nobody', async (_name, method, path, body, message) => {
    const answer = await call(method, path, { body });
    expect(answer.status).toBe(400);
    expect(answer.message).toContain(message);
    expect(asked()).toEqual([]);
  });

  it.each(['%00', 'a%20b', 'x'.repeat(65)])('a member that can be none (%s) is not found', async (id) => {
    for (const method of ['GET', 'DELETE']) expect((await call(method, `${MEMBERS}/${id}`)).status).toBe(404);
    expect((await call('PATCH', `${MEMBERS}/${id}`, { body: { role: 'admin' } })).status).toBe(404);
    expect(asked()).toEqual([]);
  });

  it('members of another workspace are as if they were not there, and are not for inference keys', async () => {
    const calls: readonly [string, string, unknown][] = [
      ['GET', '', undefined],
      ['POST', '', { email: 'a@b' }],
      ['POST', '/remove', { user_ids: ['a'] }],
      ['GET', '/a', undefined],
      ['PATCH', '/a', { role: 'admin' }],
      ['DELETE', '/a', undefined],
    ];
    for (const [method, path, body] of calls) {
      expect(await call(method, `/workspaces/other/members${path}`, { body })).toMatchObject({
        ...{ status: 404, message: 'Workspace not found' },
      });
      expect((await call(method, `${MEMBERS}${path}`, { body, key: inferenceKey })).status).toBe(403);
    }
    expect(asked()).toEqual([]);
  });
});
