// Orders credits when a balance falls below its threshold. The order is committed before the card is charged, and the charge carries the order's id as its
// key: a process that dies in between leaves an open order, which the next tick charges again without a second effect. One open order at a time, by index.
import { randomUUID } from 'node:crypto';
import { WaystationError, formatUsd, type AutoTopupState } from '@waystation/contracts';
import {
  decideAutoTopUp,
  fromCents,
  PICODOLLARS_PER_CENT,
  topUpFeeCents,
  type AutoTopUpDecision,
} from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { PaymentsConfig } from '../config.js';
import { readCredits } from '../credits/credits.js';
import { appendNotice, type Actor } from '../notices/notice-rows.js';
import { applyFact, failAuto } from './apply-fact.js';
import {
  claimAutoTopUp,
  paymentThatSaved,
  putAutoTopUp,
  readAutoTopUp,
  ruleOf,
  type AutoTopUpRow,
  type AutoTopUpSettings,
} from './auto-topup-rows.js';
import { changeOrder, insertOrder, lockOrder, readOrder, type Order } from './order-rows.js';
import { mustHave, type PaymentStanding, type StripeGateway } from './stripe-gateway.js';

/** Workspaces that one tick looks at; the rest waits for the next. */
const TICK_MAX = 50;
const AUTO_ACTOR: Actor = { kind: 'service', reason: 'auto-top-up' };

/** Workspaces whose balance is below their threshold and that may try now. */
export const dueAutoTopUps = async (database: Database, nowMs: number): Promise<string[]> => {
  const rows = await database.query<{ workspace_id: string }>(
    `select a.workspace_id from auto_topup a left join quota q on q.id = 'wallet:' || a.workspace_id
      where a.enabled and a.next_try_at_ms <= $1
        and coalesce(q.quota_limit - q.posted, 0)
            - coalesce((select sum(unbooked) from lease l where l.workspace_id = a.workspace_id and closed_at is null), 0) < a.threshold
        and not exists (select 1 from topup_order o where o.workspace_id = a.workspace_id and o.kind = 'auto' and o.state in ('open', 'processing'))
      order by a.next_try_at_ms, a.workspace_id limit $2`,
    [nowMs, TICK_MAX],
  );
  return rows.map(({ workspace_id }) => workspace_id);
};

const DAY_MS = 86_400_000;

/** Decides under the lock of the workspace's settings, and makes the order where it says so. */
export const orderAutomatically = (
  database: Database,
  config: PaymentsConfig,
  workspaceId: string,
  nowMs: number,
): Promise<{ readonly decision: AutoTopUpDecision; readonly order?: Order }> =>
  database.transaction(async (runner) => {
    const row = await claimAutoTopUp(runner, workspaceId);
    if (row === undefined) return { decision: 'off' };
    const decision = decideAutoTopUp(ruleOf(row), await factsOf(runner, workspaceId, nowMs));
    if (decision !== 'order') return { decision };
    const { creditsCents } = row;
    const orderId = `top-${randomUUID()}`;
    const order = await insertOrder(runner, {
      ...{ orderId, workspaceId, requestId: orderId, kind: 'auto', currency: 'usd', savesMethod: false },
      ...{ creditsCents, feeCents: topUpFeeCents(creditsCents, config.feePolicy) },
    });
    if (order === undefined) return { decision: 'one-is-open' };
    await appendNotice(runner, {
      ...{ kind: 'audit', workspaceId, actor: AUTO_ACTOR, action: 'topup.ordered', subject: orderId },
      detail: { credits: formatUsd(fromCents(creditsCents)), automatic: true },
    });
    return { decision, order };
  });

const factsOf = async (runner: QueryRunner, workspaceId: string, nowMs: number) => {
  const { balance } = await readCredits(runner, workspaceId);
  const [orders] = await queryRows<{ open: boolean; today: string; disputed: boolean }>(
    runner,
    `select coalesce(bool_or(state in ('open', 'processing')), false) as open,
            coalesce(sum(credits_cents) filter (where state <> 'failed' and created_at >= to_timestamp($2 / 1000.0)), 0) as today,
            exists (select 1 from dispute where dispute.workspace_id = $1 and state <> 'won') as disputed
       from topup_order where workspace_id = $1 and kind = 'auto'`,
    [workspaceId, nowMs - (nowMs % DAY_MS)],
  );
  return {
    // A part of a cent does not lift a balance over its threshold.
    balanceCents: balance / PICODOLLARS_PER_CENT,
    hasOpenOrder: orders?.open ?? false,
    suspended: orders?.disputed ?? false,
    orderedTodayCents: BigInt(orders?.today ?? 0),
    nowMs,
  };
};

