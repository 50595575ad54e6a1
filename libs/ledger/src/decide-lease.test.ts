// Leases, one line a case: what is free decides what is granted, and every command may come twice.
import type { QuotaRef } from '@waystation/contracts';
import { NOTHING, type Amounts } from './amounts.js';
import { emptyBook, evolve, newWallet, type Book, type LeaseState, type QuotaState } from './book.js';
import {
  decideLeaseClose,
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  recountByok,
  type GrantLease,
  type LeaseAnswer,
} from './decide-lease.js';
import { refusalOf } from './refusal.js';

const NOW = Date.UTC(2026, 7, 6, 12);
const DAY = Date.UTC(2026, 7, 6);
const NEXT_DAY = Date.UTC(2026, 7, 7);
const times = { nowMs: NOW, takeForMsMax: 60_000 };
const usd = (amount: bigint): Amounts => ({ ...NOTHING, usd: amount });

const wallet: QuotaRef = {
  id: 'wallet:w',
  scope: 'wallet',
  scopeId: 'w',
  metric: 'usd',
  window: 'lifetime',
  windowStart: 0,
};
const daily = (limit: bigint): QuotaRef => ({
  id: `key:k:usd:day:${DAY}`,
  scope: 'key',
  scopeId: 'k',
  metric: 'usd',
  window: 'day',
  windowStart: DAY,
  limit: limit.toString(),
});
const request: GrantLease = {
  leaseId: 'l-1',
  workspaceId: 'w',
  keyHash: 'k',
  instance: 'i',
  quotas: [wallet],
  need: usd(100n),
  want: usd(100n),
};

const bookWith = (walletState: Partial<QuotaState>, keyState?: Partial<QuotaState>): Book => {
  const book = emptyBook();
  book.quotas.set('wallet:w', { ...newWallet('w'), ...walletState });
  if (keyState !== undefined) {
    const { id, scope, scopeId, metric, window, windowStart } = daily(0n);
    const empty = {
      id,
      scope,
      scopeId,
      metric,
      window,
      windowStart,
      workspaceId: 'w',
      includeByok: false,
      limit: 0n,
      posted: 0n,
      held: 0n,
    };
    book.quotas.set(id, { ...empty, ...keyState });
  }
  return book;
};
const gist = (answer: LeaseAnswer): string => {
  if ('granted' in answer) return `granted ${answer.granted.granted.usd}`;
  if ('refused' in answer) return `${answer.refused.quota.scope} refuses, left ${answer.refused.left}`;
  return answer.rejected.code;
};

