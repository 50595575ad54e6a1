// Finds where a JSON value ends without building it. The grammar is checked everywhere but inside strings, of which only the
// end is looked for: nothing valid is ever refused, and what is refused would not parse.

/** Deeper documents are refused: a parser further on may recurse. */
export const JSON_DEPTH_MAX = 512;

/** Up to here a loop is cheaper than a native search (a call costs about as much as 100 steps). */
const NEAR_BYTES = 96;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const EXPONENT = 0x65;

/** Closing bytes of the containers that are open; one array for all calls, since a walk never yields. */
const open = new Uint8Array(JSON_DEPTH_MAX);

/** The next byte that is not white space. */
export const skipSpace = (bytes: Buffer, at: number): number => {
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
};

/** `at` stands behind the opening quote; the answer behind the closing one, or -1. */
export const skipString = (bytes: Buffer, at: number): number => {
  for (;;) {
    const near = Math.min(at + NEAR_BYTES, bytes.length);
    while (at < near) {
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return -1;
    let slashes = quote;
    while (slashes > at && bytes[slashes - 1] === BACKSLASH) slashes -= 1;
    at = quote + 1;
    if (((quote - slashes) & 1) === 0) return at;
  }
};

const skipDigits = (bytes: Buffer, at: number): number => {
  const from = at;
  while ((bytes[at] ?? 0) >= ZERO && (bytes[at] ?? 0) <= NINE) at += 1;
  return at === from ? -1 : at;
};

const skipNumber = (bytes: Buffer, at: number): number => {
  if (bytes[at] === MINUS) at += 1;
  at = bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at);
  if (at < 0) return -1;
  if (bytes[at] === POINT) at = skipDigits(bytes, at + 1);
  if (at < 0) return -1;
  if (((bytes[at] ?? 0) | 0x20) !== EXPONENT) return at;
  const sign = bytes[at + 1];
  return skipDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
};

const LITERALS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

const skipScalar = (bytes: Buffer, at: number): number => {
  for (const literal of LITERALS) {
    if (bytes[at] !== literal[0]) continue;
    for (let index = 1; index < literal.length; index += 1) if (bytes[at + index] !== literal[index]) return -1;
    return at + literal.length;
  }
  return skipNumber(bytes, at);
};

/** `at` stands on the quote of a key; the answer behind the colon, or -1. */
const skipKey = (bytes: Buffer, at: number): number => {
  if (bytes[at] !== QUOTE) return -1;
  const end = skipString(bytes, at + 1);
  if (end < 0) return -1;
  const colon = skipSpace(bytes, end);
  return bytes[colon] === COLON ? colon + 1 : -1;
};

/**
 * Where the value that starts at `at` (white space allowed before it) ends, or -1 if there is no valid value.
 * @param outer how many containers are already open around it
 */
export const skipValue = (bytes: Buffer, at: number, outer = 0): number => {
  const depthMax = JSON_DEPTH_MAX - outer;
  let depth = 0;
  for (;;) {
    at = skipSpace(bytes, at);
    const byte = bytes[at];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth >= depthMax) return -1;
      const close = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== close) {
        open[depth] = close;
        depth += 1;
        if (close === CLOSE_OBJECT) at = skipKey(bytes, at);
        if (at < 0) return -1;
        continue;
      }
      at += 1;
    } else {
      at = byte === QUOTE ? skipString(bytes, at + 1) : skipScalar(bytes, at);
      if (at < 0) return -1;
    }
    // Behind a value: containers close, or the next member begins.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      const close = open[depth - 1];
      if (bytes[at] === close) {
        depth -= 1;
        at += 1;
        continue;
      }
      if (bytes[at] !== COMMA) return -1;
      at += 1;
      if (close === CLOSE_OBJECT) at = skipKey(bytes, skipSpace(bytes, at));
      if (at < 0) return -1;
      break;
    }
  }
};
