// Promotional credits: lots with an expiry. They are credits like all others, so that quotas and leases need not know of them; a lot only remembers how much of
// it has not been spent yet. What a workspace spends is attributed to its lots, earliest expiry first, whenever a lot begins or ends; in between nothing about
// lots can change, so that attributing later comes to the same. `promo:W:<lot>` is the contra account of what can still expire.
import { ACCOUNTS, entryOf, type Entry } from './entry.js';

export interface LotState {
  readonly lotId: string;
  readonly workspaceId: string;
  readonly amount: bigint;
  readonly expiresAtMs: number;
  /** Attributed to it so far. */
  readonly spent: bigint;
  /** Gone back. */
  readonly expired: bigint;
}

export type PromoEvent =
  | {
      readonly type: 'promo-granted';
      readonly lotId: string;
      readonly workspaceId: string;
      readonly amount: bigint;
      readonly expiresAtMs: number;
    }
  | {
      /** All that was spent up to `mark` is attributed. */
      readonly type: 'promo-attributed';
      readonly workspaceId: string;
      readonly mark: bigint;
      readonly parts: readonly { readonly lotId: string; readonly amount: bigint }[];
    }
  | {
      readonly type: 'promo-expired';
      readonly lotId: string;
      readonly workspaceId: string;
      readonly amount: bigint;
    };

export const remainingOf = ({ amount, spent, expired }: LotState): bigint => amount - spent - expired;

/** Earliest expiry first. */
export const inOrder = (lots: Iterable<LotState>): LotState[] =>
  [...lots].sort((a, b) => a.expiresAtMs - b.expiresAtMs || (a.lotId < b.lotId ? -1 : 1));

/** What the event adds to the wallet. */
export const promoWalletChangeOf = (event: PromoEvent): bigint => {
  switch (event.type) {
    case 'promo-granted':
      return event.amount;
    case 'promo-attributed':
      return 0n;
    case 'promo-expired':
      return -event.amount;
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

export const evolveLots = (lots: Map<string, LotState>, event: PromoEvent): void => {
  const change = (lotId: string, changed: (lot: LotState) => LotState): void => {
    const lot = lots.get(lotId);
    if (lot !== undefined) lots.set(lotId, changed(lot));
  };
  switch (event.type) {
    case 'promo-granted': {
      const { lotId, workspaceId, amount, expiresAtMs } = event;
      lots.set(lotId, { lotId, workspaceId, amount, expiresAtMs, spent: 0n, expired: 0n });
      return;
    }
    case 'promo-attributed':
      for (const { lotId, amount } of event.parts) change(lotId, (lot) => ({ ...lot, spent: lot.spent + amount }));
      return;
    case 'promo-expired': {
      const { lotId, amount } = event;
      change(lotId, (lot) => ({ ...lot, expired: lot.expired + amount }));
      return;
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

/** The entries that an event writes. The balance of a lot's account is what of it can still expire, with a minus. */
export const promoEntriesOf = (event: PromoEvent): Entry[] => {
  const { workspaceId } = event;
  const credits = ACCOUNTS.credits(workspaceId);
  switch (event.type) {
    case 'promo-granted':
      return entryOf('promo-grant', ACCOUNTS.promo(workspaceId, event.lotId), credits, event.amount, { workspaceId });
    case 'promo-attributed':
      return event.parts.flatMap(({ lotId, amount }) =>
        entryOf('promo-spend', ACCOUNTS.granted, ACCOUNTS.promo(workspaceId, lotId), amount, { workspaceId }),
      );
    case 'promo-expired':
      return entryOf('promo-expire', credits, ACCOUNTS.promo(workspaceId, event.lotId), event.amount, { workspaceId });
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};
