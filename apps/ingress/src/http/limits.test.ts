// Limits and budgets of a workspace over real HTTP: shapes of the reference, money exact, and every bad input told what is wrong with it before anything is changed.
import { WaystationError, type LimitName, type LimitSpec } from '@waystation/contracts';
import { isSameLimit } from '../management/limit-desk.js';
import { expectDescribed } from '../test-edge/expect-described.js';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

type Listed = LimitSpec & { readonly createdAt: number; readonly updatedAt: number };
type Answer = Readonly<Record<string, unknown>>;

let ingress: TestIngress;
/** What control keeps. */
let kept: Listed[];
/** What billing counts of any quota. */
let used: bigint;

beforeEach(async () => {
  ingress = await startIngress();
  kept = [];
  used = 0n;
  const { rpc } = ingress.bus;
  rpc.set('control.limit.list', () => ({ limits: kept }));
  rpc.set('control.limit.put', ({ limits }: { limits: LimitSpec[] }) => {
    const set = limits.map((limit) => ({ ...limit, createdAt: 1_700_000_000_000, updatedAt: 1_700_000_001_000 }));
    kept = [...kept.filter((each) => !set.some((limit) => isSameLimit(limit, each))), ...set];
    return { limits: kept };
  });
  rpc.set('control.limit.delete', ({ limit }: { limit: LimitName }) => {
    if (!kept.some((each) => isSameLimit(limit, each)))
      throw new WaystationError('not_found', 'There is no such limit.');
    kept = kept.filter((each) => !isSameLimit(limit, each));
    return { limits: kept };
  });
  rpc.set('billing.quota.use', ({ quotas }: { quotas: { id: string }[] }) => ({
    quotas: quotas.map(({ id }) => ({ id, used: used.toString(), held: '5' })),
  }));
});
afterEach(async () => {
  await ingress.close();
});

