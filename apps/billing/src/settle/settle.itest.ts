// Settlement against a real Postgres: witnesses in any order and number, bad lines, corrections, leases that are over. After each the ledger verifies.
import type { QuotaRef } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { readCharges } from '../explain/list-charges.js';
import { readGeneration } from '../explain/read-generation.js';
import { tellGeneration } from '../explain/tell-generation.js';
import { readKeyUsage } from '../keys/key-usage.js';
import { closeLeases, settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  attemptProgressed,
  attemptStarted,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  PRICE,
  testLedger,
  type LineOptions,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease, walletOf } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { PriceBook } from './price-book.js';
import { settleLines } from './settle-lines.js';

const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const LATER = Date.now() + 3_600_000;
let ledger: TestLedger;
let prices: PriceBook;
let count = 0;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());
beforeEach(() => {
  prices = new PriceBook();
});
afterEach(async () => {
  await overdue();
  await closeLeases(ledger.writer, LATER);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

/** A workspace with 10 000 picodollars, of which a lease of 1 000 holds; and so many requests, where a quota is to count them. */
const workspaceWithLease = async (
  limit?: bigint,
  requests = 0,
): Promise<{ workspaceId: string; leaseId: string; on: LineOptions }> => {
  count += 1;
  const workspaceId = `ws-${count}`;
  const leaseId = `lease-00000${String(count).padStart(4, '0')}`;
  await grantCredits(ledger.writer, { grantId: `grant-${count}-1`, workspaceId, amount: 10_000n, reason: 'test' });
  const own = (metric: 'usd' | 'requests', most: string): QuotaRef => ({
    ...{ id: `key:${count}:${metric}:lifetime:0`, scope: 'key', scopeId: KEY_HASH, metric },
    ...{ window: 'lifetime', windowStart: 0, limit: most },
  });
  const quotas = [
    ...(limit === undefined ? [] : [own('usd', limit.toString())]),
    ...(requests === 0 ? [] : [own('requests', '100')]),
    walletOf(workspaceId),
  ];
  await grantLease(ledger.writer, { leaseId, workspaceId, usd: 1_000n, quotas, requests });
  return { workspaceId, leaseId, on: { workspaceId, leaseId, generationId: newGeneration() } };
};

const settle = (...lines: readonly unknown[]) => settleLines(ledger.writer, prices, delivered(...lines), TIMES);
const overdue = (throughMs = LATER) => settleOverdue(ledger.writer, prices, throughMs);
const creditsOf = (workspaceId: string) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCredits(runner, workspaceId));
const chargesOf = ({ workspaceId = '', generationId = '' }: LineOptions) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCharges(runner, workspaceId, generationId));
const chargedTo = async (on: LineOptions, payer = 'credits'): Promise<bigint> =>
  (await chargesOf(on)).filter((charge) => charge.payer === payer).reduce((sum, { amount }) => sum + amount, 0n);
type Named = LineOptions & { readonly generationId: string };
const named = (on: LineOptions): Named => ({ ...on, generationId: on.generationId ?? '' });

test('the ingress alone settles a generation, to the picodollar', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  expect(await settle(generationFinished(on))).toMatchObject({ settled: 1, waiting: 0 });
  expect(await creditsOf(workspaceId)).toEqual({ purchased: 10_000n, used: 30n, balance: 9_970n, held: 970n });
  expect(await chargesOf(on)).toMatchObject([
    { amount: 30n, payer: 'credits', policyRow: 'completed', witness: 'ingress', revision: 0 },
  ]);
});

test('the same lines again and again, in any order, change nothing', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  const lines = [attemptStarted(named(on)), attemptFinished(named(on)), generationFinished(on)];
  for (const order of [lines, [...lines].reverse(), [...lines, ...lines, ...lines]]) await settle(...order);
  for (const line of lines) await settle(line);
  await overdue();
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 30n });
  expect(await chargesOf(on)).toHaveLength(1);
});

test('one batch of many generations books one entry for a lease', async () => {
  const { workspaceId, leaseId } = await workspaceWithLease();
  const lines = Array.from({ length: 20 }, () => generationFinished({ workspaceId, leaseId }));
  expect(await settle(...lines)).toMatchObject({ settled: 20 });
  expect(await ledger.asAdmin(`select kind, amount from entry where lease_id = $1 order by id`, [leaseId])).toEqual([
    { kind: 'lease-grant', amount: '1000' },
    { kind: 'settle', amount: '600' },
  ]);
});

