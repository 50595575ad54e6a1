// Leases against a real Postgres: no interleaving of grants passes a limit, refusals name the quota and say whether waiting helps, repetition has no effect.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LeaseGrantRequest, LeaseRefusal, QuotaRef } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { readKeyUsage } from '../keys/key-usage.js';
import { PriceBook } from '../settle/price-book.js';
import { readQuotaUse } from '../quotas/quota-use.js';
import { settleLines } from '../settle/settle-lines.js';
import { closeLeases } from '../sweep/sweep.js';
import { delivered, generationFinished, KEY_HASH, testLedger, type TestLedger } from '../test-ledger.js';
import { leaseRequest, walletOf } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { LeaseLane, runLeaseCommands, type LaneAnswer, type LeaseCommand } from './lease-lane.js';

const USD = 1_000_000_000_000n;
const NOW = Date.UTC(2026, 7, 6, 12);
let ledger: TestLedger;
let lanes: LeaseLane[];
let nowMs = NOW;
let count = 0;
/** What an ingress does when it is asked for leases: nothing, unless a test says otherwise. */
let onRecall: (instance: string, leaseIds: readonly string[]) => void = () => undefined;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());
beforeEach(() => {
  nowMs = NOW;
  onRecall = () => undefined;
  const options = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: () => nowMs };
  // Several billing processes: each has a lane of its own.
  lanes = [0, 1, 2].map(
    () =>
      new LeaseLane((commands) => runLeaseCommands(ledger.writer, commands, options), {
        recall: (instance, leaseIds) => onRecall(instance, leaseIds),
        waitMs: 500,
        now: () => performance.now(),
      }),
  );
});
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

const newWorkspace = async (amount: bigint): Promise<string> => {
  count += 1;
  const workspaceId = `ws-${count}`;
  if (amount > 0n)
    await grantCredits(ledger.writer, { grantId: `grant-${count}-1`, workspaceId, amount, reason: 'test' });
  return workspaceId;
};
const dailyOf = (workspaceId: string, limit: bigint): QuotaRef => ({
  ...{
    id: `key:${workspaceId}:usd:day:${Date.UTC(2026, 7, 6)}`,
    scope: 'key',
    scopeId: KEY_HASH,
    metric: 'usd',
    window: 'day',
  },
  ...{ windowStart: Date.UTC(2026, 7, 6), limit: limit.toString() },
});
const vector = (usd: bigint) => ({ usd: usd.toString(), requests: 0, tokens: 0 });
let leases = 0;
const newLease = (): string => `lease-1111${String((leases += 1)).padStart(6, '0')}`;
const submit = (command: LeaseCommand, lane = 0): Promise<LaneAnswer> =>
  lanes[lane]?.submit(command) ?? Promise.reject(new Error('no such lane'));
const requestOf = (workspaceId: string, usd: bigint): LeaseGrantRequest =>
  leaseRequest({ leaseId: newLease(), workspaceId, usd });
const grant = (
  workspaceId: string,
  need: bigint,
  over: Partial<LeaseGrantRequest> & { lane?: number } = {},
): Promise<LaneAnswer> => {
  const { lane, ...fields } = over;
  return submit({ kind: 'grant', ...requestOf(workspaceId, need), ...fields }, lane);
};
/** Somebody's statement stands at a lock in this test's database. */
const untilOneWaitsForALock = async (): Promise<void> => {
  for (let looks = 0; looks < 1_000; looks += 1) {
    const waiting = await ledger.asAdmin(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
    await sleep(10);
  }
  throw new Error('no statement came to wait for a lock');
};
const grantedTo = (answer: LaneAnswer): bigint => ('granted' in answer ? BigInt(answer.granted.granted.usd) : 0n);
const refusalIn = (answer: LaneAnswer): LeaseRefusal | undefined => ('refused' in answer ? answer.refused : undefined);
const codeIn = (answer: LaneAnswer): string | undefined => ('rejected' in answer ? answer.rejected.code : undefined);
const creditsOf = (workspaceId: string) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCredits(runner, workspaceId));

