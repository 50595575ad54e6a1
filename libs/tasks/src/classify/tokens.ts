// A text as the marks that the classifier weighs: its words, pairs of words, its first word, and signs of code. Pure, linear and bounded.

/** Where a task is stated, it is stated at an end. */
const READ_AT_EACH_END = 1_200;
const WORD = /[\p{L}\p{N}_']+/gu;
const SIGNS: readonly (readonly [mark: string, sign: RegExp])[] = [
  ['#braces', /[{}();]\s*$|=>|\w\(\w*\)|[\w)]\s*[;{]/m],
  ['#fence', /```/],
  ['#keyword', /\b(?:const|def|import|return|void|public class|SELECT .* FROM)\b/],
  ['#question', /\?\s*$/],
  ['#choice', /\b(?:yes or no|yes\/no|true or false)\b|: \w+(?:, \w+)+(?:,? or \w+)?\??$/i],
  ['#number', /\d/],
];
const STEM = 4;
const LENGTHS = [30, 60, 120, 400, 2_000] as const;

const ends = (text: string): string =>
  text.length <= 2 * READ_AT_EACH_END ? text : `${text.slice(0, READ_AT_EACH_END)} ${text.slice(-READ_AT_EACH_END)}`;

/** Each mark once. */
export const marksOf = (text: string): Set<string> => {
  const read = ends(text);
  const words = (read.toLowerCase().match(WORD) ?? []).map((word) => (/^\d+$/.test(word) ? '0' : word));
  const marks = new Set<string>(words);
  for (const [index, word] of words.entries()) {
    const next = words[index + 1];
    if (next !== undefined) marks.add(`${word} ${next}`);
  }
  // Forms of one word share their beginning.
  for (const word of words) if (word.length > STEM) marks.add(`~${word.slice(0, STEM)}`);
  if (words[0] !== undefined) marks.add(`^${words[0]}`);
  for (const [mark, sign] of SIGNS) if (sign.test(read)) marks.add(mark);
  marks.add(`#length-${LENGTHS.filter((length) => text.length > length).length}`);
  return marks;
};
