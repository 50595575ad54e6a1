// Bodies and queries that name limits and budgets, read strictly: a limit that says less than was meant would spend money.
import { LIMIT_METRICS, LIMIT_SCOPES, LIMIT_WINDOWS, type LimitName, type LimitSpec } from '@waystation/contracts';
import { isTag } from '../http/read-tags.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName, usdAmount } from './read-json.js';

const oneOf = <const Word extends string>(field: string, words: readonly Word[], value: unknown): Word =>
  words.find((word) => word === value) ??
  refuseField(
    field,
    `Expected ${words.map((word) => `'${word}'`).join(' | ')}, received ${JSON.stringify(value)?.slice(0, 64) ?? 'nothing'}`,
  );

const flag = (field: string, value: unknown): boolean | undefined => {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'boolean' ? value : refuseField(field, `Expected boolean, received ${typeName(value)}`);
};

const SCOPE_ID_CHARACTERS_MAX = 512;

const name = (value: Readonly<Record<string, unknown>>): LimitName => {
  const { scope_id: whom } = value;
  const scope = oneOf('scope', LIMIT_SCOPES, value['scope']);
  const scopeId = whom === undefined || whom === null ? undefined : textOf('scope_id', whom, SCOPE_ID_CHARACTERS_MAX);
  // A limit of a tag that no call can carry would hold nothing back.
  if (scope === 'tag' && scopeId !== undefined && !isTag(scopeId))
    return refuseField('scope_id', 'Expected a tag of 1 to 64 letters, digits or any of . : / @ _ -');
  const freeOnly = flag('free_only', value['free_only']);
  return {
    scope,
    ...(scopeId === undefined ? {} : { scopeId }),
    metric: oneOf('metric', LIMIT_METRICS, value['metric']),
    window: oneOf('window', LIMIT_WINDOWS, value['window']),
    ...(freeOnly === true ? { freeOnly } : {}),
  };
};

const count = (value: unknown): string =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? String(value)
    : refuseField('limit', `Expected a non-negative whole number, received ${typeName(value)}`);

const FIELDS = ['scope', 'scope_id', 'metric', 'window', 'free_only', 'limit', 'include_byok'];

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readLimit = (body: unknown): LimitSpec => {
  const value = readJsonObject(body);
  refuseUnknown(value, FIELDS);
  const named = name(value);
  const includeByok = flag('include_byok', value['include_byok']);
  return {
    ...named,
    limit: named.metric === 'usd' ? usdAmount('limit', value['limit']).toString() : count(value['limit']),
    ...(includeByok === true ? { includeByok } : {}),
  };
};

/** The name of a limit in a query. @throws WaystationError `invalid_request`, `unknown_parameter` */
export const readLimitName = (query: Readonly<Record<string, unknown>>): LimitName => {
  refuseUnknown(query, FIELDS.slice(0, 5));
  const { free_only: freeOnly } = query;
  if (freeOnly !== undefined && freeOnly !== 'true' && freeOnly !== 'false')
    return refuseField('free_only', "Expected 'true' | 'false'");
  return name({ ...query, free_only: freeOnly === 'true' });
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readBudget = (body: unknown): { readonly limit: string; readonly includeByok: boolean | undefined } => {
  const value = readJsonObject(body);
  refuseUnknown(value, ['limit_usd', 'include_byok_in_budgets']);
  const limit = usdAmount('limit_usd', value['limit_usd']);
  if (limit === 0n) return refuseField('limit_usd', 'Expected a number above 0');
  return { limit: limit.toString(), includeByok: flag('include_byok_in_budgets', value['include_byok_in_budgets']) };
};
