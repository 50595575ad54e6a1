// The book: quotas, leases and charges as the fold of events. The wallet is one quota among others; its limit is all credits ever put in, less what went back.
// In every state: posted + held ≤ limit of each quota (but a wallet that a bank took from, which no usage can bring about), and a quota's held is what of its
// open leases it counts: held, or spent since it was last booked. Only the credits among the amounts are money that moves between accounts; the other parts
// are counted.
import { WaystationError, type QuotaRef } from '@waystation/contracts';
import { NOTHING, countedBy, isNothing, minus, plus, type Amounts } from './amounts.js';
import { ACCOUNTS, entryOf, type Entry } from './entry.js';
import { evolveLots, promoEntriesOf, promoWalletChangeOf, type LotState, type PromoEvent } from './promo.js';
import { paymentAfter, paymentEntriesOf, walletChangeOf, type PaymentEvent, type PaymentState } from './payment.js';
import { walletQuotaId } from './quota-set.js';
import { bearersOfSurcharge, type SurchargeAccount } from './surcharge.js';

export interface QuotaState {
  readonly id: string;
  /** The workspace whose calls meet it. */
  readonly workspaceId: string;
  readonly scope: QuotaRef['scope'];
  readonly scopeId: string;
  readonly metric: QuotaRef['metric'];
  readonly window: QuotaRef['window'];
  readonly windowStart: number;
  /** Of a money quota: whether it counts what the customer's own provider keys cost, too. */
  readonly includeByok: boolean;
  /** In the unit of its metric, as are the two below. */
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
  readonly granted: Amounts;
  /** Of that, what is not settled. */
  readonly held: Amounts;
  /** Settled since the quotas were last told: they still count it as held. */
  readonly unbooked: Amounts;
  readonly takeForMs: number;
  readonly endsAtMs: number;
  /** No new hold will be taken on it. */
  readonly final: boolean;
  readonly closed: boolean;
  readonly renewStep?: number;
  readonly returnStep?: number;
  /** What the last return released: the answer to its repetition. */
  readonly lastReleased: Amounts;
}

