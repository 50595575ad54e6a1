// The book: quotas, leases and charges as the fold of events. The wallet is one quota among others; its limit is all credits ever put in,
// less what went back. In every state: posted + held ≤ limit of each quota (a wallet after a chargeback excepted, which no usage can bring about), and a quota's held is what its open leases hold or have spent since it was last booked.
import { WaystationError, type QuotaRef } from '@waystation/contracts';
import { ACCOUNTS, entryOf, type Entry } from './entry.js';
import { evolveLots, promoEntriesOf, promoWalletChangeOf, type LotState, type PromoEvent } from './promo.js';
import { paymentAfter, paymentEntriesOf, walletChangeOf, type PaymentEvent, type PaymentState } from './payment.js';
import { walletQuotaId } from './quota-set.js';

export interface QuotaState {
  readonly id: string;
  /** The workspace whose calls meet it. */
  readonly workspaceId: string;
  readonly scope: QuotaRef['scope'];
  readonly scopeId: string;
  readonly metric: QuotaRef['metric'];
  readonly window: QuotaRef['window'];
  readonly windowStart: number;
  readonly limit: bigint;
  /** Spent and booked here. */
  readonly posted: bigint;
  /** Held by open leases. */
  readonly held: bigint;
}

export interface LeaseState {
  readonly id: string;
  readonly workspaceId: string;
  readonly keyHash: string;
  readonly instance: string;
  /** Sorted. The wallet of the workspace is always among them. */
  readonly quotaIds: readonly string[];
  /** All it was ever granted, less what it gave back. */
  readonly granted: bigint;
  /** Of that, what is not settled. */
  readonly held: bigint;
  /** Settled since the quotas were last told: they still count it as held. */
  readonly unbooked: bigint;
  readonly takeForMs: number;
  readonly endsAtMs: number;
  /** No new hold will be taken on it. */
  readonly final: boolean;
  readonly closed: boolean;
  readonly renewStep?: number;
  readonly returnStep?: number;
  /** What the last return released: the answer to its repetition. */
  readonly lastReleased: bigint;
}

/** What an attempt came to, over all revisions. */
export interface ChargeState {
  readonly revision: number;
  /** From the customer's credits. */
  readonly charged: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
  /** What it would have cost; the customer's own key paid. */
  readonly byok: bigint;
}

/** A working set, owned by whoever folds events into it. May be a part of the whole, as long as it holds all that a command touches. */
export interface Book {
  readonly quotas: Map<string, QuotaState>;
  readonly leases: Map<string, LeaseState>;
  /** By attempt id. */
  readonly charges: Map<string, ChargeState>;
  /** By grant id. */
  readonly creditGrants: Map<string, { readonly workspaceId: string; readonly amount: bigint }>;
  /** By order id. */
  readonly payments: Map<string, PaymentState>;
  /** Promotional, by grant id. */
  readonly lots: Map<string, LotState>;
  /** By workspace: up to where its spending is attributed to lots. */
  readonly promoMarks: Map<string, bigint>;
}

export const emptyBook = (): Book => ({
  quotas: new Map(),
  leases: new Map(),
  charges: new Map(),
  creditGrants: new Map(),
  payments: new Map(),
  lots: new Map(),
  promoMarks: new Map(),
});

