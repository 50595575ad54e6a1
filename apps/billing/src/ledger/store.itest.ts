// The store against the pure model: the same random commands, in batches, and after each batch the database says what the model says. A failing run prints its seed.
import fc from 'fast-check';
import { priceVersionOf } from '@waystation/catalog';
import type { LeaseVector, PriceVector, QuotaRef } from '@waystation/contracts';
import {
  NOTHING,
  decideCharge,
  decideCreditGrant,
  decideLeaseClose,
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  decideRerate,
  decideSettlement,
  emptyBook,
  entriesOf,
  evolve,
  foldBalances,
  type Amounts,
  type Book,
  type Entry,
  type LedgerEvent,
  type Settlement,
} from '@waystation/ledger';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { runLeaseCommands, type LaneAnswer, type LeaseCommand } from '../leases/lease-lane.js';
import { applyRerate } from '../rerate/apply-rerate.js';
import { PriceBook, storePrices } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { closeLeases } from '../sweep/sweep.js';
import {
  delivered,
  generationFinished,
  newGeneration,
  PRICE,
  sha256hex,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { walletOf } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';

const NOW = Date.UTC(2026, 7, 6, 12);
const LEASE_OPTIONS = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: () => NOW };
let ledger: TestLedger;
let runs = 0;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());

type LeaseStep =
  | {
      readonly kind: 'grant';
      readonly lease: number;
      readonly workspace: number;
      readonly key: number;
      readonly need: Amounts;
      readonly want: Amounts;
    }
  | {
      readonly kind: 'renew';
      readonly lease: number;
      readonly step: number;
      readonly need: Amounts;
      readonly want: Amounts;
    }
  | {
      readonly kind: 'return';
      readonly lease: number;
      readonly step: number;
      readonly keep: Amounts;
      readonly final: boolean;
    };
type Settled = {
  readonly generation: number;
  readonly lease: number | undefined;
  readonly tokens: number;
  readonly hold: bigint;
  readonly outcome: 'completed' | 'empty' | 'cancelled';
  readonly requests: number;
  readonly holdTokens: number;
  readonly byok: boolean;
  readonly surchargePpm: number | undefined;
};
type Step =
  | { readonly kind: 'credits'; readonly grant: number; readonly workspace: number; readonly amount: bigint }
  | { readonly kind: 'leases'; readonly steps: readonly LeaseStep[] }
  | { readonly kind: 'settle'; readonly generations: readonly Settled[] }
  /** Everything settled so far, at another price. */
  | { readonly kind: 'rerate'; readonly perToken: bigint }
  | { readonly kind: 'sweep' };

const amount = fc.bigInt({ min: 0n, max: 300n });
const amounts: fc.Arbitrary<Amounts> = fc.record({
  usd: amount,
  byok: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 100n })),
  requests: fc.bigInt({ min: 0n, max: 3n }),
  tokens: fc.bigInt({ min: 0n, max: 150n }),
});
const lease = fc.nat(4);
const workspace = fc.nat(1);
const leaseStep: fc.Arbitrary<LeaseStep> = fc.oneof(
  fc.record({ kind: fc.constant('grant' as const), lease, workspace, key: fc.nat(1), need: amounts, want: amounts }),
  fc.record({ kind: fc.constant('renew' as const), lease, step: fc.nat(3), need: amounts, want: amounts }),
  fc.record({ kind: fc.constant('return' as const), lease, step: fc.nat(3), keep: amounts, final: fc.boolean() }),
);
const settled: fc.Arbitrary<Settled> = fc.record({
  generation: fc.nat(9),
  lease: fc.option(lease, { nil: undefined }),
  tokens: fc.nat(200),
  hold: amount,
  outcome: fc.constantFrom('completed', 'completed', 'empty', 'cancelled'),
  requests: fc.nat(1),
  holdTokens: fc.nat(150),
  byok: fc.oneof(fc.constant(false), fc.boolean()),
  surchargePpm: fc.constantFrom(undefined, 1, 50_000, 75_000, 1_500_000),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('credits' as const),
    grant: fc.nat(3),
    workspace,
    amount: fc.bigInt({ min: 1n, max: 900n }),
  }),
  fc.record({ kind: fc.constant('leases' as const), steps: fc.array(leaseStep, { minLength: 1, maxLength: 5 }) }),
  fc.record({ kind: fc.constant('settle' as const), generations: fc.array(settled, { minLength: 1, maxLength: 5 }) }),
  fc.record({ kind: fc.constant('rerate' as const), perToken: fc.bigInt({ min: 0n, max: 3n }) }),
  fc.record({ kind: fc.constant('sweep' as const) }),
);

