// Bodies of the routes of credits: checked strictly, named as the contracts do. Amounts are USD, as a number or as text, and exact.
// The reference document shows these schemas.
import { WaystationError, parseUsd } from '@waystation/contracts';
import { z } from 'zod';

const AMOUNT_MAX = 1e15;

const usdText = (value: string | number): string => {
  if (typeof value === 'string') return value;
  if (Math.abs(value) >= AMOUNT_MAX) return '';
  return /e/i.test(String(value)) ? value.toFixed(12) : String(value);
};

/** USD as picodollars in decimal text. Negative ones pass: whoever decides says what is taken. */
const amount = z
  .union([z.number(), z.string().max(64)], { error: 'Expected a number of USD' })
  .transform((value, context) => {
    const picodollars = parseUsd(usdText(value));
    if (picodollars !== undefined) return picodollars.toString();
    context.addIssue({ code: 'custom', message: `Expected an amount of USD, received ${String(value).slice(0, 40)}` });
    return z.NEVER;
  });
const positive = amount.refine((text) => !text.startsWith('-') && text !== '0', 'Expected more than zero');
const currency = z.string().min(1).max(16).default('usd');
const id = z.string().min(8).max(64);
const workspaceId = z.string().min(1).max(64).optional();
const instant = z.iso
  .datetime({ offset: true, error: 'Expected an ISO 8601 date and time' })
  .transform((text) => Date.parse(text));

export const topUp = z.strictObject({
  amount,
  currency,
  save_payment_method: z.boolean().default(false),
  id: id.optional(),
  workspace_id: workspaceId,
});
export const refund = z.strictObject({
  amount: amount.optional(),
  reason: z.string().max(256).default(''),
  manual: z.boolean().default(false),
  id: id.optional(),
});
export const autoTopUp = z.strictObject({
  enabled: z.boolean(),
  threshold: amount,
  amount,
  daily_max: amount.optional(),
});
export const grant = z.strictObject({
  amount: positive,
  currency: currency.refine((text) => text.toLowerCase() === 'usd', 'Credits are granted in "usd"'),
  reason: z.string().min(1).max(256),
  id: id.optional(),
  workspace_id: workspaceId,
  expires_at: instant.optional(),
});

const parse = (body: unknown): unknown => {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch (cause) {
    throw new WaystationError('malformed_json', 'The request body is not valid JSON.', { cause });
  }
};

const read =
  <Value>(schema: z.ZodType<Value>) =>
  /** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
  (body: unknown): Value => {
    const outcome = schema.safeParse(parse(body));
    if (outcome.success) return outcome.data;
    const [issue] = outcome.error.issues;
    if (issue?.code === 'unrecognized_keys')
      throw new WaystationError('unknown_parameter', issue.message.slice(0, 300));
    const field = issue?.path.join('.') || 'body';
    throw new WaystationError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, {
      details: { field },
    });
  };

export const readTopUp = read(topUp);
export const readRefund = read(refund);
export const readAutoTopUp = read(autoTopUp);
export const readGrant = read(grant);

/** The id of what is asked for: a repetition with the same id has no second effect. Undefined where the client names none. */
export const requestIdOf = (header: string | string[] | undefined, named: string | undefined): string | undefined => {
  const said = typeof header === 'string' ? header : named;
  if (said !== undefined && !id.safeParse(said).success) {
    throw new WaystationError('invalid_request', 'Idempotency-Key: Expected 8 to 64 characters', {
      details: { field: 'Idempotency-Key' },
    });
  }
  return said;
};