test('200 grants of $0.10 at once over three processes against a wallet of $5.00: exactly 50 are given', async () => {
  const workspaceId = await newWorkspace(5n * USD);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => grant(workspaceId, USD / 10n, { lane: index % 3 })),
  );
  expect(answers.filter((answer) => grantedTo(answer) === USD / 10n)).toHaveLength(50);
  expect(new Set(answers.flatMap((answer) => refusalIn(answer)?.quotaId ?? []))).toEqual(
    new Set([`wallet:${workspaceId}`]),
  );
  expect(await creditsOf(workspaceId)).toEqual({ purchased: 5n * USD, used: 0n, balance: 5n * USD, held: 5n * USD });
});

test('a process that decides waits for what another one has decided and not yet committed', async () => {
  const workspaceId = await newWorkspace(100n);
  const options = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: () => nowMs };
  const ask = (database: Database) =>
    runLeaseCommands(database, [{ kind: 'grant', ...requestOf(workspaceId, 60n) }], options);
  let commit = (): void => undefined;
  const mayCommit = new Promise<void>((resolve) => (commit = resolve));
  let first: Promise<unknown> | undefined;
  await new Promise<void>((decided) => {
    first = ask({
      ...ledger.writer,
      transaction: (work) =>
        ledger.writer.transaction(async (runner) => {
          const result = await work(runner);
          decided();
          await mayCommit;
          return result;
        }),
    });
  });
  const second = ask(ledger.writer);
  await untilOneWaitsForALock();
  commit();
  expect(await first).toMatchObject([{ granted: { granted: { usd: '60' } } }]);
  expect(await second).toMatchObject([{ refused: { asked: '60', left: '40' } }]);
});

test('200 grants that want more than they need never pass the wallet, and all are served while it lasts', async () => {
  const workspaceId = await newWorkspace(5n * USD);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => grant(workspaceId, USD / 100n, { lane: index % 3, want: vector(USD) })),
  );
  const given = answers.reduce((sum, answer) => sum + grantedTo(answer), 0n);
  expect(given <= 5n * USD).toBe(true);
  expect(given >= 4n * USD).toBe(true);
  expect((await creditsOf(workspaceId)).held).toBe(given);
});

test('far from a limit a grant is what is wanted, near it exactly what is needed', async () => {
  const workspaceId = await newWorkspace(1_000n);
  expect(grantedTo(await grant(workspaceId, 10n, { want: vector(100n) }))).toBe(100n);
  expect(grantedTo(await grant(workspaceId, 10n, { want: vector(900n) }))).toBe(225n);
  expect(grantedTo(await grant(workspaceId, 600n, { want: vector(675n) }))).toBe(600n);
  expect(grantedTo(await grant(workspaceId, 75n, { want: vector(900n) }))).toBe(75n);
});

test('each quota of the set refuses in turn when it is the tightest, and a refused request holds nothing', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const quotas = (limit: bigint) => [dailyOf(workspaceId, limit), walletOf(workspaceId)];
  expect(refusalIn(await grant(workspaceId, 501n, { quotas: quotas(500n) }))).toEqual({
    ...{ code: 'limit_exceeded', quotaId: dailyOf(workspaceId, 0n).id, scope: 'key', metric: 'usd', window: 'day' },
    ...{ asked: '501', left: '500', limit: '500', resetsAt: Date.UTC(2026, 7, 7) },
  });
  expect(refusalIn(await grant(workspaceId, 1_001n, { quotas: quotas(5_000n) }))).toEqual({
    ...{
      code: 'insufficient_credits',
      quotaId: `wallet:${workspaceId}`,
      scope: 'wallet',
      metric: 'usd',
      window: 'lifetime',
    },
    ...{ asked: '1001', left: '1000' },
  });
  expect(await creditsOf(workspaceId)).toMatchObject({ held: 0n });
  expect(grantedTo(await grant(workspaceId, 500n, { quotas: quotas(500n) }))).toBe(500n);
});

test('amounts beyond the range of a double stay exact in the database', async () => {
  const large = 2n ** 53n + 1n;
  const workspaceId = await newWorkspace(3n * large);
  const leaseId = newLease();
  expect(grantedTo(await grant(workspaceId, large, { leaseId }))).toBe(large);
  const spent = generationFinished(
    { workspaceId, leaseId, hold: large, price: { perUnit: { input: large.toString() } } },
    { usage: { input: 1 } },
  );
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  // The return tells the quota what was spent; the next grant reads it back.
  await submit({ kind: 'return', leaseId, step: 1, keep: vector(large), final: true });
  expect(grantedTo(await grant(workspaceId, large))).toBe(large);
  expect(await creditsOf(workspaceId)).toEqual({
    ...{ purchased: 3n * large, used: large, balance: 2n * large, held: large },
  });
  expect(refusalIn(await grant(workspaceId, large + 1n))).toMatchObject({ left: large.toString() });
});

