// What people read of their usage is the fold of their charges, exactly, whether a day has been summed up or not.
import { postgresDatabase } from '@waystation/testing';
import { toWaystationError, type UsageDimension } from '@waystation/contracts';
import { grantCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  delivered,
  generationFinished,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { DAY_MS, rangesWithout, readUsage, type UsageQuery, type UsageRow } from './read-usage.js';
import { rebuildDays, rollDays } from './roll-days.js';

const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const NOW = Date.parse('2026-11-20T12:00:00Z');
const atDay = (daysAgo: number, hour = 1): number =>
  Date.parse('2026-11-20T00:00:00Z') - daysAgo * DAY_MS + hour * 3_600_000;
const KEYS = ['a'.repeat(64), 'b'.repeat(64)] as const;

let ledger: TestLedger;
const prices = new PriceBook();

const settle = async (...lines: readonly unknown[]): Promise<void> => {
  await settleLines(ledger.writer, prices, delivered(...lines), TIMES);
};
const byok = (daysAgo: number, provider: string, keyHash: string, hour = 1) => ({
  ...{ workspaceId: 'ws', provider, keyHash, byok: true, generationId: newGeneration(atDay(daysAgo, hour)) },
});

/** Charges without a wallet go to `variance`; the customer's own key pays whatever there is. */
beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  for (const daysAgo of [0, 1, 2, 5]) {
    await settle(
      generationFinished(byok(daysAgo, 'acme', KEYS[0])),
      generationFinished(byok(daysAgo, 'acme', KEYS[1], 23), {
        usage: { input: 5, cacheRead: 7, output: 3, reasoning: 4 },
      }),
      generationFinished(
        byok(daysAgo, 'sandbox', KEYS[0]),
        { outcome: 'failed-before-output', usage: {}, served: false },
        { usage: { input: 1, output: 1 } },
      ),
      generationFinished({ ...byok(daysAgo, 'acme', KEYS[0]), workspaceId: 'other' }),
    );
  }
}, 120_000);
afterAll(() => ledger.drop());

const read = (query: Partial<UsageQuery>) =>
  ledger.reader.asWorkspace('ws', (runner) =>
    readUsage(runner, {
      workspaceId: 'ws',
      fromMs: atDay(30, 0),
      toMs: atDay(-1, 0),
      groupBy: [],
      limit: 100,
      ...query,
    }),
  );
const shapes: readonly (readonly UsageDimension[])[] = [
  [],
  ['day'],
  ['key'],
  ['provider', 'model'],
  ['day', 'model', 'endpoint', 'provider'],
  ['hour'],
  ['member', 'app'],
  ['workspace', 'end_user'],
];
const readAll = async () => {
  const all = [];
  for (const groupBy of shapes) all.push(await read({ groupBy }));
  all.push(await read({ groupBy: ['day'], fromMs: atDay(2, 12), toMs: atDay(0, 12) }));
  all.push(await read({ groupBy: ['model'], filters: [{ dimension: 'key', values: [KEYS[1]] }] }));
  all.push(await read({ groupBy: ['key'], filters: [{ dimension: 'provider', values: ['acme'], not: true }] }));
  all.push(await read({ groupBy: ['key'], filters: [{ dimension: 'member', values: ['m'], unset: true }] }));
  return all;
};

test('usage counts what was served, with cached and reasoning tokens inside prompt and completion', async () => {
  expect(await read({ groupBy: ['day', 'provider', 'key'], fromMs: atDay(2, 0), toMs: atDay(1, 0) })).toEqual([
    {
      group: ['2026-11-18', 'acme', KEYS[0]],
      ...{ usage: 0n, byokUsage: 30n, requests: 1, promptTokens: 10, completionTokens: 20 },
      ...{ reasoningTokens: 0, cachedTokens: 0 },
    },
    {
      group: ['2026-11-18', 'acme', KEYS[1]],
      ...{ usage: 0n, byokUsage: 19n, requests: 1, promptTokens: 12, completionTokens: 7 },
      ...{ reasoningTokens: 4, cachedTokens: 7 },
    },
    {
      group: ['2026-11-18', 'sandbox', KEYS[0]],
      ...{ usage: 0n, byokUsage: 2n, requests: 1, promptTokens: 1, completionTokens: 1 },
      ...{ reasoningTokens: 0, cachedTokens: 0 },
    },
  ]);
});

