// The billing app's variables. The only file of this app that knows their names.
import { parseUsd } from '@waystation/contracts';
import { DEFAULT_FEE_POLICY, toCents, type FeePolicy, type FeeRefundPolicy } from '@waystation/ledger';
import { proxiesOf, proxyFor, proxyVariables, type Proxies } from '@waystation/runtime';
import { z } from 'zod';

export interface StripeConfig {
  readonly secretKey: string;
  /** Events are verified with it; never empty. */
  readonly webhookSecret: string;
  readonly apiUrl: URL;
  /** Absent: it is called directly. With its credentials: never for a log. */
  readonly proxy?: URL;
  /** Where the customer is sent after paying, and after leaving the page. */
  readonly successUrl: string;
  readonly cancelUrl: string;
}

export interface PaymentsConfig {
  /** Absent: nobody can pay; admins can still grant. */
  readonly stripe?: StripeConfig;
  readonly feePolicy: FeePolicy;
  readonly feeRefund: FeeRefundPolicy;
  /** Credits of one top-up. */
  readonly leastCents: bigint;
  readonly mostCents: bigint;
}

export interface BillingConfig {
  readonly writerUrl: string;
  readonly readerUrl: string;
  readonly payments: PaymentsConfig;
}

const LEAST_CENTS = 100n;
const MOST_CENTS = 1_000_000n;

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });
const pageUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s):// URL' });
const cents = (orElse: bigint) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return orElse;
      const amount = parseUsd(text);
      const whole = amount === undefined || amount < 0n ? undefined : toCents(amount);
      if (whole !== undefined) return whole;
      context.addIssue({ code: 'custom', message: 'must be an amount of USD in whole cents, say 0.80' });
      return z.NEVER;
    });
/** `5.5` is 550 hundredths of a percent. */
const percent = z
  .string()
  .regex(/^\d{1,2}(\.\d{1,2})?$/, 'must be a percentage with at most two decimals, say 5.5')
  .transform((text) => {
    const [whole = '0', fraction = ''] = text.split('.');
    return BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0'));
  })
  .optional();

const stripeAddress = (apiUrl: URL, proxies: Proxies): Pick<StripeConfig, 'apiUrl' | 'proxy'> => {
  const proxy = proxyFor(apiUrl, proxies);
  return { apiUrl, ...(proxy === undefined ? {} : { proxy }) };
};

/** What must be there as soon as payments are taken. */
const WITH_STRIPE = [
  ['WAYSTATION_STRIPE_WEBHOOK_SECRET', "the signing secret of the webhook endpoint in Stripe's dashboard (whsec_…)"],
  ['WAYSTATION_TOPUP_SUCCESS_URL', 'the page customers come back to after paying'],
  ['WAYSTATION_TOPUP_CANCEL_URL', 'the page customers come back to when they do not pay'],
] as const;

export const billingConfig: z.ZodType<BillingConfig> = z
  .object({
    WAYSTATION_BILLING_WRITER_URL: postgresUrl,
    WAYSTATION_BILLING_READER_URL: postgresUrl,
    WAYSTATION_STRIPE_SECRET_KEY: z.string().trim().min(1).optional(),
    WAYSTATION_STRIPE_WEBHOOK_SECRET: z.string().trim().optional(),
    WAYSTATION_STRIPE_API_URL: pageUrl.default('https://api.stripe.com'),
    WAYSTATION_TOPUP_SUCCESS_URL: pageUrl.optional(),
    WAYSTATION_TOPUP_CANCEL_URL: pageUrl.optional(),
    WAYSTATION_TOPUP_FEE_PERCENT: percent,
    WAYSTATION_TOPUP_FEE_LEAST_USD: cents(DEFAULT_FEE_POLICY.leastCents),
    WAYSTATION_TOPUP_FEE_REFUND: z.enum(['never', 'proportional']).default('never'),
    WAYSTATION_TOPUP_LEAST_USD: cents(LEAST_CENTS),
    WAYSTATION_TOPUP_MOST_USD: cents(MOST_CENTS),
    ...proxyVariables,
  })
  .superRefine((env, context) => {
    if (env.WAYSTATION_STRIPE_SECRET_KEY === undefined) return;
    for (const [name, what] of WITH_STRIPE) {
      if (env[name] === undefined || env[name] === '') {
        const message = `is required where WAYSTATION_STRIPE_SECRET_KEY is set: ${what}`;
        context.addIssue({ code: 'custom', path: [name], message });
      }
    }
  })
  .transform((env) => ({
    writerUrl: env.WAYSTATION_BILLING_WRITER_URL,
    readerUrl: env.WAYSTATION_BILLING_READER_URL,
    payments: {
      ...(env.WAYSTATION_STRIPE_SECRET_KEY === undefined
        ? {}
        : {
            stripe: {
              secretKey: env.WAYSTATION_STRIPE_SECRET_KEY,
              webhookSecret: env.WAYSTATION_STRIPE_WEBHOOK_SECRET ?? '',
              ...stripeAddress(new URL(env.WAYSTATION_STRIPE_API_URL), proxiesOf(env)),
              successUrl: env.WAYSTATION_TOPUP_SUCCESS_URL ?? '',
              cancelUrl: env.WAYSTATION_TOPUP_CANCEL_URL ?? '',
            },
          }),
      feePolicy: {
        basisPoints: env.WAYSTATION_TOPUP_FEE_PERCENT ?? DEFAULT_FEE_POLICY.basisPoints,
        leastCents: env.WAYSTATION_TOPUP_FEE_LEAST_USD,
      },
      feeRefund: env.WAYSTATION_TOPUP_FEE_REFUND,
      leastCents: env.WAYSTATION_TOPUP_LEAST_USD,
      mostCents: env.WAYSTATION_TOPUP_MOST_USD,
    },
  }));
