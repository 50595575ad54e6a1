// Spoils bytes and JSON, the same way for the same seed: what a parser has to survive. Plain numbers of runs and a seed, so that a run that failed can be tried again.

/** A whole number below `bound`. */
export type Dice = (bound: number) => number;

/** Seeds that are next to each other are to lead far apart. */
const mixed = (seed: number): number => {
  let state = Math.imul((seed ^ 0x9e37_79b9) | 0, 0x85eb_ca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2_ae35);
  return state ^ (state >>> 16) || 1;
};

/** xorshift32: not for secrets, but the same everywhere. */
export const diceOf = (seed: number): Dice => {
  let state = mixed(seed);
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
};

const DEEP = 700;

/** JSON texts of values that nobody expects. */
const VALUES: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '-0',
  '0.5',
  '1e308',
  '-1e308',
  '1e999',
  '9007199254740993',
  '123456789012345678901234567890',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\"}],\\n\\n"',
  '"\\u2028\\r"',
  '"__proto__"',
  '"constructor"',
  '"data:image/png;base64,"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '[{}]',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"toString":1,"length":-1}',
  '{"":{"":{"":0}}}',
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
];

const KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  '0',
];

/** Pieces that are put among bytes. */
const PIECES: readonly string[] = [
  ...VALUES.filter((value) => value.length < 64),
  '\n',
  '\r',
  '\r\n\r\n',
  '\n\n',
  'data:',
  'data: ',
  'data: [DONE]\n\n',
  '\ndata: ',
  'event: error\n',
  ': \n\n',
  '\ufeff',
  '\u2028',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '"__proto__":1,',
];

const pick = <T>(from: readonly T[], dice: Dice): T => from[dice(from.length)] as T; // never asked of an empty list

/** One change in the bytes: a bit, a piece more, less, twice, in another place, or an end. */
export const spoilBytes = (bytes: Buffer, dice: Dice): Buffer => {
  const at = dice(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + dice(40));
  const [before, piece, behind] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (dice(8)) {
    case 0: {
      const spoilt = Buffer.from(bytes);
      if (at < spoilt.length) spoilt[at] = (spoilt[at] ?? 0) ^ (1 << dice(8));
      return spoilt;
    }
    case 1:
      return Buffer.from(before);
    case 2:
      return Buffer.concat([before, behind]);
    case 3:
      return Buffer.concat([before, piece, piece, behind]);
    case 4:
      return Buffer.concat([behind, piece, before]);
    case 5:
      return Buffer.concat([before, Buffer.from(Array.from(piece, () => dice(256))), behind]);
    case 6:
      return spoilLines(bytes, dice);
    default:
      return Buffer.concat([before, Buffer.from(pick(PIECES, dice)), piece, behind]);
  }
};

/** A line less, twice, or in another's place. */
const spoilLines = (bytes: Buffer, dice: Dice): Buffer => {
  const lines = bytes.toString('latin1').split('\n');
  const [at, other] = [dice(lines.length), dice(lines.length)];
  const line = lines[at] ?? '';
  if (dice(3) === 0) lines.splice(at, 1);
  else if (dice(2) === 0) lines.splice(other, 0, line);
  else [lines[at], lines[other]] = [lines[other] ?? '', line];
  return Buffer.from(lines.join('\n'), 'latin1');
};

export const randomBytes = (length: number, dice: Dice): Buffer => Buffer.from(Array.from({ length }, () => dice(256)));

/** Stands for a JSON text inside of a value, until the whole is written. */
const markOf = (index: number): string => `\u0001${index}\u0001`;

/** One member of a JSON document that is another, gone, there under another name or of another place. Texts that are no JSON are given back. */
export const spoilJson = (text: string, dice: Dice): string => {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return text;
  }
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      places.push({ holder: value as Record<string, unknown>, key });
      walk(each);
    }
  };
  walk(root);
  if (places.length === 0) return pick(VALUES, dice);
  const { holder, key } = pick(places, dice);
  const chosen = dice(VALUES.length);
  switch (dice(5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else Reflect.deleteProperty(holder, key);
      break;
    case 1: {
      const other = pick(places, dice);
      holder[key] = structuredClone(other.holder[other.key]);
      break;
    }
    case 2: {
      const name = markOf(chosen);
      if (!Array.isArray(holder)) holder[name] = holder[key];
      // A key that objects have of their own; written as text, for no assignment makes it.
      return JSON.stringify(root).replace(JSON.stringify(name), () => JSON.stringify(pick(KEYS, dice)));
    }
    default:
      holder[key] = markOf(chosen);
  }
  return JSON.stringify(root).replace(JSON.stringify(markOf(chosen)), () => VALUES[chosen] ?? 'null');
};
