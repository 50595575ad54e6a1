// Responses cut at every byte, and the ones that must be refused.
import { growthOf } from '../../test-growth.js';
import { HEADER_BYTES_MAX, ResponseParser } from './response-parser.js';

interface Read {
  readonly status: number | undefined;
  readonly body: string;
  readonly end: 'done' | 'open' | string;
  readonly leftover: boolean;
  readonly keepAliveMs: number | undefined;
}

/** Feeds the pieces out of one buffer that is overwritten each time, as a connection does. */
const read = (pieces: readonly Buffer[], closed = false): Read => {
  const shared = Buffer.alloc(256 * 1024, 0x0a);
  const parser = new ResponseParser();
  const body: Buffer[] = [];
  for (const piece of pieces) {
    shared.fill(0x0a, 0, 4096);
    piece.copy(shared);
    const part = parser.push(shared, 0, piece.length);
    if (part !== undefined) body.push(part);
  }
  if (closed) parser.close();
  return {
    status: parser.head?.status,
    body: Buffer.concat(body).toString('latin1'),
    end: parser.failure?.code ?? (parser.done ? 'done' : 'open'),
    leftover: parser.leftover,
    keepAliveMs: parser.head?.keepAliveMs,
  };
};

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

const OK = 'HTTP/1.1 200 OK\r\n';

