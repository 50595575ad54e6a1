// Money in: what a workspace has, top-ups, refunds, automatic top-ups, grants. Bodies are the schemas that the routes read with.
import { z } from 'zod';
import { autoTopUp, grant, refund, topUp } from '../../management/read-payments.js';
import { count, data, instant, usd, type Operations } from '../operation.js';

const topUpAnswer = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    kind: z.enum(['checkout', 'auto']),
    state: z.enum(['open', 'processing', 'paid', 'failed', 'expired']),
    amount: usd,
    fee: usd,
    total: usd,
    currency: z.string(),
    checkout_url: z.string().nullable().meta({ description: 'Where to pay, while it is open' }),
    reason: z.string().nullable(),
    created_at: instant,
    paid_at: instant.nullable(),
    disputed: z.boolean(),
    refunded: usd,
    refunds: z.array(
      z.object({
        id: z.string(),
        amount: usd,
        fee: usd,
        state: z.enum(['pending', 'done', 'failed']),
        via: z.enum(['stripe', 'manual']),
        reason: z.string(),
        created_at: instant,
      }),
    ),
  })
  .meta({ id: 'TopUp' });

const autoTopUpAnswer = z
  .object({
    enabled: z.boolean(),
    threshold: usd.nullable(),
    amount: usd.nullable(),
    daily_max: usd.nullable(),
    has_payment_method: z.boolean(),
    failures: count,
    last_failure: z.string().nullable(),
    next_try_at: instant.nullable(),
  })
  .meta({ id: 'AutoTopUp' });

export const CREDITS: Operations = {
  'GET /credits': {
    id: 'getCredits',
    tag: 'Credits',
    summary: 'What was put in, and what was used of it',
    answer: data(z.object({ total_credits: usd, total_usage: usd })),
  },
  'POST /credits/grants': {
    id: 'grantCredits',
    tag: 'Credits',
    summary: 'Gives a workspace credits, which may expire',
    description:
      "Takes a key of the station's operator. The id, in the body or the `Idempotency-Key` header, is required: a grant is given once.",
    kind: 'idempotent',
    body: grant,
    answer: data(z.object({ id: z.string(), workspace_id: z.string(), amount: usd, balance: usd }), 201),
  },
  'GET /credits/topups': {
    id: 'listTopUps',
    tag: 'Credits',
    summary: 'Top-ups, newest first',
    query: z.object({ offset: z.int().nonnegative().max(1_000_000).optional() }),
    answer: data(z.array(topUpAnswer)),
  },
  'POST /credits/topups': {
    id: 'createTopUp',
    tag: 'Credits',
    summary: 'Orders credits, and makes a page to pay them on',
    kind: 'idempotent',
    body: topUp,
    answer: data(topUpAnswer, 201),
  },
  'GET /credits/topups/:id': { id: 'getTopUp', tag: 'Credits', summary: 'One top-up', answer: data(topUpAnswer) },
  'POST /credits/topups/:id/refunds': {
    id: 'refundTopUp',
    tag: 'Credits',
    summary: 'Gives unused credits of a top-up back',
    description: 'Without an amount: all that is left of it. The id, in the body or the header, is required.',
    kind: 'idempotent',
    body: refund,
    answer: data(topUpAnswer),
  },
  'GET /credits/auto-topup': {
    id: 'getAutoTopUp',
    tag: 'Credits',
    summary: 'Whether credits are bought by themselves, and how that went',
    answer: data(autoTopUpAnswer),
  },
  'PUT /credits/auto-topup': {
    id: 'putAutoTopUp',
    tag: 'Credits',
    summary: 'Sets when credits are bought by themselves',
    body: autoTopUp,
    answer: data(autoTopUpAnswer),
  },
};
