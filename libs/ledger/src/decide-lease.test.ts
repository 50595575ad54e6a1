// Leases, one line a case: what is free decides what is granted, and every command may come twice.
import type { QuotaRef } from '@waystation/contracts';
import { emptyBook, evolve, newWallet, type Book, type LeaseState, type QuotaState } from './book.js';
import {
  decideLeaseClose,
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  type GrantLease,
  type LeaseAnswer,
} from './decide-lease.js';
import { refusalOf } from './refusal.js';

const NOW = Date.UTC(2026, 7, 6, 12);
const DAY = Date.UTC(2026, 7, 6);
const NEXT_DAY = Date.UTC(2026, 7, 7);
const times = { nowMs: NOW, takeForMsMax: 60_000 };

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
  need: 100n,
  want: 100n,
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
      limit: 0n,
      posted: 0n,
      held: 0n,
    };
    book.quotas.set(id, { ...empty, ...keyState });
  }
  return book;
};
const gist = (answer: LeaseAnswer): string => {
  if ('granted' in answer) return `granted ${answer.granted.granted}`;
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
    ['of nothing is given by an empty wallet', { limit: 0n }, { need: 0n, want: 0n }, 'granted 0'],
    ['gets what it wants while that is a quarter of what is free', { limit: 1_000n }, { want: 250n }, 'granted 250'],
    ['gets a quarter of what is free when it wants more', { limit: 1_000n }, { want: 251n }, 'granted 250'],
    [
      'gets what it needs when that is more than a quarter',
      { limit: 1_000n },
      { need: 700n, want: 900n },
      'granted 700',
    ],
    ['wants at least what it needs', { limit: 1_000n }, { need: 100n, want: 1n }, 'granted 100'],
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
      gist(decideLeaseGrant(book, { ...request, quotas: [daily(limit), wallet], need }, times).answer);
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
    granted: 500n,
    held: 500n,
    unbooked: 0n,
    takeForMs: 60_000,
    endsAtMs: NOW + 30_000,
    final: false,
    closed: false,
    lastReleased: 0n,
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

describe('a renewal', () => {
  const renewal = { leaseId: 'l-1', step: 2, need: 100n, want: 100n };

  test('adds to what was granted, tells the quotas what was spent, and lasts from now on', () => {
    const book = openLease({ held: 380n, unbooked: 120n });
    const { events, answer } = decideLeaseRenew(book, renewal, times);
    expect(answer).toEqual({ granted: { leaseId: 'l-1', granted: 600n, takeForMs: 60_000, endsAtMs: NOW + 60_000 } });
    expect(after(book, events)).toMatchObject({
      lease: { granted: 600n, held: 480n, unbooked: 0n, renewStep: 2 },
      wallet: { held: 480n, posted: 120n },
    });
  });

  test.each<[string, Partial<LeaseState>, object, string]>([
    ['of an unknown lease is not found', {}, { leaseId: 'l-9' }, 'not_found'],
    ['of a closed lease is a conflict', { closed: true }, {}, 'conflict'],
    ['of a lease that takes no more holds is a conflict', { final: true }, {}, 'conflict'],
    ['of a former step is a conflict', { renewStep: 3 }, {}, 'conflict'],
    ['of the same step is answered again', { renewStep: 2 }, {}, 'granted 500'],
    ['beyond what is free is refused', {}, { need: 501n }, 'wallet refuses, left 500'],
  ])('%s', (_name, state, over, expected) => {
    const { events, answer } = decideLeaseRenew(openLease(state), { ...renewal, ...over }, times);
    expect(gist(answer)).toBe(expected);
    expect(events).toEqual([]);
  });
});

describe('a return', () => {
  const giveBack = { leaseId: 'l-1', step: 2, keep: 120n, final: false };

  test.each<[string, Partial<LeaseState>, object, bigint]>([
    ['gives back what is above what is kept', {}, {}, 380n],
    ['gives back nothing when all is kept', {}, { keep: 500n }, 0n],
    ['gives back nothing when more is kept than was granted', {}, { keep: 501n }, 0n],
    ['never gives back what is settled', { held: 90n, unbooked: 410n }, { keep: 0n }, 90n],
    ['counts what is settled as kept', { held: 400n, unbooked: 100n }, {}, 380n],
    ['of the same step is answered again', { returnStep: 2, lastReleased: 77n }, {}, 77n],
    ['of a former step gives back nothing', { returnStep: 3, lastReleased: 77n }, {}, 0n],
    ['of a closed lease gives back nothing', { closed: true, held: 0n }, {}, 0n],
  ])('%s', (_name, state, over, released) => {
    expect(decideLeaseReturn(openLease(state), { ...giveBack, ...over }).answer).toEqual({ released });
  });

  test('tells the quotas what was spent', () => {
    const book = openLease({ held: 400n, unbooked: 100n });
    expect(after(book, decideLeaseReturn(book, giveBack).events)).toMatchObject({
      lease: { granted: 120n, held: 20n, unbooked: 0n, final: false, closed: false },
      wallet: { held: 20n, posted: 100n },
    });
  });

  test.each([
    ['that leaves nothing unsettled closes the lease', 400n, true],
    ['that leaves something unsettled does not', 0n, false],
  ])('that is final and %s', (_name, spent, closed) => {
    const book = openLease({ held: 500n - spent, unbooked: spent });
    const { lease } = after(book, decideLeaseReturn(book, { ...giveBack, keep: 400n, final: true }).events);
    expect(lease).toMatchObject({ final: true, closed });
  });
});

describe('a close', () => {
  test('gives the remainder back, posts what was spent, and has no second effect', () => {
    const book = openLease({ held: 400n, unbooked: 100n });
    expect(after(book, decideLeaseClose(book, 'l-1'))).toMatchObject({
      lease: { granted: 100n, held: 0n, unbooked: 0n, closed: true },
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
    const refusal = refusalOf({ quota: quota(state), asked: 60n, left: 0n }, unbooked, 1_000);
    expect(refusal.code).toBe(code);
    expect(refusal.retryAfterMs).toBe(code === 'in_flight' ? 1_000 : undefined);
  });

  test('names limit and reset of a window, and neither of a wallet', () => {
    const window = { scope: 'key', window: 'day', windowStart: DAY } as const;
    expect(refusalOf({ quota: quota({ ...window, posted: 90n }), asked: 60n, left: 10n }, 0n, 1_000)).toEqual({
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
    expect(refusalOf({ quota: quota({ posted: 90n }), asked: 60n, left: 10n }, 0n, 1_000)).not.toHaveProperty('limit');
  });
});
