// Whatever commands come, in whatever order and however often: money is neither made nor lost, and no quota passes its limit.
import type { QuotaRef } from '@waystation/contracts';
import fc from 'fast-check';
import { NOTHING, countedBy, fitsInto, isNothing, plus, type Amounts } from './amounts.js';
import { emptyBook, entriesOf, evolve, type Book, type LedgerEvent } from './book.js';
import type { ChargeDecision } from './decide-charge.js';
import { decideCreditGrant } from './decide-credits.js';
import { decideLeaseClose, decideLeaseGrant, decideLeaseRenew, decideLeaseReturn } from './decide-lease.js';
import { decideRerate } from './decide-rerate.js';
import { decideSettlement } from './decide-settlement.js';
import { foldBalances, type Entry } from './entry.js';
import { quotaSetOf, walletQuotaId } from './quota-set.js';

const WORKSPACES = ['a', 'b'] as const;
const NOW = Date.UTC(2026, 7, 6, 12);
const times = { nowMs: NOW, takeForMsMax: 60_000 };

/** A key's own limits: money as `limit` says, and for every second key requests and tokens by the minute. */
const quotasOfKey = (workspaceId: string, key: number, limit: bigint | undefined): QuotaRef[] => [
  ...moneyQuotasOf(workspaceId, key, limit),
  ...(key % 2 === 0
    ? []
    : (['requests', 'tokens'] as const).map((metric) => ({
        ...{ id: `key:${key}:${metric}`, scope: 'key' as const, scopeId: `${key}`, metric },
        ...{ window: 'minute' as const, windowStart: NOW, limit: metric === 'requests' ? '7' : '500' },
      }))),
];

const moneyQuotasOf = (workspaceId: string, key: number, limit: bigint | undefined): QuotaRef[] =>
  quotaSetOf(
    {
      limits: [],
      free: false,
      key: {
        ...{ v: 1, version: 1, label: '', name: '', kind: 'inference', disabled: false, deleted: false, createdAt: 0 },
        hash: `${key}`.repeat(64),
        workspaceId,
        includeByokInLimit: key > 0,
        ...(limit === undefined ? {} : { limit: limit.toString(), limitReset: 'daily' as const }),
      },
    },
    NOW,
    String,
  );

type Command =
  | { readonly kind: 'credits'; readonly grant: number; readonly workspaceId: string; readonly amount: bigint }
  | {
      readonly kind: 'grant';
      readonly lease: number;
      readonly workspaceId: string;
      readonly key: number;
      readonly limit: bigint | undefined;
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
    }
  | { readonly kind: 'close'; readonly lease: number }
  | {
      readonly kind: 'settle';
      readonly attempt: number;
      readonly lease: number | undefined;
      readonly decision: ChargeDecision;
      readonly requests: bigint;
      readonly tokens: bigint;
    };

const amount = fc.bigInt({ min: 0n, max: 400n });
const amounts = (usdMax: bigint): fc.Arbitrary<Amounts> =>
  fc.record({
    usd: fc.bigInt({ min: 0n, max: usdMax }),
    byok: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 200n })),
    requests: fc.bigInt({ min: 0n, max: 3n }),
    tokens: fc.bigInt({ min: 0n, max: 200n }),
  });
const lease = fc.nat(5);
const workspaceId = fc.constantFrom(...WORKSPACES);
/** As `decideCharge` makes them: on top of what somebody pays, and never where the hold was not enough. */
const decision: fc.Arbitrary<ChargeDecision> = fc
  .record({
    amount,
    payer: fc.constantFrom(
      'credits' as const,
      'credits' as const,
      'credits' as const,
      'waste' as const,
      'byok' as const,
    ),
    beyond: fc.oneof(
      fc.constant({}),
      fc.record({ variance: fc.bigInt({ min: 1n, max: 50n }) }),
      fc.record({ surcharge: fc.bigInt({ min: 1n, max: 90n }) }),
    ),
  })
  .map(({ beyond, ...each }) => ({ ...each, policyRow: 'completed', ...(each.payer === 'waste' ? {} : beyond) }));
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('credits' as const),
    grant: fc.nat(6),
    workspaceId,
    amount: fc.bigInt({ min: 0n, max: 1_500n }),
  }),
  fc.record({
    kind: fc.constant('grant' as const),
    lease,
    workspaceId,
    key: fc.nat(2),
    limit: fc.option(fc.bigInt({ min: 0n, max: 900n }), { nil: undefined }),
    need: amounts(400n),
    want: amounts(2_000n),
  }),
  fc.record({ kind: fc.constant('renew' as const), lease, step: fc.nat(4), need: amounts(400n), want: amounts(400n) }),
  fc.record({ kind: fc.constant('return' as const), lease, step: fc.nat(4), keep: amounts(400n), final: fc.boolean() }),
  fc.record({ kind: fc.constant('close' as const), lease }),
  fc.record({
    kind: fc.constant('settle' as const),
    attempt: fc.nat(6),
    lease: fc.option(lease, { nil: undefined }),
    decision,
    requests: fc.bigInt({ min: 0n, max: 1n }),
    tokens: fc.bigInt({ min: 0n, max: 300n }),
  }),
);

