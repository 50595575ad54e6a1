// Which part of a list is asked for, as the reference pages its newer lists.
import { refuseField } from './read-json.js';

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

const LIMIT_USUAL = 50;
const LIMIT_MAX = 100;

const whole = (field: string, value: unknown, usual: number, min: number, max: number): number => {
  if (value === undefined) return usual;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max
    ? number
    : refuseField(
        field,
        `Expected a whole number from ${min} to ${max}, received ${JSON.stringify(value).slice(0, 64)}`,
      );
};

/** @throws WaystationError `invalid_request` */
export const readPage = (query: Readonly<Record<string, unknown>>): Page => ({
  offset: whole('offset', query['offset'], 0, 0, Number.MAX_SAFE_INTEGER),
  limit: whole('limit', query['limit'], LIMIT_USUAL, 1, LIMIT_MAX),
});
