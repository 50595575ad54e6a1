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

/** JSON numbers from here on are not written in full. */
const USD_MAX = 1e15;
const PICODOLLAR_DIGITS = 12;

/** A JSON number of USD as picodollars. @throws WaystationError `invalid_request` */
export const usdAmount = (field: string, value: unknown): bigint => {
  const written =
    typeof value === 'number' && Number.isFinite(value) && value < USD_MAX
      ? /e/i.test(String(value))
        ? value.toFixed(PICODOLLAR_DIGITS)
        : String(value)
      : '';
  const picodollars = parseUsd(written);
  return picodollars === undefined || picodollars < 0n
    ? refuseField(field, `Expected a non-negative number of USD, received ${typeName(value)}`)
    : picodollars;
};