/** Histories begin with credits and leases, so that commands find something to work on. */
const history = (maxLength: number): fc.Arbitrary<Command[]> =>
  fc.array(command, { maxLength }).map((commands) => [
    ...WORKSPACES.map((each, index) => ({
      kind: 'credits' as const,
      grant: 10 + index,
      workspaceId: each,
      amount: 1_500n,
    })),
    ...[0, 1, 2, 3].map((each) => ({
      kind: 'grant' as const,
      lease: each,
      workspaceId: WORKSPACES[each % 2] ?? 'a',
      key: each % 3,
      limit: each % 2 === 0 ? undefined : 600n,
      need: { ...NOTHING, usd: 300n, requests: 2n, tokens: 100n },
      want: { ...NOTHING, usd: 300n },
    })),
    ...commands,
  ]);

/** An attempt stays with the lease it was first seen on, as attempts do; and a lease is granted before anything is spent on it. */
const leaseOfAttempt = (
  book: Book,
  attempt: number,
  given: number | undefined,
  seen: Map<number, number | undefined>,
): number | undefined => {
  if (!seen.has(attempt)) seen.set(attempt, book.leases.has(`l${given}`) ? given : undefined);
  return seen.get(attempt);
};

const eventsFor = (book: Book, each: Command, seen: Map<number, number | undefined>): readonly LedgerEvent[] => {
  switch (each.kind) {
    case 'credits':
      return decideCreditGrant(book, { grantId: `g${each.grant}`, workspaceId: each.workspaceId, amount: each.amount })
        .events;
    case 'grant':
      return decideLeaseGrant(
        book,
        {
          ...{
            leaseId: `l${each.lease}`,
            workspaceId: each.workspaceId,
            keyHash: `${each.key}`.repeat(64),
            instance: 'ingress-1',
          },
          quotas: quotasOfKey(each.workspaceId, each.key, each.limit),
          ...{ need: each.need, want: each.want },
        },
        times,
      ).events;
    case 'renew':
      return decideLeaseRenew(book, { ...each, leaseId: `l${each.lease}` }, times).events;
    case 'return':
      return decideLeaseReturn(book, { ...each, leaseId: `l${each.lease}` }).events;
    case 'close':
      return decideLeaseClose(book, `l${each.lease}`);
    case 'settle': {
      const on = leaseOfAttempt(book, each.attempt, each.lease, seen);
      const known = book.leases.get(`l${on}`);
      const owner = known?.workspaceId ?? 'a';
      const event = decideSettlement(book, {
        ...{
          attemptId: `t${each.attempt}`,
          workspaceId: owner,
          provider: 'p',
          quotaSet: [walletQuotaId(owner)],
          decision: each.decision,
          ...{ requests: each.requests, tokens: each.tokens },
        },
        ...(known === undefined ? {} : { leaseId: known.id }),
      });
      return event === undefined ? [] : [event];
    }
  }
};

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, each) => total + each, 0n);

const expectSound = (book: Book, entries: readonly Entry[]): void => {
  const balances = foldBalances(entries);
  const of = (account: string): bigint => balances.get(account) ?? 0n;
  const leases = [...book.leases.values()];
  expect(sum(balances.values())).toBe(0n);
  for (const { amount: moved } of entries) expect(moved > 0n).toBe(true);
  for (const quota of book.quotas.values()) {
    expect(quota.posted >= 0n && quota.held >= 0n && quota.posted + quota.held <= quota.limit).toBe(true);
    const holders = leases.filter(({ quotaIds }) => quotaIds.includes(quota.id));
    expect(quota.held).toBe(sum(holders.map(({ held, unbooked }) => countedBy(quota, plus(held, unbooked)))));
  }
  for (const each of leases) {
    expect(fitsInto(NOTHING, each.held) && fitsInto(NOTHING, each.unbooked)).toBe(true);
    expect(fitsInto(each.held, each.granted)).toBe(true);
    if (each.closed) expect(isNothing(plus(each.held, each.unbooked))).toBe(true);
  }
  for (const id of WORKSPACES) {
    const wallet = book.quotas.get(walletQuotaId(id));
    const own = leases.filter(({ workspaceId: owner }) => owner === id);
    expect(of(`credits:${id}`)).toBe(wallet === undefined ? 0n : wallet.limit - wallet.posted - wallet.held);
    expect(of(`held:${id}`)).toBe(sum(own.map(({ held }) => held.usd)));
    expect(of(`credits:${id}`) >= 0n).toBe(true);
  }
  const charges = [...book.charges.values()];
  expect(of('payable:p')).toBe(
    sum(charges.map(({ charged, waste, variance, surcharge }) => charged.usd + waste + variance - surcharge)),
  );
  expect(of('markup') + of('fees')).toBe(sum(charges.map(({ surcharge }) => surcharge)));
  expect(-of('waste')).toBe(sum(charges.map(({ waste }) => waste)));
  expect(-of('variance')).toBe(sum(charges.map(({ variance }) => variance)));
  for (const { charged, waste, byok, surcharge } of charges)
    expect(fitsInto(NOTHING, charged) && waste >= 0n && byok >= 0n && surcharge >= 0n).toBe(true);
};

