// CSV as RFC 4180 says: CRLF, fields quoted where they must be. https://www.rfc-editor.org/rfc/rfc4180
// Text that a spreadsheet would take for a formula gets an apostrophe before it: names come from callers.
const FORMULA = /^[=+\-@\t\r]/;
const MUST_QUOTE = /[",\r\n]/;

const quoted = (text: string): string => (MUST_QUOTE.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Text as a field. */
export const csvText = (text: string): string => quoted(FORMULA.test(text) ? `'${text}` : text);

/** A number, an instant or another value that we wrote ourselves. */
export const csvValue = (value: string | number): string => quoted(String(value));

export const csvLine = (fields: readonly string[]): string => `${fields.join(',')}\r\n`;
