// Type checks whose messages name the field, what was expected and what came, the way the reference API words them. Null means "not set".
import { WaystationError } from '@waystation/contracts';

export type JsonObject = Readonly<Record<string, unknown>>;
/** Returns what is wrong with the value, or undefined. */
export type Check = (value: unknown) => string | undefined;

export const typeOf = (value: unknown): string => {
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A client's own text inside a message: short, and on one line. */
export const quote = (text: string): string => JSON.stringify(text.length > 128 ? `${text.slice(0, 125)}...` : text);

export const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

const expected = (what: string, value: unknown): string => `Expected ${what}, received ${typeOf(value)}`;

export const aString: Check = (value) => (typeof value === 'string' ? undefined : expected('string', value));
export const aBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : expected('boolean', value));
export const aNumber: Check = (value) => (typeof value === 'number' ? undefined : expected('number', value));
export const anObject: Check = (value) => (isObject(value) ? undefined : expected('object', value));

export const aNumberIn =
  (min: number, max: number): Check =>
  (value) => {
    if (typeof value !== 'number') return expected('number', value);
    if (value < min) return `Number must be greater than or equal to ${min}, received ${value}`;
    return value > max ? `Number must be less than or equal to ${max}, received ${value}` : undefined;
  };

export const anInteger = (min: number, max = Number.MAX_SAFE_INTEGER): Check => {
  const inRange = aNumberIn(min, max);
  return (value) =>
    typeof value === 'number' && !Number.isInteger(value) ? `Expected integer, received ${value}` : inRange(value);
};

export const aStringOf =
  (max: number, min = 1): Check =>
  (value) => {
    if (typeof value !== 'string') return expected('string', value);
    if (value.length < min) return `String must contain at least ${min} character(s)`;
    return value.length > max ? `String must contain at most ${max} character(s), received ${value.length}` : undefined;
  };

export const oneOf =
  (words: readonly string[]): Check =>
  (value) => {
    if (typeof value !== 'string') return expected(words.map((word) => `'${word}'`).join(' | '), value);
    return words.includes(value)
      ? undefined
      : `Invalid enum value. Expected ${words.map((word) => `'${word}'`).join(' | ')}, received ${quote(value)}`;
  };

export const aListOf =
  (item: Check, max: number): Check =>
  (value) => {
    if (!Array.isArray(value)) return expected('array', value);
    if (value.length > max) return `Array must contain at most ${max} element(s), received ${value.length}`;
    for (let index = 0; index < value.length; index += 1) {
      const problem = item(value[index]);
      if (problem !== undefined) return `[${index}] ${problem}`;
    }
    return undefined;
  };

/** An object with any keys whose values all pass. */
export const aMapOf =
  (item: Check): Check =>
  (value) => {
    if (!isObject(value)) return expected('object', value);
    for (const key of Object.keys(value)) {
      const problem = item(value[key]);
      if (problem !== undefined) return `[${quote(key)}] ${problem}`;
    }
    return undefined;
  };

export const either =
  (what: string, ...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value) === undefined) ? undefined : expected(what, value);

/** Applies a check to a field that may be absent or null. */
export const checkOptional = (field: string, value: unknown, check: Check): void => {
  if (value === undefined || value === null) return;
  const problem = check(value);
  if (problem !== undefined) refuse(field, problem);
};

/** @throws WaystationError `unknown_parameter`, worded as the reference does */
export const refuseUnknownKeys = (field: string, value: JsonObject, known: ReadonlySet<string>): void => {
  const unknown = Object.keys(value).filter((key) => !known.has(key));
  if (unknown.length === 0) return;
  const named = unknown
    .slice(0, 8)
    .map((key) => `'${key.slice(0, 64)}'`)
    .join(', ');
  throw new WaystationError('unknown_parameter', `Unrecognized key(s) in object: ${named}`, { details: { field } });
};