test('an empty or unknown wallet is insufficient credits', async () => {
  const workspaceId = await newWorkspace(0n);
  expect(refusalIn(await grant(workspaceId, 1n))).toMatchObject({ code: 'insufficient_credits', left: '0' });
});

test('waiting helps only against what may come back unused', async () => {
  const workspaceId = await newWorkspace(100n);
  const leaseId = newLease();
  await grant(workspaceId, 100n, { leaseId });
  expect(refusalIn(await grant(workspaceId, 60n))).toMatchObject({ code: 'in_flight', retryAfterMs: 1_000, left: '0' });
  const spent = generationFinished({ workspaceId, leaseId }, { usage: { input: 50 } });
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  expect(refusalIn(await grant(workspaceId, 60n))).toMatchObject({ code: 'insufficient_credits', left: '0' });
  expect(refusalIn(await grant(workspaceId, 50n))).toMatchObject({ code: 'in_flight' });
});

test('what a lease has spent counts once where it is closed and another one refused in the same batch', async () => {
  const workspaceId = await newWorkspace(180n);
  const leaseId = newLease();
  await grant(workspaceId, 50n, { leaseId });
  await grant(workspaceId, 60n);
  const spent = generationFinished({ workspaceId, leaseId }, { usage: { input: 50 } });
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  const options = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: () => nowMs };
  const close = { kind: 'return', leaseId, step: 1, keep: vector(50n), final: true } as const;
  const ask = { kind: 'grant', ...requestOf(workspaceId, 100n) } as const;
  // 50 are spent and 60 held: 130 would be there, were those given back; were the 50 counted twice, 80.
  const answers = await runLeaseCommands(ledger.writer, [close, ask], options);
  expect(answers).toMatchObject([{ released: vector(0n) }, { refused: { code: 'in_flight', left: '70' } }]);
  const further = await runLeaseCommands(ledger.writer, [{ kind: 'grant', ...requestOf(workspaceId, 131n) }], options);
  expect(further).toMatchObject([{ refused: { code: 'insufficient_credits', left: '70' } }]);
});

test('the same lease id is the same grant, in one batch or later, until it is closed', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  const [first, second] = await Promise.all([
    grant(workspaceId, 100n, { leaseId }),
    grant(workspaceId, 100n, { leaseId }),
  ]);
  expect(second).toEqual(first);
  nowMs += 20_000;
  const again = await grant(workspaceId, 100n, { leaseId, lane: 1 });
  expect(again).toMatchObject({ granted: { granted: { usd: '100' }, takeForMs: 40_000, endsAt: NOW + 60_000 } });
  expect(await creditsOf(workspaceId)).toMatchObject({ held: 100n });
  await closeLeases(ledger.writer, NOW + 60_000);
  expect(codeIn(await grant(workspaceId, 100n, { leaseId }))).toBe('conflict');
});

test('a lease never outlives the window of a quota', async () => {
  const workspaceId = await newWorkspace(1_000n);
  nowMs = Date.UTC(2026, 7, 7) - 5_000;
  const quotas = [dailyOf(workspaceId, 500n), walletOf(workspaceId)];
  expect(await grant(workspaceId, 1n, { quotas })).toMatchObject({
    granted: { takeForMs: 5_000, endsAt: Date.UTC(2026, 7, 7) },
  });
  nowMs = Date.UTC(2026, 7, 7);
  expect(codeIn(await grant(workspaceId, 1n, { quotas }))).toBe('conflict');
});

