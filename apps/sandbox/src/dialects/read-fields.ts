// Reading of what all dialects' bodies have in common. What the sandbox needs is read strictly, the field `sandbox` too; the rest is left alone.
import { scriptOverrides, type ScriptOverrides } from '../script/script.js';
import { BadCall } from './dialect.js';

export type Json = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const readBody = (body: unknown): Json => {
  if (!isRecord(body)) throw new BadCall(400, 'The body must be a JSON object.');
  return body;
};

export const readModel = (body: Json): string => {
  if (typeof body['model'] !== 'string') throw new BadCall(400, 'You must provide a model parameter.');
  return body['model'];
};

/** The script of this one call: the field `sandbox`, or its JSON text in `metadata.sandbox`. */
export const readOverrides = (body: Json): ScriptOverrides => {
  const inMetadata = isRecord(body['metadata']) ? body['metadata']['sandbox'] : undefined;
  let given = body['sandbox'];
  if (given === undefined && typeof inMetadata === 'string') {
    try {
      given = JSON.parse(inMetadata);
    } catch {
      throw new BadCall(400, 'metadata.sandbox is not JSON.');
    }
  }
  if (given === undefined) return {};
  const read = scriptOverrides.safeParse(given);
  if (!read.success)
    throw new BadCall(
      400,
      `sandbox: ${read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  return read.data;
};

export const readWhole = (body: Json, field: string, min: number): number | undefined => {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw new BadCall(400, `${field} must be a whole number, at least ${min}.`);
  return value;
};

export const readNumber = (body: Json, field: string, min: number, max: number): void => {
  const value = body[field];
  if (value === undefined || value === null) return;
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw new BadCall(400, `${field}: must be a number from ${min} to ${max}`);
};

/** An array of objects; `name` says where it stands. */
export const readRecords = (value: unknown, name: string): Json[] => {
  if (!Array.isArray(value)) throw new BadCall(400, `${name}: must be an array`);
  return value.map((each: unknown, index) => {
    if (!isRecord(each)) throw new BadCall(400, `${name}.${index}: must be an object`);
    return each;
  });
};

/** The object of a JSON text, or an empty one where a limit cut the text. */
export const objectOf = (jsonText: string): string => {
  try {
    JSON.parse(jsonText);
    return jsonText;
  } catch {
    return '{}';
  }
};