test('pending usage waits for the worker, whichever speaks first', async () => {
  for (const workerFirst of [true, false]) {
    const { on } = await workspaceWithLease();
    const pending = generationFinished(on, { outcome: 'cancelled', usage: 'pending' });
    const worker = attemptFinished(named(on), { outcome: 'cancelled', usage: { input: 10, output: 5 } });
    const [first, second] = workerFirst ? [worker, pending] : [pending, worker];
    expect(await settle(first)).toMatchObject({ settled: 0, waiting: 1 });
    expect(await chargesOf(on)).toEqual([]);
    expect(await settle(second)).toMatchObject({ settled: 1, waiting: 0 });
    expect(await chargesOf(on)).toMatchObject([
      { amount: 15n, policyRow: 'cancelled-after-output', witness: 'ingress, usage by worker' },
    ]);
  }
});

test('without the ingress the worker settles alone, when its time has come and not before', async () => {
  const { on } = await workspaceWithLease();
  const at = Date.now();
  await settle(attemptStarted(named(on)), attemptFinished({ ...named(on), at }));
  expect(await overdue(at + TIMES.witnessWaitMs - 1)).toMatchObject({ settled: 0 });
  expect(await overdue(at + TIMES.witnessWaitMs)).toMatchObject({ settled: 1 });
  expect(await chargesOf(on)).toMatchObject([{ amount: 30n, witness: 'worker', usageSource: 'provider' }]);
});

test('with neither, the last progress settles after the deadline, marked estimated', async () => {
  const { on } = await workspaceWithLease();
  const deadlineAt = Date.now() + 1_000;
  await settle(attemptStarted({ ...named(on), deadlineAt }));
  await settle(
    attemptProgressed(on.generationId ?? '', 2, { input: 10, output: 9 }),
    attemptProgressed(on.generationId ?? '', 1, { input: 10, output: 4 }),
  );
  expect(await overdue(deadlineAt + TIMES.graceMs - 1)).toMatchObject({ settled: 0 });
  expect(await overdue(deadlineAt + TIMES.graceMs)).toMatchObject({ settled: 1 });
  expect(await chargesOf(on)).toMatchObject([
    { amount: 19n, usageSource: 'estimated', policyRow: 'failed-after-output' },
  ]);
});

test('a lost worker’s attempt is charged for what the ingress delivered, with and without progress, and corrected when the worker is heard after all', async () => {
  for (const progress of [undefined, { input: 10, output: 4 }, { input: 10, output: 12 }]) {
    const { on } = await workspaceWithLease();
    const lost = { outcome: 'failed-after-output', usage: 'pending', usageSource: 'estimated' } as const;
    await settle(
      attemptStarted(named(on)),
      ...(progress === undefined ? [] : [attemptProgressed(on.generationId ?? '', 1, progress)]),
      generationFinished(on, { ...lost, deliveredTokens: 9 }),
    );
    await overdue();
    const amount = BigInt((progress?.input ?? 0) + Math.max(9, progress?.output ?? 0));
    expect(await chargesOf(on)).toMatchObject([
      { amount, usageSource: 'estimated', policyRow: 'failed-after-output', payer: 'credits' },
    ]);
    await settle(attemptFinished(named(on), { outcome: 'cancelled', usage: { input: 10, output: 11 } }));
    expect(await chargedTo(on)).toBe(21n);
  }
});

test('an attempt that only began is recorded and charged to nobody', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(attemptStarted(named(on)));
  await overdue();
  expect(await chargesOf(on)).toMatchObject([{ amount: 0n, payer: 'waste', policyRow: 'failed-before-output' }]);
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n });
});

test('a prompt of which a lost worker told no progress is charged to nobody, and is no debt to the provider: an estimate is no bill', async () => {
  for (const [deliveredTokens, amount, policyRow] of [
    [9, 9n, 'failed-after-output'],
    [undefined, 0n, 'failed-unserved'],
  ] as const) {
    const { workspaceId, leaseId, on } = await workspaceWithLease();
    const lost = { outcome: 'failed-after-output', usage: 'pending', usageSource: 'estimated' } as const;
    const delivered = deliveredTokens === undefined ? { served: false } : { deliveredTokens };
    await settle(attemptStarted(named(on)), generationFinished(on, { ...lost, ...delivered }));
    await overdue();
    expect(await chargesOf(on)).toMatchObject([{ amount, usageSource: 'estimated', policyRow }]);
    expect(await chargedTo(on, 'waste')).toBe(0n);
    expect(await chargedTo(on, 'variance')).toBe(0n);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: amount });
    const [owed] = await ledger.asAdmin<{ amount: string | null }>(
      `select sum(amount) as amount from entry where lease_id = $1 and kind = 'settle'`,
      [leaseId],
    );
    expect(BigInt(owed?.amount ?? 0)).toBe(amount);
  }
});