test('a renewal adds to a lease and its time, once for each step', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  await grant(workspaceId, 100n, { leaseId });
  nowMs += 30_000;
  const renewal = { kind: 'renew', leaseId, step: 1, need: vector(50n), want: vector(50n) } as const;
  const expected = { granted: { leaseId, granted: { usd: '150' }, takeForMs: 60_000, endsAt: NOW + 90_000 } };
  expect(await submit(renewal)).toMatchObject(expected);
  expect(await submit(renewal, 1)).toMatchObject(expected);
  expect(refusalIn(await submit({ ...renewal, step: 2, need: vector(851n) }))).toMatchObject({
    code: 'in_flight',
    asked: '851',
    left: '850',
  });
  expect(codeIn(await submit({ ...renewal, step: 0 }))).toBe('conflict');
  expect(codeIn(await submit({ ...renewal, leaseId: newLease() }))).toBe('not_found');
  expect(await creditsOf(workspaceId)).toMatchObject({ held: 150n });
});

test('a return gives back what is neither held nor spent, even before the spending is settled', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  await grant(workspaceId, 500n, { leaseId });
  const giveBack = { kind: 'return', leaseId, step: 1, keep: vector(130n), final: false } as const;
  expect(await submit(giveBack)).toEqual({ released: vector(370n) });
  expect(await submit(giveBack, 2)).toEqual({ released: vector(370n) });
  expect(await creditsOf(workspaceId)).toMatchObject({ held: 130n });
  const spent = generationFinished({ workspaceId, leaseId }, { usage: { input: 30 } });
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  expect(await creditsOf(workspaceId)).toEqual({ purchased: 1_000n, used: 30n, balance: 970n, held: 100n });
  expect(await submit({ ...giveBack, step: 2, keep: vector(30n), final: true })).toEqual({ released: vector(100n) });
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 30n, held: 0n });
  expect(codeIn(await submit({ kind: 'renew', leaseId, step: 9, need: vector(0n), want: vector(0n) }))).toBe(
    'conflict',
  );
});

test('a final return before settlement leaves the lease to what is spent; when that is settled it is closed', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  await grant(workspaceId, 500n, { leaseId });
  expect(await submit({ kind: 'return', leaseId, step: 1, keep: vector(30n), final: true })).toEqual({
    released: vector(470n),
  });
  const spent = generationFinished({ workspaceId, leaseId }, { usage: { input: 30 } });
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  expect(await closeLeases(ledger.writer, 0)).toBe(1);
  expect(await creditsOf(workspaceId)).toEqual({ purchased: 1_000n, used: 30n, balance: 970n, held: 0n });
});

test('a limit that is lowered below what is spent refuses, and one that is raised lets through', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const quotas = (limit: bigint) => [dailyOf(workspaceId, limit), walletOf(workspaceId)];
  await grant(workspaceId, 400n, { quotas: quotas(500n) });
  expect(refusalIn(await grant(workspaceId, 1n, { quotas: quotas(100n) }))).toMatchObject({ left: '0' });
  expect(grantedTo(await grant(workspaceId, 200n, { quotas: quotas(700n) }))).toBe(200n);
});

test('what remains of a key limit counts settled usage and no idle slice', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  await grant(workspaceId, 400n, { leaseId, quotas: [dailyOf(workspaceId, 500n), walletOf(workspaceId)] });
  const spent = generationFinished({ workspaceId, leaseId, at: NOW }, { usage: { input: 30 } });
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  const read = (at: number) =>
    ledger.reader.asWorkspace(workspaceId, (runner) =>
      readKeyUsage(runner, workspaceId, [KEY_HASH, 'b'.repeat(64)], at),
    );
  expect(await read(NOW)).toEqual([
    {
      ...{ hash: KEY_HASH, limitRemaining: 470n, byokUsage: { total: 0n, daily: 0n, weekly: 0n, monthly: 0n } },
      usage: { total: 30n, daily: 30n, weekly: 30n, monthly: 30n },
    },
    {
      ...{ hash: 'b'.repeat(64), usage: { total: 0n, daily: 0n, weekly: 0n, monthly: 0n } },
      byokUsage: { total: 0n, daily: 0n, weekly: 0n, monthly: 0n },
    },
  ]);
  const [nextDay] = await read(Date.UTC(2026, 7, 7));
  expect(nextDay?.usage).toEqual({ total: 30n, daily: 0n, weekly: 30n, monthly: 30n });
  expect(nextDay?.limitRemaining).toBeUndefined();
  const [nextMonth] = await read(Date.UTC(2026, 8, 7));
  expect(nextMonth?.usage).toEqual({ total: 30n, daily: 0n, weekly: 0n, monthly: 0n });
});

