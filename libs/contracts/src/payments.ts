// Money that comes in: top-ups, refunds, automatic top-ups, and what the payment service tells us. And what billing tells control of it.
import { z } from 'zod';
import { call, define } from './management.js';
import { defineRpc } from './contract.js';
import { count, picodollars, picodollarsUnsigned, unixMs, workspaceId } from './scalars.js';
import { suspension } from './snapshot.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const orderId = z.string().regex(/^top-[0-9a-f-]{36}$/);
/** Chosen by the caller: the same id is the same order or refund. */
const requestId = z.string().min(8).max(64);
/** Checked by billing against what it takes, so that the refusal can say so. */
const currency = z.string().min(1).max(16);

const refund = z.object({
  refundId: requestId,
  credits: picodollarsUnsigned,
  fee: picodollarsUnsigned,
  state: z.enum(['pending', 'done', 'failed']),
  via: z.enum(['stripe', 'manual']),
  reason: z.string().max(256),
  createdAt: unixMs,
});

/** An order of credits. `credits` and `fee` are what the card is charged, `refunded` credits that went back. */
const order = z.object({
  orderId,
  workspaceId,
  kind: z.enum(['checkout', 'auto']),
  state: z.enum(['open', 'processing', 'paid', 'failed', 'expired']),
  credits: picodollarsUnsigned,
  fee: picodollarsUnsigned,
  currency,
  refunded: picodollarsUnsigned,
  disputed: z.boolean(),
  /** Where to pay, while it is open. */
  checkoutUrl: z.string().max(4096).optional(),
  reason: z.string().max(512).optional(),
  createdAt: unixMs,
  paidAt: unixMs.optional(),
  refunds: z.array(refund).max(100),
});
export type TopupOrder = z.infer<typeof order>;

/** Makes an order and a page to pay it on. Idempotent on `requestId`. */
export const BillingTopupCreate = define(
  'billing',
  'topup',
  'create',
  'payments:write',
  true,
  z.object({
    ...call,
    workspaceId,
    requestId,
    credits: picodollars,
    currency,
    /** Keeps the card for automatic top-ups. */
    savePaymentMethod: z.boolean(),
  }),
  z.object({ order }),
);

export const BillingTopupGet = define(
  'billing',
  'topup',
  'get',
  'credits:read',
  true,
  z.object({ ...call, workspaceId, orderId: z.string().max(64) }),
  z.object({ order }),
);

/** Newest first. */
export const BillingTopupList = define(
  'billing',
  'topup',
  'list',
  'credits:read',
  true,
  z.object({ ...call, workspaceId, offset: count.optional() }),
  z.object({ orders: z.array(order).max(50) }),
);

/** Gives free credits of an order back. Idempotent on `refundId`. `manual`: the money goes back another way; for operators. */
export const BillingTopupRefund = define(
  'billing',
  'topup',
  'refund',
  'payments:write',
  true,
  z.object({
    ...call,
    workspaceId,
    orderId: z.string().max(64),
    refundId: requestId,
    /** Absent: all that is left of the order. */
    credits: picodollars.optional(),
    manual: z.boolean(),
    reason: z.string().max(256),
  }),
  z.object({ order }),
);

/** Orders by itself when the balance falls below the threshold, from the card that an earlier checkout saved. */
const autoTopup = z.object({
  enabled: z.boolean(),
  threshold: picodollarsUnsigned,
  credits: picodollarsUnsigned,
  /** Credits that may be ordered so on one UTC day. */
  dailyMax: picodollarsUnsigned,
});
export type AutoTopup = z.infer<typeof autoTopup>;

const autoTopupState = z.object({
  settings: autoTopup.optional(),
  /** Whether a card is known that may be charged. */
  hasPaymentMethod: z.boolean(),
  failures: count,
  lastFailure: z.string().max(512).optional(),
  nextTryAt: unixMs.optional(),
});
export type AutoTopupState = z.infer<typeof autoTopupState>;

export const BillingAutotopupGet = define(
  'billing',
  'autotopup',
  'get',
  'credits:read',
  true,
  z.object({ ...call, workspaceId }),
  autoTopupState,
);

/** Replaces the settings; a later try after failures starts at once. */
export const BillingAutotopupPut = define(
  'billing',
  'autotopup',
  'put',
  'payments:write',
  true,
  z.object({
    ...call,
    workspaceId,
    settings: z.object({ enabled: z.boolean(), threshold: picodollars, credits: picodollars, dailyMax: picodollars }),
  }),
  autoTopupState,
);

/** Bytes that a payment service's event may have; Stripe's are a few kilobytes. */
export const WEBHOOK_BYTES_MAX = 262_144;

/** An event of the payment service as it came in, to be verified by its signature. The bus's permissions protect it: it names no principal. */
export const BillingStripeEvent = defineRpc({
  name: 'billing.stripe.event',
  subject: SUBJECTS.management('billing', 'stripe', 'event'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'service',
  idempotent: true,
  request: z.object({
    v: z.literal(1),
    signature: z.string().max(2048),
    /** The raw bytes in base64: the signature is over them. */
    body: z
      .string()
      .max(Math.ceil(WEBHOOK_BYTES_MAX / 3) * 4)
      .regex(/^[0-9A-Za-z+/]*={0,2}$/),
  }),
  reply: z.object({ outcome: z.enum(['applied', 'repeated', 'ignored']) }),
});

/** A disputed payment suspends its workspace; a won dispute lifts what this suspended, and nothing else. Idempotent. */
export const ControlWorkspaceSuspend = define(
  'control',
  'workspace',
  'suspend',
  'service',
  true,
  z.object({ ...call, workspaceId, suspended: z.boolean(), reason: z.string().max(256) }),
  z.object({ suspended: z.boolean() }),
);

/** The operator suspends a workspace, also one that billing suspended already, or resumes it whoever suspended it. Idempotent. */
export const ControlSuspensionPut = define(
  'control',
  'suspension',
  'put',
  'operator',
  true,
  z.object({ ...call, workspaceId, suspended: z.boolean(), reason: z.string().min(1).max(256) }),
  z.object({ suspension: suspension.optional() }),
);

/** A record in the audit of something that another service changed. Idempotent on `noticeId`. */
export const ControlAuditAppend = define(
  'control',
  'audit',
  'append',
  'service',
  true,
  z.object({
    ...call,
    noticeId: z.string().min(8).max(64),
    workspaceId,
    actor: z.object({
      kind: z.enum(['key', 'service']),
      keyHash: z.string().max(64).optional(),
      memberId: z.string().max(64).optional(),
      reason: z.string().max(64).optional(),
    }),
    action: z.string().max(64),
    subject: z.string().max(128),
    detail: z.record(z.string().max(64), z.union([z.string().max(512), z.number(), z.boolean()])),
  }),
  z.object({ appended: z.boolean() }),
);
