// A PDF of our own making, small and exact: what a test says stands on its pages, or whatever bytes stand for a page's drawing.
export interface PdfPage {
  readonly text?: string;
  /** The page's drawing, deflated, in place of a text. */
  readonly deflated?: Buffer;
}

const drawing = ({ text = '', deflated }: PdfPage): Buffer => {
  const stream = deflated ?? Buffer.from(`BT /F1 12 Tf 72 720 Td (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`);
  const filter = deflated === undefined ? '' : ' /Filter /FlateDecode';
  return Buffer.concat([
    Buffer.from(`<< /Length ${stream.length}${filter} >>\nstream\n`),
    stream,
    Buffer.from('\nendstream'),
  ]);
};

/** https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf, section 7.5 */
export const makePdf = (pages: readonly PdfPage[], trailer = ''): Buffer => {
  const kids = pages.map((_, index) => `${4 + index * 2} 0 R`).join(' ');
  const objects: (string | Buffer)[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((page, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + index * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      drawing(page),
    ]),
  ];
  const parts = [Buffer.from('%PDF-1.4\n')];
  let at = parts[0]?.length ?? 0;
  let table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  objects.forEach((object, index) => {
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')]);
    table += `${String(at).padStart(10, '0')} 00000 n \n`;
    parts.push(part);
    at += part.length;
  });
  const end = `${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer}>>\nstartxref\n${at}\n%%EOF`;
  return Buffer.concat([...parts, Buffer.from(end)]);
};