test('better information that comes late makes one correction, up or down', async () => {
  for (const [final, difference] of [
    [40, 21n],
    [3, -16n],
  ] as const) {
    const { workspaceId, on } = await workspaceWithLease();
    await settle(attemptStarted(named(on)), attemptProgressed(on.generationId ?? '', 1, { input: 10, output: 9 }));
    await overdue();
    expect(await chargedTo(on)).toBe(19n);
    const ingress = generationFinished(on, { usage: { input: final, output: 0 }, outcome: 'completed' });
    expect(await settle(ingress)).toMatchObject({ settled: 0, corrected: 1 });
    expect(await settle(ingress)).toMatchObject({ settled: 0, corrected: 0 });
    expect((await chargesOf(on)).map(({ revision, amount }) => [revision, amount])).toEqual([
      [0, 19n],
      [1, difference],
    ]);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: BigInt(final) });
    expect(
      await ledger.asAdmin(`select kind from entry where workspace_id = $1 and kind = 'adjust'`, [workspaceId]),
    ).toHaveLength(1);
  }
});

test('a correction that finds the client unserved gives the money back and books waste', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(attemptFinished(named(on)));
  await overdue();
  expect(await chargedTo(on)).toBe(30n);
  await settle(generationFinished(on, { outcome: 'failed-after-output', served: false }));
  expect(await chargedTo(on)).toBe(0n);
  expect(await chargedTo(on, 'waste')).toBe(30n);
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n, balance: 10_000n });
});

test('a fallback charges the attempt that served, and books the other as waste', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(
    generationFinished(
      on,
      { outcome: 'failed-before-output', usage: { input: 10 } },
      { usage: { input: 10, output: 40 } },
    ),
  );
  expect(await chargedTo(on)).toBe(50n);
  expect(await chargedTo(on, 'waste')).toBe(10n);
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 50n });
});

describe('two attempts at once', () => {
  const WITNESSES = ['first worker', 'second worker', 'ingress'] as const;
  const orders = WITNESSES.flatMap((one) =>
    WITNESSES.filter((each) => each !== one).map((two) => [
      one,
      two,
      ...WITNESSES.filter((each) => each !== one && each !== two),
    ]),
  );

  test.each([0, 1].flatMap((winner) => orders.map((order) => ({ winner, order }))))(
    'cost the customer the one that served, once: $winner, told by $order',
    async ({ winner, order }) => {
      const { workspaceId, on } = await workspaceWithLease();
      const loser = winner === 0 ? 'passed-over' : 'cancelled';
      const lost = { outcome: loser, errorCode: 'passed_over', usage: 'pending', served: false } as const;
      const lines = {
        // The first of two is left behind for the second, the second is passed over.
        ingress: [generationFinished(on, ...(winner === 0 ? [{}, lost] : [lost, {}]))],
        'first worker': [
          attemptStarted(named(on), 0),
          attemptFinished(named(on), winner === 0 ? {} : { outcome: loser }, 0),
        ],
        'second worker': [
          attemptStarted(named(on), 1),
          attemptFinished(named(on), winner === 1 ? {} : { outcome: loser }, 1),
        ],
      };
      for (const witness of order) {
        await settle(...lines[witness as keyof typeof lines]);
        expect((await creditsOf(workspaceId)).used).toBeLessThanOrEqual(30n);
      }
      await overdue();
      expect(await chargedTo(on)).toBe(30n);
      expect(await chargedTo(on, 'waste')).toBe(30n);
      expect((await chargesOf(on)).filter(({ revision }) => revision > 0)).toEqual([]);
    },
  );

  test.each([0, 1])('of a lost ingress cost the customer one of them at most: %d', async (winner) => {
    const { on } = await workspaceWithLease();
    const outcome = winner === 0 ? 'passed-over' : 'cancelled';
    for (const ordinal of [0, 1])
      await settle(
        attemptStarted(named(on), ordinal),
        attemptFinished(named(on), ordinal === winner ? {} : { outcome }, ordinal),
      );
    await overdue();
    expect(await chargedTo(on)).toBe(winner === 1 ? 30n : 0n);
    expect(await chargedTo(on, 'waste')).toBe(winner === 1 ? 30n : 60n);
  });
});

