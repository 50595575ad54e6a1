// The bytes of a request as JSON, once, and where its top-level fields stand in them.
import { WaystationError, type FieldSpan } from '@waystation/contracts';
import { scanTopLevelFields } from '../json/scan-top-level.js';
import { JSON_DEPTH_MAX } from '../json/skip-value.js';
import { refuse, type JsonObject } from '../openai-chat/check-type.js';

/**
 * @param wanted top-level fields whose places are told
 * @throws WaystationError `malformed_json`; `invalid_request` for a field that stands there twice
 */
export const parseBody = (body: Buffer, wanted: ReadonlySet<string>): { value: JsonObject; spans: FieldSpan[] } => {
  // The scan refuses what is nested too deep before a parser builds it.
  const spans = scanTopLevelFields(body, wanted);
  if (spans === undefined) throw refusalOf(body);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw malformed(cause);
  }
  return { value: value as JsonObject, spans: onlyOnce(spans) }; // the scan found an object
};

const malformed = (cause: unknown): WaystationError =>
  new WaystationError('malformed_json', 'The request body is not valid JSON.', { cause });

/** Why the scan refused: the parser's own view for short bodies, the depth for the rest. */
const refusalOf = (body: Buffer): WaystationError => {
  if (body.length === 0)
    return new WaystationError('malformed_json', 'The request body is empty; expected a JSON object.');
  const first = body.toString('latin1', 0, 64).trimStart()[0];
  if (first !== '{') return new WaystationError('malformed_json', 'The request body is not a JSON object.');
  return new WaystationError(
    'malformed_json',
    `The request body is not valid JSON, or is nested deeper than ${JSON_DEPTH_MAX} levels.`,
  );
};

/** Two fields of one name mean two things to two parsers; what was checked must be what is sent. */
const onlyOnce = (spans: FieldSpan[]): FieldSpan[] => {
  const twice = spans.length < FIELDS_FEW ? twiceAmongFew(spans) : twiceAmongMany(spans);
  return twice === undefined ? spans : refuse(twice, 'the field stands in the body more than once');
};

/** So many are compared with each other sooner than they are put into a set. */
const FIELDS_FEW = 12;

const twiceAmongFew = (spans: readonly FieldSpan[]): string | undefined =>
  spans.find(({ key }, place) => {
    for (let before = 0; before < place; before += 1) if (spans[before]?.key === key) return true;
    return false;
  })?.key;

const twiceAmongMany = (spans: readonly FieldSpan[]): string | undefined => {
  const seen = new Set<string>();
  return spans.find(({ key }) => {
    const isKnown = seen.has(key);
    seen.add(key);
    return isKnown;
  })?.key;
};
