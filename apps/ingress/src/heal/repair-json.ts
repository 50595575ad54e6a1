// Makes JSON of a text that was meant to be JSON: out of its fence, out of the words around it, and mended by a library. Runs aside, since the library may
// take a time that grows with the square of a hostile text; so this module imports none of ours.
import { parentPort, workerData } from 'node:worker_threads';
import { jsonrepair } from 'jsonrepair';

/** Beginnings that are tried. */
const STARTS_MAX = 16;

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** Objects and lists: a lone word or number is no answer in JSON, but words. */
const isStructure = (json: string): boolean => {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
};

/** Behind the bracket that closes the one at `start`, brackets inside strings left out; -1 where none does. */
const endOfStructure = (text: string, start: number): number => {
  const open: string[] = [];
  for (let at = start; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (CLOSING[character] !== undefined) open.push(CLOSING[character]);
    else if (character === '}' || character === ']') {
      if (open.pop() !== character) return -1;
      if (open.length === 0) return at + 1;
    }
  }
  return -1;
};

/** What stands in a fence: up to the last one, since a text in it may hold fences of its own. One behind a bracket belongs to a text. */
const inFence = (text: string): string[] => {
  const opening = /```[A-Za-z0-9_-]*[ \t]*\r?\n?/.exec(text);
  const bracket = text.search(/[{[]/);
  if (opening === null || (bracket >= 0 && bracket < opening.index)) return [];
  const from = opening.index + opening[0].length;
  const last = text.lastIndexOf('```');
  return [text.slice(from, last > from ? last : undefined)];
};

/** The longest structure that is whole as it stands there. None is looked for inside of a broken one. */
const asItStands = (text: string): string | undefined => {
  let longest: string | undefined;
  let at = 0;
  for (let tries = 0; tries < STARTS_MAX; tries += 1) {
    const start = text.slice(at).search(/[{[]/);
    const end = start < 0 ? -1 : endOfStructure(text, at + start);
    if (end < 0) return longest;
    const found = text.slice(at + start, end);
    if (found.length > (longest?.length ?? 0) && isStructure(found)) longest = found;
    at = end;
  }
  return longest;
};

const mend = (candidate: string): string | undefined => {
  try {
    const mended = jsonrepair(candidate);
    // Of an object there must come an object: the library makes a list of what it takes for several values.
    return isStructure(mended) && mended.trimStart()[0] === candidate[0] ? mended : undefined;
  } catch {
    return undefined;
  }
};

/** An object is what is asked for mostly, and brackets are found in words, too. */
const beginningOf = (text: string): number => {
  const brace = text.indexOf('{');
  const bracket = text.indexOf('[');
  if (brace < 0 || bracket < 0) return Math.max(brace, bracket);
  // A list of objects begins with a bracket that has nothing but space behind it.
  return bracket < brace && /^\[\s*[{"[\]\d-]/.test(text.slice(bracket, bracket + 64)) ? bracket : brace;
};

const mendFrom = (text: string): string | undefined => {
  const start = beginningOf(text);
  if (start < 0) return undefined;
  const end = endOfStructure(text, start);
  const lastClosing = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  return (
    (end < 0 ? undefined : mend(text.slice(start, end))) ??
    mend(text.slice(start)) ??
    (lastClosing > start ? mend(text.slice(start, lastClosing + 1)) : undefined)
  );
};

/** Undefined where no object or list can be made out in it. */
export const repairJson = (text: string): string | undefined => {
  const places = [...inFence(text), text];
  for (const find of [asItStands, mendFrom])
    for (const place of places) {
      const found = find(place);
      if (found !== undefined) return found;
    }
  return undefined;
};

if (parentPort !== null) parentPort.postMessage((workerData as string[]).map((text) => repairJson(text))); // of heal-answer.ts