const call = async (
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly key?: string; readonly workspace?: string } = {},
): Promise<{ status: number; text: string; json: Answer; message: string | undefined }> => {
  const { body, key = managementKey, workspace = 'default' } = options;
  const response = await fetch(`${ingress.url}/api/v1/workspaces/${workspace}/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer;
  expectDescribed(method, response, json);
  return { status: response.status, text, json, message: (json['error'] as { message: string } | undefined)?.message };
};
const changes = (): string[] =>
  ingress.bus.asked.map(({ name }) => name).filter((name) => /^control\.limit\.(put|delete)$/.test(name));
const budget = (window: LimitSpec['window'], limit: string, more: Partial<LimitSpec> = {}): Listed => ({
  ...{ scope: 'workspace', metric: 'usd', window, limit, createdAt: 1_700_000_000_000, updatedAt: 1_700_000_001_000 },
  ...more,
});
const BUDGET = {
  id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  workspace_id: 'default',
  created_at: '2023-11-14T22:13:20.000Z',
  updated_at: '2023-11-14T22:13:21.000Z',
};

describe('budgets', () => {
  it('are listed as the reference has them, and no other limit is among them', async () => {
    kept = [
      budget('day', '1500000000001'),
      budget('lifetime', '100000000000000'),
      budget('minute', '5'),
      budget('day', '7', { scope: 'key' }),
      budget('month', '7', { metric: 'tokens' }),
    ];
    const { status, text, json } = await call('GET', 'budgets');
    expect(status).toBe(200);
    expect(json).toEqual({
      data: [
        { ...BUDGET, limit_usd: 1.500000000001, reset_interval: 'daily' },
        { ...BUDGET, limit_usd: 100, reset_interval: null },
      ],
      include_byok_in_budgets: false,
    });
    expect(text).toContain('"limit_usd":1.500000000001,');
  });

  it.each([
    ['daily', 'day'],
    ['weekly', 'week'],
    ['monthly', 'month'],
    ['lifetime', 'lifetime'],
  ] as const)('%s is set, read and deleted', async (interval, window) => {
    const shown = { ...BUDGET, limit_usd: 0.1, reset_interval: interval === 'lifetime' ? null : interval };
    const set = await call('PUT', `budgets/${interval}`, { body: { limit_usd: 0.1 } });
    expect([set.status, set.json]).toEqual([200, { data: shown, include_byok_in_budgets: false }]);
    expect(kept).toMatchObject([{ scope: 'workspace', metric: 'usd', window, limit: '100000000000' }]);
    expect((await call('GET', `budgets/${interval}`)).json).toEqual(set.json);
    expect((await call('DELETE', `budgets/${interval}`)).json).toEqual({ deleted: true });
    expect(kept).toEqual([]);
    expect((await call('GET', `budgets/${interval}`)).status).toBe(404);
  });

  it('keeps its id when it is changed, and has another than the next', async () => {
    const idOf = async (interval: string, limit: number): Promise<unknown> =>
      ((await call('PUT', `budgets/${interval}`, { body: { limit_usd: limit } })).json['data'] as Answer)['id'];
    expect(await idOf('daily', 1)).toBe(await idOf('daily', 2));
    expect(await idOf('daily', 1)).not.toBe(await idOf('monthly', 9));
  });

  it('that is not there is deleted all the same, as the reference has it', async () => {
    expect(await call('DELETE', 'budgets/weekly')).toMatchObject({ status: 200, json: { deleted: true } });
  });

  it('is not said to be deleted when control could not delete it', async () => {
    ingress.bus.rpc.delete('control.limit.delete');
    expect((await call('DELETE', 'budgets/weekly')).status).toBe(503);
  });

  it('counts own keys in all of them or in none, and leaves that alone where it is not said', async () => {
    kept = [budget('day', '1000000000000'), budget('month', '9000000000000')];
    await call('PUT', 'budgets/weekly', { body: { limit_usd: 5, include_byok_in_budgets: true } });
    expect(kept.map(({ window, includeByok }) => [window, includeByok])).toEqual(
      expect.arrayContaining([
        ['day', true],
        ['month', true],
        ['week', true],
      ]),
    );
    const again = await call('PUT', 'budgets/daily', { body: { limit_usd: 2 } });
    expect(again.json['include_byok_in_budgets']).toBe(true);
    expect(kept.every(({ includeByok }) => includeByok === true)).toBe(true);
    await call('PUT', 'budgets/daily', { body: { limit_usd: 2, include_byok_in_budgets: false } });
    expect((await call('GET', 'budgets')).json['include_byok_in_budgets']).toBe(false);
  });

  it('below what is used is refused by the name of its own field', async () => {
    used = 2_000_000_000_001n;
    const answer = await call('PUT', 'budgets/daily', { body: { limit_usd: 2 } });
    expect([answer.status, answer.message]).toEqual([
      422,
      'limit_usd: $2 is below the $2.000000000001 that this day has used already; set a higher one, or wait for its end.',
    ]);
    expect(changes()).toEqual([]);
    expect((await call('PUT', 'budgets/daily', { body: { limit_usd: 2.000000000001 } })).status).toBe(200);
  });

  it.each<[string, unknown, string]>([
    ['no amount', {}, 'limit_usd: Expected a non-negative number of USD, received nothing'],
    ['null', { limit_usd: null }, 'limit_usd: Expected a non-negative number of USD, received null'],
    ['text', { limit_usd: '5' }, 'limit_usd: Expected a non-negative number of USD, received string'],
    ['a list', { limit_usd: [5] }, 'limit_usd: Expected a non-negative number of USD, received array'],
    ['a negative amount', { limit_usd: -1 }, 'limit_usd: Expected a non-negative number of USD, received number'],
    ['nothing at all', { limit_usd: 0 }, 'limit_usd: Expected a number above 0'],
    ['minus nothing', '{"limit_usd":-0}', 'limit_usd: Expected a number above 0'],
    ['less than a picodollar', { limit_usd: 1e-13 }, 'limit_usd: Expected a number of USD with at most 12 decimals'],
    ['a part of a picodollar', { limit_usd: 1.5e-12 }, 'limit_usd: Expected a number of USD with at most 12 decimals'],
    [
      'thirteen decimals',
      { limit_usd: 0.1234567890123 },
      'limit_usd: Expected a number of USD with at most 12 decimals',
    ],
    ['an absurd amount', { limit_usd: 1e15 }, 'limit_usd: Expected a number of USD below 1000000000000000'],
    ['infinity', '{"limit_usd":1e999}', 'limit_usd: Expected a number of USD below 1000000000000000'],
    [
      'a flag that is text',
      { limit_usd: 1, include_byok_in_budgets: 'true' },
      /include_byok_in_budgets: Expected bool/,
    ],
    ['an unknown field', { limit_usd: 1, limit: 1 }, "Unrecognized key(s) in object: 'limit'"],
    ['a prototype', '{"limit_usd":1,"__proto__":{}}', "Unrecognized key(s) in object: '__proto__'"],
    ['a list for a body', [], 'body: Expected object, received array'],
    ['no JSON', '{', 'The request body is not valid JSON.'],
    ['no body', undefined, 'The request body is not valid JSON.'],
  ] as [string, unknown, string][])('with %s is 400 and changes nothing', async (_name, body, message) => {
    const answer = await call('PUT', 'budgets/daily', { body });
    expect(answer.status).toBe(400);
    expect(answer.message).toMatch(message);
    expect(changes()).toEqual([]);
  });

  it('of a picodollar is an amount', async () => {
    expect((await call('PUT', 'budgets/daily', { body: { limit_usd: 1e-12 } })).text).toContain(
      '"limit_usd":0.000000000001,',
    );
    expect(kept).toMatchObject([{ limit: '1' }]);
  });

  it.each(['hourly', 'day', 'Daily', 'minute', 'constructor', '__proto__', '%20'])(
    'of the interval %s is 400',
    async (interval) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await call(method, `budgets/${interval}`, method === 'PUT' ? { body: { limit_usd: 1 } } : {});
        expect([answer.status, answer.message]).toEqual([
          400,
          "interval: Expected 'daily' | 'weekly' | 'monthly' | 'lifetime'",
        ]);
      }
      expect(changes()).toEqual([]);
    },
  );

  it('that control refuses is told as control says it', async () => {
    ingress.bus.rpc.set('control.limit.put', () => {
      throw new WaystationError('invalid_request', 'limits: the budget of the day must be below that of the month.');
    });
    expect(await call('PUT', 'budgets/daily', { body: { limit_usd: 9 } })).toMatchObject({
      status: 400,
      message: 'limits: the budget of the day must be below that of the month.',
    });
  });
});

describe('limits', () => {
  const LIMIT = { scope: 'workspace', metric: 'tokens', window: 'minute', limit: 1000 };

  it('are listed with what is used, in flight and left; a limit of each has no one use', async () => {
    used = 1_500n;
    kept = [
      budget('day', '1000', { metric: 'requests' }),
      budget('month', '2000000', { scope: 'key', freeOnly: true }),
    ];
    expect((await call('GET', 'limits')).json['data']).toEqual([
      {
        ...{ scope: 'workspace', scope_id: null, metric: 'requests', window: 'day', free_only: false },
        ...{ limit: 1000, include_byok: false, used: 1500, in_flight: 5, remaining: 0 },
        ...{ created_at: '2023-11-14T22:13:20.000Z', updated_at: '2023-11-14T22:13:21.000Z' },
      },
      expect.objectContaining({ scope: 'key', limit: 0.000002, free_only: true, used: null, remaining: null }),
    ]);
  });

  it('is set in the place of the one of its name, and shown', async () => {
    used = 30n;
    for (const limit of [1000, 900]) {
      const { status, json } = await call('PUT', 'limits', { body: { ...LIMIT, limit } });
      expect([status, json]).toMatchObject([200, { data: { ...LIMIT, limit, used: 30, remaining: limit - 30 } }]);
    }
    expect(kept).toMatchObject([{ limit: '900' }]);
  });

  it.each<[object, Partial<LimitSpec>]>([
    [
      { metric: 'usd', limit: 0.25, include_byok: true },
      { limit: '250000000000', includeByok: true },
    ],
    [
      { scope: 'end-user', scope_id: null, free_only: true },
      { scope: 'end-user', freeOnly: true },
    ],
    [
      { scope: 'tag', scope_id: 'team/search@eu' },
      { scope: 'tag', scopeId: 'team/search@eu' },
    ],
    [{ limit: 0 }, { limit: '0' }],
    [{ limit: Number.MAX_SAFE_INTEGER }, { limit: '9007199254740991' }],
  ])('%j is understood', async (body, expected) => {
    expect((await call('PUT', 'limits', { body: { ...LIMIT, ...body } })).status).toBe(200);
    expect(kept).toMatchObject([expected]);
  });

  it('below what is used is refused, in its own unit', async () => {
    used = 1_001n;
    const answer = await call('PUT', 'limits', { body: LIMIT });
    expect([answer.status, answer.message]).toEqual([
      422,
      'limit: 1000 tokens is below the 1001 tokens that this minute has used already; set a higher one, or wait for its end.',
    ]);
    expect(changes()).toEqual([]);
  });

  it('of each is not held against what any one has used', async () => {
    used = 1_001n;
    expect((await call('PUT', 'limits', { body: { ...LIMIT, scope: 'key' } })).status).toBe(200);
    expect(ingress.bus.asked.some(({ name }) => name === 'billing.quota.use')).toBe(false);
  });

  it.each<[string, object, string]>([
    [
      'an unknown scope',
      { scope: 'wallet' },
      `scope: Expected 'workspace' | 'member' | 'key' | 'end-user' | 'tag', received "wallet"`,
    ],
    [
      'no scope',
      { scope: undefined },
      `scope: Expected 'workspace' | 'member' | 'key' | 'end-user' | 'tag', received nothing`,
    ],
    [
      'an unknown metric',
      { metric: 'in-flight' },
      `metric: Expected 'usd' | 'requests' | 'tokens', received "in-flight"`,
    ],
    [
      'a window that overlaps',
      { window: 'hour' },
      `window: Expected 'minute' | 'day' | 'week' | 'month' | 'lifetime', received "hour"`,
    ],
    [
      'a window that is a number',
      { window: 5 },
      `window: Expected 'minute' | 'day' | 'week' | 'month' | 'lifetime', received 5`,
    ],
    ['no limit', { limit: undefined }, 'limit: Expected a non-negative whole number, received nothing'],
    ['a negative limit', { limit: -1 }, 'limit: Expected a non-negative whole number, received number'],
    ['half a token', { limit: 0.5 }, 'limit: Expected a non-negative whole number, received number'],
    ['an absurd limit', { limit: 1e21 }, 'limit: Expected a non-negative whole number, received number'],
    ['a limit as text', { limit: '5' }, 'limit: Expected a non-negative whole number, received string'],
    ['negative money', { metric: 'usd', limit: -1 }, 'limit: Expected a non-negative number of USD, received number'],
    ['money too fine', { metric: 'usd', limit: 1e-13 }, 'limit: Expected a number of USD with at most 12 decimals'],
    ['absurd money', { metric: 'usd', limit: 1e30 }, 'limit: Expected a number of USD below 1000000000000000'],
    ['a flag that is a number', { free_only: 1 }, 'free_only: Expected boolean, received number'],
    ['a flag that is text', { include_byok: 'yes' }, 'include_byok: Expected boolean, received string'],
    ['a name that is a number', { scope_id: 7 }, 'scope_id: Expected string of 1 to 512 characters, received number'],
    ['an empty name', { scope_id: '' }, 'scope_id: Expected string of 1 to 512 characters, received string'],
    ['a long name', { scope_id: 'x'.repeat(513) }, 'scope_id: Expected string of 1 to 512 characters, received string'],
    ['a name that cannot be stored', { scope_id: 'a\0b' }, 'scope_id: Expected text without the character U+0000'],
    [
      'a tag that no call can carry',
      { scope: 'tag', scope_id: 'a, b' },
      'scope_id: Expected a tag of 1 to 64 letters, digits or any of . : / @ _ -',
    ],
    ['an unknown field', { limits: [] }, "Unrecognized key(s) in object: 'limits'"],
    ['a workspace of its own choosing', { workspace_id: 'other' }, "Unrecognized key(s) in object: 'workspace_id'"],
  ])('with %s is 400 and changes nothing', async (_name, body, message) => {
    const answer = await call('PUT', 'limits', { body: { ...LIMIT, ...body } });
    expect([answer.status, answer.message]).toEqual([400, message]);
    expect(changes()).toEqual([]);
  });

  it('is deleted by its name, and only that one', async () => {
    kept = [
      budget('day', '1', { metric: 'requests', scope: 'tag', scopeId: 'nightly' }),
      budget('day', '1', { metric: 'requests', scope: 'tag', scopeId: 'nightly', freeOnly: true }),
    ];
    const named = 'limits?scope=tag&scope_id=nightly&metric=requests&window=day';
    expect((await call('DELETE', `${named}&free_only=true`)).json).toEqual({ deleted: true });
    expect(kept).toEqual([expect.not.objectContaining({ freeOnly: true })]);
    expect((await call('DELETE', `${named}&free_only=false`)).status).toBe(200);
    expect(kept).toEqual([]);
    expect(await call('DELETE', named)).toMatchObject({ status: 404, message: 'There is no such limit.' });
  });

  it.each([
    ['', `scope: Expected 'workspace' | 'member' | 'key' | 'end-user' | 'tag', received nothing`],
    [
      '?scope=key&scope=tag&metric=usd&window=day',
      `scope: Expected 'workspace' | 'member' | 'key' | 'end-user' | 'tag', received ["key","tag"]`,
    ],
    ['?scope=key&metric=usd', `window: Expected 'minute' | 'day' | 'week' | 'month' | 'lifetime', received nothing`],
    ['?scope=key&metric=usd&window=day&free_only=yes', "free_only: Expected 'true' | 'false'"],
    ['?scope=key&metric=usd&window=day&limit=5', "Unrecognized key(s) in object: 'limit'"],
    ['?scope=key&metric=usd&window=day&scope_id=', 'scope_id: Expected string of 1 to 512 characters, received string'],
    ['?scope=key&metric=usd&window=day&scope_id=a%00b', 'scope_id: Expected text without the character U+0000'],
  ])('deleted by %j is 400 and deletes nothing', async (query, message) => {
    const answer = await call('DELETE', `limits${query}`);
    expect([answer.status, answer.message]).toEqual([400, message]);
    expect(changes()).toEqual([]);
  });
});

it.each(['budgets', 'budgets/daily', 'limits'])(
  '%s of another workspace are as if it were not there, and are not for inference keys',
  async (path) => {
    const body = path === 'limits' ? { scope: 'key', metric: 'tokens', window: 'day', limit: 1 } : { limit_usd: 1 };
    const query = path === 'limits' ? '?scope=key&metric=tokens&window=day' : '';
    const methods: readonly [string, string, object][] =
      path === 'budgets'
        ? [['GET', '', {}]]
        : [
            ['GET', '', {}],
            ['PUT', '', { body }],
            ['DELETE', query, {}],
          ];
    for (const [method, search, options] of methods) {
      for (const workspace of ['other', 'DEFAULT', '..%2fdefault', '%00'])
        expect(await call(method, `${path}${search}`, { ...options, workspace })).toMatchObject({
          status: 404,
          message: 'Workspace not found',
        });
      expect((await call(method, `${path}${search}`, { ...options, key: inferenceKey })).status).toBe(403);
      expect((await call(method, `${path}${search}`, { ...options, key: 'sk-way-v1-nobody' })).status).toBe(401);
    }
    expect(ingress.bus.asked).toEqual([]);
  },
);