test.each([
  ['without the wallet', [dailyOf('x', 5n)]],
  ['with the wallet of another workspace', [walletOf('other')]],
  ['that counts what cannot be leased', [{ ...dailyOf('x', 5n), metric: 'in-flight' as const }, walletOf('ws-bad')]],
  ['without a limit', [{ ...walletOf('ws-bad'), id: 'key:x', scope: 'key' as const }, walletOf('ws-bad')]],
  ['that names a quota twice', [walletOf('ws-bad'), walletOf('ws-bad')]],
])('a quota set %s is refused as invalid', async (_name, quotas) => {
  expect(codeIn(await grant('ws-bad', 1n, { quotas }))).toBe('invalid_request');
});

test('what lies idle elsewhere is called back before anybody is refused, and what is claimed stays', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const idle = newLease();
  await grant(workspaceId, 900n, { leaseId: idle, instance: 'ingress-2' });
  const called: string[] = [];
  onRecall = (instance, leaseIds) => {
    called.push(instance, ...leaseIds);
    void submit({ kind: 'return', leaseId: idle, step: 1, keep: vector(100n), final: true }, 0);
  };
  expect(grantedTo(await grant(workspaceId, 900n))).toBe(900n);
  expect(called).toEqual(['ingress-2', idle]);
  const refused = refusalIn(await grant(workspaceId, 1n));
  expect(refused).toMatchObject({ code: 'in_flight', left: '0' });
});