/** Charges the card of an open automatic order. A refusal ends the order; an unknown outcome leaves it open. */
export const chargeOrder = async (
  database: Database,
  stripe: StripeGateway,
  order: Order,
  nowMs: number,
): Promise<void> => {
  const { orderId, workspaceId, paymentIntent } = order;
  try {
    const row = await database.transaction((runner) => readAutoTopUp(runner, workspaceId));
    const standing =
      paymentIntent === undefined
        ? await stripe.chargeSaved(order, methodOf(row))
        : await stripe.standingOf(paymentIntent);
    await database.transaction((runner) => noteStanding(runner, orderId, standing, nowMs));
  } catch (error) {
    if (!(error instanceof WaystationError && error.code === 'unprocessable')) throw error;
    const { message: reason } = error;
    await database.transaction(async (runner) => {
      const locked = await lockOrder(runner, orderId);
      if (locked?.state === 'open' || locked?.state === 'processing') await failAuto(runner, locked, reason, nowMs);
    });
  }
};

const methodOf = (row: AutoTopUpRow | undefined) => {
  if (row !== undefined) return row.method;
  throw new WaystationError('unprocessable', 'No card is saved any more.');
};

const PENDING: readonly string[] = ['processing', 'requires_capture'];

/** Money that came in is booked here or by the webhook, whichever is first; the other finds it done. */
const noteStanding = async (
  runner: QueryRunner,
  orderId: string,
  { paymentIntent, status, receivedCents, currency }: PaymentStanding,
  nowMs: number,
): Promise<void> => {
  const order = await lockOrder(runner, orderId);
  if (order === undefined || (order.state !== 'open' && order.state !== 'processing')) return;
  if (status === 'succeeded') {
    await applyFact(runner, { kind: 'paid', orderId, cents: receivedCents, currency, paymentIntent }, nowMs);
  } else if (PENDING.includes(status)) {
    await changeOrder(runner, orderId, { state: 'processing', paymentIntent });
  } else {
    await changeOrder(runner, orderId, { paymentIntent });
    await failAuto(runner, order, `The card cannot be charged without its owner (${status}).`, nowMs);
  }
};

/** Automatic orders that nobody heard the end of, oldest first: those that may not have been charged, or those that the bank takes its time for. */
export const staleAutoOrders = async (
  database: Database,
  state: 'open' | 'processing',
  olderThanMs: number,
): Promise<Order[]> => {
  const rows = await database.query<{ workspace_id: string; order_id: string }>(
    `select workspace_id, order_id from topup_order where kind = 'auto' and state = $1
        and created_at < now() - make_interval(secs => $2) order by created_at limit $3`,
    [state, olderThanMs / 1_000, TICK_MAX],
  );
  return database.transaction(async (runner) => {
    const orders: Order[] = [];
    for (const { workspace_id, order_id } of rows) orders.push(await readOrder(runner, workspace_id, order_id));
    return orders;
  });
};

/** What people see of it. */
export const tellAutoTopUp = async (runner: QueryRunner, workspaceId: string): Promise<AutoTopupState> => {
  const row = await readAutoTopUp(runner, workspaceId);
  const hasPaymentMethod = row !== undefined || (await paymentThatSaved(runner, workspaceId)) !== undefined;
  if (row === undefined) return { hasPaymentMethod, failures: 0 };
  return {
    settings: {
      enabled: row.enabled,
      threshold: row.threshold.toString(),
      credits: fromCents(row.creditsCents).toString(),
      dailyMax: fromCents(row.dailyMaxCents).toString(),
    },
    hasPaymentMethod,
    failures: row.failures,
    ...(row.lastFailure === undefined ? {} : { lastFailure: row.lastFailure }),
    ...(row.nextTryAtMs === 0 ? {} : { nextTryAt: row.nextTryAtMs }),
  };
};

/** Only a card that a checkout of this very workspace saved can be charged: nobody names another's. */
export const setAutoTopUp = async (
  database: Database,
  gateway: StripeGateway | undefined,
  workspaceId: string,
  settings: AutoTopUpSettings,
  actor: Actor,
): Promise<void> => {
  const stripe = mustHave(gateway);
  const saved = await database.transaction((runner) => paymentThatSaved(runner, workspaceId));
  const method = saved === undefined ? undefined : await stripe.savedMethodOf(saved);
  if (method === undefined) {
    throw new WaystationError(
      'unprocessable',
      'No card is saved for this workspace: top up once with save_payment_method, and set this again.',
    );
  }
  await database.transaction(async (runner) => {
    await putAutoTopUp(runner, workspaceId, settings, method);
    await appendNotice(runner, {
      ...{ kind: 'audit', workspaceId, actor, action: 'auto-topup.set', subject: workspaceId },
      detail: {
        enabled: settings.enabled,
        threshold: formatUsd(settings.threshold),
        credits: formatUsd(fromCents(settings.creditsCents)),
        dailyMax: formatUsd(fromCents(settings.dailyMaxCents)),
      },
    });
  });
};