describe('a grant', () => {
  test.each<[string, Partial<QuotaState>, Partial<GrantLease>, string]>([
    ['gets all of a wallet when it needs all', { limit: 100n }, {}, 'granted 100'],
    ['is refused when one picodollar is missing', { limit: 99n }, {}, 'wallet refuses, left 99'],
    ['counts what is posted', { limit: 150n, posted: 51n }, {}, 'wallet refuses, left 99'],
    ['counts what is held', { limit: 150n, held: 51n }, {}, 'wallet refuses, left 99'],
    ['counts both', { limit: 300n, posted: 100n, held: 100n }, {}, 'granted 100'],
    ['of nothing is given by an empty wallet', { limit: 0n }, { need: usd(0n), want: usd(0n) }, 'granted 0'],
    [
      'gets what it wants while that is a quarter of what is free',
      { limit: 1_000n },
      { want: usd(250n) },
      'granted 250',
    ],
    ['gets a quarter of what is free when it wants more', { limit: 1_000n }, { want: usd(251n) }, 'granted 250'],
    [
      'gets what it needs when that is more than a quarter',
      { limit: 1_000n },
      { need: usd(700n), want: usd(900n) },
      'granted 700',
    ],
    ['wants at least what it needs', { limit: 1_000n }, { need: usd(100n), want: usd(1n) }, 'granted 100'],
  ])('%s', (_name, state, over, expected) => {
    expect(gist(decideLeaseGrant(bookWith(state), { ...request, ...over }, times).answer)).toBe(expected);
  });

  test.each<[string, bigint, bigint, string]>([
    ['by the key when the key has least', 1_000n, 90n, 'key refuses, left 90'],
    ['by the wallet when the wallet has least', 80n, 90n, 'wallet refuses, left 80'],
    ['by none when both have enough', 100n, 100n, 'granted 100'],
  ])('is refused %s', (_name, credits, limit, expected) => {
    const quotas = [daily(limit), wallet];
    expect(gist(decideLeaseGrant(bookWith({ limit: credits }), { ...request, quotas }, times).answer)).toBe(expected);
  });

  test('meets the limit that the request names, but never one below what is taken', () => {
    const book = bookWith({ limit: 1_000n }, { limit: 500n, posted: 100n, held: 200n });
    const ask = (limit: bigint, need: bigint) =>
      gist(decideLeaseGrant(book, { ...request, quotas: [daily(limit), wallet], need: usd(need) }, times).answer);
    expect(ask(600n, 300n)).toBe('granted 300');
    expect(ask(600n, 301n)).toBe('key refuses, left 300');
    expect(ask(200n, 1n)).toBe('key refuses, left 0');
  });

  test.each([
    ['a minute where the windows are longer', NOW, 60_000],
    ['the end of the window where that is nearer', NEXT_DAY - 1, 1],
  ])('may be used for %s', (_name, nowMs, takeForMs) => {
    const { answer } = decideLeaseGrant(
      bookWith({ limit: 100n }),
      { ...request, quotas: [daily(100n), wallet] },
      { ...times, nowMs },
    );
    expect(answer).toMatchObject({ granted: { takeForMs, endsAtMs: nowMs + takeForMs } });
  });

  test('in a window that is over is a conflict', () => {
    const quotas = [daily(100n), wallet];
    expect(
      gist(decideLeaseGrant(bookWith({ limit: 100n }), { ...request, quotas }, { ...times, nowMs: NEXT_DAY }).answer),
    ).toBe('conflict');
  });

  test('under the id of another workspace is a conflict', () => {
    const book = openLease({});
    const { answer } = decideLeaseGrant(
      book,
      { ...request, workspaceId: 'other', quotas: [{ ...wallet, id: 'wallet:other', scopeId: 'other' }] },
      times,
    );
    expect(gist(answer)).toBe('conflict');
  });
});

/** A book with lease l-1: of 500 granted, so much is still held and so much unbooked, out of a wallet of 1 000. */
const openLease = (over: Partial<LeaseState>): Book => {
  const book = bookWith({ limit: 1_000n, held: 500n });
  const lease: LeaseState = {
    id: 'l-1',
    workspaceId: 'w',
    keyHash: 'k',
    instance: 'i',
    quotaIds: ['wallet:w'],
    granted: usd(500n),
    held: usd(500n),
    unbooked: NOTHING,
    takeForMs: 60_000,
    endsAtMs: NOW + 30_000,
    final: false,
    closed: false,
    lastReleased: NOTHING,
    ...over,
  };
  book.leases.set('l-1', lease);
  return book;
};
const after = (
  book: Book,
  events: readonly Parameters<typeof evolve>[1][],
): { lease: LeaseState | undefined; wallet: QuotaState | undefined } => {
  for (const event of events) evolve(book, event);
  return { lease: book.leases.get('l-1'), wallet: book.quotas.get('wallet:w') };
};

