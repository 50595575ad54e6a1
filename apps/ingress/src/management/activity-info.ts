// GET /activity of the reference API: the last 30 completed UTC days, a row for each day, model and endpoint; and, beyond the reference, for each of whom asked for.
import type { BillingUsageQuery, UsageDimension } from '@waystation/contracts';
import { WaystationError } from '@waystation/contracts';
import type { z } from 'zod';
import { isTag } from '../http/read-tags.js';
import { usd } from '../http/send-json.js';

export type UsageRow = z.infer<typeof BillingUsageQuery.reply>['rows'][number];
type Filter = NonNullable<z.infer<typeof BillingUsageQuery.request>['filters']>[number];

export interface ActivityQuery {
  /** Unix ms of the starts of days, the newest first. */
  readonly days: readonly number[];
  readonly filters: readonly Filter[];
  readonly byWorkspace: boolean;
  /** Whom each row is split by besides, by the name of the parameter. */
  readonly by?: Subject;
}

/** Parameters that name whom usage was for: each filters, and each can be grouped by. */
export const SUBJECTS = {
  api_key_hash: 'key',
  user_id: 'member',
  app: 'app',
  external_user: 'end_user',
  tag: 'tag',
} as const satisfies Record<string, UsageDimension>;
export type Subject = keyof typeof SUBJECTS;
const isSubject = (name: string): name is Subject => Object.hasOwn(SUBJECTS, name);

const VALUE_UNITS_MAX = 512;
const DAYS = 30;
const DAY_MS = 86_400_000;

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

const textOf = (query: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = query[name];
  if (value === undefined) return undefined;
  return typeof value === 'string' && value !== '' && value.length <= VALUE_UNITS_MAX
    ? value
    : refuse(name, `Expected the parameter once, with a value of at most ${VALUE_UNITS_MAX} characters`);
};

/** @throws WaystationError `invalid_request`, and `not_found` for a workspace that is not the caller's */
export const readActivityQuery = (
  query: Readonly<Record<string, unknown>>,
  workspace: { readonly id: string; readonly slug: string },
  nowMs: number,
): ActivityQuery => {
  const asked = textOf(query, 'workspace_id');
  if (asked !== undefined && asked !== workspace.id && asked !== workspace.slug)
    throw new WaystationError('not_found', 'Workspace not found');
  const keyHash = textOf(query, 'api_key_hash');
  if (keyHash !== undefined && !/^[0-9a-f]{64}$/.test(keyHash))
    refuse('api_key_hash', 'Expected a SHA-256 in 64 lower-case hexadecimal digits, as the keys API returns it');
  const tag = textOf(query, 'tag');
  if (tag !== undefined && !isTag(tag))
    refuse('tag', 'Expected a tag of 1 to 64 letters, digits or any of . : / @ _ -');
  const groupBy = textOf(query, 'group_by') ?? '';
  if (groupBy !== '' && groupBy !== 'workspace' && !isSubject(groupBy))
    refuse('group_by', `Expected one of workspace, ${Object.keys(SUBJECTS).join(', ')}`);
  return {
    days: daysOf(textOf(query, 'date'), nowMs),
    filters: Object.entries(SUBJECTS).flatMap(([name, dimension]) => {
      const value = textOf(query, name);
      return value === undefined ? [] : [{ dimension, values: [value] }];
    }),
    byWorkspace: groupBy === 'workspace',
    ...(isSubject(groupBy) ? { by: groupBy } : {}),
  };
};

const daysOf = (date: string | undefined, nowMs: number): number[] => {
  const today = nowMs - (nowMs % DAY_MS);
  const days = Array.from({ length: DAYS }, (_, index) => today - (index + 1) * DAY_MS);
  if (date === undefined) return days;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) refuse('date', 'Expected YYYY-MM-DD');
  return days.includes(day) ? [day] : refuse('date', `Date must be within the last ${DAYS} (completed) UTC days`);
};

export const activityItem = (
  { group, usage, byokUsage, requests, promptTokens, completionTokens, reasoningTokens }: UsageRow,
  providerName: (slug: string) => string,
  workspaceId: string | undefined,
  by: Subject | undefined,
) => {
  const [date, model, endpointId, provider, whom = null] = group;
  return {
    date,
    model,
    model_permaslug: model,
    endpoint_id: endpointId,
    provider_name: providerName(provider ?? ''),
    usage: usd(usage),
    byok_usage_inference: usd(byokUsage),
    requests,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    reasoning_tokens: reasoningTokens,
    ...(workspaceId === undefined ? {} : { workspace_id: workspaceId }),
    ...(by === undefined ? {} : { [by]: whom }),
  };
};
