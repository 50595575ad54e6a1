// The hot scanner: one pass over a part of a chunk's bytes that tells whether it is an ordinary delta, and how much content it carries.
// No values are built and nothing is allocated. It walks strings properly, so text that looks like JSON inside of content fools nobody.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** What the last scan saw. One for all scans, since a scan never yields. */
export interface ChunkScan {
  /** Every string and container closes, and nothing is left open. */
  closed: boolean;
  /** A finish reason, a usage or an error that is not null, or a tool call without an index: the chunk needs a closer look. */
  special: boolean;
  /** Bytes of content: text, reasoning, refusal, tool call arguments. Text in parts counts where there is no other, since parts may repeat it. */
  contentBytes: number;
  /** Bytes of all of these, parts included. */
  textBytes: number;
  /** Where the key of a `"usage":null` of the chunk itself begins, and where its null ends; -1 where there is none. */
  nullUsageStart: number;
  nullUsageEnd: number;
}

const scan: ChunkScan = {
  closed: false,
  special: false,
  contentBytes: 0,
  textBytes: 0,
  nullUsageStart: -1,
  nullUsageEnd: -1,
};

/** Kinds of keys that matter; 0 is every other key. */
const CONTENT = 1;
const TEXT = 2;
/** This and above. */
const SPECIAL = 3;
/** Special, and where it is null it can be cut out. */
const USAGE = 4;
/** Of tool calls, each of which has to tell which one it is. */
const CALLS = -1;
const INDEX = -2;
const NULL_BYTES = 4;

const matches = (bytes: Buffer, start: number, name: Buffer): boolean => {
  for (let index = 0; index < name.length; index += 1) if (bytes[start + index] !== name[index]) return false;
  return true;
};

const KEYS: readonly { readonly name: Buffer; readonly kind: number }[] = [
  { name: Buffer.from('content'), kind: CONTENT },
  { name: Buffer.from('finish_reason'), kind: SPECIAL },
  { name: Buffer.from('usage'), kind: USAGE },
  { name: Buffer.from('error'), kind: SPECIAL },
  { name: Buffer.from('arguments'), kind: CONTENT },
  { name: Buffer.from('reasoning'), kind: CONTENT },
  { name: Buffer.from('reasoning_content'), kind: CONTENT },
  { name: Buffer.from('refusal'), kind: CONTENT },
  { name: Buffer.from('text'), kind: TEXT },
  { name: Buffer.from('tool_calls'), kind: CALLS },
  { name: Buffer.from('index'), kind: INDEX },
];
/** Candidates by length of the key. */
const KEYS_BY_LENGTH: readonly (readonly { readonly name: Buffer; readonly kind: number }[])[] = Array.from(
  { length: 18 },
  (_, length) => KEYS.filter((key) => key.name.length === length),
);

const kindOf = (bytes: Buffer, start: number, end: number): number => {
  const candidates = KEYS_BY_LENGTH[end - start];
  if (candidates === undefined) return 0;
  for (const candidate of candidates) if (matches(bytes, start, candidate.name)) return candidate.kind;
  return 0;
};

/**
 * Scans `bytes[start, end)`, which may begin in the middle of an object.
 * @param depth how many containers are open at `start`; `closed` says that all of them close by `end`
 */
export const scanChunk = (bytes: Buffer, start: number, end: number, depth: number): Readonly<ChunkScan> => {
  scan.closed = false;
  scan.special = false;
  scan.contentBytes = 0;
  scan.textBytes = 0;
  scan.nullUsageStart = -1;
  let direct = 0;
  let texts = 0;
  /** Kind of the key whose value comes next. */
  let kind = 0;
  let keyStart = start;
  /** How deep the items of the tool calls lie; below zero outside of them. */
  let callsDepth = -1;
  let unnumbered = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    at += 1;
    if (byte === QUOTE) {
      const from = at;
      let inside = bytes[at];
      while (inside !== QUOTE) {
        at += inside === BACKSLASH ? 2 : 1;
        if (at >= end) return scan; // the string does not end in here
        inside = bytes[at];
      }
      const to = at;
      do at += 1;
      while (at < end && (bytes[at] as number) <= 0x20);
      if (at < end && bytes[at] === COLON) {
        at += 1;
        kind = kindOf(bytes, from, to);
        keyStart = from - 1;
        if (kind === INDEX && callsDepth >= 0 && depth === callsDepth + 1) unnumbered -= 1;
        continue;
      }
      if (kind === CONTENT) direct += to - from;
      else if (kind === TEXT) texts += to - from;
      else if (kind >= SPECIAL) scan.special = true;
      kind = 0;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (kind >= SPECIAL) scan.special = true;
      if (byte === 0x7b && depth === callsDepth) unnumbered += 1;
      depth += 1;
      if (kind === CALLS && byte === 0x5b) callsDepth = depth;
      kind = 0;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      kind = 0;
      if (depth < 0) return scan;
      if (depth < callsDepth) callsDepth = -1;
    } else if (byte > 0x20 && byte !== 0x2c) {
      // A literal or a number: only `null` is nothing.
      if (kind >= SPECIAL) {
        if (byte !== 0x6e) scan.special = true;
        else if (kind === USAGE && depth === 1) {
          scan.nullUsageStart = keyStart;
          scan.nullUsageEnd = at - 1 + NULL_BYTES;
        }
      }
      kind = 0;
    }
  }
  if (unnumbered !== 0) scan.special = true;
  scan.closed = depth === 0;
  scan.contentBytes = direct > 0 ? direct : texts;
  scan.textBytes = direct + texts;
  return scan;
};