describe('a response', () => {
  it.each<[string, string, Partial<Read>]>([
    ['with a length', `${OK}content-length: 5\r\n\r\nhello`, { body: 'hello', end: 'done' }],
    ['with an empty body', `${OK}Content-Length:0\r\n\r\n`, { body: '', end: 'done' }],
    ['with white space around values', `${OK}content-length: \t 5 \t\r\n\r\nhello`, { body: 'hello', end: 'done' }],
    ['without a reason', 'HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx', { status: 200, body: 'x', end: 'done' }],
    ['with a reason in Latin-1', 'HTTP/1.1 500 \xfc\tx\r\ncontent-length: 0\r\n\r\n', { status: 500, end: 'done' }],
    ['that is not over', `${OK}content-length: 6\r\n\r\nhello`, { body: 'hello', end: 'open' }],
    [
      'in chunks',
      `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`,
      { body: 'hello!', end: 'done' },
    ],
    [
      'in chunks, in capitals',
      `${OK}TRANSFER-ENCODING: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
      { body: '0123456789', end: 'done' },
    ],
    [
      'in chunks with extensions',
      `${OK}transfer-encoding: chunked\r\n\r\n5;a=b;c="d;e"\r\nhello\r\n000;x\r\n\r\n`,
      { body: 'hello', end: 'done' },
    ],
    [
      'in chunks with trailers',
      `${OK}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nexpires: now\r\nx-y:\r\n\r\n`,
      { body: 'x', end: 'done' },
    ],
    [
      'with line ends in its data',
      `${OK}transfer-encoding: chunked\r\n\r\n8\r\n\r\n0\r\n\r\nx\r\n0\r\n\r\n`,
      { body: '\r\n0\r\n\r\nx', end: 'done' },
    ],
    [
      'without content',
      'HTTP/1.1 204 No Content\r\n\r\n',
      { status: 204, body: '', end: 'done', keepAliveMs: undefined },
    ],
    ['not modified', 'HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n', { status: 304, end: 'done' }],
    [
      'behind interim ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
      { status: 200, body: 'x', end: 'done' },
    ],
    ['that ends with the connection', `${OK}\r\nhello`, { body: 'hello', end: 'open', keepAliveMs: 0 }],
    [
      'with bytes behind its end',
      `${OK}content-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n`,
      { body: 'x', end: 'done', leftover: true },
    ],
    [
      'with bytes behind its last chunk',
      `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\nx`,
      { body: '', end: 'done', leftover: true },
    ],
    ['without content, but with bytes', 'HTTP/1.1 204 No Content\r\n\r\nx', { body: '', end: 'done', leftover: true }],
  ])('%s is the same however it is cut', (_, text, expected) => {
    const bytes = bytesOf(text);
    const whole = read([bytes]);
    expect(whole).toMatchObject({ leftover: false, ...expected });
    expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
    for (let at = 1; at < bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  });

  it.each<[string, string, string]>([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['no HTTP, and not a whole line', '\x15\x03\x01', 'HTTP_HEAD_INVALID'],
    ['an empty line first', `\r\n${OK}\r\n`, 'HTTP_HEAD_INVALID'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['a status that begins with 0', 'HTTP/1.1 099 OK\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n', 'HTTP_HEAD_INVALID'],
    ['a folded header', `${OK}x: a\r\n b\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    ['a header that begins with a tab', `${OK}\tx: a\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    ['a space before the colon', `${OK}content-length : 1\r\n\r\nx`, 'HTTP_HEAD_INVALID'],
    ['a header without a colon', `${OK}content-length\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    ['a header without a name', `${OK}: x\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    ['a bare line feed', `${OK}x: a\ncontent-length: 1\r\n\r\nx`, 'HTTP_HEAD_INVALID'],
    ['a bare carriage return', `${OK}x: a\rcontent-length: 1\r\n\r\nx`, 'HTTP_HEAD_INVALID'],
    ['a NUL', `${OK}x: a\0b\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    ['a letter that is none in a name', `${OK}x\xe9: a\r\n\r\n`, 'HTTP_HEAD_INVALID'],
    [
      'length and chunks',
      `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'HTTP_FRAMING_INVALID',
    ],
    ['two lengths that differ', `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['two lengths that agree', `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a list of lengths', `${OK}content-length: 5, 5\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a negative length', `${OK}content-length: -5\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a signed length', `${OK}content-length: +5\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a hexadecimal length', `${OK}content-length: 0x5\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['an empty length', `${OK}content-length:\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a length with a no-break space', `${OK}content-length: \xa05\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a length beyond exact numbers', `${OK}content-length: 9999999999999999\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['an unknown coding', `${OK}transfer-encoding: gzip\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a coding before the chunks', `${OK}transfer-encoding: gzip, chunked\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['two codings', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['a coding almost called chunked', `${OK}transfer-encoding: xchunked\r\n\r\n`, 'HTTP_FRAMING_INVALID'],
    ['switched protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n', 'HTTP_UPGRADE_UNASKED'],
  ])('is refused with %s, however it is cut', (_, text, code) => {
    const bytes = bytesOf(text);
    expect(read([bytes])).toMatchObject({ status: undefined, end: code });
    for (let at = 1; at < bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toMatchObject({ status: undefined, end: code });
  });

  it.each<[string, string]>([
    ['no size', '\r\n\r\n'],
    ['a size that is no number', 'x\r\n'],
    ['a space before the size', ' 1\r\nx\r\n'],
    ['a space behind the size', '1 \r\nx\r\n'],
    ['a sign', '-1\r\nx\r\n'],
    ['a prefix', '0x1\r\nx\r\n'],
    ['only an extension', ';a\r\n'],
    ['a size beyond exact numbers', 'fffffffffffffff\r\n'],
    ['a bare line feed behind the size', '1\nx\r\n'],
    ['a bare carriage return in an extension', '1;a\rb\r\n'],
    ['a line feed in an extension', '1;a\nb\r\n'],
    ['an endless extension', `1;${'x'.repeat(5_000)}`],
    ['endless zeros', '0'.repeat(5_000)],
    ['data longer than its size', '1\r\nxy\r\n'],
    ['a bare line feed behind the data', '1\r\nx\n0\r\n\r\n'],
    ['a bare carriage return behind the data', '1\r\nx\r0\r\n\r\n'],
    ['a folded trailer', '0\r\nx: a\r\n b\r\n\r\n'],
    ['a trailer without a colon', '0\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a bare line feed in a trailer', '0\r\nx: a\n\r\n'],
    ['a bare carriage return at the end', '0\r\n\rx'],
    ['endless trailers', `0\r\n${'x: y\r\n'.repeat(8_000)}`],
  ])('in chunks is refused with %s, and what came before is kept', (_, tail) => {
    const bytes = bytesOf(`${OK}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n${tail}`);
    const whole = read([bytes]);
    expect(whole.end).toBe('HTTP_CHUNK_INVALID');
    expect(whole.body.startsWith('abc')).toBe(true);
    expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });

  it('is refused once its headers are too large, whether they end or not', () => {
    const large = `${OK}x: ${'y'.repeat(HEADER_BYTES_MAX)}`;
    const many = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(HEADER_BYTES_MAX / 25);
    for (const text of [`${large}\r\n\r\n`, large, many]) {
      expect(read([bytesOf(text)]).end).toBe('HTTP_HEAD_TOO_LARGE');
      expect(read([...bytesOf(text)].map((byte) => Buffer.from([byte]))).end).toBe('HTTP_HEAD_TOO_LARGE');
    }
  });

  it('gives headers by name, and of several the first', () => {
    const parser = new ResponseParser();
    const bytes = bytesOf(`${OK}X-Request-Id:  a b \r\nx-request-id: c\r\nx-empty:\r\ncontent-length: 0\r\n\r\n`);
    parser.push(bytes, 0, bytes.length);
    expect(parser.head?.header('x-request-id')).toBe('a b');
    expect(parser.head?.header('x-empty')).toBe('');
    expect(parser.head?.header('x-none')).toBeUndefined();
  });

  it('checks a hostile head in linear time', () => {
    const growth = growthOf(16_000, (size) => {
      const bytes = bytesOf(`${OK}${'a:'.repeat(size)}\x01\r\n\r\n`);
      return () => {
        for (let times = 0; times < 10; times += 1) {
          const parser = new ResponseParser();
          parser.push(bytes, 0, bytes.length);
          expect(parser.failure?.code).toBe('HTTP_HEAD_INVALID');
        }
      };
    });
    expect(growth).toBeLessThan(24);
  });
});

describe('the other side closing', () => {
  it.each<[string, string, string]>([
    ['ends a body that ends with the connection', `${OK}\r\nhel`, 'done'],
    ['ends an empty one', `${OK}\r\n`, 'done'],
    ['breaks a body with a length', `${OK}content-length: 5\r\n\r\nhel`, 'open'],
    ['breaks a body in chunks', `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'open'],
    ['breaks the last chunk', `${OK}transfer-encoding: chunked\r\n\r\n0\r\n`, 'open'],
    ['breaks a head', `${OK}content-length: 5\r\n`, 'open'],
    ['breaks nothing that was never begun', '', 'open'],
  ])('%s', (_, text, end) => {
    expect(read([bytesOf(text)], true).end).toBe(end);
  });
});

describe('a connection', () => {
  it.each<[string, string, number | undefined]>([
    ['is kept by default', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n', undefined],
    ['is closed where the server says so', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n', 0],
    ['is closed where one of the options says so', `${OK}content-length: 0\r\nConnection: x, CLOSE\r\n`, 0],
    [
      'is closed where one of the headers says so',
      `${OK}content-length: 0\r\nconnection: x\r\nconnection: close\r\n`,
      0,
    ],
    ['is closed by HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n', 0],
    [
      'is kept by HTTP/1.0 that says so',
      'HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive\r\n',
      undefined,
    ],
    [
      'is closed by chunks in HTTP/1.0',
      'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n',
      0,
    ],
    [
      'is kept as long as the server keeps it, less a margin',
      `${OK}content-length: 0\r\nkeep-alive: max=9, timeout=5\r\n`,
      3_000,
    ],
    ['is not kept for a moment', `${OK}content-length: 0\r\nkeep-alive: timeout=2\r\n`, 0],
    ['is kept for ten minutes at most', `${OK}content-length: 0\r\nkeep-alive: timeout=9999\r\n`, 600_000],
    ["is closed where its end is the body's", OK, 0],
    ['is closed where no body was announced with a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n', 0],
    [
      'is closed where no body was announced in chunks',
      'HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n',
      0,
    ],
  ])('%s', (_, head, keepAliveMs) => {
    expect(read([bytesOf(`${head}\r\n`)])).toMatchObject({ status: expect.any(Number) as number, keepAliveMs });
  });
});