/** Histories begin with credits and leases, so that commands find something to work on. */
const BEGINNING: readonly Step[] = [
  { kind: 'credits', grant: 10, workspace: 0, amount: 900n },
  { kind: 'credits', grant: 11, workspace: 1, amount: 900n },
  {
    kind: 'leases',
    steps: [0, 1, 2, 3].map((each) => ({
      kind: 'grant',
      lease: each,
      workspace: each % 2,
      key: each % 2,
      need: { ...NOTHING, usd: 150n, requests: 1n, tokens: 60n },
      want: { ...NOTHING, usd: 300n, byok: 50n },
    })),
  },
];

const decisionOf = (one: Settled, price: PriceVector) =>
  decideCharge({
    ...{ outcome: one.outcome, served: true, usage: { input: one.tokens }, usageSource: 'provider', price },
    ...{ holdPicodollars: one.hold, byok: one.byok, surchargePpm: one.surchargePpm },
  });

/** One run: names of its own, a model, and both worlds stepped together. */
class Run {
  readonly book: Book = emptyBook();
  readonly entries: Entry[] = [];
  readonly prices = new PriceBook();
  readonly generationIds = Array.from({ length: 10 }, () => newGeneration(NOW));
  /** Generations that were told of, with what was held for each: a second telling does not change that. */
  readonly seen = new Map<number, Pick<Settled, 'hold' | 'holdTokens'>>();
  /** By attempt id: what it was settled from, and what a token of it costs now. */
  readonly rated = new Map<
    string,
    { readonly one: Settled; readonly about: Omit<Settlement, 'decision' | 'requests' | 'tokens'>; perToken: bigint }
  >();
  rerates = 0;
  readonly name: string;

  constructor() {
    runs += 1;
    this.name = `r${runs}`;
  }

  workspaceOf = (index: number): string => `${this.name}-w${index}`;
  leaseOf = (index: number): string => `lease-${this.name}-00000${index}`;

  apply(events: readonly LedgerEvent[]): void {
    for (const event of events) {
      evolve(this.book, event);
      this.entries.push(...entriesOf(event));
    }
  }

  quotas(index: number, key: number): QuotaRef[] {
    const workspaceId = this.workspaceOf(index);
    const wallet = walletOf(workspaceId);
    const limit: QuotaRef = {
      id: `key:${workspaceId}:usd:lifetime:0`,
      scope: 'key',
      scopeId: 'k',
      metric: 'usd',
      window: 'lifetime',
      windowStart: 0,
      limit: '400',
      includeByok: true,
    };
    const counts = (['requests', 'tokens'] as const).map((metric): QuotaRef => ({
      ...limit,
      ...{
        id: `key:${workspaceId}:${metric}:lifetime:0`,
        metric,
        limit: metric === 'requests' ? '6' : '300',
        includeByok: false,
      },
    }));
    return key === 0 ? [wallet] : [limit, ...counts, wallet];
  }

