// A body that is one list of ids.
import { readJsonObject, refuseField, refuseUnknown, typeName } from './read-json.js';

/** Each id once. `problemOf`: in words, what is wrong with one. @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readIds = (
  body: unknown,
  field: string,
  idsMax: number,
  problemOf: (value: unknown) => string | undefined,
): string[] => {
  const value = readJsonObject(body);
  refuseUnknown(value, [field]);
  const list = value[field];
  if (!Array.isArray(list) || list.length < 1 || list.length > idsMax)
    return refuseField(
      field,
      `Expected 1 to ${idsMax} ids, received ${Array.isArray(list) ? list.length : typeName(list)}`,
    );
  const ids = new Set<string>();
  for (const id of list) {
    const problem = problemOf(id);
    if (problem !== undefined) return refuseField(field, problem);
    ids.add(String(id));
  }
  return [...ids];
};
