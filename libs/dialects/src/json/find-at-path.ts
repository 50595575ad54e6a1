// Finds members deep in a JSON document by their path, in its bytes and without building values, so that one of them can be replaced and all else stays as it was written.
import { scanArray, scanObject } from './scan-top-level.js';

/** A member's name, or every item of a list: those whose `type` is this one, where one is named. */
export type Step = string | { readonly each: string | undefined };

export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** The last member of a name counts, as for every parser. */
const memberAt = (bytes: Buffer, at: number, name: string, outer: number): ByteSpan | undefined => {
  const field = scanObject(bytes, at, wantedOf(name), outer)?.fields.at(-1);
  return field && { start: field.valueStart, end: field.valueEnd };
};

/** The scanner prepares each set once. */
const sets = new Map<string, ReadonlySet<string>>();
const wantedOf = (name: string): ReadonlySet<string> => {
  const known = sets.get(name) ?? new Set([name]);
  sets.set(name, known);
  return known;
};

/** Where the values stand; what is of another shape has none. Names in `path` are constants of the caller. */
export const findAtPath = (bytes: Buffer, path: readonly Step[], at = 0, outer = 0): ByteSpan[] => {
  const [step, ...rest] = path;
  if (step === undefined) return [];
  const follow = (span: ByteSpan): ByteSpan[] =>
    rest.length === 0 ? [span] : findAtPath(bytes, rest, span.start, outer + 1);
  if (typeof step === 'string') {
    const member = memberAt(bytes, at, step, outer);
    return member === undefined ? [] : follow(member);
  }
  const { each } = step;
  return (scanArray(bytes, at, outer) ?? []).flatMap((item) => {
    if (each === undefined) return follow(item);
    const type = memberAt(bytes, item.start, 'type', outer + 1);
    return type !== undefined && bytes.toString('utf8', type.start, type.end) === JSON.stringify(each)
      ? follow(item)
      : [];
  });
};
