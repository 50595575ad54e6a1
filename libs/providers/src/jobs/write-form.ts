// A form with files as a request body (RFC 7578). Pure: the boundary is one that stands nowhere in what it parts.

export type FormPart =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly filename: string; readonly contentType: string; readonly bytes: Buffer };

export interface WrittenForm {
  readonly contentType: string;
  readonly body: Buffer;
}

const headOf = (part: FormPart): string => {
  const disposition = `Content-Disposition: form-data; name="${part.name}"`;
  return 'value' in part
    ? `${disposition}\r\n\r\n`
    : `${disposition}; filename="${part.filename}"\r\nContent-Type: ${part.contentType}\r\n\r\n`;
};

/** @param parts whose names, file names and content types are ours: nothing in them is escaped */
export const writeForm = (parts: readonly FormPart[]): WrittenForm => {
  const contents = parts.map((part) => ('value' in part ? Buffer.from(part.value) : part.bytes));
  let boundary = 'waystation-form';
  for (let more = 1; contents.some((content) => content.includes(boundary)); more += 1)
    boundary = `waystation-form-${more}`;
  const pieces = parts.flatMap((part, index) => [
    Buffer.from(`${index === 0 ? '' : '\r\n'}--${boundary}\r\n${headOf(part)}`),
    contents[index] ?? Buffer.alloc(0),
  ]);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
};
