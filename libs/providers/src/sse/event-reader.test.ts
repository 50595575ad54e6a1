// Any bytes, cut anywhere, give the events that the specification of server-sent events gives.
import fc from 'fast-check';
import { growthOf } from '../test-growth.js';
import { EventReader } from './event-reader.js';

/** Feeds the pieces and collects the data of each event. */
const read = (pieces: readonly Buffer[], eventBytesMax = 1024): { events: string[]; tooLarge: boolean } => {
  const events: string[] = [];
  const reader = new EventReader((bytes, start, end) => events.push(bytes.toString('utf8', start, end)), eventBytesMax);
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return { events, tooLarge: reader.tooLarge };
};

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const cuts = [...new Set(at.map((each) => each % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1], end));
};

describe('EventReader', () => {
  it.each([
    ['one event', 'data: a\n\n', ['a']],
    ['no space behind the colon', 'data:a\n\n', ['a']],
    ['only the first space is taken', 'data:  a\n\n', [' a']],
    ['CR LF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR alone', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['all line ends mixed', 'data: a\r\n\ndata: b\n\rdata: c\r\r\n', ['a', 'b', 'c']],
    ['a byte order mark', '\ufeffdata: a\n\n', ['a']],
    ['a byte order mark in the middle is part of a name', 'data: a\n\n\ufeffdata: b\n\n', ['a']],
    ['comments', ': hello\n\n:\n\ndata: a\n: between\n\n', ['a']],
    ['other fields', 'event: error\nid: 1\nretry: 10\ndata: a\n\n', ['a']],
    ['data in several lines', 'data: a\ndata: b\ndata:\n\n', ['a\nb\n']],
    ['a field without a colon', 'data\n\n', ['']],
    ['names that only begin like data', 'datab: a\ndat: b\n\n', []],
    ['blank lines', '\n\n\n\ndata: a\n\n\n\n', ['a']],
    ['no blank line at the end', 'data: a\n\ndata: b', ['a', 'b']],
    ['nothing', '', []],
    ['invalid UTF-8', Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a]), ['\ufffd\ufffd']],
  ])('%s', (_, text, events) => {
    const bytes = Buffer.from(text as string);
    expect(read([bytes]).events).toEqual(events);
    expect(read([...bytes].map((byte) => Buffer.from([byte]))).events).toEqual(events);
  });

  it('gives the same events however the bytes were cut', () => {
    const line = fc.constantFrom('data: x', 'data: {"a":"b"}', 'data:', ': c', '', 'event: e', 'data: é\u2028');
    const end = fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, end), { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (lines, at) => {
          const bytes = Buffer.from(lines.flat().join(''));
          expect(read(cut(bytes, at)).events).toEqual(read([bytes]).events);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('refuses a line that does not end, without keeping more of it than is allowed', () => {
    const reader = new EventReader(() => undefined, 1024);
    for (let pushed = 0; pushed < 10 * 1024 * 1024 && !reader.tooLarge; pushed += 64)
      reader.push(Buffer.alloc(64, 0x78));
    expect(reader.tooLarge).toBe(true);
  });

  it('refuses an event of many lines that is too large as a whole', () => {
    expect(read([Buffer.from('data: 0123456789\n'.repeat(100))]).tooLarge).toBe(true);
  });

  it('searches a line that comes in small pieces only once', () => {
    const growth = growthOf(1_000_000, (size) => {
      const bytes = Buffer.from(`data: ${'x'.repeat(size)}\n\n`);
      const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, index) =>
        bytes.subarray(index * 100, index * 100 + 100),
      );
      return () => expect(read(pieces, 2_000_000).events).toHaveLength(1);
    });
    expect(growth).toBeLessThan(24);
  });
});
