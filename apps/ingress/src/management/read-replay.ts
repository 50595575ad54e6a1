// The body that asks what would have been chosen under other circumstances, read strictly: a change that is not understood would answer another question.
import { WaystationError, decisionChange, type DecisionChange } from '@waystation/contracts';
import { generationIdOf } from '../http/look-for-fresh.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName } from './read-json.js';

export const REPLAY_DECISIONS_MAX = 10_000;
const DECISIONS_USUAL = 1_000;
const ISSUES_TOLD_MAX = 3;
const OWN = ['from', 'to', 'limit', 'after', 'format', 'workspace_id'];
const CHANGES = Object.keys(decisionChange.shape);

export interface Replay {
  readonly workspace: string | undefined;
  /** Unix ms, the last excluded. */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly after: string | undefined;
  readonly format: 'json' | 'csv';
  readonly change: DecisionChange;
}

const time = (field: string, value: unknown): number => {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return at >= 0 ? at : refuseField(field, `Expected an ISO 8601 time, received ${typeName(value)}`);
};

const limitOf = (value: unknown): number => {
  if (value === undefined) return DECISIONS_USUAL;
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= REPLAY_DECISIONS_MAX
    ? value
    : refuseField('limit', `Expected a whole number from 1 to ${REPLAY_DECISIONS_MAX}`);
};

const formatOf = (value: unknown): 'json' | 'csv' =>
  value === undefined || value === 'json'
    ? 'json'
    : value === 'csv'
      ? 'csv'
      : refuseField('format', "Expected 'json' | 'csv'");

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readReplay = (body: unknown): Replay => {
  const value = readJsonObject(body);
  refuseUnknown(value, [...OWN, ...CHANGES]);
  const change = decisionChange.safeParse(
    Object.fromEntries(Object.entries(value).filter(([name]) => !OWN.includes(name))),
  );
  if (!change.success) {
    const [first, ...rest] = change.error.issues;
    const told = [first, ...rest]
      .slice(0, ISSUES_TOLD_MAX)
      .map((issue) => `${issue?.path.join('.')}: ${issue?.message}`);
    throw new WaystationError('invalid_request', told.join('; '), { details: { field: String(first?.path[0] ?? '') } });
  }
  const from = time('from', value['from']);
  const to = time('to', value['to']);
  if (to <= from) refuseField('to', 'Expected a time after from');
  return {
    workspace: value['workspace_id'] === undefined ? undefined : textOf('workspace_id', value['workspace_id'], 64),
    ...{ from, to, limit: limitOf(value['limit']), format: formatOf(value['format']) },
    after: value['after'] === undefined ? undefined : generationIdOf(value['after']),
    change: change.data,
  };
};