test('requests and tokens are held, settled and refused like money, in the same lease', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const minuteOf = (metric: 'requests' | 'tokens', limit: number): QuotaRef => ({
    ...dailyOf(workspaceId, BigInt(limit)),
    ...{ id: `key:${workspaceId}:${metric}`, metric, window: 'minute', windowStart: NOW },
  });
  const quotas = [minuteOf('requests', 3), minuteOf('tokens', 500), walletOf(workspaceId)];
  const need = { usd: '100', requests: 1, tokens: 200 };
  const leaseId = newLease();
  const ask = (over: Partial<typeof need>, id = newLease()) =>
    grant(workspaceId, 0n, { leaseId: id, quotas, need: { ...need, ...over }, want: need });
  expect(await ask({}, leaseId)).toMatchObject({ granted: { granted: need } });
  expect(refusalIn(await ask({ tokens: 301 }))).toMatchObject({ code: 'rate_limited', metric: 'tokens', left: '300' });
  expect(refusalIn(await ask({ requests: 3 }))).toMatchObject({
    ...{ code: 'rate_limited', metric: 'requests', asked: '3', left: '2', limit: '3', retryAfterMs: 1_000 },
  });
  const spent = generationFinished(
    { workspaceId, leaseId, hold: 100n },
    { usage: { input: 30, output: 50 }, requests: 1, holdTokens: 200 },
  );
  await settleLines(ledger.writer, new PriceBook(), delivered(spent), { witnessWaitMs: 1, graceMs: 1 });
  expect(
    await submit({ kind: 'return', leaseId, step: 1, keep: { usd: '80', requests: 1, tokens: 80 }, final: true }),
  ).toEqual({
    released: { usd: '20', requests: 0, tokens: 120 },
  });
  const use = await ledger.reader.asWorkspace(workspaceId, (runner) =>
    readQuotaUse(runner, workspaceId, [...quotas, { ...walletOf(workspaceId), id: 'key:nothing' }]),
  );
  expect(use).toEqual([
    { id: `key:${workspaceId}:requests`, used: 1n, held: 0n },
    { id: `key:${workspaceId}:tokens`, used: 80n, held: 0n },
    { id: `wallet:${workspaceId}`, used: 80n, held: 0n },
    { id: 'key:nothing', used: 0n, held: 0n },
  ]);
  nowMs = NOW + 10_000;
  expect(refusalIn(await ask({ requests: 3 }))).toMatchObject({
    left: '2',
    retryAfterMs: 50_000,
    resetsAt: NOW + 60_000,
  });
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

test('a budget that is set in the middle of its window counts what was spent in it before', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const leaseId = newLease();
  await grant(workspaceId, 300n, { leaseId });
  const spent = (at: number) =>
    generationFinished({ workspaceId, leaseId, at, endUserId: 'u-1', memberId: 'jane' }, { usage: { input: 40 } });
  const lines = delivered(spent(NOW), spent(NOW), spent(NOW - 86_400_000));
  await settleLines(ledger.writer, new PriceBook(), lines, { witnessWaitMs: 1, graceMs: 1 });
  const of = (scope: QuotaRef['scope'], scopeId: string, window: 'day' | 'lifetime'): QuotaRef => ({
    ...{
      id: `limit:${scope}:${workspaceId}:${scopeId}:${window}`.slice(0, 128),
      scope,
      scopeId,
      metric: 'usd',
      window,
    },
    ...{ windowStart: window === 'day' ? Date.UTC(2026, 7, 6) : 0, limit: '200' },
  });
  const left = async (quota: QuotaRef): Promise<unknown> =>
    refusalIn(await grant(workspaceId, 201n, { quotas: [quota, walletOf(workspaceId)] }))?.left;
  const today = of('workspace', workspaceId, 'day');
  expect(await ledger.reader.asWorkspace(workspaceId, (runner) => readQuotaUse(runner, workspaceId, [today]))).toEqual([
    { id: today.id, used: 80n, held: 0n },
  ]);
  expect(await left(today)).toBe('120');
  expect(await left(of('workspace', workspaceId, 'lifetime'))).toBe('80');
  expect(await left(of('key', KEY_HASH, 'day'))).toBe('120');
  expect(await left(of('end-user', 'u-1', 'day'))).toBe('120');
  expect(await left(of('end-user', 'u-1', 'lifetime'))).toBe('80');
  expect(await left(of('end-user', 'u-2', 'lifetime'))).toBe('200');
  expect(await left(of('member', 'jane', 'day'))).toBe('120');
  const guardrail = (scope: 'key' | 'member', id: string, window: 'day' | 'lifetime'): QuotaRef => ({
    ...of('guardrail', 'g-1', window),
    ...{ id: `guardrail:${scope}:${id}:${window}:${workspaceId}`, subject: { scope, id } },
  });
  expect(await left(guardrail('key', KEY_HASH, 'day'))).toBe('120');
  expect(await left(guardrail('member', 'jane', 'day'))).toBe('120');
  expect(await left(guardrail('member', 'jane', 'lifetime'))).toBe('80');
  expect(await left(guardrail('member', 'joe', 'lifetime'))).toBe('200');
  expect(await left(guardrail('key', 'jane', 'lifetime'))).toBe('200');
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

test('a limit that counts own keys from now on counts what is held of them, and back', async () => {
  const workspaceId = await newWorkspace(1_000n);
  const quotas = (includeByok: boolean) => [{ ...dailyOf(workspaceId, 500n), includeByok }, walletOf(workspaceId)];
  const need = { usd: '100', requests: 0, tokens: 0, byok: '300' };
  const ask = (includeByok: boolean, usd: string) =>
    grant(workspaceId, 0n, { quotas: quotas(includeByok), need: { ...need, usd, byok: '0' }, want: vector(0n) });
  expect(await grant(workspaceId, 0n, { quotas: quotas(false), need, want: need })).toMatchObject({
    granted: { granted: need },
  });
  expect(refusalIn(await ask(true, '101'))).toMatchObject({ scope: 'key', left: '100' });
  expect(await ask(true, '100')).toMatchObject({ granted: {} });
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  expect(refusalIn(await ask(false, '301'))).toMatchObject({ scope: 'key', left: '300' });
  expect(await ask(false, '300')).toMatchObject({ granted: {} });
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

test('the same grant of credits counts once, and another amount under its id is a conflict', async () => {
  const workspaceId = await newWorkspace(0n);
  const give = (amount: bigint) =>
    grantCredits(ledger.writer, { grantId: `twice-${workspaceId}`, workspaceId, amount, reason: 'test' });
  await Promise.all([give(5n), give(5n), give(5n)]);
  expect(await creditsOf(workspaceId)).toMatchObject({ purchased: 5n });
  await expect(give(6n)).rejects.toMatchObject({ code: 'conflict' });
  await expect(
    grantCredits(ledger.writer, { grantId: 'none-1234', workspaceId, amount: 0n, reason: 'test' }),
  ).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(
    grantCredits(ledger.writer, { grantId: 'much-1234', workspaceId, amount: 10n ** 37n, reason: 'test' }),
  ).rejects.toMatchObject({ code: 'invalid_request' });
});
