// A body of task rules: their shape is checked here, their conditions as well, so that a fault is told with its place before anything is asked of control.
import { TASK_RULES_MAX, taskRules, type TaskRule } from '@waystation/contracts';
import { faultOfRules } from '@waystation/tasks';
import { readJsonObject, refuseField, refuseUnknown } from './read-json.js';

const placeOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (place, step) => (typeof step === 'number' ? `${place}[${step}]` : `${place}.${String(step)}`),
    'rules',
  );

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readTaskRules = (body: unknown): TaskRule[] => {
  const value = readJsonObject(body);
  refuseUnknown(value, ['rules']);
  const parsed = taskRules.min(1).safeParse(value['rules']);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuseField(
      placeOf(issue?.path ?? []),
      `${issue?.message ?? 'not as expected'}; 1 to ${TASK_RULES_MAX} rules of {name, when, models, tier, sort, zdr, denyDataCollection}`,
    );
  }
  const fault = faultOfRules(parsed.data);
  if (fault === undefined) return parsed.data;
  const [place = 'rules', ...problem] = fault.split(': ');
  return refuseField(place, problem.join(': '));
};
