// Giving promotional credits and letting them expire. Spending consumes the lot that expires first; an expiry takes exactly what is neither spent nor held by
// leases, so that a hold stays valid to its end. What is left of a lot only ever shrinks.
import { WaystationError } from '@waystation/contracts';
import { newWallet, type Book, type Decided, type QuotaState } from './book.js';
import { evolveLots, inOrder, remainingOf, type LotState, type PromoEvent } from './promo.js';

import { walletQuotaId } from './quota-set.js';

/** Lots of one workspace that are not used up; each expiry and grant walks over them. */
export const OPEN_LOTS_MAX = 100;

export interface GrantPromo {
  readonly lotId: string;
  readonly workspaceId: string;
  readonly amount: bigint;
  readonly expiresAtMs: number;
}

/** What the wallet is not told yet: spent by open leases. */
interface Unbooked {
  readonly unbooked: bigint;
}

type Attributed = Extract<PromoEvent, { readonly type: 'promo-attributed' }>;

const walletOf = (book: Book, workspaceId: string): QuotaState =>
  book.quotas.get(walletQuotaId(workspaceId)) ?? newWallet(workspaceId);

const openLots = (lots: ReadonlyMap<string, LotState>, workspaceId: string): LotState[] =>
  inOrder([...lots.values()].filter((lot) => lot.workspaceId === workspaceId && remainingOf(lot) > 0n));

/** What was spent since the last attribution, on the lots that were open all along. Corrections that give back are not attributed: later spending is theirs. */
const attribute = (book: Book, workspaceId: string, unbooked: bigint): Attributed[] => {
  const mark = walletOf(book, workspaceId).posted + unbooked;
  let rest = mark - (book.promoMarks.get(workspaceId) ?? 0n);
  if (rest <= 0n) return [];
  const parts: { lotId: string; amount: bigint }[] = [];
  for (const lot of openLots(book.lots, workspaceId)) {
    if (rest === 0n) break;
    const remaining = remainingOf(lot);
    const amount = rest < remaining ? rest : remaining;
    parts.push({ lotId: lot.lotId, amount });
    rest -= amount;
  }
  return [{ type: 'promo-attributed', workspaceId, mark, parts }];
};

/** The lots as they are once these are attributed. */
const lotsAfter = (book: Book, events: readonly PromoEvent[]): Map<string, LotState> => {
  const lots = new Map(book.lots);
  for (const event of events) evolveLots(lots, event);
  return lots;
};

/** What is left of a workspace's promotional credits. */
export const promotionalOf = (book: Book, workspaceId: string, unbooked: bigint): bigint =>
  openLots(lotsAfter(book, attribute(book, workspaceId, unbooked)), workspaceId).reduce(
    (sum, lot) => sum + remainingOf(lot),
    0n,
  );

const refuse = (
  code: 'conflict' | 'invalid_request',
  message: string,
): Decided<{ readonly rejected: WaystationError }> => ({
  events: [],
  answer: { rejected: new WaystationError(code, message) },
});

export const decidePromoGrant = (
  book: Book,
  { lotId, workspaceId, amount, expiresAtMs, nowMs, unbooked }: GrantPromo & Unbooked & { readonly nowMs: number },
): Decided<{ readonly rejected?: WaystationError }> => {
  const known = book.lots.get(lotId);
  if (known !== undefined) {
    const isSame = known.workspaceId === workspaceId && known.amount === amount && known.expiresAtMs === expiresAtMs;
    if (isSame) return { events: [], answer: {} };
    return refuse('conflict', `Grant ${lotId} was made before, with another amount, expiry or workspace.`);
  }
  if (amount <= 0n) return refuse('invalid_request', 'A grant must be more than zero.');
  if (expiresAtMs <= nowMs)
    return refuse('invalid_request', `The expiry ${new Date(expiresAtMs).toISOString()} lies in the past.`);
  if (openLots(book.lots, workspaceId).length >= OPEN_LOTS_MAX)
    return refuse(
      'conflict',
      `The workspace has ${OPEN_LOTS_MAX} promotional grants that are not used up, the most there may be.`,
    );
  const granted = { type: 'promo-granted', lotId, workspaceId, amount, expiresAtMs } as const;
  return { events: [...attribute(book, workspaceId, unbooked), granted], answer: {} };
};

/** Ends the lots whose time has come; what leases hold of them goes back as it comes back. Repeating it changes nothing. */
export const decidePromoExpiry = (
  book: Book,
  { workspaceId, nowMs, unbooked }: Unbooked & { readonly workspaceId: string; readonly nowMs: number },
): readonly PromoEvent[] => {
  const attributed = attribute(book, workspaceId, unbooked);
  const wallet = walletOf(book, workspaceId);
  let held = wallet.held - unbooked;
  // A chargeback may have taken what would expire: then it waits until there is credit again.
  let free = wallet.limit - wallet.posted - wallet.held;
  const expired: PromoEvent[] = [];
  for (const lot of openLots(lotsAfter(book, attributed), workspaceId)) {
    if (lot.expiresAtMs > nowMs) break;
    const remaining = remainingOf(lot);
    const stays = least(remaining, held);
    const amount = least(remaining - stays, free > 0n ? free : 0n);
    held -= stays;
    free -= amount;
    if (amount > 0n) expired.push({ type: 'promo-expired', lotId: lot.lotId, workspaceId, amount });
  }
  const isOver = (lotId: string): boolean => (book.lots.get(lotId)?.expiresAtMs ?? Infinity) <= nowMs;
  const closes = attributed.some(({ parts }) => parts.some(({ lotId }) => isOver(lotId)));
  return expired.length === 0 && !closes ? [] : [...attributed, ...expired];
};

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);
