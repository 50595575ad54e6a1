// POST /analytics/query of the reference API, over the usage that billing knows. What it cannot answer (latency, minutes, classifiers) is refused by name.
import type { BillingUsageQuery, UsageDimension, UsageMetric } from '@waystation/contracts';
import { WaystationError } from '@waystation/contracts';
import { z } from 'zod';
import { usd } from '../http/send-json.js';
import type { UsageRow } from './activity-info.js';

interface Metric {
  readonly of: UsageMetric;
  readonly label: string;
  readonly format: 'number' | 'currency';
}

const METRICS: Readonly<Record<string, Metric>> = {
  request_count: { of: 'requests', label: 'Request Count', format: 'number' },
  total_usage: { of: 'usage', label: 'Total Usage', format: 'currency' },
  byok_usage: { of: 'byokUsage', label: 'BYOK Usage', format: 'currency' },
  tokens_prompt: { of: 'promptTokens', label: 'Prompt Tokens', format: 'number' },
  tokens_completion: { of: 'completionTokens', label: 'Completion Tokens', format: 'number' },
  reasoning_tokens: { of: 'reasoningTokens', label: 'Reasoning Tokens', format: 'number' },
  cached_tokens: { of: 'cachedTokens', label: 'Cached Tokens', format: 'number' },
};

const DIMENSIONS: Readonly<
  Record<string, { readonly of: Exclude<UsageDimension, 'day' | 'hour'>; readonly label: string }>
> = {
  model: { of: 'model', label: 'Model' },
  provider: { of: 'provider', label: 'Provider' },
  endpoint: { of: 'endpoint', label: 'Endpoint' },
  api_key_id: { of: 'key', label: 'API Key' },
  user: { of: 'member', label: 'User' },
  app: { of: 'app', label: 'App' },
  external_user: { of: 'end_user', label: 'External User' },
  session: { of: 'session', label: 'Session' },
  tag: { of: 'tag', label: 'Tag' },
  workspace: { of: 'workspace', label: 'Workspace' },
};

const GRANULARITIES = { day: 'Day', hour: 'Hour' } as const;
const OPERATORS = { eq: 'scalar', neq: 'scalar', in: 'array', not_in: 'array' } as const;

export const ANALYTICS_META = {
  metrics: Object.entries(METRICS).map(([name, { label, format }]) => ({
    name,
    display_label: label,
    is_rate: false,
    display_format: format,
  })),
  dimensions: Object.entries(DIMENSIONS).map(([name, { label }]) => ({ name, display_label: label })),
  operators: Object.entries(OPERATORS).map(([name, valueType]) => ({ name, value_type: valueType })),
  granularities: Object.entries(GRANULARITIES).map(([name, label]) => ({ name, display_label: label })),
};

const LIMIT_DEFAULT = 1_000;
const LIMIT_MAX = 2_000;
const RANGE_DEFAULT_MS = 30 * 86_400_000;

const scalar = z.union([z.string().max(512), z.number()]).transform(String);
const nameOf = (table: Readonly<Record<string, unknown>>) =>
  z
    .string()
    .refine((name) => Object.hasOwn(table, name), { error: `Expected one of ${Object.keys(table).join(', ')}` });

/** What the reference document shows, too. */
export const analyticsBody = z.strictObject({
  metrics: z.array(nameOf(METRICS)).min(1).max(Object.keys(METRICS).length),
  dimensions: z.array(nameOf(DIMENSIONS)).max(2).optional(),
  granularity: z.enum(['day', 'hour']).optional(),
  time_range: z.object({ start: z.iso.datetime({ offset: true }), end: z.iso.datetime({ offset: true }) }).optional(),
  filters: z
    .array(
      z.strictObject({
        field: nameOf(DIMENSIONS),
        operator: z.enum(['eq', 'neq', 'in', 'not_in']),
        value: z.union([scalar, z.array(scalar).max(100)]),
        include_unset: z.boolean().optional(),
      }),
    )
    .max(20)
    .optional(),
  order_by: z.strictObject({ field: z.string(), direction: z.enum(['asc', 'desc']) }).optional(),
  limit: z.number().int().min(1).max(LIMIT_MAX).optional(),
});
type Body = z.infer<typeof analyticsBody>;