describe('an attempt that was passed over', () => {
  const passed = { outcome: 'passed-over', errorCode: 'accept_timeout', usage: 'pending', served: false } as const;

  test.each([
    ['before the ingress closed its generation', true],
    ['after it', false],
  ])('and that its worker ran all the same is waste, told %s, and never charged in between', async (_, workerFirst) => {
    for (const fallback of [[], [{}]]) {
      const { workspaceId, on } = await workspaceWithLease();
      const closed = generationFinished(on, passed, ...fallback);
      const ran = [attemptStarted(named(on), 0), attemptFinished(named(on), {}, 0)];
      const expected = fallback.length === 0 ? 0n : 30n;
      for (const lines of workerFirst ? [ran, [closed]] : [[closed], ran]) {
        await settle(...lines);
        expect((await creditsOf(workspaceId)).used).toBeLessThanOrEqual(expected);
      }
      await overdue();
      expect(await chargedTo(on)).toBe(expected);
      expect(await chargedTo(on, 'waste')).toBe(30n);
      expect((await chargesOf(on)).filter(({ revision }) => revision > 0)).toEqual([]);
    }
  });

  test('is waste even if its worker is heard only after it was settled as never run', async () => {
    const { workspaceId, on } = await workspaceWithLease();
    await settle(generationFinished(on, passed));
    await overdue();
    expect(await chargesOf(on)).toMatchObject([{ amount: 0n, payer: 'waste', policyRow: 'passed-over' }]);
    await settle(attemptStarted(named(on)), attemptFinished(named(on), { outcome: 'cancelled' }));
    expect(await chargedTo(on, 'waste')).toBe(30n);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n });
  });

  test('is waste when its time has come while its generation still runs: the worker knows why it was cancelled', async () => {
    const { workspaceId, on } = await workspaceWithLease();
    await settle(
      attemptStarted(named(on)),
      attemptFinished(named(on), { outcome: 'passed-over', errorCode: 'passed_over' }),
    );
    await overdue();
    expect(await chargesOf(on)).toMatchObject([{ amount: 30n, payer: 'waste', policyRow: 'passed-over' }]);
    await settle(generationFinished(on, passed, {}));
    expect(await chargedTo(on, 'waste')).toBe(30n);
    expect(await chargedTo(on)).toBe(30n);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 30n });
  });

  test('is never charged, not even in between, where its worker had answered before it could hear of it', async () => {
    const { workspaceId, on } = await workspaceWithLease();
    const at = Date.now();
    await settle(
      attemptStarted(named({ ...on, at })),
      attemptFinished(named({ ...on, at })),
      attemptStarted(named({ ...on, at: at + 1_000 }), 1),
    );
    expect(await overdue(at + TIMES.witnessWaitMs)).toMatchObject({ settled: 1 });
    expect(await chargesOf(on)).toMatchObject([{ amount: 30n, payer: 'waste', policyRow: 'completed-unserved' }]);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n });
    await settle(generationFinished(on, passed, {}));
    expect(await chargedTo(on)).toBe(30n);
    expect(await chargedTo(on, 'waste')).toBe(30n);
    expect((await chargesOf(on)).filter(({ revision }) => revision > 0)).toEqual([]);
  });

  test('of a lost ingress, neither: the last attempt is the one that can have served', async () => {
    const { on } = await workspaceWithLease();
    const tried = [0, 1, 2].map((ordinal) => attemptFinished(named(on), { usage: { output: 10 + ordinal } }, ordinal));
    await settle(...tried);
    await overdue();
    expect(await chargedTo(on)).toBe(12n);
    expect(await chargedTo(on, 'waste')).toBe(21n);
  });

  test('is no request of its key where the next attempt is that', async () => {
    const { workspaceId, leaseId, on } = await workspaceWithLease(undefined, 5);
    const at = Date.now();
    await settle(
      attemptFinished(named({ ...on, at }), { requests: 1 }),
      attemptFinished(named({ ...on, at: at + 5_000 }), { requests: 1 }, 1),
    );
    await overdue(at + TIMES.witnessWaitMs);
    const counted = () =>
      ledger.asAdmin(`select sum(counted_requests) as requests from charge where lease_id = $1`, [leaseId]);
    expect(await counted()).toEqual([{ requests: '0' }]);
    await overdue();
    expect(await counted()).toEqual([{ requests: '1' }]);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 30n });
  });
});

