// Orders in Postgres: the row, its locks, and what is shown of it. Amounts are whole cents here, since cards charge cents.
import type { QueryRunner } from 'typeorm';
import { WaystationError, type TopupOrder } from '@waystation/contracts';
import { fromCents } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';

export type OrderState = TopupOrder['state'];

export interface Order {
  readonly orderId: string;
  readonly workspaceId: string;
  readonly requestId: string;
  readonly kind: TopupOrder['kind'];
  readonly state: OrderState;
  readonly creditsCents: bigint;
  readonly feeCents: bigint;
  readonly currency: string;
  readonly savesMethod: boolean;
  readonly sessionId: string | undefined;
  readonly checkoutUrl: string | undefined;
  readonly paymentIntent: string | undefined;
  readonly reason: string | undefined;
  readonly createdAtMs: number;
  readonly paidAtMs: number | undefined;
}

interface OrderRow {
  readonly order_id: string;
  readonly workspace_id: string;
  readonly request_id: string;
  readonly kind: TopupOrder['kind'];
  readonly state: OrderState;
  readonly credits_cents: string;
  readonly fee_cents: string;
  readonly currency: string;
  readonly saves_method: boolean;
  readonly session_id: string | null;
  readonly checkout_url: string | null;
  readonly payment_intent: string | null;
  readonly reason: string | null;
  readonly created_at: Date;
  readonly paid_at: Date | null;
}

const COLUMNS = `order_id, workspace_id, request_id, kind, state, credits_cents, fee_cents, currency, saves_method, session_id, checkout_url,
  payment_intent, reason, created_at, paid_at`;

const orderOf = (row: OrderRow): Order => ({
  orderId: row.order_id,
  workspaceId: row.workspace_id,
  requestId: row.request_id,
  kind: row.kind,
  state: row.state,
  creditsCents: BigInt(row.credits_cents),
  feeCents: BigInt(row.fee_cents),
  currency: row.currency,
  savesMethod: row.saves_method,
  sessionId: row.session_id ?? undefined,
  checkoutUrl: row.checkout_url ?? undefined,
  paymentIntent: row.payment_intent ?? undefined,
  reason: row.reason ?? undefined,
  createdAtMs: row.created_at.getTime(),
  paidAtMs: row.paid_at?.getTime(),
});

export const totalCentsOf = ({ creditsCents, feeCents }: Order): bigint => creditsCents + feeCents;

export type NewOrder = Pick<
  Order,
  'orderId' | 'workspaceId' | 'requestId' | 'kind' | 'creditsCents' | 'feeCents' | 'currency' | 'savesMethod'
>;

/** Undefined where the workspace made an order under this request id before, or has an automatic one open. */
export const insertOrder = async (runner: QueryRunner, order: NewOrder): Promise<Order | undefined> => {
  const [row] = await queryRows<OrderRow>(
    runner,
    `insert into topup_order (order_id, workspace_id, request_id, kind, credits_cents, fee_cents, currency, saves_method)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning ${COLUMNS}`,
    [
      order.orderId,
      order.workspaceId,
      order.requestId,
      order.kind,
      order.creditsCents.toString(),
      order.feeCents.toString(),
      order.currency,
      order.savesMethod,
    ],
  );
  return row === undefined ? undefined : orderOf(row);
};

const findBy = async (runner: QueryRunner, where: string, values: readonly unknown[]): Promise<Order | undefined> => {
  const [row] = await queryRows<OrderRow>(runner, `select ${COLUMNS} from topup_order where ${where}`, values);
  return row === undefined ? undefined : orderOf(row);
};

export const orderOfRequest = (runner: QueryRunner, workspaceId: string, requestId: string) =>
  findBy(runner, 'workspace_id = $1 and request_id = $2', [workspaceId, requestId]);

/** First of the locks of whatever changes an order: orders, then leases, quotas, balances. */
export const lockOrder = (runner: QueryRunner, orderId: string) =>
  findBy(runner, 'order_id = $1 for update', [orderId]);

export const lockOrderOfPayment = (runner: QueryRunner, paymentIntent: string) =>
  findBy(runner, 'payment_intent = $1 for update', [paymentIntent]);

