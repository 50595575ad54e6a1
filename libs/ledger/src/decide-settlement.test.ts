// Settlement, one line a case: lease first, then free credit, then variance; corrections book the difference.
import { NOTHING, countedBy, type Amounts } from './amounts.js';
import { emptyBook, entriesOf, evolve, newWallet, type Book } from './book.js';
import type { ChargeDecision } from './decide-charge.js';
import { foldBalances } from './entry.js';
import { decideSettlement, touchesQuotas, type Settlement } from './decide-settlement.js';

const usd = (amount: bigint): Amounts => ({ ...NOTHING, usd: amount });

interface World {
  /** Of the lease; undefined: there is none. */
  readonly held?: bigint;
  readonly unbooked?: bigint;
  readonly closed?: boolean;
  /** Of the wallet beside the lease. */
  readonly free?: bigint;
  readonly charged?: bigint;
  readonly waste?: bigint;
  readonly variance?: bigint;
  readonly surcharge?: bigint;
}

const bookOf = (world: World): Book => {
  const { held, unbooked = 0n, closed = false, free = 0n, charged, waste = 0n, variance = 0n, surcharge = 0n } = world;
  const book = emptyBook();
  const inLease = (held ?? 0n) + unbooked;
  const posted = charged === undefined ? 0n : charged - unbooked;
  book.quotas.set('wallet:w', { ...newWallet('w'), limit: free + inLease + posted, held: inLease, posted });
  if (held !== undefined) {
    const times = { takeForMs: 1, endsAtMs: 1, final: false, lastReleased: NOTHING };
    const names = { id: 'l', workspaceId: 'w', keyHash: 'k', instance: 'i', quotaIds: ['wallet:w'] };
    book.leases.set('l', {
      ...names,
      ...times,
      granted: usd(inLease),
      held: usd(held),
      unbooked: usd(unbooked),
      closed,
    });
  }
  if (charged !== undefined)
    book.charges.set('t', { revision: 0, charged: usd(charged), waste, variance, byok: 0n, surcharge });
  return book;
};
const credits = (amount: bigint, variance?: bigint): ChargeDecision => ({
  amount,
  payer: 'credits',
  policyRow: 'completed',
  ...(variance === undefined ? {} : { variance }),
});
const markedUp = (amount: bigint, surcharge: bigint): ChargeDecision => ({ ...credits(amount), surcharge });
const ownKey = (amount: bigint, surcharge: bigint): ChargeDecision => ({
  ...markedUp(amount, surcharge),
  payer: 'byok',
});
const waste = (amount: bigint): ChargeDecision => ({ amount, payer: 'waste', policyRow: 'empty' });
const settlement = (decision: ChargeDecision, over: Partial<Settlement> = {}): Settlement => ({
  attemptId: 't',
  workspaceId: 'w',
  provider: 'p',
  leaseId: 'l',
  quotaSet: ['wallet:w'],
  decision,
  requests: 0n,
  tokens: 0n,
  ...over,
});