export type LedgerEvent =
  | PaymentEvent
  | PromoEvent
  | {
      readonly type: 'credits-granted';
      readonly grantId: string;
      readonly workspaceId: string;
      readonly amount: bigint;
    }
  | {
      readonly type: 'lease-granted';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly keyHash: string;
      readonly instance: string;
      /** With the limits that the grant was decided under; amounts as before it. */
      readonly quotas: readonly QuotaState[];
      readonly amount: bigint;
      readonly takeForMs: number;
      readonly endsAtMs: number;
    }
  | {
      readonly type: 'lease-renewed';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly step: number;
      readonly amount: bigint;
      readonly booked: bigint;
      readonly takeForMs: number;
      readonly endsAtMs: number;
    }
  | {
      readonly type: 'lease-returned';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly step: number;
      readonly released: bigint;
      readonly booked: bigint;
      readonly final: boolean;
    }
  | {
      readonly type: 'lease-closed';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly released: bigint;
      readonly booked: bigint;
    }
  | {
      /** One attempt, or a correction of one: amounts are differences to the revision before. */
      readonly type: 'charged';
      readonly attemptId: string;
      readonly revision: number;
      readonly workspaceId: string;
      readonly provider: string;
      readonly leaseId?: string;
      /** The quotas that `fromCredit` is posted to. */
      readonly quotaIds: readonly string[];
      readonly fromLease: bigint;
      /** Straight from free credit: late charges, and refunds (negative). */
      readonly fromCredit: bigint;
      /** Of the lease, told to the quotas first, so that a refund finds it posted there. */
      readonly booked: bigint;
      readonly waste: bigint;
      readonly variance: bigint;
      readonly byok: bigint;
    };

/** What a command comes to: events to fold and to store, and the answer to whoever asked. */
export interface Decided<Answer> {
  readonly events: readonly LedgerEvent[];
  readonly answer: Answer;
}

const must = <Value>(map: ReadonlyMap<string, Value>, id: string): Value => {
  const value = map.get(id);
  if (value === undefined) throw new WaystationError('internal', `The working set of the ledger lacks ${id}.`);
  return value;
};

/** Moves amounts inside quotas: held and posted by so much each. */
const shift = (book: Book, quotaIds: readonly string[], held: bigint, posted: bigint): void => {
  if (held === 0n && posted === 0n) return;
  for (const id of quotaIds) {
    const quota = must(book.quotas, id);
    book.quotas.set(id, { ...quota, held: quota.held + held, posted: quota.posted + posted });
  }
};

