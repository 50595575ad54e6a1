// Payments of the ledger in Postgres: loaded as the fold of their rows, written with the entries they make. One row for each event, under a natural key.
import type { QueryRunner } from 'typeorm';
import { newWallet, paymentAfter, type Decided, type PaymentEvent, type PaymentState } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import { lockQuotas, newPosting, openLedger, openQuotas, type Ledger } from '../ledger/store.js';

interface PaymentRow {
  readonly order_id: string;
  readonly kind: PaymentEvent['type'];
  readonly subject_id: string;
  readonly workspace_id: string;
  readonly credits: string;
  readonly fee: string;
}

const eventOf = (row: PaymentRow): PaymentEvent => {
  const about = { orderId: row.order_id, workspaceId: row.workspace_id };
  const paid = { ...about, credits: BigInt(row.credits), fee: BigInt(row.fee) };
  switch (row.kind) {
    case 'topped-up':
      return { type: row.kind, ...paid };
    case 'refunded':
    case 'refund-failed':
      return { type: row.kind, refundId: row.subject_id, ...paid };
    case 'charged-back':
    case 'chargeback-reversed':
      return { type: row.kind, disputeId: row.subject_id, ...paid };
    default: {
      const unreachable: never = row.kind;
      return unreachable;
    }
  }
};

const subjectOf = (event: PaymentEvent): string => {
  switch (event.type) {
    case 'topped-up':
      return event.orderId;
    case 'refunded':
    case 'refund-failed':
      return event.refundId;
    case 'charged-back':
    case 'chargeback-reversed':
      return event.disputeId;
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

/** A ledger with the locked wallet and the payment of an order. The caller has locked the order. */
export const openPayment = async (runner: QueryRunner, workspaceId: string, orderId: string): Promise<Ledger> => {
  const ledger = openLedger(runner);
  const wallet = newWallet(workspaceId);
  await lockQuotas(runner, ledger.book, [wallet.id]);
  await openQuotas(runner, ledger.book, [{ ref: wallet, workspaceId }]);
  const rows = await queryRows<PaymentRow>(
    runner,
    `select order_id, kind, subject_id, workspace_id, credits, fee from payment where order_id = $1 order by id`,
    [orderId],
  );
  let payment: PaymentState | undefined;
  for (const row of rows) payment = paymentAfter(payment, eventOf(row));
  if (payment !== undefined) ledger.book.payments.set(orderId, payment);
  return ledger;
};

const isPayment = (event: { readonly type: string }): event is PaymentEvent =>
  ['topped-up', 'refunded', 'refund-failed', 'charged-back', 'chargeback-reversed'].includes(event.type);

/** Books what was decided about a payment. `mayOverdraw`: a bank, or somebody past us, has taken the money already. Answers whether there was anything. */
export const bookPayment = async (
  runner: QueryRunner,
  ledger: Ledger,
  { events }: Pick<Decided<unknown>, 'events'>,
  mayOverdraw = false,
): Promise<boolean> => {
  const payments = events.filter(isPayment);
  if (payments.length === 0) return false;
  const posting = await newPosting(runner);
  for (const event of payments) {
    await queryRows(
      runner,
      `insert into payment (order_id, kind, subject_id, workspace_id, credits, fee, posting) values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        event.orderId,
        event.type,
        subjectOf(event),
        event.workspaceId,
        event.credits.toString(),
        event.fee.toString(),
        posting,
      ],
    );
    if (mayOverdraw)
      await queryRows(runner, `update quota set overdrawn = true where id = $1`, [newWallet(event.workspaceId).id]);
  }
  ledger.apply(payments);
  await ledger.flush(posting);
  return true;
};
