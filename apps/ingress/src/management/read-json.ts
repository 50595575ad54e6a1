// Reading management bodies: raw bytes to a plain object, money to picodollars, and the words of a refusal.
import { WaystationError, parseUsd } from '@waystation/contracts';

export const refuseField = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

export const typeName = (value: unknown): string =>
  value === null ? 'null' : value === undefined ? 'nothing' : Array.isArray(value) ? 'array' : typeof value;

const parse = (body: unknown): unknown => {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch (cause) {
    throw new WaystationError('malformed_json', 'The request body is not valid JSON.', { cause });
  }
};

/** @throws WaystationError `malformed_json`, `invalid_request` */
export const readJsonObject = (body: unknown): Readonly<Record<string, unknown>> => {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseField('body', `Expected object, received ${typeName(value)}`);
  return Object.fromEntries(Object.entries(value));
};

const NAMES_TOLD_MAX = 8;
const NAME_CHARACTERS_TOLD_MAX = 64;

/** Nobody sets what is not theirs to set. @throws WaystationError `unknown_parameter` */
export const refuseUnknown = (value: Readonly<Record<string, unknown>>, allowed: readonly string[]): void => {
  const unknown = Object.keys(value).filter((key) => !allowed.includes(key));
  if (unknown.length === 0) return;
  const named = unknown.slice(0, NAMES_TOLD_MAX).map((key) => `'${key.slice(0, NAME_CHARACTERS_TOLD_MAX)}'`);
  throw new WaystationError('unknown_parameter', `Unrecognized key(s) in object: ${named.join(', ')}`);
};

/** Text of 1 to so many characters that can be stored: Postgres holds no U+0000. @throws WaystationError `invalid_request` */
export const textOf = (field: string, value: unknown, charactersMax: number): string => {
  if (typeof value !== 'string' || value.length < 1 || value.length > charactersMax)
    return refuseField(field, `Expected string of 1 to ${charactersMax} characters, received ${typeName(value)}`);
  return value.includes('\0') ? refuseField(field, 'Expected text without the character U+0000') : value;
};

/** JSON numbers from here on are not written in full. */
const USD_MAX = 1e15;
const PICODOLLAR_DIGITS = 12;

/** Without an exponent, which JavaScript writes below 10⁻⁶. What is finer than a picodollar stays as it is, and is no amount. */
const plainText = (value: number): string => {
  const fixed = value.toFixed(PICODOLLAR_DIGITS);
  return Number(fixed) === value ? fixed : String(value);
};

/** A JSON number of USD as picodollars, never rounded. @throws WaystationError `invalid_request` */
export const usdAmount = (field: string, value: unknown): bigint => {
  if (typeof value !== 'number' || !(value >= 0))
    return refuseField(field, `Expected a non-negative number of USD, received ${typeName(value)}`);
  if (value >= USD_MAX) return refuseField(field, `Expected a number of USD below ${USD_MAX}`);
  return (
    parseUsd(/e/.test(String(value)) ? plainText(value) : String(value)) ??
    refuseField(field, `Expected a number of USD with at most ${PICODOLLAR_DIGITS} decimals`)
  );
};