test('usage above the hold goes to variance, not to the customer', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(generationFinished({ ...on, hold: 25n }));
  expect(await chargedTo(on)).toBe(25n);
  expect(await chargedTo(on, 'variance')).toBe(5n);
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 25n });
});

test('what nobody pays and what was held too little for are booked apart, though they come together', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(
    generationFinished({ ...on, hold: 25n }),
    generationFinished({ ...on, generationId: newGeneration() }, { outcome: 'empty' }),
  );
  const booked = await ledger.asAdmin(
    `select debit, sum(amount) as amount from entry where workspace_id = $1 and kind = 'settle' group by debit order by debit`,
    [workspaceId],
  );
  expect(booked).toEqual([
    { debit: `held:${workspaceId}`, amount: '25' },
    { debit: 'variance', amount: '5' },
    { debit: 'waste', amount: '30' },
  ]);
});

test('a hold that grew with its stream is charged up to what it grew to, whichever witness tells it and when', async () => {
  const began = async (): Promise<LineOptions> => {
    const { on } = await workspaceWithLease();
    await settle(attemptStarted({ ...named(on), hold: 5n, deadlineAt: Date.now() + 1_000 }));
    return on;
  };
  const byIngress = await began();
  await settle(generationFinished({ ...byIngress, hold: 40n }));
  expect(await chargedTo(byIngress)).toBe(30n);

  const byWorker = await began();
  await settle(attemptFinished({ ...named(byWorker), hold: 40n }));
  await overdue();
  expect(await chargedTo(byWorker)).toBe(30n);

  const byProgress = await began();
  await settle(attemptProgressed(byProgress.generationId ?? '', 1, { input: 10, output: 9 }, 15n));
  await settle(attemptProgressed(byProgress.generationId ?? '', 2, { input: 10, output: 12 }, 22n));
  await overdue();
  expect(await chargedTo(byProgress)).toBe(22n);
});

test('the key of the customer pays for itself: nothing is booked, its usage is counted', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(generationFinished({ ...on, byok: true, leaseId: undefined, hold: 0n }));
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n });
  const [usage] = await ledger.reader.asWorkspace(workspaceId, (runner) =>
    readKeyUsage(runner, workspaceId, [KEY_HASH], Date.now()),
  );
  expect(usage).toMatchObject({
    usage: { total: 0n },
    byokUsage: { total: 30n, daily: 30n, weekly: 30n, monthly: 30n },
  });
});

test('a fact that comes after its lease was swept takes what credit is free, and the rest is variance', async () => {
  const { workspaceId, on } = await workspaceWithLease(1_020n);
  const finished = generationFinished({ ...on, hold: 2_000n }, { usage: { output: 1_500 } });
  expect(await closeLeases(ledger.writer, LATER)).toBe(1);
  expect(await creditsOf(workspaceId)).toMatchObject({ held: 0n, used: 0n });
  await settle(finished);
  expect(await chargedTo(on)).toBe(1_020n);
  expect(await chargedTo(on, 'variance')).toBe(480n);
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 1_020n });
});

test('a lease that an attempt claims is not swept, however old; when the attempt is settled it is', async () => {
  const { workspaceId, on } = await workspaceWithLease();
  await settle(attemptStarted(named(on)));
  expect(await closeLeases(ledger.writer, LATER)).toBe(0);
  await settle(generationFinished(on));
  expect(await closeLeases(ledger.writer, LATER)).toBe(1);
  expect(await closeLeases(ledger.writer, LATER)).toBe(0);
  expect(await creditsOf(workspaceId)).toEqual({ purchased: 10_000n, used: 30n, balance: 9_970n, held: 0n });
});

test('a lease that has not ended stays', async () => {
  const { leaseId } = await workspaceWithLease();
  await closeLeases(ledger.writer, Date.now());
  expect(await ledger.asAdmin(`select closed_at from lease where id = $1`, [leaseId])).toEqual([{ closed_at: null }]);
});

