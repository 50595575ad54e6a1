// JSON Schema as the part of it that Gemini reads. https://ai.google.dev/api/caching#Schema
// Pure. What has another spelling there is converted, what narrows no answer goes, and every other keyword that is left out is named in `lost`.
import { isRecord, recordsOf, type JsonObject } from '../json-shape.js';

export interface ConvertedSchema {
  readonly schema: JsonObject;
  /** Keywords that said something and could not be said. */
  readonly lost: readonly string[];
}

type Json = Record<string, unknown>;

const DEPTH_MAX = 32;
/** References that are written out can make a small schema a large one. */
const NODES_MAX = 5_000;

const KEPT: readonly string[] = [
  'title',
  'description',
  'nullable',
  'default',
  'example',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'propertyOrdering',
];

/** Taken up below. */
const CONVERTED: ReadonlySet<string> = new Set([
  ...['type', 'format', 'enum', 'const', 'properties', 'required', 'items', 'prefixItems', 'anyOf', 'oneOf', 'allOf'],
  ...['$ref', '$defs', 'definitions'],
]);

/** They describe the schema and not the answer. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$anchor', '$comment', '$vocabulary', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
]);

const FORMATS: Readonly<Record<string, ReadonlySet<string>>> = {
  string: new Set(['enum', 'date-time']),
  number: new Set(['float', 'double']),
  integer: new Set(['int32', 'int64']),
};

const TYPES: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];

const isNull = (schema: JsonObject): boolean => schema['type'] === 'null' || schema['const'] === null;

class Conversion {
  readonly lost = new Set<string>();
  readonly #root: JsonObject;
  #nodes = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** @param within the references that lead here: one that leads back to itself has no end there */
  schema(given: unknown, within: readonly string[], depth: number): Json {
    if (!isRecord(given)) return {};
    this.#nodes += 1;
    if (depth > DEPTH_MAX || this.#nodes > NODES_MAX) {
      this.lost.add(depth > DEPTH_MAX ? 'depth' : 'size');
      return {};
    }
    const { $ref: ref } = given;
    if (typeof ref === 'string') return this.#referred(ref, given, within, depth);
    if (Array.isArray(given['allOf'])) return this.#allOf(given, within, depth);
    const choices = recordsOf(given['anyOf'] ?? given['oneOf']);
    const converted =
      choices.length > 0 ? this.#anyOf(given, choices, within, depth) : this.#plain(given, within, depth);
    for (const [key, value] of Object.entries(given)) this.#note(key, value);
    return converted;
  }

  #referred(ref: string, given: JsonObject, within: readonly string[], depth: number): Json {
    const target = ref.startsWith('#') ? this.#at(ref) : undefined;
    if (target === undefined || within.includes(ref)) {
      this.lost.add('$ref');
      return { type: 'object' };
    }
    const beside = Object.fromEntries(Object.entries(given).filter(([key]) => key !== '$ref'));
    return this.schema({ ...target, ...beside }, [...within, ref], depth + 1);
  }

  #at(ref: string): JsonObject | undefined {
    let found: unknown = this.#root;
    for (const step of ref
      .slice(1)
      .split('/')
      .filter((each) => each !== '')) {
      const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
      found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    }
    return isRecord(found) ? found : undefined;
  }

  /** All of several objects are one object with the members of all. */
  #allOf(given: JsonObject, within: readonly string[], depth: number): Json {
    const { allOf, ...beside } = given;
    const all = [beside, ...recordsOf(allOf)].map((each) => this.schema(each, within, depth + 1));
    const [properties, required] = [{} as Json, new Set<string>()];
    for (const each of all) {
      if (isRecord(each['properties'])) Object.assign(properties, each['properties']);
      for (const name of textsOf(each['required'])) required.add(name);
    }
    const merged: Json = Object.assign({}, ...all);
    if (Object.keys(properties).length > 0) Object.assign(merged, { type: 'object', properties });
    if (required.size > 0) merged['required'] = [...required];
    return merged;
  }

  #anyOf(given: JsonObject, choices: readonly JsonObject[], within: readonly string[], depth: number): Json {
    const kept = choices.filter((choice) => !isNull(choice));
    const converted = kept.map((choice) => this.schema(choice, within, depth + 1));
    const nullable = kept.length < choices.length ? { nullable: true } : {};
    const about = this.#kept(given);
    const [only] = converted;
    if (converted.length <= 1) return { ...only, ...about, ...nullable };
    return { ...about, anyOf: converted, ...nullable };
  }

  #plain(given: JsonObject, within: readonly string[], depth: number): Json {
    const told = typeof given['type'] === 'string' ? [given['type']] : textsOf(given['type']);
    const types = told.filter((type) => TYPES.has(type));
    const nullable = told.includes('null') ? { nullable: true } : {};
    if (types.length > 1)
      return {
        ...this.#kept(given),
        anyOf: types.map((type) => this.#typed(type, given, within, depth)),
        ...nullable,
      };
    const type = types[0] ?? typeMeant(given);
    return {
      ...this.#kept(given),
      ...(type === undefined ? {} : this.#typed(type, given, within, depth)),
      ...nullable,
    };
  }

  #typed(type: string, given: JsonObject, within: readonly string[], depth: number): Json {
    const { format } = given;
    const known = typeof format === 'string' && FORMATS[type]?.has(format) === true;
    if (format !== undefined && !known) this.lost.add('format');
    return {
      type,
      ...(known ? { format } : {}),
      ...this.#values(type, given),
      ...(type === 'object' ? this.#members(given, within, depth) : {}),
      ...(type === 'array' ? { items: this.#items(given, within, depth) } : {}),
    };
  }

  /** Only texts may be listed there. */
  #values(type: string, given: JsonObject): Json {
    const values = given['const'] === undefined ? given['enum'] : [given['const']];
    if (!Array.isArray(values)) return {};
    const texts = textsOf(values);
    if (type !== 'string') {
      this.lost.add(given['const'] === undefined ? 'enum' : 'const');
      return {};
    }
    return texts.length === 0 ? {} : { enum: texts, ...(values.includes(null) ? { nullable: true } : {}) };
  }

  #members(given: JsonObject, within: readonly string[], depth: number): Json {
    if (!isRecord(given['properties'])) return {};
    const properties = Object.fromEntries(
      Object.entries(given['properties']).map(([name, each]) => [name, this.schema(each, within, depth + 1)]),
    );
    const names = Object.keys(properties);
    if (names.length === 0) return {};
    // A member that is required and not described is refused.
    const required = textsOf(given['required']).filter((name) => Object.hasOwn(properties, name));
    return { properties, ...(required.length === 0 ? {} : { required }) };
  }

  /** An array must say of what. */
  #items(given: JsonObject, within: readonly string[], depth: number): Json {
    const tuple = recordsOf(given['prefixItems'] ?? given['items']);
    if (tuple.length > 0) {
      this.lost.add(Array.isArray(given['prefixItems']) ? 'prefixItems' : 'items');
      const each = tuple.map((item) => this.schema(item, within, depth + 1));
      return each.length === 1 ? (each[0] ?? {}) : { anyOf: each };
    }
    const items = this.schema(given['items'], within, depth + 1);
    return Object.keys(items).length === 0 ? { type: 'string' } : items;
  }

  #kept(given: JsonObject): Json {
    return Object.fromEntries(KEPT.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
  }

  #note(key: string, value: unknown): void {
    if (KEPT.includes(key) || CONVERTED.has(key) || ANNOTATIONS.has(key)) return;
    // The model writes no members that are not described: to forbid them says nothing more.
    if (key === 'additionalProperties' && value === false) return;
    this.lost.add(key);
  }
}

const typeMeant = (given: JsonObject): string | undefined => {
  if (isRecord(given['properties'])) return 'object';
  if (given['items'] !== undefined || given['prefixItems'] !== undefined) return 'array';
  const value: unknown = given['const'] ?? (Array.isArray(given['enum']) ? given['enum'][0] : undefined);
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? type : undefined;
};

/** @param root the whole schema: what it refers to stands in it */
export const convertSchema = (root: JsonObject): ConvertedSchema => {
  const conversion = new Conversion(root);
  const schema = conversion.schema(root, [], 0);
  return { schema, lost: [...conversion.lost] };
};