/** Folds one event into the working set. Decides nothing: what it is given has been decided. */
export const evolve = (book: Book, event: LedgerEvent): void => {
  switch (event.type) {
    case 'credits-granted': {
      const { grantId, workspaceId, amount } = event;
      const wallet = book.quotas.get(walletQuotaId(workspaceId)) ?? newWallet(workspaceId);
      book.quotas.set(wallet.id, { ...wallet, limit: wallet.limit + amount });
      book.creditGrants.set(grantId, { workspaceId, amount });
      return;
    }
    case 'topped-up':
    case 'refunded':
    case 'refund-failed':
    case 'charged-back':
    case 'chargeback-reversed': {
      const { workspaceId, orderId } = event;
      const wallet = book.quotas.get(walletQuotaId(workspaceId)) ?? newWallet(workspaceId);
      book.quotas.set(wallet.id, { ...wallet, limit: wallet.limit + walletChangeOf(event) });
      book.payments.set(orderId, paymentAfter(book.payments.get(orderId), event));
      return;
    }
    case 'promo-granted':
    case 'promo-attributed':
    case 'promo-expired': {
      const { workspaceId } = event;
      const wallet = book.quotas.get(walletQuotaId(workspaceId)) ?? newWallet(workspaceId);
      book.quotas.set(wallet.id, { ...wallet, limit: wallet.limit + promoWalletChangeOf(event) });
      evolveLots(book.lots, event);
      if (event.type === 'promo-attributed') book.promoMarks.set(workspaceId, event.mark);
      return;
    }
    case 'lease-granted': {
      const { leaseId: id, workspaceId, keyHash, instance, amount, takeForMs, endsAtMs } = event;
      const quotaIds = event.quotas.map((quota) => quota.id);
      for (const quota of event.quotas) book.quotas.set(quota.id, quota);
      shift(book, quotaIds, amount, 0n);
      book.leases.set(id, {
        id,
        workspaceId,
        keyHash,
        instance,
        quotaIds,
        granted: amount,
        held: amount,
        unbooked: 0n,
        takeForMs,
        endsAtMs,
        final: false,
        closed: false,
        lastReleased: 0n,
      });
      return;
    }
    case 'lease-renewed': {
      const { amount, booked, step: renewStep, takeForMs, endsAtMs } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, amount - booked, booked);
      book.leases.set(lease.id, {
        ...lease,
        granted: lease.granted + amount,
        held: lease.held + amount,
        unbooked: lease.unbooked - booked,
        takeForMs,
        endsAtMs,
        renewStep,
      });
      return;
    }
    case 'lease-returned': {
      const { released, booked, step: returnStep, final } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, -released - booked, booked);
      const held = lease.held - released;
      book.leases.set(lease.id, {
        ...lease,
        granted: lease.granted - released,
        held,
        unbooked: lease.unbooked - booked,
        final: lease.final || final,
        closed: final && held === 0n,
        returnStep,
        lastReleased: released,
      });
      return;
    }
    case 'lease-closed': {
      const { released, booked } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, -released - booked, booked);
      book.leases.set(lease.id, {
        ...lease,
        granted: lease.granted - released,
        held: lease.held - released,
        unbooked: lease.unbooked - booked,
        final: true,
        closed: true,
      });
      return;
    }
    case 'charged': {
      const { fromLease, fromCredit, booked } = event;
      if (event.leaseId !== undefined && (fromLease !== 0n || booked !== 0n)) {
        const lease = must(book.leases, event.leaseId);
        shift(book, lease.quotaIds, -booked, booked);
        book.leases.set(lease.id, {
          ...lease,
          held: lease.held - fromLease,
          unbooked: lease.unbooked + fromLease - booked,
        });
      }
      shift(book, event.quotaIds, 0n, fromCredit);
      const before = book.charges.get(event.attemptId) ?? NO_CHARGE;
      book.charges.set(event.attemptId, {
        revision: event.revision,
        charged: before.charged + fromLease + fromCredit,
        waste: before.waste + event.waste,
        variance: before.variance + event.variance,
        byok: before.byok + event.byok,
      });
      return;
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

/** What an attempt came to before anything was charged. */
export const NO_CHARGE: ChargeState = { revision: -1, charged: 0n, waste: 0n, variance: 0n, byok: 0n };

/** A wallet nobody has put credits into. */
export const newWallet = (workspaceId: string): QuotaState => ({
  id: walletQuotaId(workspaceId),
  workspaceId,
  scope: 'wallet',
  scopeId: workspaceId,
  metric: 'usd',
  window: 'lifetime',
  windowStart: 0,
  limit: 0n,
  posted: 0n,
  held: 0n,
});

/** The entries that an event writes. */
export const entriesOf = (event: LedgerEvent): Entry[] => {
  const credits = ACCOUNTS.credits(event.workspaceId);
  const held = ACCOUNTS.held(event.workspaceId);
  switch (event.type) {
    case 'credits-granted':
      return entryOf('credit-grant', ACCOUNTS.granted, credits, event.amount, event);
    case 'topped-up':
    case 'refunded':
    case 'refund-failed':
    case 'charged-back':
    case 'chargeback-reversed':
      return paymentEntriesOf(event);
    case 'promo-granted':
    case 'promo-attributed':
    case 'promo-expired':
      return promoEntriesOf(event);
    case 'lease-granted':
      return entryOf('lease-grant', credits, held, event.amount, event);
    case 'lease-renewed':
      return entryOf('lease-renew', credits, held, event.amount, event);
    case 'lease-returned':
      return entryOf('lease-return', held, credits, event.released, event);
    case 'lease-closed':
      return entryOf('lease-close', held, credits, event.released, event);
    case 'charged': {
      const kind = event.revision === 0 ? 'settle' : 'adjust';
      const payable = ACCOUNTS.payable(event.provider);
      const { workspaceId } = event;
      return [
        ...entryOf(kind, held, payable, event.fromLease, event),
        ...entryOf(kind, credits, payable, event.fromCredit, { workspaceId }),
        ...entryOf(kind, ACCOUNTS.waste, payable, event.waste, { workspaceId }),
        ...entryOf(kind, ACCOUNTS.variance, payable, event.variance, { workspaceId }),
      ];
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};