  async step(each: Step): Promise<void> {
    switch (each.kind) {
      case 'credits': {
        const grant = {
          grantId: `${this.name}-grant-${each.grant}`,
          workspaceId: this.workspaceOf(each.workspace),
          amount: each.amount,
        };
        const { events, answer } = decideCreditGrant(this.book, grant);
        this.apply(events);
        const stored = grantCredits(ledger.writer, { ...grant, reason: 'test' });
        if (answer.rejected === undefined) await stored;
        else await expect(stored).rejects.toMatchObject({ code: answer.rejected.code });
        return;
      }
      case 'leases': {
        const expected = each.steps.map((one) => this.decideLease(one));
        const answers = await runLeaseCommands(
          ledger.writer,
          each.steps.map((one) => this.commandOf(one)),
          LEASE_OPTIONS,
        );
        expect(answers.map(gist)).toEqual(expected);
        return;
      }
      case 'settle': {
        const lines = each.generations.map((told) => {
          const one = { ...told, ...this.seen.get(told.generation) };
          const leased = one.lease === undefined ? undefined : this.book.leases.get(this.leaseOf(one.lease));
          const workspaceId = leased?.workspaceId ?? this.workspaceOf(0);
          const generationId = this.generationIds[one.generation] ?? '';
          const line = generationFinished(
            { generationId, workspaceId, leaseId: leased?.id, hold: one.hold, provider: this.name, at: NOW },
            {
              outcome: one.outcome,
              usage: { input: one.tokens },
              requests: one.requests,
              holdTokens: one.holdTokens,
              byok: one.byok,
              ...(one.surchargePpm === undefined ? {} : { surchargePpm: one.surchargePpm }),
            },
          );
          if (!this.seen.has(one.generation))
            this.settleInModel(line.attempts[0]?.attemptId ?? '', one, workspaceId, leased?.id);
          this.seen.set(one.generation, { hold: one.hold, holdTokens: one.holdTokens });
          return line;
        });
        const { bad } = await settleLines(ledger.writer, this.prices, delivered(...lines), {
          witnessWaitMs: 1,
          graceMs: 1,
        });
        expect(bad).toEqual([]);
        return;
      }
      case 'rerate':
        return this.rerate(each.perToken);
      case 'sweep':
        for (const { id } of [...this.book.leases.values()].sort((a, b) => (a.id < b.id ? -1 : 1)))
          this.apply(decideLeaseClose(this.book, id));
        await closeLeases(ledger.writer, NOW + 60_000);
    }
  }

