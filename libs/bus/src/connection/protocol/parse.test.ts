// However a server's bytes are cut, the same events come in the same order; what is not the protocol is refused.
import fc from 'fast-check';
import type { CoreMessage } from '../core-connection.js';
import { BODY_BYTES_MAX, INFO_BYTES_MAX, LINE_BYTES_MAX, Parser, ProtocolError } from './parse.js';

const readAll = (chunks: readonly Buffer[]): unknown[] => {
  const events: unknown[] = [];
  const messages: [number, CoreMessage][] = [];
  const parser = new Parser({
    message(sid, message) {
      events.push(['message', messages.length]);
      messages.push([sid, message]);
    },
    info: (json) => void events.push(['info', json]),
    ping: () => void events.push(['ping']),
    pong: () => void events.push(['pong']),
    error: (text) => void events.push(['error', text]),
  });
  for (const chunk of chunks) parser.parse(chunk);
  // Messages are looked at only now: they are valid beyond the call that brought them.
  return [
    ...events,
    ...messages.map(([sid, message]) => [
      sid,
      message.subject,
      message.reply,
      message.status,
      message.description,
      message.header('Nats-Sequence'),
      message.header('Absent'),
      Buffer.from(message.data).toString('latin1'),
    ]),
  ];
};

const HEADERS = 'NATS/1.0\r\nNats-Sequence: 17 \r\nOther: a:b\r\n\r\n';
const STATUS = 'NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\n\r\n';
const NOBODY = 'NATS/1.0 503\r\n\r\n';
/** As nats-server 2.11 sent it, with the INFO shortened. */
const RECORDED = Buffer.from(
  [
    'INFO {"server_id":"N","version":"2.11.8","max_payload":1048576,"headers":true}\r\n',
    'PONG\r\n+OK\r\n',
    'MSG beat.alive.x 1 5\r\nhello\r\n',
    'MSG ask.route.plan 22 _INBOX.ingress.a.r1 0\r\n\r\n',
    'PING\r\n',
    `HMSG _INBOX.ingress.a.r2 3 ${NOBODY.length} ${NOBODY.length}\r\n${NOBODY}\r\n`,
    `HMSG $KV.keys.ü 4 $JS.ACK.KV.x.1 ${HEADERS.length} ${HEADERS.length + 8}\r\n${HEADERS}\r\nMSG \r\n\r\n`,
    `HMSG _INBOX.b 5 ${STATUS.length} ${STATUS.length}\r\n${STATUS}\r\n`,
    `-ERR 'Permissions Violation for Publish to "a"'\r\n`,
    'MSG a 6 12\r\nPING\r\nPONG\r\n\r\n',
  ].join(''),
);
const EXPECTED = [
  ['info', '{"server_id":"N","version":"2.11.8","max_payload":1048576,"headers":true}'],
  ['pong'],
  ['message', 0],
  ['message', 1],
  ['ping'],
  ['message', 2],
  ['message', 3],
  ['message', 4],
  ['error', 'Permissions Violation for Publish to "a"'],
  ['message', 5],
  [1, 'beat.alive.x', '', 0, '', undefined, undefined, 'hello'],
  [22, 'ask.route.plan', '_INBOX.ingress.a.r1', 0, '', undefined, undefined, ''],
  [3, '_INBOX.ingress.a.r2', '', 503, '', undefined, undefined, ''],
  [4, '$KV.keys.ü', '$JS.ACK.KV.x.1', 0, '', '17', undefined, '\r\nMSG \r\n'],
  [5, '_INBOX.b', '', 408, 'Request Timeout', undefined, undefined, ''],
  [6, 'a', '', 0, '', undefined, undefined, 'PING\r\nPONG\r\n'],
];

test('a recorded greeting and its messages are read', () => {
  expect(readAll([RECORDED])).toEqual(EXPECTED);
});

test('cut in two at any byte they are the same', () => {
  for (let at = 0; at <= RECORDED.length; at += 1)
    expect(readAll([RECORDED.subarray(0, at), RECORDED.subarray(at)])).toEqual(EXPECTED);
});

test('and byte by byte', () => {
  expect(readAll([...RECORDED].map((byte) => Buffer.from([byte])))).toEqual(EXPECTED);
});

