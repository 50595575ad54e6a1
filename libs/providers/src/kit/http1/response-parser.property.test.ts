// Any response, cut anywhere, gives the same head, body and end; and no bytes at all make the parser throw or grow.
import fc from 'fast-check';
import { ResponseParser } from './response-parser.js';

const read = (pieces: readonly Buffer[]): unknown => {
  const parser = new ResponseParser();
  const body: Buffer[] = [];
  for (const piece of pieces) {
    const part = parser.push(piece, 0, piece.length);
    if (part !== undefined) body.push(Buffer.from(part));
    piece.fill(0xff);
  }
  return {
    status: parser.head?.status,
    kept: parser.head?.keepAliveMs,
    tag: parser.head?.header('x-tag'),
    body: Buffer.concat(body).toString('latin1'),
    end: parser.failure?.code ?? parser.done,
    leftover: parser.leftover,
  };
};

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const cuts = [...new Set(at.map((each) => each % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, index) =>
    Buffer.from(bytes.subarray(index === 0 ? 0 : cuts[index - 1], end)),
  );
};

const chunked = (parts: readonly Uint8Array[], extension: string, trailer: string): Buffer =>
  Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}${extension}\r\n`), part, Buffer.from('\r\n')]),
    Buffer.from(`0\r\n${trailer}\r\n`),
  ]);

const part = fc.uint8Array({ minLength: 1, maxLength: 40 });
const body = fc.oneof(
  part.map((bytes) => ({ header: `content-length: ${bytes.length}\r\n`, bytes: Buffer.from(bytes), payload: bytes })),
  fc
    .tuple(fc.array(part, { maxLength: 6 }), fc.constantFrom('', ';a=b'), fc.constantFrom('', 'x-t: 1\r\n'))
    .map(([parts, extension, trailer]) => ({
      header: 'transfer-encoding: chunked\r\n',
      bytes: chunked(parts, extension, trailer),
      payload: Buffer.concat(parts),
    })),
);
const cuts = fc.array(fc.nat(), { maxLength: 16 });

describe('any cutting', () => {
  it('of a valid response gives its body', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'HTTP/1.1 102 Processing\r\n\r\n'),
        fc.constantFrom('', 'x-tag: v\r\n', 'connection: close\r\n'),
        body,
        cuts,
        (interim, header, { header: framing, bytes, payload }, at) => {
          const all = Buffer.concat([Buffer.from(`${interim}HTTP/1.1 200 OK\r\n${header}${framing}\r\n`), bytes]);
          const whole = read([Buffer.from(all)]);
          expect(whole).toMatchObject({ end: true, leftover: false, body: Buffer.from(payload).toString('latin1') });
          expect(read(cut(all, at))).toEqual(whole);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('of a damaged response gives the same refusal and the same bytes before it', () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.nat({ max: 255 }), cuts, ({ header, bytes }, position, byte, at) => {
        const all = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${header}\r\n`), bytes]);
        all[position % all.length] = byte;
        expect(read(cut(all, at))).toEqual(read([Buffer.from(all)]));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of any bytes behind a good beginning throws nothing', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'HTTP/1.', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
        fc.uint8Array({ maxLength: 200 }),
        cuts,
        (start, bytes, at) => {
          const all = Buffer.concat([Buffer.from(start), bytes]);
          expect(read(cut(all, at))).toEqual(read([Buffer.from(all)]));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
