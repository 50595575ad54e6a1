// `JSON.parse` of V8 13.6, which is that of every Node 24, takes a key that is written with an escape for another one: after `{"model":0,"\\":0}` it reads the key of
// `{"model":0,"\u006e":0}` as `\` and not as `n`. It expects the key that came there before, and compares it with what stands in the text before the escapes are read. Node 22 does not.
// So a field could be hidden from us that a provider sees, and what is held for the call, or what a rule says of it, would be about another call. Every process mends its
// parser before it reads anything: keys with an escape are written without before they are parsed.
// Source: seen with Node 24.0.0, 24.11.1 and 24.21.0; `isBroken` looks for it, and where it is gone nothing is mended.
import { randomBytes } from 'node:crypto';

const BACKSLASH = 0x5c;
const QUOTE = '"';

type Reviver = (this: unknown, key: string, value: unknown, context?: unknown) => unknown;
type Parse = (text: string, reviver?: Reviver) => unknown;

/** Where the string ends in which the escape at `at` stands: its closing quote; -1 where there is none. From quote to quote, since most strings with an escape have no quote in them. */
const endOfString = (text: string, at: number): number => {
  for (let quote = text.indexOf(QUOTE, at); quote !== -1; quote = text.indexOf(QUOTE, quote + 1)) {
    let before = quote;
    while (before > at && text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 0) return quote;
  }
  return -1;
};

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** Whether what ended there is a key. */
const isBeforeColon = (text: string, quote: number): boolean => {
  let at = quote + 1;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return text[at] === ':';
};

/** Names in the place of keys that cannot be written without an escape; no text has them by chance. */
const NAME = `escaped-${randomBytes(16).toString('hex')}-`;

interface Plain {
  readonly text: string;
  /** Keys by the names that stand for them. */
  readonly names: ReadonlyMap<string, string>;
}

/** The text with its keys written without escapes; undefined where it has none with one. Of what is no JSON the parser will tell. */
const withPlainKeys = (text: string, parse: Parse): Plain | undefined => {
  let plain = '';
  let done = 0;
  const names = new Map<string, string>();
  const nameOf = new Map<string, string>();
  for (let at = text.indexOf('\\'); at !== -1;) {
    const end = endOfString(text, at);
    if (end === -1) break;
    if (isBeforeColon(text, end)) {
      // Nothing is escaped in front of the first escape.
      const start = text.lastIndexOf(QUOTE, at);
      let key: string;
      try {
        key = parse(text.slice(start, end + 1)) as string;
      } catch {
        break;
      }
      let written = JSON.stringify(key);
      if (written.includes('\\')) {
        const name = nameOf.get(key) ?? `${NAME}${names.size}`;
        nameOf.set(key, name);
        names.set(name, key);
        written = `"${name}"`;
      }
      plain += text.slice(done, start) + written;
      done = end + 1;
    }
    at = text.indexOf('\\', end);
  }
  return done === 0 ? undefined : { text: plain + text.slice(done), names };
};

/** Sets a member. A key may be `__proto__`, which an assignment would not set. */
const put = (parent: object, key: string, value: unknown): void => {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
};

/** The value with the keys themselves in the place of their names, in their order. Without recursion: JSON may be nested deeper than a stack is. */
const renamed = (root: unknown, names: Plain['names']): unknown => {
  const whole = { root };
  const left: [parent: object, key: string, value: unknown][] = [[whole, 'root', root]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [parent, key, value] = next;
    if (typeof value !== 'object' || value === null) continue;
    let members = Object.entries(value as Record<string, unknown>);
    let container: object = value;
    if (members.some(([name]) => names.has(name))) {
      members = members.map(([name, member]) => [names.get(name) ?? name, member]);
      container = Object.fromEntries(members);
      put(parent, key, container);
    }
    for (const [name, member] of members)
      if (typeof member === 'object' && member !== null) left.push([container, name, member]);
  }
  return whole.root;
};

/** A `JSON.parse` that reads every key as it is. */
export const safeJsonParse = (parse: Parse): Parse =>
  function parseWithPlainKeys(text: string, reviver?: Reviver): unknown {
    const json = typeof text === 'string' ? text : String(text);
    const plain = json.includes('\\') ? withPlainKeys(json, parse) : undefined;
    if (plain === undefined) return parse(json, reviver);
    // What is no JSON is refused as it stands: only of what is one is known that its escapes are in strings.
    parse(json);
    if (plain.names.size === 0) return parse(plain.text, reviver);
    const { names } = plain;
    const revive: Reviver | undefined =
      reviver &&
      function revive(this: unknown, key, value, context) {
        return reviver.call(this, names.get(key) ?? key, value, context);
      };
    return renamed(parse(plain.text, revive), names);
  };

/** Whether this engine mistakes keys. */
export const isBroken = (parse: Parse): boolean => {
  parse('{"waystation looks at the parser":0,"\\\\":0}');
  return !Object.hasOwn(parse('{"waystation looks at the parser":0,"\\u006e":0}') as object, 'n');
};

/** Mends `JSON.parse` of this process, where it is broken. Has no effect a second time. */
export const mendJsonParse = (): void => {
  const parse = JSON.parse as Parse;
  if (isBroken(parse)) JSON.parse = safeJsonParse(parse) as typeof JSON.parse;
};
