// JSON Schema (2020-12, as OpenAPI 3.1 has it) written as data, for wire shapes that are read by hand. Checks in the readers decide; these tell people and generators.
// Parts refer to each other by the names that they have in the reference document.

export type SchemaData = Readonly<Record<string, unknown>>;

export const ref = (name: string): SchemaData => ({ $ref: `#/components/schemas/${name}` });

/** Null means "not set" in every optional field of a request. */
const orNull = (type: string, more: SchemaData): SchemaData => ({ type: [type, 'null'], ...more });

export const text = (more: SchemaData = {}): SchemaData => orNull('string', more);
export const flag = (more: SchemaData = {}): SchemaData => orNull('boolean', more);
export const number = (minimum: number, maximum: number, more: SchemaData = {}): SchemaData =>
  orNull('number', { minimum, maximum, ...more });
export const integer = (minimum?: number, maximum?: number): SchemaData =>
  orNull('integer', {
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  });
export const anyObject = (more: SchemaData = {}): SchemaData => orNull('object', more);
export const listOf = (items: SchemaData, maxItems: number): SchemaData => orNull('array', { items, maxItems });
export const word = (...words: string[]): SchemaData => ({ type: 'string', enum: words });
export const oneOfWords = (...words: string[]): SchemaData => ({ type: ['string', 'null'], enum: [...words, null] });
export const describe = (schema: SchemaData, description: string): SchemaData => ({ ...schema, description });

/** An answer's members: all of `properties` stand in it, but for those that `optional` names. */
export const answer = (
  properties: Readonly<Record<string, SchemaData>>,
  optional: readonly string[] = [],
): SchemaData => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