type Expected = {
  fromLease?: bigint;
  fromCredit?: bigint;
  waste?: bigint;
  variance?: bigint;
  byok?: bigint;
  surcharge?: bigint;
  booked?: bigint;
  /** What the event moves onto its account for surcharges. */
  onTop?: [account: 'markup' | 'fees', amount: bigint];
};
const cases: [name: string, world: World, decision: ChargeDecision, expected: Expected][] = [
  ['a charge comes out of its lease', { held: 100n, free: 900n }, credits(30n), { fromLease: 30n }],
  ['a charge may take all of its lease', { held: 30n, free: 900n }, credits(30n), { fromLease: 30n }],
  [
    'what a lease no longer has comes out of free credit',
    { held: 10n, free: 900n },
    credits(30n),
    { fromLease: 10n, fromCredit: 20n },
  ],
  [
    'what is not free either is variance',
    { held: 10n, free: 5n },
    credits(30n),
    { fromLease: 10n, fromCredit: 5n, variance: 15n },
  ],
  ['a closed lease gives nothing', { held: 0n, closed: true, free: 900n }, credits(30n), { fromCredit: 30n }],
  ['a lease that is not known gives nothing', { free: 900n }, credits(30n), { fromCredit: 30n }],
  [
    'usage above the hold is variance and touches no credit',
    { held: 100n, free: 900n },
    credits(30n, 7n),
    { fromLease: 30n, variance: 7n },
  ],
  ['waste touches neither lease nor credit', { held: 100n, free: 900n }, waste(30n), { waste: 30n }],
  [
    'an own key touches nothing that does not count it',
    { held: 100n, free: 900n },
    { ...waste(30n), payer: 'byok' },
    { byok: 30n },
  ],
  ['a charge of nothing is recorded', { held: 100n }, credits(0n), {}],
  [
    'a correction upwards comes out of the lease',
    { held: 100n, unbooked: 30n, charged: 30n },
    credits(45n),
    { fromLease: 15n },
  ],
  [
    'a correction downwards gives credit back, after what was spent is posted',
    { held: 100n, unbooked: 30n, charged: 30n },
    credits(20n),
    { fromCredit: -10n, booked: 30n },
  ],
  [
    'a correction after the lease was closed goes to credit',
    { held: 0n, closed: true, free: 900n, charged: 30n },
    credits(20n),
    { fromCredit: -10n },
  ],
  [
    'a charge that turns out to be waste is given back whole',
    { held: 70n, unbooked: 30n, charged: 30n },
    waste(30n),
    { fromCredit: -30n, waste: 30n, booked: 30n },
  ],
  [
    'waste that turns out to be a charge is taken back',
    { held: 70n, charged: 0n, waste: 30n },
    credits(30n),
    { fromLease: 30n, waste: -30n },
  ],
  [
    'a markup comes out of the lease with its charge',
    { held: 100n, free: 900n },
    markedUp(30n, 2n),
    { fromLease: 32n, surcharge: 2n, onTop: ['markup', 2n] },
  ],
  [
    'a markup that the lease no longer has comes out of free credit',
    { held: 30n, free: 900n },
    markedUp(30n, 2n),
    { fromLease: 30n, fromCredit: 2n, surcharge: 2n, onTop: ['markup', 2n] },
  ],
  [
    'a markup that nobody has is variance',
    { held: 30n, free: 1n },
    markedUp(30n, 2n),
    { fromLease: 30n, fromCredit: 1n, variance: 1n, surcharge: 2n, onTop: ['markup', 2n] },
  ],
  [
    'a fee for an own key is the only money of it',
    { held: 100n, free: 900n },
    ownKey(30n, 2n),
    { fromLease: 2n, byok: 30n, surcharge: 2n, onTop: ['fees', 2n] },
  ],
  [
    'a fee for an own key that comes late is taken from free credit',
    { free: 900n },
    ownKey(30n, 2n),
    { fromCredit: 2n, byok: 30n, surcharge: 2n, onTop: ['fees', 2n] },
  ],
  [
    'a correction upwards corrects the markup with it',
    { held: 100n, unbooked: 32n, charged: 32n, surcharge: 2n },
    markedUp(45n, 3n),
    { fromLease: 16n, surcharge: 1n, onTop: ['markup', 1n] },
  ],
  [
    'a correction downwards gives the markup back with the rest',
    { held: 100n, unbooked: 32n, charged: 32n, surcharge: 2n },
    markedUp(15n, 1n),
    { fromCredit: -16n, booked: 32n, surcharge: -1n, onTop: ['markup', -1n] },
  ],
  [
    'a charge that turns out to be waste has no markup any more',
    { held: 70n, unbooked: 32n, charged: 32n, surcharge: 2n },
    waste(30n),
    { fromCredit: -32n, waste: 30n, booked: 32n, surcharge: -2n, onTop: ['markup', -2n] },
  ],
  [
    'a markup that was short is had later, and its variance ends',
    { held: 10n, charged: 30n, variance: 2n, surcharge: 2n },
    markedUp(30n, 2n),
    { fromLease: 2n, variance: -2n },
  ],
];