test('after every command the book is sound', () => {
  fc.assert(
    fc.property(history(60), (commands) => {
      const book = emptyBook();
      const seen = new Map<number, number | undefined>();
      const entries: Entry[] = [];
      for (const each of commands) {
        for (const event of eventsFor(book, each, seen)) {
          evolve(book, event);
          entries.push(...entriesOf(event));
        }
        expectSound(book, entries);
      }
    }),
    { numRuns: 400 },
  );
});

test('re-rating keeps the book sound and leaves to open leases what they hold', () => {
  const rerates = fc.array(fc.record({ attempt: fc.nat(6), decision }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(history(40), rerates, (commands, wanted) => {
      const book = emptyBook();
      const seen = new Map<number, number | undefined>();
      const entries: Entry[] = [];
      const apply = (event: LedgerEvent): void => {
        evolve(book, event);
        entries.push(...entriesOf(event));
      };
      for (const each of commands) for (const event of eventsFor(book, each, seen)) apply(event);
      const held = [...book.leases.values()].map((each) => each.held);
      for (const { attempt, decision: better } of wanted) {
        const known = book.leases.get(`l${seen.get(attempt)}`);
        const owner = known?.workspaceId ?? 'a';
        const event = decideRerate(book, {
          ...{ attemptId: `t${attempt}`, workspaceId: owner, provider: 'p', quotaSet: [walletQuotaId(owner)] },
          ...(known === undefined ? {} : { leaseId: known.id }),
          decision: better,
        });
        expect(event === undefined).toBe(!book.charges.has(`t${attempt}`));
        if (event !== undefined) apply(event);
        expectSound(book, entries);
        expect([...book.leases.values()].map((each) => each.held)).toEqual(held);
      }
    }),
    { numRuns: 150 },
  );
});

test('a command that is repeated at once changes nothing, whatever came before', () => {
  fc.assert(
    fc.property(history(30), command, (commands, last) => {
      const book = emptyBook();
      const seen = new Map<number, number | undefined>();
      for (const each of [...commands, last]) for (const event of eventsFor(book, each, seen)) evolve(book, event);
      const before = structuredClone(book);
      const granted = last.kind !== 'grant' || book.leases.has(`l${last.lease}`);
      const again = eventsFor(book, last, seen);
      for (const event of again) evolve(book, event);
      if (granted) expect(book).toEqual(before);
    }),
    { numRuns: 400 },
  );
});

test('replaying the events of a history leads to the same book', () => {
  fc.assert(
    fc.property(history(60), (commands) => {
      const book = emptyBook();
      const seen = new Map<number, number | undefined>();
      const history: LedgerEvent[] = [];
      for (const each of commands) {
        for (const event of eventsFor(book, each, seen)) {
          evolve(book, event);
          history.push(event);
        }
      }
      const replayed = emptyBook();
      for (const event of history) evolve(replayed, event);
      expect(replayed).toEqual(book);
    }),
  );
});

test('a refused command leaves no trace', () => {
  fc.assert(
    fc.property(history(40), amount, (commands, more) => {
      const book = emptyBook();
      const seen = new Map<number, number | undefined>();
      for (const each of commands) for (const event of eventsFor(book, each, seen)) evolve(book, event);
      const wallet = book.quotas.get('wallet:a');
      const free = wallet === undefined ? 0n : wallet.limit - wallet.posted - wallet.held;
      const { events, answer } = decideLeaseGrant(
        book,
        {
          ...{
            leaseId: 'l-new',
            workspaceId: 'a',
            keyHash: 'k',
            instance: 'i',
            quotas: quotasOfKey('a', 7, undefined),
          },
          ...{ need: { ...NOTHING, usd: free + 1n + more }, want: NOTHING },
        },
        times,
      );
      expect(events).toEqual([]);
      expect(answer).toMatchObject({ refused: { left: free, asked: free + 1n + more } });
    }),
  );
});
