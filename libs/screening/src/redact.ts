// Takes ranges out of a text. Where they overlap, one placeholder stands for all of them.
import type { Range } from './match.js';

export interface Redaction extends Range {
  readonly placeholder: string;
}

/** In order, and none overlaps another. */
export const mergeRedactions = (redactions: readonly Redaction[]): Redaction[] => {
  const merged: Redaction[] = [];
  for (const each of [...redactions].sort((one, other) => one.start - other.start || other.end - one.end)) {
    const last = merged.at(-1);
    if (last === undefined || each.start >= last.end) merged.push(each);
    else if (each.end > last.end) merged[merged.length - 1] = { ...last, end: each.end };
  }
  return merged;
};

/**
 * Characters `from`…`to` of a text, without what is taken out. A placeholder stands where its range begins.
 * @param redactions merged
 */
export const withoutRanges = (text: string, from: number, to: number, redactions: readonly Redaction[]): string => {
  let out = '';
  let at = from;
  for (const { start, end, placeholder } of redactions) {
    if (end <= from || start >= to) continue;
    if (start >= from) out += text.slice(at, start) + placeholder;
    at = Math.min(end, to);
  }
  return out + text.slice(at, to);
};