describe('counts beside money', () => {
  const perMinute = (metric: 'requests' | 'tokens', limit: bigint): QuotaRef => ({
    id: `key:k:${metric}:minute:${NOW}`,
    scope: 'key',
    scopeId: 'k',
    metric,
    window: 'minute',
    windowStart: NOW,
    limit: limit.toString(),
  });
  const ask = (quotas: readonly QuotaRef[], need: Partial<Amounts>, want: Partial<Amounts> = need) => {
    const asked = { ...request, quotas, need: { ...NOTHING, ...need }, want: { ...NOTHING, ...want } };
    const { answer } = decideLeaseGrant(bookWith({ limit: 1_000n }), asked, times);
    if ('granted' in answer) return answer.granted.granted;
    return 'refused' in answer
      ? `${answer.refused.quota.metric} short: ${answer.refused.asked} of ${answer.refused.left}`
      : answer.rejected.code;
  };
  const [requests, tokens] = [perMinute('requests', 8n), perMinute('tokens', 900n)];

  test.each<[string, readonly QuotaRef[], Partial<Amounts>, Partial<Amounts>, Partial<Amounts> | string]>([
    [
      'are granted with the money',
      [wallet, requests, tokens],
      { usd: 5n, requests: 1n, tokens: 90n },
      {},
      { usd: 5n, requests: 1n, tokens: 90n },
    ],
    [
      'are granted ahead up to a quarter of what is free',
      [wallet, requests],
      { requests: 1n },
      { requests: 9n },
      { requests: 2n },
    ],
    ['are not granted ahead where nothing counts them', [wallet], { usd: 1n }, { usd: 1n, requests: 9n }, { usd: 1n }],
    ['refuse by the requests', [wallet, requests], { requests: 9n }, {}, 'requests short: 9 of 8'],
    [
      'refuse by the tokens',
      [wallet, requests, tokens],
      { requests: 1n, tokens: 901n },
      {},
      'tokens short: 901 of 900',
    ],
    ['let money refuse first', [wallet, requests], { usd: 1_001n, requests: 9n }, {}, 'usd short: 1001 of 1000'],
    [
      'let requests refuse before tokens',
      [wallet, tokens, requests],
      { requests: 9n, tokens: 901n },
      {},
      'requests short: 9 of 8',
    ],
    ['cost a free model no credit', [wallet, requests], { requests: 1n }, {}, { requests: 1n }],
  ])('%s', (_name, quotas, need, want, expected) => {
    expect(ask(quotas, need, { ...need, ...want })).toEqual(
      typeof expected === 'string' ? expected : { ...NOTHING, ...expected },
    );
  });

  test('own provider keys count where a quota includes them, and never in the wallet', () => {
    const including = { ...daily(100n), includeByok: true };
    const book = bookWith({ limit: 10n });
    const asked = { ...request, quotas: [including, wallet], need: { ...NOTHING, usd: 10n, byok: 90n }, want: NOTHING };
    const { events } = decideLeaseGrant(book, asked, times);
    for (const event of events) evolve(book, event);
    expect(book.quotas.get(including.id)).toMatchObject({ held: 100n });
    expect(book.quotas.get('wallet:w')).toMatchObject({ held: 10n });
    const more = { ...asked, leaseId: 'l-2', need: { ...NOTHING, byok: 1n } };
    expect(gist(decideLeaseGrant(book, more, times).answer)).toBe('key refuses, left 0');
    const without = { ...more, quotas: [{ ...daily(200n), id: 'key:other' }, wallet] };
    expect(gist(decideLeaseGrant(book, without, times).answer)).toBe('granted 0');
  });

  test('a quota that counts own keys from now on counts what its open leases hold', () => {
    const state = { ...newWallet('w'), id: 'key:x', scope: 'key', limit: 100n, posted: 60n, held: 30n } as const;
    const open = [{ held: { ...NOTHING, usd: 20n, byok: 15n }, unbooked: { ...NOTHING, usd: 10n, byok: 5n } }];
    const counting = recountByok(state, true, open);
    expect(counting).toMatchObject({ includeByok: true, posted: 60n, held: 50n, limit: 110n });
    expect(recountByok(counting, false, open)).toMatchObject({ includeByok: false, posted: 60n, held: 30n });
  });

  test('what a quota counts of money and own keys must fit together, wanted amounts too', () => {
    const including = { ...daily(100n), includeByok: true };
    const asked = {
      ...request,
      quotas: [including, wallet],
      need: { ...NOTHING, usd: 85n },
      want: { ...NOTHING, usd: 85n, byok: 90n },
    };
    const { answer } = decideLeaseGrant(bookWith({ limit: 1_000n }), asked, times);
    expect(answer).toMatchObject({ granted: { granted: { usd: 85n, byok: 15n } } });
  });
});