describe('decideSettlement', () => {
  test.each(cases)('%s', (_name, world, decision, expected) => {
    const book = bookOf(world);
    const event = decideSettlement(book, settlement(decision));
    const { fromLease = 0n, fromCredit: late = 0n, booked: told = 0n, onTop, ...others } = expected;
    const amounts = { fromLease: usd(fromLease), fromCredit: usd(late), booked: usd(told) };
    const nothing = { waste: 0n, variance: 0n, byok: 0n, surcharge: 0n };
    expect(event).toMatchObject({
      revision: world.charged === undefined ? 0 : 1,
      ...{ ...nothing, ...others, ...amounts },
    });
    if (event === undefined) return;
    const before = book.quotas.get('wallet:w');
    evolve(book, event);
    const after = book.quotas.get('wallet:w');
    const { fromCredit, booked } = event;
    expect((after?.posted ?? 0n) - (before?.posted ?? 0n)).toBe(booked.usd + fromCredit.usd);
    expect((after?.held ?? 0n) - (before?.held ?? 0n)).toBe(-booked.usd);
    const balances = foldBalances(entriesOf(event));
    expect(balances.get('payable:p') ?? 0n).toBe(
      event.fromLease.usd + fromCredit.usd + event.waste + event.variance - event.surcharge,
    );
    expect(['markup', 'fees'].flatMap((account) => [[account, balances.get(account) ?? 0n]])).toEqual(
      ['markup', 'fees'].map((account) => [account, onTop?.[0] === account ? onTop[1] : 0n]),
    );
    expect(balances.get('held:w') ?? 0n).toBe(-event.fromLease.usd);
    expect(balances.get('credits:w') ?? 0n).toBe(-fromCredit.usd);
  });

  test('what is booked already is not booked again', () => {
    expect(
      decideSettlement(bookOf({ held: 70n, unbooked: 30n, charged: 30n }), settlement(credits(30n))),
    ).toBeUndefined();
  });

  test('without the wallet among the quotas no credit is free', () => {
    const book = bookOf({ free: 900n });
    book.quotas.set('key:x', { ...newWallet('w'), id: 'key:x', scope: 'key', limit: 100n });
    const event = decideSettlement(book, settlement(credits(30n), { quotaSet: ['key:x'] }));
    expect(event).toMatchObject({ fromCredit: NOTHING, variance: 30n });
  });

  test('the tightest quota of the set bounds what is taken late', () => {
    const book = bookOf({ free: 900n });
    book.quotas.set('key:x', { ...newWallet('w'), id: 'key:x', scope: 'key', limit: 100n, posted: 88n });
    const event = decideSettlement(book, settlement(credits(30n), { quotaSet: ['key:x', 'wallet:w'] }));
    expect(event).toMatchObject({ fromCredit: usd(12n), variance: 18n });
  });
});