export interface AnalyticsQuery {
  readonly metrics: readonly string[];
  /** Names of the answer's columns, in the order of the groups. */
  readonly columns: readonly string[];
  readonly query: Omit<z.infer<typeof BillingUsageQuery.request>, 'v' | 'principal' | 'workspaceId'>;
}

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

/** @throws WaystationError `malformed_json`, `invalid_request` */
export const readAnalyticsQuery = (raw: unknown, nowMs: number): AnalyticsQuery => {
  const parsed = analyticsBody.safeParse(jsonOf(raw));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(
      issue?.path.join('.') === '' ? 'body' : (issue?.path.join('.') ?? 'body'),
      issue?.message ?? 'invalid',
    );
  }
  const { metrics, dimensions = [], granularity, time_range: range, limit = LIMIT_DEFAULT } = parsed.data;
  const to = range === undefined ? nowMs : Date.parse(range.end);
  const from = range === undefined ? nowMs - RANGE_DEFAULT_MS : Date.parse(range.start);
  if (from < 0 || to <= from) refuse('time_range', 'Expected an end after the start');
  const orderBy = orderOf(parsed.data);
  return {
    metrics,
    columns: [...(granularity === undefined ? [] : [`date__${granularity}`]), ...dimensions],
    query: {
      from,
      to,
      groupBy: [...(granularity === undefined ? [] : [granularity]), ...dimensions.map(dimensionOf)],
      filters: (parsed.data.filters ?? []).map(filterOf),
      ...(orderBy === undefined ? {} : { orderBy }),
      limit,
    },
  };
};

const jsonOf = (raw: unknown): unknown => {
  try {
    return JSON.parse(Buffer.isBuffer(raw) ? raw.toString('utf8') : '');
  } catch (cause) {
    throw new WaystationError('malformed_json', 'The request body is not valid JSON.', { cause });
  }
};

const dimensionOf = (name: string): Exclude<UsageDimension, 'day' | 'hour'> =>
  DIMENSIONS[name]?.of ?? refuse('dimensions', `There is no ${name.slice(0, 64)}`);

const filterOf = ({ field, operator, value, include_unset: unset }: NonNullable<Body['filters']>[number]) => {
  const isList = Array.isArray(value);
  if (isList !== (OPERATORS[operator] === 'array'))
    refuse('filters', `${operator} takes ${isList ? 'one value' : 'a list of values'}`);
  if (unset === true && !isList) refuse('filters', 'include_unset goes with in and not_in only');
  return {
    dimension: dimensionOf(field),
    values: isList ? value : [value],
    not: operator === 'neq' || operator === 'not_in',
    unset: unset ?? false,
  };
};

const orderOf = ({ order_by: order, metrics, dimensions = [], granularity }: Body) => {
  if (order === undefined) return undefined;
  const { field, direction } = order;
  const descending = direction === 'desc';
  if (field === 'date' && granularity !== undefined) return { field: granularity, descending };
  if (metrics.includes(field) || field === 'request_count')
    return { field: METRICS[field]?.of ?? refuse('order_by', `There is no ${field.slice(0, 64)}`), descending };
  if (dimensions.includes(field)) return { field: dimensionOf(field), descending };
  return refuse(
    'order_by',
    'Expected a requested metric, request_count, a requested dimension, or date with a granularity',
  );
};

export const analyticsRow = ({ metrics, columns }: AnalyticsQuery, row: UsageRow): Record<string, unknown> => ({
  ...Object.fromEntries(columns.map((name, index) => [name, valueOf(name, row.group[index] ?? null)])),
  ...Object.fromEntries(metrics.map((name) => [name, amountOf(METRICS[name], row)])),
});

const valueOf = (column: string, value: string | null): string | null =>
  column === 'date__day' && value !== null ? `${value}T00:00:00.000Z` : value;

const amountOf = (metric: Metric | undefined, row: UsageRow): unknown => {
  if (metric === undefined) return null;
  return metric.format === 'currency' ? usd(row[metric.of].toString()) : row[metric.of];
};