describe('a renewal', () => {
  const renewal = { leaseId: 'l-1', step: 2, need: usd(100n), want: usd(100n) };

  test('adds to what was granted, tells the quotas what was spent, and lasts from now on', () => {
    const book = openLease({ held: usd(380n), unbooked: usd(120n) });
    const { events, answer } = decideLeaseRenew(book, renewal, times);
    expect(answer).toEqual({
      granted: { leaseId: 'l-1', granted: usd(600n), takeForMs: 60_000, endsAtMs: NOW + 60_000 },
    });
    expect(after(book, events)).toMatchObject({
      lease: { granted: usd(600n), held: usd(480n), unbooked: NOTHING, renewStep: 2 },
      wallet: { held: 480n, posted: 120n },
    });
  });

  test.each<[string, Partial<LeaseState>, object, string]>([
    ['of an unknown lease is not found', {}, { leaseId: 'l-9' }, 'not_found'],
    ['of a closed lease is a conflict', { closed: true }, {}, 'conflict'],
    ['of a lease that takes no more holds is a conflict', { final: true }, {}, 'conflict'],
    ['of a former step is a conflict', { renewStep: 3 }, {}, 'conflict'],
    ['of the same step is answered again', { renewStep: 2 }, {}, 'granted 500'],
    ['beyond what is free is refused', {}, { need: usd(501n) }, 'wallet refuses, left 500'],
  ])('%s', (_name, state, over, expected) => {
    const { events, answer } = decideLeaseRenew(openLease(state), { ...renewal, ...over }, times);
    expect(gist(answer)).toBe(expected);
    expect(events).toEqual([]);
  });
});

describe('a return', () => {
  const giveBack = { leaseId: 'l-1', step: 2, keep: usd(120n), final: false };

  test.each<[string, Partial<LeaseState>, object, bigint]>([
    ['gives back what is above what is kept', {}, {}, 380n],
    ['gives back nothing when all is kept', {}, { keep: usd(500n) }, 0n],
    ['gives back nothing when more is kept than was granted', {}, { keep: usd(501n) }, 0n],
    ['never gives back what is settled', { held: usd(90n), unbooked: usd(410n) }, { keep: usd(0n) }, 90n],
    ['counts what is settled as kept', { held: usd(400n), unbooked: usd(100n) }, {}, 380n],
    ['of the same step is answered again', { returnStep: 2, lastReleased: usd(77n) }, {}, 77n],
    ['of a former step gives back nothing', { returnStep: 3, lastReleased: usd(77n) }, {}, 0n],
    ['of a closed lease gives back nothing', { closed: true, held: NOTHING }, {}, 0n],
  ])('%s', (_name, state, over, released) => {
    expect(decideLeaseReturn(openLease(state), { ...giveBack, ...over }).answer).toEqual({ released: usd(released) });
  });

  test('tells the quotas what was spent', () => {
    const book = openLease({ held: usd(400n), unbooked: usd(100n) });
    expect(after(book, decideLeaseReturn(book, giveBack).events)).toMatchObject({
      lease: { granted: usd(120n), held: usd(20n), unbooked: NOTHING, final: false, closed: false },
      wallet: { held: 20n, posted: 100n },
    });
  });

  test.each([
    ['that leaves nothing unsettled closes the lease', 400n, true],
    ['that leaves something unsettled does not', 0n, false],
  ])('that is final and %s', (_name, spent, closed) => {
    const book = openLease({ held: usd(500n - spent), unbooked: usd(spent) });
    const { lease } = after(book, decideLeaseReturn(book, { ...giveBack, keep: usd(400n), final: true }).events);
    expect(lease).toMatchObject({ final: true, closed });
  });
});

