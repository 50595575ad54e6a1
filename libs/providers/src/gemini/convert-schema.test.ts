// JSON Schema → what Gemini reads of it, a line each: what is converted, what goes, and what of that is told.
import fc from 'fast-check';
import { convertSchema } from './convert-schema.js';

const text = { type: 'string' };
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

it.each<[string, Record<string, unknown>, object, string[]]>([
  [
    'what it knows stays',
    object({ at: { type: 'string', description: 'where', enum: ['a', 'b'] } }, { required: ['at'] }),
    object({ at: { description: 'where', type: 'string', enum: ['a', 'b'] } }, { required: ['at'] }),
    [],
  ],
  [
    'what describes the schema goes in silence, and so does a ban of other members',
    { $schema: 'https://json-schema.org/draft/2020-12/schema', ...object({ a: text }), additionalProperties: false },
    object({ a: text }),
    [],
  ],
  [
    'null is a mark',
    object({ a: { type: ['string', 'null'] } }),
    object({ a: { type: 'string', nullable: true } }),
    [],
  ],
  [
    'several types are choices',
    object({ a: { type: ['string', 'integer'], description: 'd' } }),
    object({ a: { description: 'd', anyOf: [text, { type: 'integer' }] } }),
    [],
  ],
  [
    'a choice of one thing or null is the thing',
    object({ a: { anyOf: [{ type: 'number' }, { type: 'null' }], description: 'd' } }),
    object({ a: { type: 'number', description: 'd', nullable: true } }),
    [],
  ],
  ['a constant is a list of one', object({ a: { const: 'x' } }), object({ a: { type: 'string', enum: ['x'] } }), []],
  ['numbers cannot be listed', object({ a: { enum: [1, 2] } }), object({ a: { type: 'number' } }), ['enum']],
  [
    'formats that it does not know are told',
    object({ a: { type: 'string', format: 'uri' }, b: { type: 'string', format: 'date-time' } }),
    object({ a: text, b: { type: 'string', format: 'date-time' } }),
    ['format'],
  ],
  [
    'limits that it does not know are told, once each',
    object({ a: { type: 'integer', exclusiveMinimum: 0, minimum: 1 }, b: { type: 'integer', exclusiveMinimum: 0 } }),
    object({ a: { minimum: 1, type: 'integer' }, b: { type: 'integer' } }),
    ['exclusiveMinimum'],
  ],
  [
    'free members are told',
    object({ a: { type: 'object', additionalProperties: { type: 'string' } } }),
    object({ a: { type: 'object' } }),
    ['additionalProperties'],
  ],
  [
    'what is referred to is written out',
    {
      ...object({ a: { $ref: '#/$defs/Point', description: 'here' } }),
      $defs: { Point: object({ x: { type: 'number' } }) },
    },
    object({ a: { description: 'here', type: 'object', properties: { x: { type: 'number' } } } }),
    [],
  ],
  [
    'what refers to itself has an end, and that is told',
    { ...object({ a: { $ref: '#/$defs/Node' } }), $defs: { Node: object({ next: { $ref: '#/$defs/Node' } }) } },
    object({ a: object({ next: { type: 'object' } }) }),
    ['$ref'],
  ],
  [
    'all of several objects are one',
    { allOf: [object({ a: text }, { required: ['a'] }), object({ b: text }, { required: ['b'] })] },
    object({ a: text, b: text }, { required: ['a', 'b'] }),
    [],
  ],
  [
    'what is required and not described is left out, for it would be refused',
    object({ a: text }, { required: ['a', 'b'] }),
    object({ a: text }, { required: ['a'] }),
    [],
  ],
  ['an array says of what', object({ a: { type: 'array' } }), object({ a: { type: 'array', items: text } }), []],
  [
    'a tuple is an array of any of its items, and that is told',
    object({ a: { type: 'array', prefixItems: [text, { type: 'number' }] } }),
    object({ a: { type: 'array', items: { anyOf: [text, { type: 'number' }] } } }),
    ['prefixItems'],
  ],
])('%s', (_, given, schema, lost) => {
  expect(convertSchema(given)).toEqual({ schema, lost });
});

it('ends with references that would write out more than anybody could read', () => {
  const level = (below: string) => object({ a: { $ref: below }, b: { $ref: below }, c: { $ref: below } });
  const $defs = Object.fromEntries(
    Array.from({ length: 20 }, (_, depth) => [`d${depth}`, depth === 19 ? text : level(`#/$defs/d${depth + 1}`)]),
  );
  const { schema, lost } = convertSchema({ ...object({ a: { $ref: '#/$defs/d0' } }), $defs });
  expect(lost).toContain('size');
  expect(JSON.stringify(schema).length).toBeLessThan(1_000_000);
});

it('answers with an object whatever it is given', () =>
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('type', 'items', 'properties', 'anyOf', 'allOf', '$ref', 'enum', 'required', 'format'),
        fc.jsonValue(),
      ),
      (given) => {
        expect(typeof convertSchema(given).schema).toBe('object');
      },
    ),
  ));
