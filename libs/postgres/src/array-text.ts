// Arrays as Postgres reads them. Set-based statements carry a column as one array, thousands of values long; the driver looks at each of them several times.
// https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO

const ESCAPED = /["\\]/g;
const NEEDS_ESCAPE = /["\\]/;

/** `{"a",NULL,"b"}`; undefined where a value is none of text, number, boolean or absent, and the driver must say what it is. */
export const arrayText = (values: readonly unknown[]): string | undefined => {
  let text = '';
  for (const value of values) {
    if (text !== '') text += ',';
    if (typeof value === 'string')
      text += NEEDS_ESCAPE.test(value) ? `"${value.replace(ESCAPED, '\\$&')}"` : `"${value}"`;
    else if (value === null || value === undefined) text += 'NULL';
    else if (typeof value === 'number' || typeof value === 'boolean') text += String(value);
    else return undefined;
  }
  return `{${text}}`;
};