describe('a close', () => {
  test('gives the remainder back, posts what was spent, and has no second effect', () => {
    const book = openLease({ held: usd(400n), unbooked: usd(100n) });
    expect(after(book, decideLeaseClose(book, 'l-1'))).toMatchObject({
      lease: { granted: usd(100n), held: NOTHING, unbooked: NOTHING, closed: true },
      wallet: { held: 0n, posted: 100n },
    });
    expect(decideLeaseClose(book, 'l-1')).toEqual([]);
    expect(decideLeaseClose(book, 'l-9')).toEqual([]);
  });
});

describe('a refusal', () => {
  const quota = (over: Partial<QuotaState>): QuotaState => ({ ...newWallet('w'), limit: 100n, ...over });

  test.each<[string, Partial<QuotaState>, bigint, string]>([
    ['says in flight while what is held may come back', { held: 100n }, 0n, 'in_flight'],
    ['says in flight when just enough may come back', { posted: 40n, held: 60n }, 0n, 'in_flight'],
    ['says insufficient credits when not enough can come back', { posted: 41n, held: 59n }, 0n, 'insufficient_credits'],
    ['knows that what is spent cannot come back', { posted: 40n, held: 60n }, 1n, 'insufficient_credits'],
    ['says limit exceeded where a limit is spent', { scope: 'key', posted: 100n }, 0n, 'limit_exceeded'],
  ])('%s', (_name, state, unbooked, code) => {
    const refusal = refusalOf({ quota: quota(state), asked: 60n, left: 0n }, unbooked, times.nowMs, 1_000);
    expect(refusal.code).toBe(code);
    expect(refusal.retryAfterMs).toBe(code === 'in_flight' ? 1_000 : undefined);
  });

  test.each<[string, Partial<QuotaState>, number | undefined]>([
    ['is told to wait for its reset where the window is spent', { posted: 100n }, 60_000],
    ['is told to come back soon where something may come back', { held: 100n }, 1_000],
    ['is told no time where the window never ends', { posted: 100n, window: 'lifetime', windowStart: 0 }, undefined],
  ])('of a rate %s', (_name, state, retryAfterMs) => {
    const window = { scope: 'key', metric: 'requests', window: 'minute', windowStart: NOW } as const;
    const refusal = refusalOf({ quota: quota({ ...window, ...state }), asked: 1n, left: 0n }, 0n, NOW, 1_000);
    expect(refusal).toMatchObject({ code: 'rate_limited', metric: 'requests' });
    expect(refusal.retryAfterMs).toBe(retryAfterMs);
  });

  test('names limit and reset of a window, and neither of a wallet', () => {
    const window = { scope: 'key', window: 'day', windowStart: DAY } as const;
    expect(
      refusalOf({ quota: quota({ ...window, posted: 90n }), asked: 60n, left: 10n }, 0n, times.nowMs, 1_000),
    ).toEqual({
      code: 'limit_exceeded',
      quotaId: 'wallet:w',
      scope: 'key',
      metric: 'usd',
      window: 'day',
      asked: '60',
      left: '10',
      limit: '100',
      resetsAt: NEXT_DAY,
    });
    expect(
      refusalOf({ quota: quota({ posted: 90n }), asked: 60n, left: 10n }, 0n, times.nowMs, 1_000),
    ).not.toHaveProperty('limit');
  });

  test('names the guardrail whose budget it is, and of anything else none', () => {
    const told = (scope: QuotaState['scope']) =>
      refusalOf({ quota: quota({ scope, scopeId: 'g-1' }), asked: 60n, left: 10n }, 0n, times.nowMs, 1_000);
    expect(told('guardrail')).toMatchObject({ scope: 'guardrail', guardrailId: 'g-1' });
    expect(told('member')).not.toHaveProperty('guardrailId');
  });
});