describe('bad lines', () => {
  test.each([
    ['of an unknown kind', { kind: 'attempt.imagined', v: 1 }],
    ['of an unknown version', { ...generationFinished({}), v: 2 }],
    ['with a negative count', generationFinished({}, { usage: { input: -1 } })],
    [
      'with a fractional amount',
      { ...generationFinished({}), attempts: [{ ...generationFinished({}).attempts[0], holdPicodollars: '1.5' }] },
    ],
    ['whose price is not what its version says', generationFinished({}, { priceVersion: `price-${'0'.repeat(32)}` })],
    ['that is text', 'generation.finished'],
  ])('a line %s becomes a dead letter, and its batch is settled without it', async (_name, bad) => {
    const { workspaceId, on } = await workspaceWithLease();
    const result = await settle(
      generationFinished(on),
      bad,
      generationFinished({ ...on, generationId: newGeneration() }),
    );
    expect(result).toMatchObject({ settled: 2, bad: [{ reason: expect.any(String) }] });
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 60n });
    const [letter] = await ledger.asAdmin<{ position: string }>(
      `select position from dead_letter order by id desc limit 1`,
    );
    expect(letter?.position).toBe(result.bad[0]?.position);
  });

  test('a message that is no JSON becomes a dead letter without text', async () => {
    expect((await settle(undefined)).bad).toMatchObject([{ reason: 'The message is not a batch of lines.' }]);
  });

  test('a line that names the lease of another workspace becomes a dead letter', async () => {
    const { leaseId } = await workspaceWithLease();
    const { workspaceId, on } = await workspaceWithLease();
    expect((await settle(generationFinished({ ...on, leaseId }))).bad).toMatchObject([
      { reason: expect.stringContaining('another workspace') },
    ]);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 0n });
  });

  test('a line that only the database can refuse does not hold up the others', async () => {
    const { workspaceId, on } = await workspaceWithLease();
    const price = { perUnit: { input: '9'.repeat(38) } };
    const absurd = generationFinished(
      { ...on, generationId: newGeneration(), price, hold: 0n },
      { usage: { input: 9_000_000_000_000_000 } },
    );
    const good = Array.from({ length: 9 }, () => generationFinished({ ...on, generationId: newGeneration() }));
    const result = await settle(...good.slice(0, 4), absurd, ...good.slice(4));
    expect(result.settled).toBe(9);
    expect(result.bad).toMatchObject([{ reason: expect.stringContaining('22003') }]);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 270n });
  });

  test('characters that Postgres cannot hold do not make a generation free', async () => {
    const { workspaceId, on } = await workspaceWithLease();
    const line = generationFinished(on);
    expect(
      await settle({ ...line, identity: { ...line.identity, endUserId: 'a\0b', app: { title: '\ud800' } } }),
    ).toMatchObject({ settled: 1, bad: [] });
    expect(await creditsOf(workspaceId)).toMatchObject({ used: 30n });
  });
});

test('two processes that settle the same lines at once charge once', async () => {
  const { workspaceId, leaseId } = await workspaceWithLease();
  const lines = Array.from({ length: 30 }, () => generationFinished({ workspaceId, leaseId }));
  const copies = [lines, [...lines].reverse(), lines.slice(10)];
  await Promise.all(copies.map((each) => settleLines(ledger.writer, new PriceBook(), delivered(...each), TIMES)));
  expect(await creditsOf(workspaceId)).toMatchObject({ used: 900n });
});

test('a price that changes later changes nothing that was charged, and each charge names its version', async () => {
  const { on } = await workspaceWithLease();
  await settle(generationFinished({ ...on, price: { perUnit: { input: '2', output: '3' } } }));
  const [charge] = await chargesOf(on);
  expect(charge).toMatchObject({ amount: 80n });
  expect(await ledger.asAdmin(`select price from price_version where id = $1`, [charge?.priceVersion])).toEqual([
    { price: { perUnit: { input: '2', output: '3' } } },
  ]);
  expect(PRICE.perUnit['input']).toBe('1');
});

test('whatever happened above, each picodollar of it can be followed: cost is what was borne, and nothing is borne twice', async () => {
  const all = await ledger.asAdmin<{ workspace_id: string; generation_id: string }>(
    `select distinct workspace_id, generation_id from charge`,
  );
  expect(all.length).toBeGreaterThan(50);
  for (const { workspace_id, generation_id } of all) {
    const rows = await ledger.reader.asWorkspace(workspace_id, (runner) =>
      readGeneration(runner, generation_id, workspace_id),
    );
    const { attempts } = tellGeneration(rows);
    for (const { cost, credits, waste, variance, byok, unbilled, ...attempt } of attempts) {
      expect(credits + waste + variance + byok + unbilled).toBe(cost);
      for (const part of [credits, waste, variance, byok, unbilled]) expect(part).toBeGreaterThanOrEqual(0n);
      expect(attempt.revisions.reduce((sum, revision) => sum + revision.credits, 0n)).toBe(credits);
    }
  }
});
