// A limit that is set in the middle of its window counts exactly what came before: by the rules by which it counts what comes after.
import type { Identity, QuotaRef } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { runLeaseCommands, type StoreAnswer } from '../leases/lease-lane.js';
import { rebuildLedger } from '../rebuild/rebuild-ledger.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  testLedger,
  type LineOptions,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { readQuotaUse } from './quota-use.js';

const TODAY = Date.UTC(2026, 7, 6);
const NOON = TODAY + 12 * 3_600_000;
const MONTH = Date.UTC(2026, 7, 1);
const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const OTHER_KEY = 'b'.repeat(64);
const prices = new PriceBook();
let ledger: TestLedger;

const settle = (...lines: readonly unknown[]) => settleLines(ledger.writer, prices, delivered(...lines), TIMES);
const who = { workspaceId: 'ws', memberId: 'm-1', endUserId: 'u-1', tags: ['nightly', 'search'] };
const call = (atMs: number, over: Partial<LineOptions> = {}) => ({
  ...who,
  hold: 10_000n,
  generationId: newGeneration(atMs),
  ...over,
});

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  await grantCredits(ledger.writer, { grantId: 'grant-0001', workspaceId: 'ws', amount: 10_000n, reason: 'test' });
  const corrected = call(NOON);
  await settle(
    generationFinished(call(TODAY), { usage: { input: 30, output: 10 } }),
    // A fallback: one request; what the first try used is nobody's.
    generationFinished(
      call(NOON),
      { outcome: 'failed-before-output', usage: { input: 500 }, served: false },
      { usage: { input: 20, reasoning: 10 } },
    ),
    // No request at all.
    generationFinished(call(NOON), { outcome: 'passed-over', usage: { input: 700 }, served: false }),
    generationFinished(call(NOON, { byok: true }), { usage: { cacheRead: 20 } }),
    attemptFinished(corrected, { usage: { output: 90 } }),
    // Earlier days of the month, and the month before.
    generationFinished(call(TODAY - 1), { usage: { input: 1_000 } }),
    generationFinished(call(MONTH - 1), { usage: { input: 2_000 } }),
    // Somebody else's, today.
    generationFinished(
      { workspaceId: 'ws', keyHash: OTHER_KEY, generationId: newGeneration(NOON), tags: ['search', 'other'] },
      { usage: { input: 3 } },
    ),
    generationFinished({ ...call(NOON), workspaceId: 'other' }, { usage: { input: 5_000 } }),
  );
  await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
  await settle(generationFinished(corrected, { usage: { output: 50 } }));
}, 120_000);
afterAll(() => ledger.drop());
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  expect((await rebuildLedger(ledger.writer, false)).differences).toEqual([]);
});

let quotas = 0;
const limit = (over: Pick<QuotaRef, 'scope' | 'scopeId' | 'metric'> & Partial<QuotaRef>): QuotaRef => ({
  id: `limit:${(quotas += 1)}`,
  window: 'day',
  windowStart: TODAY,
  limit: '5000',
  ...over,
});
const used = async (quota: QuotaRef, workspaceId = 'ws'): Promise<bigint | undefined> => {
  const uses = await ledger.reader.asWorkspace(workspaceId, (runner) => readQuotaUse(runner, workspaceId, [quota]));
  return uses[0]?.used;
};

const SUBJECTS: readonly (readonly [QuotaRef['scope'], string])[] = [
  ['member', 'm-1'],
  ['end-user', 'u-1'],
  ['key', KEY_HASH],
  ['tag', 'nightly'],
];
describe.each(SUBJECTS)('of %s %s', (scope, scopeId) => {
  test.each<[QuotaRef['metric'], Partial<QuotaRef>, bigint]>([
    ['usd', {}, 120n],
    ['usd', { includeByok: true }, 140n],
    ['requests', {}, 4n],
    ['tokens', {}, 140n],
    ['usd', { window: 'month', windowStart: MONTH }, 1_120n],
    ['requests', { window: 'month', windowStart: MONTH }, 5n],
    ['tokens', { window: 'month', windowStart: MONTH }, 1_140n],
    ['usd', { window: 'lifetime', windowStart: 0 }, 3_120n],
    ['requests', { window: 'lifetime', windowStart: 0 }, 6n],
    ['tokens', { window: 'lifetime', windowStart: 0 }, 3_140n],
    ['usd', { windowStart: NOON }, scope === 'key' ? 120n : 80n],
    // Which of them cost nothing, no charge tells; and a minute is over too soon.
    ['requests', { freeOnly: true }, 0n],
    ['requests', { window: 'minute', windowStart: NOON }, 0n],
  ])('%s with %j: %s', async (metric, over, expected) => {
    expect(await used(limit({ scope, scopeId, metric, ...over }))).toBe(expected);
  });
});

