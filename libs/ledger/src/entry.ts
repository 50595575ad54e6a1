// Accounts and entries. An entry moves one positive amount from one account (debit) to another (credit); entries are only ever added.
// A balance is credits minus debits of its account, so that all balances together are always zero.

/** Every account there is. What an id in a name stands for: a workspace (`credits`, `held`, `promo`), a grant (`promo`) or a provider (`payable`). */
export const ACCOUNTS = {
  /** Money of customers that came in, less what went back to them. */
  cash: 'cash',
  /** What customers paid on top of their credits, and for calls with their own provider keys. */
  fees: 'fees',
  /** What customers paid on top of what calls cost at their price. */
  markup: 'markup',
  /** Credits that an admin gave without payment: our cost. */
  granted: 'granted',
  /** Credits of a workspace that nothing holds. */
  credits: (workspaceId: string): string => `credits:${workspaceId}`,
  /** What of a promotional lot can still expire, with a minus: the part of `credits:W` that goes back then. */
  promo: (workspaceId: string, lotId: string): string => `promo:${workspaceId}:${lotId}`,
  /** Credits of a workspace inside open leases, not yet settled. */
  held: (workspaceId: string): string => `held:${workspaceId}`,
  /** What we owe a provider. */
  payable: (provider: string): string => `payable:${provider}`,
  /** Billed attempts that nobody pays. */
  waste: 'waste',
  /** What a provider bills beyond what could be charged. */
  variance: 'variance',
} as const;

export type EntryKind =
  | 'credit-grant'
  | 'promo-grant'
  | 'promo-spend'
  | 'promo-expire'
  | 'top-up'
  | 'refund'
  | 'refund-failed'
  | 'chargeback'
  | 'chargeback-reversed'
  | 'lease-grant'
  | 'lease-renew'
  | 'lease-return'
  | 'lease-close'
  | 'settle'
  | 'adjust'
  | 'reconcile';

export interface Entry {
  readonly kind: EntryKind;
  readonly debit: string;
  readonly credit: string;
  /** Picodollars, more than zero. */
  readonly amount: bigint;
  readonly workspaceId: string;
  readonly leaseId?: string;
}

/** An entry for a signed amount: none for zero, the other way round for a negative one. */
export const entryOf = (
  kind: EntryKind,
  debit: string,
  credit: string,
  amount: bigint,
  about: { readonly workspaceId: string; readonly leaseId?: string | undefined },
): Entry[] => {
  if (amount === 0n) return [];
  const { workspaceId, leaseId } = about;
  const sides = amount > 0n ? { debit, credit, amount } : { debit: credit, credit: debit, amount: -amount };
  return [{ kind, ...sides, workspaceId, ...(leaseId === undefined ? {} : { leaseId }) }];
};

/** Balances as the fold of entries. Accounts that nothing ever moved are absent. */
export const foldBalances = (entries: Iterable<Entry>): Map<string, bigint> => {
  const balances = new Map<string, bigint>();
  for (const { debit, credit, amount } of entries) {
    balances.set(debit, (balances.get(debit) ?? 0n) - amount);
    balances.set(credit, (balances.get(credit) ?? 0n) + amount);
  }
  return balances;
};