  async rerate(perToken: bigint): Promise<void> {
    const price = { perUnit: { input: `${perToken}`, output: `${perToken}` } };
    const priceVersion = priceVersionOf(price, sha256hex);
    await ledger.writer.transaction((runner) =>
      storePrices(runner, [{ version: priceVersion, price, effectiveAtMs: NOW }]),
    );
    const inOrder = [...this.rated].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, each] of inOrder.filter(([, { perToken: now }]) => now !== perToken)) {
      const event = decideRerate(this.book, { ...each.about, decision: decisionOf(each.one, price) });
      if (event !== undefined) this.apply([event]);
      each.perToken = perToken;
    }
    const selection = { provider: this.name, model: 'sandbox/echo', from: NOW - 1_000, to: NOW + 1_000 };
    const id = `rerate-${this.name}-${(this.rerates += 1)}`;
    const bounds = { batchAttempts: 3, forMs: 60_000 };
    const run = await applyRerate(ledger.writer, { id, selection, priceVersion, reason: 'test' }, bounds, NOW + 1_000);
    expect(run.state).toBe('finished');
  }

  settleInModel(attemptId: string, one: Settled, workspaceId: string, leaseId: string | undefined): void {
    const about = { attemptId, workspaceId, provider: this.name, leaseId, quotaSet: [`wallet:${workspaceId}`] };
    this.rated.set(attemptId, { one, about, perToken: 1n });
    const decision = decisionOf(one, PRICE);
    const event = decideSettlement(this.book, {
      ...about,
      decision,
      requests: BigInt(one.requests),
      tokens: decision.payer === 'waste' ? 0n : BigInt(Math.min(one.holdTokens, one.tokens)),
    });
    if (event !== undefined) this.apply([event]);
  }

  commandOf(one: LeaseStep): LeaseCommand {
    const leaseId = this.leaseOf(one.lease);
    if (one.kind === 'return') return { ...one, leaseId, keep: vectorOf(one.keep) };
    if (one.kind === 'renew') return { ...one, leaseId, need: vectorOf(one.need), want: vectorOf(one.want) };
    return {
      ...{
        kind: 'grant',
        v: 1,
        leaseId,
        instance: 'ingress-1',
        workspaceId: this.workspaceOf(one.workspace),
        keyHash: 'k',
      },
      ...{ quotas: this.quotas(one.workspace, one.key), need: vectorOf(one.need), want: vectorOf(one.want) },
    };
  }

  decideLease(one: LeaseStep): string {
    const leaseId = this.leaseOf(one.lease);
    const times = { nowMs: NOW, takeForMsMax: 60_000 };
    const { events, answer } =
      one.kind === 'return'
        ? decideLeaseReturn(this.book, { ...one, leaseId })
        : one.kind === 'renew'
          ? decideLeaseRenew(this.book, { ...one, leaseId }, times)
          : decideLeaseGrant(
              this.book,
              {
                ...one,
                leaseId,
                workspaceId: this.workspaceOf(one.workspace),
                keyHash: 'k',
                instance: 'ingress-1',
                quotas: this.quotas(one.workspace, one.key),
              },
              times,
            );
    this.apply(events);
    if ('refused' in answer) return `refused by ${answer.refused.quota.id}, left ${answer.refused.left}`;
    if ('granted' in answer) return `granted ${told(vectorOf(answer.granted.granted))}`;
    return 'released' in answer ? `released ${told(vectorOf(answer.released))}` : answer.rejected.code;
  }

  async compare(): Promise<void> {
    const like = `${this.name}-w%`;
    const quotas = await ledger.asAdmin(
      `select id, quota_limit, posted, held from quota where workspace_id like $1 and (quota_limit, posted, held) <> (0, 0, 0) order by id`,
      [like],
    );
    expect(quotas).toEqual(
      [...this.book.quotas.values()]
        .filter(({ limit, posted, held }) => limit !== 0n || posted !== 0n || held !== 0n)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, limit, posted, held }) => ({ id, quota_limit: `${limit}`, posted: `${posted}`, held: `${held}` })),
    );
    const leases = await ledger.asAdmin(
      `select id, array[granted, granted_byok, granted_requests, granted_tokens]::text[] as granted, array[held, held_byok, held_requests, held_tokens]::text[] as held,
              array[unbooked, unbooked_byok, unbooked_requests, unbooked_tokens]::text[] as unbooked,
              final, closed_at is not null as closed, renew_step, return_step from lease where workspace_id like $1 order by id`,
      [like],
    );
    expect(leases).toEqual(
      [...this.book.leases.values()]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, granted, held, unbooked, final, closed, renewStep, returnStep }) => ({
          ...{ id, granted: listed(granted), held: listed(held), unbooked: listed(unbooked), final, closed },
          ...{
            renew_step: renewStep === undefined ? null : `${renewStep}`,
            return_step: returnStep === undefined ? null : `${returnStep}`,
          },
        })),
    );
    const entries = await ledger.asAdmin<{ debit: string; credit: string; amount: string }>(
      `select debit, credit, amount from entry where workspace_id like $1`,
      [like],
    );
    const stored = foldBalances(
      entries.map((entry) => ({ ...entry, kind: 'settle', workspaceId: '', amount: BigInt(entry.amount) })),
    );
    const sorted = (balances: Map<string, bigint>) =>
      [...balances].filter(([, each]) => each !== 0n).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(stored)).toEqual(sorted(foldBalances(this.entries)));
    const charges = await ledger.asAdmin(
      `select attempt_id, array[sum(charged), sum(counted_byok), sum(counted_requests), sum(counted_tokens)]::text[] as charged, sum(waste) as waste, sum(variance) as variance, sum(surcharge) as surcharge from charge where workspace_id like $1 group by 1 order by 1`,
      [like],
    );
    expect(charges).toEqual(
      [...this.book.charges]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([attempt_id, { charged, waste, variance, surcharge }]) => ({
          attempt_id,
          charged: listed(charged),
          waste: `${waste}`,
          variance: `${variance}`,
          surcharge: `${surcharge}`,
        })),
    );
    expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  }
}

const vectorOf = ({ usd, byok, requests, tokens }: Amounts): LeaseVector => ({
  ...{ usd: usd.toString(), requests: Number(requests), tokens: Number(tokens) },
  ...(byok === 0n ? {} : { byok: byok.toString() }),
});
const listed = ({ usd, byok, requests, tokens }: Amounts): string[] => [usd, byok, requests, tokens].map(String);
const told = ({ usd, byok = '0', requests, tokens }: LeaseVector): string => `${usd} ${byok} ${requests} ${tokens}`;

const gist = (answer: LaneAnswer): string => {
  if ('refused' in answer) return `refused by ${answer.refused.quotaId}, left ${answer.refused.left}`;
  if ('granted' in answer) return `granted ${told(answer.granted.granted)}`;
  return 'released' in answer ? `released ${told(answer.released)}` : answer.rejected.code;
};

test('the store and the model agree after every batch of random commands', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (steps) => {
      const run = new Run();
      for (const each of [...BEGINNING, ...steps]) {
        await run.step(each);
        await run.compare();
      }
      await run.step({ kind: 'sweep' });
    }),
    { numRuns: 12, endOnFailure: true },
  );
}, 120_000);
