// Arguments of a simulated tool call: the smallest value that the tool's JSON Schema asks for, with made-up words for strings.
import { tapeText } from './tape.js';

const DEPTH_MAX = 8;
const PROPERTIES_MAX = 64;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const valueFor = (schema: unknown, seedText: string, depth: number): unknown => {
  if (!isRecord(schema) || depth > DEPTH_MAX) return null;
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return schema['enum'][0];
  if (schema['const'] !== undefined) return schema['const'];
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type) {
    case 'string':
      return tapeText(seedText, 2).trim();
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 7;
    case 'boolean':
      return true;
    case 'array':
      return [valueFor(schema['items'], seedText, depth + 1)];
    case 'object':
    case undefined: {
      const properties = isRecord(schema['properties']) ? schema['properties'] : {};
      const entries = Object.entries(properties).slice(0, PROPERTIES_MAX);
      return Object.fromEntries(
        entries.map(([key, member]) => [key, valueFor(member, `${seedText}\n${key}`, depth + 1)]),
      );
    }
    default:
      return null;
  }
};

/** JSON text; an object, whatever the schema says. */
export const argumentsFor = (schema: unknown, seedText: string): string => {
  const value = valueFor(schema, seedText, 0);
  return JSON.stringify(isRecord(value) ? value : {});
};