test('summing days up, again, or all anew changes no answer', async () => {
  const before = await readAll();
  expect(await rollDays(ledger.writer, NOW, NOW)).toBeGreaterThan(0);
  expect(await ledger.asAdmin(`select 1 from usage_rolled where day = '2026-11-20'`)).toEqual([]);
  expect(await readAll()).toEqual(before);
  await rollDays(ledger.writer, NOW, 0);
  expect(await readAll()).toEqual(before);
  await rebuildDays(ledger.writer, NOW);
  expect(await readAll()).toEqual(before);
});

test('a correction of a day that was summed up is seen after the next run, with the difference and the last word on tokens', async () => {
  const generation = byok(5, 'late', KEYS[0]);
  await settle(attemptFinished(generation, { usage: { input: 10, output: 5 } }));
  await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
  await settle(generationFinished(generation, { usage: { input: 10, output: 40 } }));
  await rollDays(ledger.writer, NOW, Date.now());
  expect(await read({ groupBy: ['provider'], filters: [{ dimension: 'provider', values: ['late'] }] })).toMatchObject([
    { byokUsage: 50n, requests: 1, promptTokens: 10, completionTokens: 40 },
  ]);
});

test('verify names a day whose sums are not those of its charges', async () => {
  await ledger.asAdmin(
    `set session_replication_role = replica; update charge set settled_at = settled_at - interval '1 day'`,
  );
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  await ledger.asAdmin(
    `update usage_day set requests = requests + 1 where day = '2026-11-18' and provider = 'sandbox'`,
  );
  expect((await verifyLedger(ledger.writer)).problems).toEqual([
    expect.stringMatching(/^usage by day is the fold of charges: workspace ws on 2026-11-18.*endpoint sandbox:echo/),
  ]);
  await rebuildDays(ledger.writer, NOW);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

test('all workspaces together are what each of them is', async () => {
  const query = { fromMs: atDay(30, 0), toMs: atDay(-1, 0), groupBy: ['workspace'], limit: 100 } as const;
  const all = await ledger.writer.transaction((runner) => readUsage(runner, query));
  expect(all.map(({ group }) => group)).toEqual([['other'], ['ws']]);
  expect(all[1]).toEqual((await read({ groupBy: ['workspace'] }))[0]);
  expect(await ledger.reader.transaction((runner) => readUsage(runner, query))).toEqual([]);
});

test('another workspace sees nothing, and a range that is none is refused', async () => {
  const foreign = await ledger.reader.asWorkspace('other', (runner) =>
    readUsage(runner, { workspaceId: 'ws', fromMs: atDay(30), toMs: atDay(0), groupBy: ['day'], limit: 10 }),
  );
  expect(foreign).toEqual([]);
  const codeOf = (query: Partial<UsageQuery>) =>
    read(query).then(
      () => undefined,
      (e: unknown) => toWaystationError(e).code,
    );
  expect(await codeOf({ fromMs: 5, toMs: 5 })).toBe('invalid_request');
  expect(await codeOf({ fromMs: 0 })).toBe('invalid_request');
  expect(await codeOf({ orderBy: { field: 'day', descending: true } })).toBe('invalid_request');
});

test.each([
  [[], 0, 3, [[0, 3]]],
  [['1970-01-01'], 0, 3, [[1, 3]]],
  [
    ['1970-01-02'],
    0,
    3,
    [
      [0, 1],
      [2, 3],
    ],
  ],
  [['1970-01-01', '1970-01-02', '1970-01-03'], 0, 3, []],
])('a range without %j', (days, from, to, left) => {
  expect(rangesWithout(days, from * DAY_MS, to * DAY_MS)).toEqual(
    left.map(([a = 0, b = 0]) => [a * DAY_MS, b * DAY_MS]),
  );
});

describe('whom usage was for', () => {
  const TITLED = { title: 'Alpha', referer: 'https://alpha.example' };
  const NAMED = { referer: 'https://beta.example' };
  /** Calls of three days: a call costs a picodollar a token. `usage` is what was concluded at last. */
  const CALLS = [
    {
      daysAgo: 3,
      keyHash: KEYS[0],
      memberId: 'm-1',
      app: TITLED,
      endUserId: 'u-1',
      sessionId: 's-1',
      tags: ['nightly'],
    },
    { daysAgo: 3, keyHash: KEYS[0], memberId: 'm-1', app: TITLED, endUserId: 'u-2', tags: ['search', 'nightly'] },
    { daysAgo: 3, keyHash: KEYS[1], memberId: 'm-2', app: NAMED, endUserId: 'u-1', tags: ['nightly', 'search'] },
    { daysAgo: 4, keyHash: KEYS[1], memberId: 'm-2', app: NAMED, tags: ['search'] },
    { daysAgo: 4, keyHash: KEYS[1], sessionId: 's-1' },
    { daysAgo: 0, keyHash: KEYS[0], memberId: 'm-1', endUserId: 'u-1', tags: ['search', 'eu/west', 'nightly'] },
  ].map((call, index) => ({
    ...call,
    usage: { input: 100 + index, output: 7 ** index },
    cost: BigInt(100 + index + 7 ** index),
  }));
  type Call = (typeof CALLS)[number];
  const NAMES: Readonly<Record<string, (call: Call) => readonly (string | null)[]>> = {
    day: ({ daysAgo }) => [new Date(atDay(daysAgo)).toISOString().slice(0, 10)],
    hour: ({ daysAgo }) => [new Date(atDay(daysAgo)).toISOString()],
    workspace: () => ['labelled'],
    key: ({ keyHash }) => [keyHash],
    member: ({ memberId }) => [memberId ?? null],
    app: ({ app }) => [app === TITLED ? 'Alpha' : (app?.referer ?? null)],
    end_user: ({ endUserId }) => [endUserId ?? null],
    session: ({ sessionId }) => [sessionId ?? null],
    model: () => ['sandbox/echo'],
    provider: () => ['sandbox'],
    endpoint: () => ['sandbox:echo'],
    tag: ({ tags }) => tags ?? [null],
  };
  const readLabelled = (query: Partial<UsageQuery>): Promise<UsageRow[]> =>
    ledger.reader.asWorkspace('labelled', (runner) =>
      readUsage(runner, {
        ...{ workspaceId: 'labelled', fromMs: atDay(30, 0), toMs: atDay(-1, 0), groupBy: [], limit: 100, ...query },
      }),
    );
  const groups = (rows: readonly UsageRow[]) =>
    Object.fromEntries(rows.map(({ group, usage, requests }) => [String(group[0]), { usage, requests }]));
  const folded = (calls: readonly Call[], namesOf: (call: Call) => readonly (string | null)[]) => {
    const sums: Record<string, { usage: bigint; requests: number }> = {};
    for (const call of calls)
      for (const name of namesOf(call)) {
        const { usage, requests } = sums[String(name)] ?? { usage: 0n, requests: 0 };
        sums[String(name)] = { usage: usage + call.cost, requests: requests + 1 };
      }
    return sums;
  };
  const totalOf = (rows: readonly UsageRow[]) => ({
    usage: rows.reduce((sum, { usage }) => sum + usage, 0n),
    requests: rows.reduce((sum, { requests }) => sum + requests, 0),
  });
  const TOTAL = { usage: CALLS.reduce((sum, { cost }) => sum + cost, 0n), requests: CALLS.length };
  /** What calls with several tags come to beyond their first one. */
  const OVERLAP = CALLS.reduce(
    ({ usage, requests }, { cost, tags = [] }) => {
      const more = Math.max(0, tags.length - 1);
      return { usage: usage + cost * BigInt(more), requests: requests + more };
    },
    { usage: 0n, requests: 0 },
  );

  beforeAll(async () => {
    const workspaceId = 'labelled';
    await grantCredits(ledger.writer, { grantId: 'grant-labelled', workspaceId, amount: 1_000_000n, reason: 'test' });
    for (const call of CALLS) {
      const on = { ...call, workspaceId, hold: 1_000_000n, generationId: newGeneration(atDay(call.daysAgo)) };
      const failed = { outcome: 'failed-before-output', usage: { input: 9 }, served: false } as const;
      // The worker alone says less first: a correction, with the same labels.
      await settle(attemptFinished(on, { usage: { input: 1 } }, 1));
      await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
      await settle(generationFinished(on, failed, { usage: call.usage }));
    }
  });

  test.each([
    [
      'from charges',
      () => ledger.asAdmin('delete from usage_rolled').then(() => ledger.asAdmin('delete from usage_day')),
    ],
    ['from days that are summed up', () => rollDays(ledger.writer, NOW, 0)],
    ['from days that are summed up anew', () => rebuildDays(ledger.writer, NOW)],
  ])('%s: groups of each dimension are what its calls cost, and add up to the whole', async (_what, prepare) => {
    await prepare();
    expect(totalOf(await readLabelled({}))).toEqual(TOTAL);
    for (const [dimension, namesOf] of Object.entries(NAMES)) {
      const rows = await readLabelled({ groupBy: [dimension as UsageDimension] });
      expect([dimension, groups(rows)]).toEqual([dimension, folded(CALLS, namesOf)]);
      const beyond = dimension === 'tag' ? OVERLAP : { usage: 0n, requests: 0 };
      expect(totalOf(rows)).toEqual({ usage: TOTAL.usage + beyond.usage, requests: TOTAL.requests + beyond.requests });
    }
    expect(OVERLAP.requests).toBe(4);
    expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  });

  test.each<[string, NonNullable<UsageQuery['filters']>[number], (call: Call) => boolean]>([
    ['with a tag', { dimension: 'tag', values: ['nightly'] }, ({ tags }) => tags?.includes('nightly') === true],
    [
      'with any of two',
      { dimension: 'tag', values: ['eu/west', 'search'] },
      ({ tags }) => tags?.includes('search') === true,
    ],
    [
      'with a tag or none',
      { dimension: 'tag', values: ['eu/west'], unset: true },
      ({ tags }) => tags?.includes('eu/west') !== false,
    ],
    [
      'with tags, but not this',
      { dimension: 'tag', values: ['nightly'], not: true },
      ({ tags }) => tags?.includes('nightly') === false,
    ],
    [
      'without a tag',
      { dimension: 'tag', values: ['nightly'], not: true, unset: true },
      ({ tags }) => tags?.includes('nightly') !== true,
    ],
    ['of an app', { dimension: 'app', values: ['Alpha'] }, ({ app }) => app === TITLED],
    ['of an end user', { dimension: 'end_user', values: ['u-1'] }, ({ endUserId }) => endUserId === 'u-1'],
    ['of a member', { dimension: 'member', values: ['m-2'] }, ({ memberId }) => memberId === 'm-2'],
  ])('calls %s are chosen whole, whatever they are grouped by', async (_what, filter, chosen) => {
    const calls = CALLS.filter(chosen);
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.length).toBeLessThan(CALLS.length);
    for (const dimension of ['key', 'tag', 'day'] as const) {
      const rows = await readLabelled({ groupBy: [dimension], filters: [filter] });
      expect(groups(rows)).toEqual(folded(calls, NAMES[dimension] ?? (() => [])));
    }
  });

  test('tags are ordered and go with other dimensions', async () => {
    const query = { groupBy: ['tag', 'key'], orderBy: { field: 'tag', descending: true }, limit: 2 } as const;
    const rows = await readLabelled(query);
    expect(rows.map(({ group }) => group)).toEqual([
      ['search', KEYS[0]],
      ['search', KEYS[1]],
      ['nightly', KEYS[0]],
    ]);
  });
});
