// Values for JSON Schemas: arguments of simulated tool calls and structured answers. The smallest value that the schema asks for, with made-up words for strings;
// the same schema and seed give the same value.
import { tapeText } from './tape.js';

const DEPTH_MAX = 8;
const PROPERTIES_MAX = 64;
const ITEMS_MAX = 64;
const UNITS_MAX = 4_096;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  time: '12:00:00Z',
  'date-time': '2026-01-01T12:00:00Z',
  email: 'somebody@example.com',
  uri: 'https://example.com',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const stringFor = (schema: Record<string, unknown>, seedText: string): string => {
  const known = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  if (known !== undefined) return known;
  const min = Math.min(numberOf(schema['minLength']) ?? 0, UNITS_MAX);
  const words = tapeText(seedText, Math.max(2, Math.ceil(min / 4) + 1));
  const text = words.slice(0, Math.max(7, min)).trimEnd().padEnd(min, 'a');
  return text.slice(0, numberOf(schema['maxLength']) ?? text.length);
};

const numberFor = (schema: Record<string, unknown>): number => {
  const step = numberOf(schema['multipleOf']) ?? 1;
  const over = numberOf(schema['exclusiveMinimum']);
  const min = numberOf(schema['minimum']) ?? (over === undefined ? undefined : over + step);
  const under = numberOf(schema['exclusiveMaximum']);
  const max = numberOf(schema['maximum']) ?? (under === undefined ? undefined : under - step);
  if (min !== undefined) return Math.ceil(min / step) * step;
  if (max !== undefined) return Math.floor(Math.min(7, max) / step) * step;
  return 7 * step;
};

/** Of a reference within the document, e.g. `#/$defs/step`. */
const resolve = (root: unknown, reference: string): unknown => {
  let at = root;
  for (const key of reference.replace(/^#\/?/, '').split('/').filter(Boolean))
    at = isRecord(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return at;
};

const typeOf = (schema: Record<string, unknown>): unknown => {
  const { type } = schema;
  // Gemini writes types in capitals: https://ai.google.dev/api/caching#Type
  const first: unknown = Array.isArray(type) ? type[0] : type;
  return typeof first === 'string' ? first.toLowerCase() : first;
};

const valueFor = (root: unknown, schema: unknown, seedText: string, depth: number): unknown => {
  if (!isRecord(schema) || depth > DEPTH_MAX) return null;
  if (typeof schema['$ref'] === 'string')
    return valueFor(root, resolve(root, schema['$ref']), `${seedText}\n$ref`, depth + 1);
  if (schema['const'] !== undefined) return schema['const'];
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return schema['enum'][0];
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return valueFor(root, choices[0], seedText, depth + 1);
  if (Array.isArray(schema['allOf'])) {
    const parts = schema['allOf'].map((part: unknown) => valueFor(root, part, seedText, depth + 1));
    return parts.every(isRecord) ? Object.assign({}, ...parts) : parts[0];
  }
  switch (typeOf(schema)) {
    case 'string':
      return stringFor(schema, seedText);
    case 'integer':
    case 'number':
      return numberFor(schema);
    case 'boolean':
      return true;
    case 'array': {
      const length = Math.min(numberOf(schema['minItems']) ?? 1, ITEMS_MAX);
      // A list of itself would never end: past half the depth it is as short as it may be.
      const count = depth > DEPTH_MAX / 2 ? (numberOf(schema['minItems']) ?? 0) : Math.max(1, length);
      return Array.from({ length: Math.min(count, numberOf(schema['maxItems']) ?? count) }, (_, index) =>
        valueFor(root, schema['items'], index === 0 ? seedText : `${seedText}\n${index}`, depth + 1),
      );
    }
    case 'object':
    case undefined: {
      const properties = isRecord(schema['properties']) ? schema['properties'] : {};
      const required = Array.isArray(schema['required']) ? schema['required'] : [];
      const entries = Object.entries(properties)
        .filter(([key]) => depth <= DEPTH_MAX / 2 || required.includes(key))
        .slice(0, PROPERTIES_MAX);
      return Object.fromEntries(
        entries.map(([key, member]) => [key, valueFor(root, member, `${seedText}\n${key}`, depth + 1)]),
      );
    }
    default:
      return null;
  }
};

/** JSON text; an object, whatever the schema says. */
export const argumentsFor = (schema: unknown, seedText: string): string => {
  const value = valueFor(schema, schema, seedText, 0);
  return JSON.stringify(isRecord(value) ? value : {});
};

/** JSON text that fits the schema. */
export const jsonFor = (schema: unknown, seedText: string): string =>
  JSON.stringify(valueFor(schema, schema, seedText, 0));
