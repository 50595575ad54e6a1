// Lines as JSON text that Postgres takes: it refuses the character U+0000 and lone surrogates, which a user agent or a provider's error may hold.
const REFUSED = /\\u(?:0000|d[89a-f])/;

const acceptable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value;

export const linesJson = (lines: readonly unknown[]): string => {
  const text = JSON.stringify(lines);
  return REFUSED.test(text) ? JSON.stringify(lines, acceptable) : text;
};

/** The same lines with what Postgres refuses replaced, for those of their values that become columns. */
export const storableLines = <Line>(lines: readonly Line[], text: string): readonly Line[] =>
  text.includes('\uFFFD') ? (JSON.parse(text) as Line[]) : lines;
