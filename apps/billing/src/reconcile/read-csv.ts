// RFC 4180 in one pass: quoted fields, doubled quotes, CRLF or LF. https://www.rfc-editor.org/rfc/rfc4180
import { WaystationError } from '@waystation/contracts';

export const readCsv = (text: string): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let isQuoted = false;
  const endField = (): void => {
    row.push(field);
    field = '';
  };
  const endRow = (): void => {
    endField();
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  const units = text.replace(/^\uFEFF/, '');
  for (let at = 0; at < units.length; at += 1) {
    const unit = units[at];
    if (isQuoted) {
      if (unit !== '"') field += unit;
      else if (units[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (unit === '"' && field === '') isQuoted = true;
    else if (unit === ',') endField();
    else if (unit === '\n') endRow();
    else if (unit !== '\r') field += unit;
  }
  if (isQuoted) throw new WaystationError('unprocessable', 'The file ends inside a quoted field.');
  endRow();
  return rows;
};