describe('what is counted beside money', () => {
  const limits = { requests: 10n, tokens: 1_000n } as const;
  const metered = (held: Partial<Amounts>, posted: Partial<Record<keyof typeof limits, bigint>> = {}): Book => {
    const book = bookOf({ held: held.usd ?? 0n, free: 900n });
    const quotaIds = ['wallet:w'];
    for (const metric of ['requests', 'tokens'] as const) {
      const quota = { ...newWallet('w'), id: `key:${metric}`, scope: 'key', metric, limit: limits[metric] } as const;
      book.quotas.set(quota.id, { ...quota, posted: posted[metric] ?? 0n, held: held[metric] ?? 0n });
      quotaIds.push(quota.id);
    }
    const own = { ...newWallet('w'), id: 'key:own', scope: 'key', limit: 100n, includeByok: true } as const;
    book.quotas.set(own.id, { ...own, held: countedBy(own, { ...NOTHING, ...held }) });
    const lease = book.leases.get('l');
    if (lease !== undefined)
      book.leases.set('l', { ...lease, quotaIds: [...quotaIds, own.id], held: { ...NOTHING, ...held } });
    return book;
  };
  const counted = { requests: 1n, tokens: 120n };
  /** What the limit counts of own keys is spent, by this very attempt. */
  const paidByOwnKey = (): Book => {
    const book = metered({});
    const own = book.quotas.get('key:own');
    if (own !== undefined) book.quotas.set(own.id, { ...own, posted: 100n });
    book.charges.set('t', {
      revision: 0,
      charged: { ...NOTHING, byok: 100n },
      waste: 0n,
      variance: 0n,
      byok: 100n,
      surcharge: 0n,
    });
    return book;
  };

  test.each<[string, Book, Settlement, Partial<Amounts>, Partial<Amounts>]>([
    [
      'comes out of the lease',
      metered({ usd: 50n, requests: 2n, tokens: 500n }),
      settlement(credits(30n), counted),
      { usd: 30n, ...counted },
      {},
    ],
    [
      'comes out of what is free where the lease lacks it',
      metered({ usd: 50n, tokens: 100n }),
      settlement(credits(30n), counted),
      { usd: 30n, tokens: 100n },
      { requests: 1n, tokens: 20n },
    ],
    [
      'never passes a limit',
      metered({ usd: 50n }, { requests: 10n, tokens: 990n }),
      settlement(credits(30n), counted),
      { usd: 30n },
      { tokens: 10n },
    ],
    [
      'counts waste as a request, too',
      metered({ requests: 1n, tokens: 500n }),
      settlement(waste(30n), counted),
      counted,
      {},
    ],
    [
      'counts an own key where it is included',
      metered({ byok: 40n, requests: 1n }),
      settlement({ ...waste(30n), payer: 'byok' }, { requests: 1n }),
      { byok: 30n, requests: 1n },
      {},
    ],
    [
      'makes room by what goes back before it takes',
      paidByOwnKey(),
      settlement(credits(100n)),
      {},
      { usd: 100n, byok: -100n },
    ],
    [
      'counts an own key late, as far as its limit goes',
      metered({}),
      settlement({ ...waste(130n), payer: 'byok' }),
      {},
      { byok: 100n },
    ],
  ])('%s', (_name, book, asked, fromLease, fromCredit) => {
    const event = decideSettlement(book, asked);
    expect(event).toMatchObject({ fromLease: { ...NOTHING, ...fromLease }, fromCredit: { ...NOTHING, ...fromCredit } });
    if (event === undefined) return;
    evolve(book, event);
    expect(decideSettlement(book, asked)).toBeUndefined();
    for (const quota of book.quotas.values()) expect(quota.posted + quota.held <= quota.limit).toBe(true);
  });
});

describe('touchesQuotas', () => {
  const touched = (world: World, ...settlements: Settlement[]) => touchesQuotas(bookOf(world), settlements).length;

  test.each<[string, World, Settlement[], number]>([
    ['a lease that holds enough keeps settlement away from its quotas', { held: 100n }, [settlement(credits(100n))], 0],
    ['a lease that holds too little does not', { held: 99n }, [settlement(credits(100n))], 1],
    [
      'nor does one that holds too little for all of a batch',
      { held: 99n },
      [settlement(credits(50n), { attemptId: 'a' }), settlement(credits(50n), { attemptId: 'b' })],
      2,
    ],
    ['a closed lease leads to its quotas', { held: 0n, closed: true }, [settlement(credits(1n))], 1],
    ['waste never does', { held: 0n, closed: true }, [settlement(waste(1n))], 0],
    ['a correction always may', { held: 100n, charged: 1n }, [settlement(credits(1n))], 1],
  ])('%s', (_name, world, settlements, expected) => {
    expect(touched(world, ...settlements)).toBe(expected);
  });
});
