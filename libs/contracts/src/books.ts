// What people read about money, and what the operator does with the books: usage by dimension, statements, exports, reconciliation, repair.
import { z } from 'zod';
import { defineRpc, type Permission } from './contract.js';
import { principal } from './management.js';
import { count, generationId, picodollars, providerSlug, unixMs, workspaceId } from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const call = { v: z.literal(1), principal };

const define = <Request, Reply>(
  noun: string,
  verb: string,
  permission: Permission,
  idempotent: boolean,
  request: z.ZodType<Request>,
  reply: z.ZodType<Reply>,
) =>
  defineRpc({
    name: `billing.${noun}.${verb}`,
    subject: SUBJECTS.management('billing', noun, verb),
    version: 1,
    queue: QUEUE_GROUPS.billing,
    permission,
    idempotent,
    request,
    reply,
  });

/** A UTC day. */
const day = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a day as YYYY-MM-DD');
/** A UTC month. */
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month as YYYY-MM');

/**
 * What usage can be grouped and filtered by. `day` and `hour` are those of the generation, UTC. A generation with several tags is in the
 * group of each of them: groups by tag do not add up to the whole. A filter by tag chooses generations, by any of their tags.
 */
export const USAGE_DIMENSIONS = [
  'day',
  'hour',
  'workspace',
  'member',
  'key',
  'app',
  'end_user',
  'session',
  'tag',
  'model',
  'provider',
  'endpoint',
] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** Sums of what attempts came to that served a client or cost something. Tokens as last concluded, amounts over all revisions. */
export const USAGE_METRICS = [
  'usage',
  'byokUsage',
  'requests',
  'promptTokens',
  'completionTokens',
  'reasoningTokens',
  'cachedTokens',
] as const;
export type UsageMetric = (typeof USAGE_METRICS)[number];

export const BillingUsageQuery = define(
  'usage',
  'query',
  'credits:read',
  true,
  z.object({
    ...call,
    /** Absent: of all workspaces, which only the operator may ask. */
    workspaceId: workspaceId.optional(),
    /** Of the generations; `to` is excluded. */
    from: unixMs,
    to: unixMs,
    groupBy: z.array(z.enum(USAGE_DIMENSIONS)).max(6),
    filters: z
      .array(
        z.object({
          dimension: z.enum(USAGE_DIMENSIONS).exclude(['day', 'hour']),
          values: z.array(z.string().max(512)).max(100),
          /** Rows whose dimension is none of the values. */
          not: z.boolean().optional(),
          /** Rows without the dimension pass too. */
          unset: z.boolean().optional(),
        }),
      )
      .max(20)
      .optional(),
    orderBy: z.object({ field: z.enum([...USAGE_DIMENSIONS, ...USAGE_METRICS]), descending: z.boolean() }).optional(),
    limit: z.number().int().min(1).max(2_000),
  }),
  z.object({
    rows: z
      .array(
        z.object({
          /** In the order of `groupBy`; null where an attempt has none. */
          group: z.array(z.string().max(512).nullable()),
          usage: picodollars,
          byokUsage: picodollars,
          requests: count,
          promptTokens: count,
          completionTokens: count,
          reasoningTokens: count,
          cachedTokens: count,
        }),
      )
      .max(2_000),
    /** There are more rows than `limit`. */
    truncated: z.boolean(),
  }),
);

/** The monthly statement. The same text for ever once the month is closed: `hash` is its SHA-256 as JSON. */
export const BillingStatementGet = define(
  'statement',
  'get',
  'credits:read',
  true,
  z.object({ ...call, workspaceId, month, format: z.enum(['json', 'csv', 'html']) }),
  z.object({ text: z.string().max(900_000), closed: z.boolean(), hash: z.string().max(64) }),
);

/** Part of a month's charges in the FOCUS format: CSV lines without the header, and where to go on. */
export const BillingFocusExport = define(
  'focus',
  'export',
  'credits:read',
  true,
  z.object({ ...call, workspaceId, month, after: z.string().max(64).optional() }),
  z.object({ header: z.string().max(4_000), lines: z.string().max(900_000), next: z.string().max(64).optional() }),
);

/** Recomputes what is only a fold of entries and charges. Without `repair` nothing is changed. */
export const BillingLedgerRebuild = define(
  'ledger',
  'rebuild',
  'operator',
  true,
  z.object({ ...call, repair: z.boolean() }),
  z.object({
    checked: z.object({ balances: count, quotas: count, keyUsage: count }),
    differences: z.array(z.string().max(512)).max(100),
    differenceCount: count,
    repaired: z.boolean(),
  }),
);

/** Settles dead letters again. What settles, or turns out to be known already, is marked and never tried again. */
export const BillingDeadLettersReplay = define(
  'dead-letters',
  'replay',
  'operator',
  true,
  z.object({
    ...call,
    ids: z.array(count).min(1).max(1_000).optional(),
    /** Only those whose reason holds this text. */
    reason: z.string().min(1).max(256).optional(),
    since: unixMs.optional(),
    limit: z.number().int().min(1).max(1_000),
    /** Lists what would be replayed. */
    dryRun: z.boolean(),
  }),
  z.object({
    letters: z
      .array(
        z.object({
          id: count,
          position: z.string(),
          receivedAt: unixMs,
          reason: z.string().max(512),
          result: z.enum(['waiting', 'replayed', 'still-bad']),
        }),
      )
      .max(1_000),
    /** Not replayed yet, over all. */
    left: count,
  }),
);

/** One line of a provider's bill, by UTC day and the provider's own name of the model. */
const billedLine = z.object({ day, upstreamModel: z.string(), amount: picodollars });

/** Reads a provider's usage or cost export. The same file again, or the same line in another file, changes nothing. */
export const BillingReconcileImport = define(
  'reconcile',
  'import',
  'operator',
  true,
  z.object({
    ...call,
    provider: providerSlug,
    format: z.enum(['openai-costs', 'anthropic-cost-report', 'csv']),
    fileName: z.string().max(256),
    text: z.string().max(700_000),
    /** What the provider's names mean here. One of its models may be several of ours. Remembered. */
    models: z
      .array(z.object({ upstreamModel: z.string().min(1).max(256), model: z.string().min(1).max(256) }))
      .max(2_000)
      .optional(),
  }),
  z.object({
    fileHash: z.string().max(64),
    known: z.boolean(),
    lines: count,
    added: count,
    unassigned: z.array(billedLine).max(100),
  }),
);

/** Ours against theirs by day and model; with `book` the differences of matched days are booked to `variance`, once. */
export const BillingReconcileReport = define(
  'reconcile',
  'report',
  'operator',
  true,
  z.object({ ...call, provider: providerSlug, from: day, to: day, book: z.boolean() }),
  z.object({
    rows: z
      .array(
        z.object({
          day,
          model: z.string(),
          ours: picodollars,
          theirs: picodollars,
          booked: picodollars,
          difference: picodollars,
          exception: z.enum(['unknown-model', 'not-billed', 'not-ours']).optional(),
        }),
      )
      .max(3_000),
    ours: picodollars,
    theirs: picodollars,
    booked: picodollars,
    truncated: z.boolean(),
  }),
);

/** Everything about a generation's money as people read it: text, line by line. */
export const BillingGenerationStory = define(
  'generation',
  'story',
  'operator',
  true,
  z.object({ ...call, generationId }),
  z.object({ lines: z.array(z.string().max(1_024)).max(1_000) }),
);
