// Usage by any dimensions: days that are summed up already from their sums, all others from the charges themselves.
import type { UsageDimension, UsageMetric } from '@waystation/contracts';
import { WaystationError } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { SUMS, idFrom, usageByTag, usageOfCharges } from './usage-sql.js';

export interface UsageFilter {
  readonly dimension: Exclude<UsageDimension, 'day' | 'hour'>;
  readonly values: readonly string[];
  readonly not?: boolean | undefined;
  readonly unset?: boolean | undefined;
}

export interface UsageQuery {
  /** Undefined: of all that the connection may see. */
  readonly workspaceId?: string | undefined;
  /** Unix ms of generations; `toMs` is excluded. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly groupBy: readonly UsageDimension[];
  readonly filters?: readonly UsageFilter[] | undefined;
  readonly orderBy?: { readonly field: UsageDimension | UsageMetric; readonly descending: boolean } | undefined;
  readonly limit: number;
}

export interface UsageRow {
  readonly group: readonly (string | null)[];
  readonly usage: bigint;
  readonly byokUsage: bigint;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly cachedTokens: number;
}

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A range longer than this is nothing that a person reads. */
const RANGE_DAYS_MAX = 400;
const STATEMENT_TIMEOUT_MS = 60_000;

const COLUMNS: Readonly<Record<UsageDimension, string>> = {
  day: 'day',
  hour: 'hour',
  workspace: 'workspace_id',
  member: 'member_id',
  key: 'key_hash',
  app: 'app',
  end_user: 'end_user_id',
  session: 'session_id',
  tag: 'tag',
  model: 'model',
  provider: 'provider',
  endpoint: 'endpoint_id',
};
const METRICS: Readonly<Record<UsageMetric, string>> = {
  usage: 'charged',
  byokUsage: 'byok',
  requests: 'requests',
  promptTokens: 'prompt_tokens',
  completionTokens: 'completion_tokens',
  reasoningTokens: 'reasoning_tokens',
  cachedTokens: 'cached_tokens',
};
/** The sums of a day do not tell these apart. */
const ONLY_IN_CHARGES: ReadonlySet<UsageDimension> = new Set(['hour', 'end_user', 'session']);

const isMetric = (field: UsageDimension | UsageMetric): field is UsageMetric => Object.hasOwn(METRICS, field);

const valueOf = (dimension: UsageDimension, raw: string): string | null => {
  if (dimension === 'day') return new Date(Number(raw) * DAY_MS).toISOString().slice(0, 10);
  if (dimension === 'hour') return new Date(Number(raw) * HOUR_MS).toISOString();
  return raw === '' ? null : raw;
};

type Raw = Readonly<Record<string, string>>;

/** `runner` is a reader's, bound to the workspace, or the writer's for all of them. Answers one row more than `limit` where there are more. */
export const readUsage = async (runner: QueryRunner, query: UsageQuery): Promise<UsageRow[]> => {
  const { workspaceId, fromMs, toMs, groupBy, filters = [], limit } = query;
  if (toMs <= fromMs || (toMs - fromMs) / DAY_MS > RANGE_DAYS_MAX)
    throw new WaystationError(
      'invalid_request',
      `A time range must end after it starts and span at most ${RANGE_DAYS_MAX} days.`,
    );
  await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const ofWorkspace = workspaceId === undefined ? 'true' : `workspace_id = ${bind(workspaceId)}`;
  const needsCharges = [...groupBy, ...filters.map(({ dimension }) => dimension)].some((each) =>
    ONLY_IN_CHARGES.has(each),
  );
  const rolled = needsCharges ? [] : await rolledDays(runner, fromMs, toMs);
  const sources = [
    ...(rolled.length === 0 ? [] : [usageOfDays(ofWorkspace, bind(rolled))]),
    ...rangesWithout(rolled, fromMs, toMs).map(([from, to]) =>
      usageOfCharges(
        `${ofWorkspace} and generation_id >= ${bind(idFrom(from))} and generation_id < ${bind(idFrom(to))}`,
      ),
    ),
  ];
  const columns = groupBy.map((dimension) => COLUMNS[dimension]);
  const rows = await queryRows<Raw>(
    runner,
    `select ${[...columns.map((column) => `${column}::text as ${column}`), SUMS].join(', ')}
       from (${groupBy.includes('tag') ? usageByTag(sources.join(' union all '), 'as empty') : sources.join(' union all ')}) u
      where ${['true', ...filters.map((filter) => condition(filter, bind))].join(' and ')}
      ${columns.length === 0 ? '' : `group by ${columns.map((column) => `u.${column}`).join(', ')}`}
     having bool_or(requests > 0 or charged <> 0 or byok <> 0)
      ${ordering(query)} limit ${bind(limit + 1)}`,
    values,
  );
  return rows.map((row) => ({
    group: groupBy.map((dimension) => valueOf(dimension, row[COLUMNS[dimension]] ?? '')),
    usage: BigInt(row['charged'] ?? 0),
    byokUsage: BigInt(row['byok'] ?? 0),
    requests: Number(row['requests']),
    promptTokens: Number(row['prompt_tokens']),
    completionTokens: Number(row['completion_tokens']),
    reasoningTokens: Number(row['reasoning_tokens']),
    cachedTokens: Number(row['cached_tokens']),
  }));
};

const condition = ({ dimension, values, not = false, unset = false }: UsageFilter, bind: (v: unknown) => string) => {
  const column = COLUMNS[dimension];
  // A filter by tag chooses calls, whichever of their tags it is.
  const isTag = dimension === 'tag';
  const given = isTag ? `tags && ${bind(values)}::text[]` : `${column} = any(${bind(values)})`;
  const isUnset = isTag ? `tags = '{}'` : `${column} = ''`;
  const passes = not ? `(not (${given})${unset ? '' : ` and not (${isUnset})`})` : given;
  return unset ? `(${passes} or ${isUnset})` : passes;
};

const ordering = ({ groupBy, orderBy }: UsageQuery): string => {
  const byGroup = groupBy.map((dimension) => `u.${COLUMNS[dimension]}`);
  if (orderBy === undefined) return byGroup.length === 0 ? '' : `order by ${byGroup.join(', ')}`;
  const { field, descending } = orderBy;
  if (!isMetric(field) && !groupBy.includes(field))
    throw new WaystationError('invalid_request', `Rows cannot be ordered by ${field}, by which they are not grouped.`);
  const first = isMetric(field) ? `sum(u.${METRICS[field]})` : `u.${COLUMNS[field]}`;
  return `order by ${[`${first} ${descending ? 'desc' : 'asc'}`, ...byGroup].join(', ')}`;
};

const usageOfDays = (ofWorkspace: string, days: string): string => `
  select day - date '1970-01-01' as day, 0::bigint as hour, workspace_id, key_hash, member_id, app, '' as end_user_id, '' as session_id,
         tags, provider, endpoint_id, model, charged, byok, requests, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens
    from usage_day where ${ofWorkspace} and day = any(${days}::date[])`;

/** Whole days inside the range that are summed up. */
const rolledDays = async (runner: QueryRunner, fromMs: number, toMs: number): Promise<string[]> => {
  const rows = await queryRows<{ day: string }>(
    runner,
    `select day::text as day from usage_rolled where day >= $1::date and day < $2::date order by day`,
    [dayOf(Math.ceil(fromMs / DAY_MS) * DAY_MS), dayOf(Math.floor(toMs / DAY_MS) * DAY_MS)],
  );
  return rows.map(({ day }) => day);
};

export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** What is left of the range, as ranges. */
export const rangesWithout = (days: readonly string[], fromMs: number, toMs: number): [from: number, to: number][] => {
  const ranges: [number, number][] = [];
  let at = fromMs;
  for (const day of days) {
    const start = Date.parse(`${day}T00:00:00Z`);
    if (start > at) ranges.push([at, start]);
    at = start + DAY_MS;
  }
  if (toMs > at) ranges.push([at, toMs]);
  return ranges;
};