export const readOrder = async (runner: QueryRunner, workspaceId: string, orderId: string): Promise<Order> => {
  const order = await findBy(runner, 'workspace_id = $1 and order_id = $2', [workspaceId, orderId]);
  if (order === undefined) throw unknownOrder(orderId);
  return order;
};

export const unknownOrder = (orderId: string): WaystationError =>
  new WaystationError('not_found', `There is no top-up ${JSON.stringify(orderId.slice(0, 64))}.`);

/** As many as a page of the contract holds. */
const PAGE = 50;

export const listOrders = async (runner: QueryRunner, workspaceId: string, offset: number): Promise<Order[]> =>
  (
    await queryRows<OrderRow>(
      runner,
      `select ${COLUMNS} from topup_order where workspace_id = $1 order by created_at desc, order_id limit $2 offset $3`,
      [workspaceId, PAGE, offset],
    )
  ).map(orderOf);

export interface OrderChange {
  readonly state?: OrderState;
  readonly sessionId?: string | undefined;
  readonly checkoutUrl?: string | undefined;
  readonly paymentIntent?: string | undefined;
  readonly reason?: string | undefined;
}

/** What is absent stays. `paid_at` is set with the state `paid`. */
export const changeOrder = async (runner: QueryRunner, orderId: string, change: OrderChange): Promise<void> => {
  await queryRows(
    runner,
    `update topup_order set state = coalesce($2, state), session_id = coalesce($3, session_id), checkout_url = coalesce($4, checkout_url),
            payment_intent = coalesce($5, payment_intent), reason = coalesce($6, reason),
            paid_at = case when $2 = 'paid' then coalesce(paid_at, now()) else paid_at end
      where order_id = $1`,
    [
      orderId,
      change.state ?? null,
      change.sessionId ?? null,
      change.checkoutUrl ?? null,
      change.paymentIntent ?? null,
      change.reason?.slice(0, 512) ?? null,
    ],
  );
};

interface RefundRow {
  readonly order_id: string;
  readonly refund_id: string;
  readonly credits: string;
  readonly fee: string;
  readonly state: 'pending' | 'done' | 'failed';
  readonly via: 'stripe' | 'manual';
  readonly reason: string;
  readonly created_at: Date;
}

/** Orders as the contract tells them, with what went back of each. */
export const tellOrders = async (runner: QueryRunner, orders: readonly Order[]): Promise<TopupOrder[]> => {
  const ids = orders.map(({ orderId }) => orderId);
  const refunds = await queryRows<RefundRow>(
    runner,
    `select order_id, refund_id, credits, fee, state, via, reason, created_at from topup_refund where order_id = any($1) order by created_at, refund_id`,
    [ids],
  );
  const sums = await queryRows<{ order_id: string; refunded: string; disputed: boolean }>(
    runner,
    `select order_id, coalesce(sum(case kind when 'refunded' then credits when 'refund-failed' then -credits else 0 end), 0) as refunded,
            exists (select 1 from dispute where dispute.order_id = payment.order_id and state <> 'won') as disputed
       from payment where order_id = any($1) group by order_id`,
    [ids],
  );
  const sumOf = new Map(sums.map((row) => [row.order_id, row]));
  return orders.map((order) => ({
    orderId: order.orderId,
    workspaceId: order.workspaceId,
    kind: order.kind,
    state: order.state,
    credits: fromCents(order.creditsCents).toString(),
    fee: fromCents(order.feeCents).toString(),
    currency: order.currency,
    refunded: sumOf.get(order.orderId)?.refunded ?? '0',
    disputed: sumOf.get(order.orderId)?.disputed ?? false,
    ...(order.state === 'open' && order.checkoutUrl !== undefined ? { checkoutUrl: order.checkoutUrl } : {}),
    ...(order.reason === undefined ? {} : { reason: order.reason }),
    createdAt: order.createdAtMs,
    ...(order.paidAtMs === undefined ? {} : { paidAt: order.paidAtMs }),
    refunds: refunds
      .filter(({ order_id }) => order_id === order.orderId)
      .slice(0, REFUNDS_SHOWN)
      .map(({ refund_id, credits, fee, state, via, reason, created_at }) => ({
        ...{ refundId: refund_id, credits, fee, state, via, reason },
        createdAt: created_at.getTime(),
      })),
  }));
};

const REFUNDS_SHOWN = 100;