test('any messages, cut anyhow, arrive as they were sent', () => {
  const token = fc.stringMatching(/^[a-zA-Z0-9_$.-]{1,40}$/);
  const message = fc.record({
    subject: token,
    sid: fc.nat(),
    reply: fc.option(token, { nil: '' }),
    header: fc.option(fc.stringMatching(/^[!-~]{1,30}$/), { nil: undefined }),
    data: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 40 }), (sent, cuts) => {
      const bytes = Buffer.concat(
        sent.flatMap(({ subject, sid, reply, header, data }) => {
          const head = header === undefined ? '' : `NATS/1.0\r\nNats-Sequence: ${header}\r\n\r\n`;
          const sizes = head === '' ? `${data.length}` : `${head.length} ${head.length + data.length}`;
          const tokens = [head === '' ? 'MSG' : 'HMSG', subject, sid, ...(reply === '' ? [] : [reply]), sizes];
          return [Buffer.from(`${tokens.join(' ')}\r\n${head}`), data, Buffer.from('\r\n')];
        }),
      );
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) chunks.push(bytes.subarray(at, (at += cut)));
      chunks.push(bytes.subarray(at));
      expect(readAll(chunks)).toEqual([
        ...sent.map((_, index) => ['message', index]),
        ...sent.map(({ subject, sid, reply, header, data }) => [
          sid,
          subject,
          reply,
          0,
          '',
          header,
          undefined,
          Buffer.from(data).toString('latin1'),
        ]),
      ]);
    }),
  );
});

test('a message that lies whole in one chunk is not copied', () => {
  const chunk = Buffer.from('MSG a 1 5\r\nhello\r\n');
  let data: Uint8Array | undefined;
  new Parser({
    message: (_sid, message) => (data = message.data),
    info: fail,
    ping: fail,
    pong: fail,
    error: fail,
  }).parse(chunk);
  expect(data?.buffer).toBe(chunk.buffer);
});

const fail = (): never => {
  throw new Error('nothing like it was sent');
};

describe('refused is', () => {
  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['an empty line', '\r\n'],
    ['a line without carriage return', 'PING\n'],
    ['a word with a tail', 'PINGS\r\n'],
    ['bytes that are no text', '\x00\x01\x02\r\n'],
    ['a message without a size', 'MSG a 1\r\n'],
    ['a message with a size that is none', 'MSG a 1 5x\r\nhello\r\n'],
    ['a negative size', 'MSG a 1 -5\r\nhello\r\n'],
    ['a size beyond all numbers', `MSG a 1 ${'9'.repeat(30)}\r\n`],
    ['a size beyond the bound', `MSG a 1 ${BODY_BYTES_MAX + 1}\r\n`],
    ['a sid that is none', 'MSG a b 5\r\nhello\r\n'],
    ['a token too many', 'MSG a 1 b c 5\r\nhello\r\n'],
    ['an empty token', 'MSG a  1 5\r\nhello\r\n'],
    ['more headers than bytes', 'HMSG a 1 9 5\r\nhello\r\n'],
    ['headers without a size', 'HMSG a 1 5\r\nhello\r\n'],
    ['a message that is longer than it said', 'MSG a 1 4\r\nhello\r\n'],
    ['a message that is shorter than it said', 'MSG a 1 6\r\nhello\r\nPING\r\n'],
    ['a line without end', `MSG ${'a'.repeat(LINE_BYTES_MAX)}`],
    ['a line that is too long', `MSG ${'a'.repeat(LINE_BYTES_MAX)} 1 5\r\nhello\r\n`],
    ['an INFO without end', `INFO ${'a'.repeat(INFO_BYTES_MAX)}`],
  ])('%s', (_what, text) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(() => readAll([bytes])).toThrow(ProtocolError);
    const half = Math.trunc(bytes.length / 2);
    expect(() => readAll([bytes.subarray(0, half), bytes.subarray(half)])).toThrow(ProtocolError);
  });

  test('without showing what a message may hold', () => {
    expect(() => readAll([Buffer.from(`MSG a 1 4\r\nsecret words\r\n`)])).toThrow(/does not end where it should/);
    expect(() => readAll([Buffer.from(`${'x'.repeat(100)}\r\n`)])).toThrow(/"x{32}"$/);
  });
});

test('a long INFO is taken', () => {
  const json = JSON.stringify({ connect_urls: Array.from({ length: 2_000 }, (_, n) => `host-${n}:4222`) });
  expect(readAll([Buffer.from(`INFO ${json}\r\n`)])).toEqual([['info', json]]);
});
