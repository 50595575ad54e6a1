// Arguments of tools are text in some dialects and values in others, and a number of JSON may have more digits than a double holds: ids of databases do. Where arguments become
// values, such a number stays the text that it was written in, which JSON.stringify writes again. https://github.com/tc39/proposal-json-parse-with-source
// Invariant: what was parsed here and is written again says the same numbers, whatever their size.

interface RawJson {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}

/** A double holds every number of up to 15 digits and an exponent of two. Most texts have nothing beyond, and are not looked through. */
const MAY_LOSE_DIGITS = /[\d.]{16}|\d[eE][+-]?\d{3}/;
/** Longer ones are not compared, but kept. */
const COMPARED_CHARS_MAX = 400;
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** One text for all that say the same number; of what is no finite number none. */
const decimalOf = (text: string): string | undefined => {
  const [, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (whole === undefined || text.length > COMPARED_CHARS_MAX) return undefined;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const tens = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${text.startsWith('-') ? '-' : ''}${significant}e${tens}`;
};

const isHeld = (value: number, text: string): boolean => {
  const written = String(value);
  if (written === text) return true;
  const told = decimalOf(text);
  return told !== undefined && told === decimalOf(written);
};

const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && context?.source !== undefined && !isHeld(value, context.source)
    ? JSON.rawJSON(context.source)
    : value;

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !JSON.isRawJSON(value);

const asNumber = (value: unknown): unknown => (JSON.isRawJSON(value) ? Number(value.rawJSON) : value);

/** Numbers outside of the members are what JSON.parse makes of them. */
const roundBut = (value: unknown, members: ReadonlySet<string>): unknown => {
  if (!isContainer(value)) return asNumber(value);
  for (const [name, member] of Object.entries(value))
    if (!members.has(name) || !isContainer(member)) value[name] = roundBut(member, members);
  return value;
};

/** Arguments of a tool, to be written again as a value. @throws SyntaxError as JSON.parse does */
export const parseArguments = (text: string): unknown =>
  MAY_LOSE_DIGITS.test(text) ? asNumber(JSON.parse(text, keepDigits)) : JSON.parse(text);

/** A message that holds arguments of tools as values, in members of these names; everything else is as JSON.parse has it. @throws SyntaxError as JSON.parse does */
export const parseHolding = (members: ReadonlySet<string> | undefined, text: string): unknown =>
  members !== undefined && MAY_LOSE_DIGITS.test(text)
    ? roundBut(JSON.parse(text, keepDigits), members)
    : JSON.parse(text);