/** What an attempt came to, over all revisions. */
export interface ChargeState {
  readonly revision: number;
  /** What its quotas were told: `usd` is from the customer's credits. */
  readonly charged: Amounts;
  readonly waste: bigint;
  readonly variance: bigint;
  /** What it would have cost; the customer's own key paid. */
  readonly byok: bigint;
  /** Of what was charged, and of the variance where not all of it could be had: what is not the provider's. */
  readonly surcharge: bigint;
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
      readonly amount: Amounts;
      readonly takeForMs: number;
      readonly endsAtMs: number;
    }
  | {
      readonly type: 'lease-renewed';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly step: number;
      readonly amount: Amounts;
      readonly booked: Amounts;
      readonly takeForMs: number;
      readonly endsAtMs: number;
    }
  | {
      readonly type: 'lease-returned';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly step: number;
      readonly released: Amounts;
      readonly booked: Amounts;
      readonly final: boolean;
    }
  | {
      readonly type: 'lease-closed';
      readonly leaseId: string;
      readonly workspaceId: string;
      readonly released: Amounts;
      readonly booked: Amounts;
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
      readonly fromLease: Amounts;
      /** Straight from what is free: late charges, and refunds (negative). */
      readonly fromCredit: Amounts;
      /** Of the lease, told to the quotas first, so that a refund finds it posted there. */
      readonly booked: Amounts;
      readonly waste: bigint;
      readonly variance: bigint;
      readonly byok: bigint;
      /** Part of what is borne by lease, credit and variance; the rest is owed to the provider. */
      readonly surcharge: bigint;
      readonly surchargeTo: SurchargeAccount;
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
const shift = (book: Book, quotaIds: readonly string[], held: Amounts, posted: Amounts): void => {
  if (isNothing(held) && isNothing(posted)) return;
  for (const id of quotaIds) {
    const quota = must(book.quotas, id);
    book.quotas.set(id, {
      ...quota,
      held: quota.held + countedBy(quota, held),
      posted: quota.posted + countedBy(quota, posted),
    });
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
      shift(book, quotaIds, amount, NOTHING);
      book.leases.set(id, {
        id,
        workspaceId,
        keyHash,
        instance,
        quotaIds,
        granted: amount,
        held: amount,
        unbooked: NOTHING,
        takeForMs,
        endsAtMs,
        final: false,
        closed: false,
        lastReleased: NOTHING,
      });
      return;
    }
    case 'lease-renewed': {
      const { amount, booked, step: renewStep, takeForMs, endsAtMs } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, minus(amount, booked), booked);
      book.leases.set(lease.id, {
        ...lease,
        granted: plus(lease.granted, amount),
        held: plus(lease.held, amount),
        unbooked: minus(lease.unbooked, booked),
        takeForMs,
        endsAtMs,
        renewStep,
      });
      return;
    }
    case 'lease-returned': {
      const { released, booked, step: returnStep, final } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, minus(minus(NOTHING, released), booked), booked);
      const held = minus(lease.held, released);
      book.leases.set(lease.id, {
        ...lease,
        granted: minus(lease.granted, released),
        held,
        unbooked: minus(lease.unbooked, booked),
        final: lease.final || final,
        closed: final && isNothing(held),
        returnStep,
        lastReleased: released,
      });
      return;
    }
    case 'lease-closed': {
      const { released, booked } = event;
      const lease = must(book.leases, event.leaseId);
      shift(book, lease.quotaIds, minus(minus(NOTHING, released), booked), booked);
      book.leases.set(lease.id, {
        ...lease,
        granted: minus(lease.granted, released),
        held: minus(lease.held, released),
        unbooked: minus(lease.unbooked, booked),
        final: true,
        closed: true,
      });
      return;
    }
    case 'charged': {
      const { fromLease, fromCredit, booked } = event;
      if (event.leaseId !== undefined && !(isNothing(fromLease) && isNothing(booked))) {
        const lease = must(book.leases, event.leaseId);
        shift(book, lease.quotaIds, minus(NOTHING, booked), booked);
        book.leases.set(lease.id, {
          ...lease,
          held: minus(lease.held, fromLease),
          unbooked: minus(plus(lease.unbooked, fromLease), booked),
        });
      }
      shift(book, event.quotaIds, NOTHING, fromCredit);
      const before = book.charges.get(event.attemptId) ?? NO_CHARGE;
      book.charges.set(event.attemptId, {
        revision: event.revision,
        charged: plus(before.charged, plus(fromLease, fromCredit)),
        waste: before.waste + event.waste,
        variance: before.variance + event.variance,
        byok: before.byok + event.byok,
        surcharge: before.surcharge + event.surcharge,
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
export const NO_CHARGE: ChargeState = {
  revision: -1,
  charged: NOTHING,
  waste: 0n,
  variance: 0n,
  byok: 0n,
  surcharge: 0n,
};

/** A wallet nobody has put credits into. */
export const newWallet = (workspaceId: string): QuotaState => ({
  id: walletQuotaId(workspaceId),
  workspaceId,
  scope: 'wallet',
  scopeId: workspaceId,
  metric: 'usd',
  window: 'lifetime',
  windowStart: 0,
  includeByok: false,
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
      return entryOf('lease-grant', credits, held, event.amount.usd, event);
    case 'lease-renewed':
      return entryOf('lease-renew', credits, held, event.amount.usd, event);
    case 'lease-returned':
      return entryOf('lease-return', held, credits, event.released.usd, event);
    case 'lease-closed':
      return entryOf('lease-close', held, credits, event.released.usd, event);
    case 'charged': {
      const kind = event.revision === 0 ? 'settle' : 'adjust';
      const payable = ACCOUNTS.payable(event.provider);
      const { workspaceId, surchargeTo, variance } = event;
      const [lease, credit] = [event.fromLease.usd, event.fromCredit.usd];
      const onTop = bearersOfSurcharge(event.surcharge, { lease, credit, variance });
      return [
        ...entryOf(kind, held, payable, lease - onTop.lease, event),
        ...entryOf(kind, held, surchargeTo, onTop.lease, event),
        ...entryOf(kind, credits, payable, credit - onTop.credit, { workspaceId }),
        ...entryOf(kind, credits, surchargeTo, onTop.credit, { workspaceId }),
        ...entryOf(kind, ACCOUNTS.waste, payable, event.waste, { workspaceId }),
        ...entryOf(kind, ACCOUNTS.variance, payable, variance - onTop.variance, { workspaceId }),
        ...entryOf(kind, ACCOUNTS.variance, surchargeTo, onTop.variance, { workspaceId }),
      ];
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};