test.each<[QuotaRef['scope'], string, QuotaRef['metric'], bigint]>([
  ['workspace', 'ws', 'usd', 123n],
  ['workspace', 'ws', 'requests', 5n],
  ['workspace', 'ws', 'tokens', 143n],
  ['tag', 'search', 'usd', 123n],
  ['tag', 'search', 'requests', 5n],
  ['tag', 'search', 'tokens', 143n],
  ['tag', 'other', 'tokens', 3n],
  ['tag', 'nobody', 'usd', 0n],
])('of %s %s by %s: %s', async (scope, scopeId, metric, expected) => {
  expect(await used(limit({ scope, scopeId, metric }))).toBe(expected);
});

test('nobody reads what another workspace used', async () => {
  expect(await used(limit({ scope: 'tag', scopeId: 'nightly', metric: 'usd' }), 'third')).toBe(0n);
});

test('a budget of a tag lets be spent what the morning left of it, to the picodollar, and no more', async () => {
  const wallet = limit({ id: 'wallet:ws', scope: 'wallet', scopeId: 'ws', metric: 'usd', window: 'lifetime' });
  const money = limit({ id: 'limit:tag:usd', scope: 'tag', scopeId: 'nightly', metric: 'usd', limit: '200' });
  const tokens = limit({ id: 'limit:tag:tokens', scope: 'tag', scopeId: 'nightly', metric: 'tokens', limit: '225' });
  const requests = limit({
    id: 'limit:tag:requests',
    scope: 'tag',
    scopeId: 'nightly',
    metric: 'requests',
    limit: '6',
  });
  const set = [requests, tokens, money, { ...wallet, windowStart: 0 }];
  const ask = async (
    leaseId: string,
    usd: bigint,
    count: number,
    requested: number,
  ): Promise<StoreAnswer | undefined> => {
    const need = { usd: usd.toString(), requests: requested, tokens: count };
    const grant = {
      kind: 'grant',
      v: 1,
      leaseId,
      instance: 'ingress-1',
      workspaceId: 'ws',
      keyHash: KEY_HASH,
    } as const;
    const options = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: () => NOON };
    return (await runLeaseCommands(ledger.writer, [{ ...grant, quotas: set, need, want: need }], options))[0];
  };
  expect(await ask('lease-0000over1', 81n, 1, 1)).toMatchObject({ refused: { quotaId: money.id, left: '80' } });
  expect(await ask('lease-0000over2', 1n, 86, 1)).toMatchObject({ refused: { quotaId: tokens.id, left: '85' } });
  expect(await ask('lease-0000over3', 1n, 1, 3)).toMatchObject({ refused: { quotaId: requests.id, left: '2' } });
  expect(await ask('lease-00000fits', 80n, 85, 2)).toMatchObject({ granted: {} });
  await settle(
    generationFinished(call(NOON, { leaseId: 'lease-00000fits', hold: 80n, quotaSet: set.map(({ id }) => id) }), {
      usage: { input: 80 },
      requests: 1,
      holdTokens: 85,
    }),
  );
  const now = await ledger.reader.asWorkspace('ws', (runner) => readQuotaUse(runner, 'ws', [money, tokens, requests]));
  expect(now.map((use) => use.used)).toEqual([200n, 220n, 5n]);
  expect(await ask('lease-0000over4', 1n, 0, 0)).toMatchObject({ refused: { quotaId: money.id, left: '0' } });
});

test.each<[string, Identity['tags'], readonly string[] | null]>([
  ['sorted, each once', ['b', 'a', 'b'], ['a', 'b']],
  ['with a character that Postgres holds not', ['a\0'], ['a\uFFFD']],
  ['none', [], null],
  ['left out', undefined, null],
])('a charge has its tags: %s', async (_what, tags, stored) => {
  const generationId = newGeneration();
  const line = generationFinished({ workspaceId: 'tagged', generationId, byok: true });
  await settle({ ...line, identity: { ...line.identity, ...(tags === undefined ? {} : { tags }) } });
  expect(await ledger.asAdmin(`select tags from charge where generation_id = $1`, [generationId])).toEqual([
    { tags: stored },
  ]);
});

test('whichever witness is heard, the charge has the tags of the call', async () => {
  const [byWorker, byBoth] = [
    call(NOON, { byok: true, workspaceId: 'heard' }),
    call(NOON, { byok: true, workspaceId: 'heard' }),
  ];
  await settle(attemptFinished(byWorker), attemptFinished(byBoth), generationFinished(byBoth));
  await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
  await settle(generationFinished(byWorker, { usage: { input: 1 } }));
  const rows = await ledger.asAdmin(
    `select revision, tags from charge where workspace_id = 'heard' order by generation_id, revision`,
  );
  expect(rows).toEqual(rows.map((row) => ({ ...(row as object), tags: ['nightly', 'search'] })));
  expect(rows).toHaveLength(3);
});
