// The judgement of a schema for what is nearly always right and comes by the thousand. A closure made once from the schema knows a value that fits as it stands:
// everything in it is named by the schema and nothing would be changed. Only that is decided here. Any doubt, and every refusal, is zod's.
import type { z } from 'zod';

/** Whether the schema certainly takes the value and gives it back as it is. False says nothing. */
type Fits = (value: unknown) => boolean;

/** Like `schema.safeParse`, for JSON values; what fits comes back itself, not as a copy. @throws at once for a kind of schema that is not known here */
export const quickParse = <Value>(schema: z.ZodType<Value>): ((value: unknown) => z.ZodSafeParseResult<Value>) => {
  const fits = fitsOf(schema);
  return (value) => (fits(value) ? { success: true, data: value as Value } : schema.safeParse(value));
};

type AnySchema = z.core.$ZodType;

const SCALARS: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'literal', 'enum']);

const fitsOf = (schema: AnySchema): Fits => {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return allOf([(value) => typeof value === 'string', ...checksOf([...ownCheckOf(schema), ...(def.checks ?? [])])]);
    case 'number':
      return allOf([Number.isFinite, ...checksOf([...ownCheckOf(schema), ...(def.checks ?? [])])]);
    case 'boolean':
      return withoutChecks(def, (value) => value === true || value === false);
    case 'unknown':
      return withoutChecks(def, (value) => value !== undefined);
    case 'literal':
      return withoutChecks(def, oneOf(def.values));
    case 'enum':
      return withoutChecks(def, oneOf(Object.values(def.entries)));
    case 'array':
      return allOf([arrayOf(fitsOf(def.element)), ...checksOf(def.checks)]);
    case 'record':
      if (def.keyType._zod.values !== undefined)
        throw new Error('A quick parse of a record of named keys is not known.');
      return withoutChecks(def, recordOf(fitsOf(def.keyType), fitsOf(def.valueType)));
    case 'object':
      // A catch-all says what becomes of other members; here there are none.
      return withoutChecks(def, objectOf(def.shape));
    case 'union':
      return withoutChecks(def, isDiscriminated(def) ? variantOf(def) : anyOf(def));
    default:
      throw new Error(`A quick parse of a schema of kind ${def.type} is not known.`);
  }
};

/** A format that is a schema of its own, say `z.email()`, is its own check. */
const ownCheckOf = (schema: AnySchema): z.core.$ZodCheck<never>[] =>
  'check' in schema._zod.def ? [schema as unknown as z.core.$ZodCheck<never>] : [];

const withoutChecks = (def: z.core.$ZodTypeDef, fits: Fits): Fits => {
  if ((def.checks ?? []).length > 0) throw new Error(`A quick parse of checks on kind ${def.type} is not known.`);
  return fits;
};

const allOf = (all: readonly Fits[]): Fits => {
  const [first, second, third, fourth] = all;
  if (first === undefined || all.length > 4) throw new Error('A quick parse takes up to three checks of a value.');
  if (second === undefined) return first;
  if (third === undefined) return (value) => first(value) && second(value);
  if (fourth === undefined) return (value) => first(value) && second(value) && third(value);
  return (value) => first(value) && second(value) && third(value) && fourth(value);
};

/** Of two options that may leave members out, zod gives back what the first one made of a value, although the second takes it as it stands. */
const anyOf = (def: z.core.$ZodUnionDef): Fits => {
  const shaped = def.options.filter((option) => !SCALARS.has((option as z.core.$ZodTypes)._zod.def.type));
  if (shaped.length > 1 || def.inclusive === false) throw new Error('A quick parse of a union of shapes is not known.');
  const options = def.options.map(fitsOf);
  return (value) => options.some((fits) => fits(value));
};

const oneOf = (values: readonly unknown[]): Fits => {
  const known = new Set(values);
  return (value) => known.has(value);
};

// Runs after the type was looked at: strings, numbers and arrays only.
const checksOf = (checks: readonly z.core.$ZodCheck<never>[] | undefined): Fits[] =>
  (checks ?? []).map((check) => {
    const def = (check as unknown as z.core.$ZodChecks)._zod.def;
    switch (def.check) {
      case 'min_length':
        return (value) => (value as string | unknown[]).length >= def.minimum;
      case 'max_length':
        return (value) => (value as string | unknown[]).length <= def.maximum;
      case 'greater_than':
        return def.inclusive
          ? (value) => (value as number) >= Number(def.value)
          : (value) => (value as number) > Number(def.value);
      case 'less_than':
        return def.inclusive
          ? (value) => (value as number) <= Number(def.value)
          : (value) => (value as number) < Number(def.value);
      case 'number_format':
        if (def.format === 'safeint') return Number.isSafeInteger;
        break;
      case 'string_format': {
        const { pattern } = def;
        // A pattern with a memory of its last match would judge by it.
        if (def.format === 'regex' && pattern !== undefined && !pattern.global && !pattern.sticky)
          return (value) => pattern.test(value as string);
        break;
      }
      default:
    }
    throw new Error(`A quick parse of the check ${def.check} is not known.`);
  });

const arrayOf =
  (fits: Fits): Fits =>
  (value) => {
    if (!Array.isArray(value)) return false;
    for (const item of value) if (!fits(item)) return false;
    return true;
  };

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const recordOf =
  (keyFits: Fits, valueFits: Fits): Fits =>
  (value) => {
    if (!isPlain(value)) return false;
    // zod leaves `__proto__` out.
    for (const key in value) if (key === '__proto__' || !keyFits(key) || !valueFits(value[key])) return false;
    return true;
  };

const objectOf = (shape: z.core.$ZodShape): Fits => {
  const members = Object.entries(shape).map(([name, schema]) => {
    const { def } = (schema as z.core.$ZodTypes)._zod;
    const isOptional = def.type === 'optional';
    return { name, isOptional, fits: fitsOf(isOptional ? def.innerType : schema) };
  });
  return (value) => {
    if (!isPlain(value)) return false;
    let known = 0;
    for (const { name, isOptional, fits } of members) {
      const member = value[name];
      if (member === undefined) {
        if (!isOptional) return false;
      } else if (fits(member)) known += 1;
      else return false;
    }
    // Members that the schema does not name are left out by zod; those that are there and undefined are no JSON.
    return Object.keys(value).length === known;
  };
};

const isDiscriminated = (def: z.core.$ZodUnionDef): def is z.core.$ZodDiscriminatedUnionDef => 'discriminator' in def;

const variantOf = (def: z.core.$ZodDiscriminatedUnionDef): Fits => {
  const byWord = new Map<unknown, Fits>();
  for (const option of def.options) {
    const fits = fitsOf(option);
    for (const word of option._zod.propValues?.[def.discriminator] ?? []) byWord.set(word, fits);
  }
  return (value) => isPlain(value) && byWord.get(value[def.discriminator])?.(value) === true;
};
