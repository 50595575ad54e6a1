// Top-ups as the management API shows them.
import type { AutoTopupState, TopupOrder } from '@waystation/contracts';
import { optionalUsd, usd } from '../http/send-json.js';

const isoOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

export const topUpInfo = (order: TopupOrder) => ({
  id: order.orderId,
  workspace_id: order.workspaceId,
  kind: order.kind,
  state: order.state,
  amount: usd(order.credits),
  fee: usd(order.fee),
  total: usd(BigInt(order.credits) + BigInt(order.fee)),
  currency: order.currency,
  checkout_url: order.checkoutUrl ?? null,
  reason: order.reason ?? null,
  created_at: isoOf(order.createdAt),
  paid_at: isoOf(order.paidAt),
  disputed: order.disputed,
  refunded: usd(order.refunded),
  refunds: order.refunds.map(({ refundId, credits, fee, state, via, reason, createdAt }) => ({
    ...{ id: refundId, amount: usd(credits), fee: usd(fee), state, via, reason, created_at: isoOf(createdAt) },
  })),
});

export const autoTopUpInfo = ({ settings, hasPaymentMethod, failures, lastFailure, nextTryAt }: AutoTopupState) => ({
  enabled: settings?.enabled ?? false,
  threshold: optionalUsd(settings?.threshold),
  amount: optionalUsd(settings?.credits),
  daily_max: optionalUsd(settings?.dailyMax),
  has_payment_method: hasPaymentMethod,
  failures,
  last_failure: lastFailure ?? null,
  next_try_at: isoOf(nextTryAt),
});
