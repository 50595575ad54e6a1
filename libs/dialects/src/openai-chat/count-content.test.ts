// What a client got of a stream: as many chunks with content, and as many bytes of it, as there were.
import fc from 'fast-check';
import { createContentCounter } from './count-content.js';

const event = (delta: unknown, spaced = false): string => {
  const json = JSON.stringify({ id: 'gen-1', choices: [{ index: 0, delta, finish_reason: null }], usage: null });
  return `data: ${spaced ? json.replaceAll('":', '": ') : json}\n\n`;
};
const named = (type: string, members: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
const counted = (...pieces: string[]) => {
  const counter = createContentCounter();
  for (const piece of pieces) counter.count(Buffer.from(piece));
  return counter.sum;
};

test.each<[string, string[], number, number]>([
  ['nothing', [''], 0, 0],
  ['an opening without text', [event({ role: 'assistant', content: '' })], 0, 0],
  ['null', [event({ role: 'assistant', content: null })], 0, 0],
  ['text', [event({ content: 'four' })], 1, 4],
  ['text as Python writes it', [event({ content: 'four' }, true)], 1, 4],
  ['several events of one piece', [event({ content: 'a' }) + event({ content: 'bc' })], 2, 3],
  ['several pieces', [event({ content: 'a' }), event({ content: 'bc' })], 2, 3],
  ['escapes as they are written', [event({ content: '"\\' })], 1, 4],
  ['text that looks like an event', [event({ content: '{"content":"x"}' })], 1, 19],
  ['reasoning', [event({ reasoning: 'hm' })], 1, 2],
  ['reasoning under two names once', [event({ content: '', reasoning: 'hm', reasoning_content: 'hm' })], 1, 2],
  ['arguments', [event({ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] })], 1, 6],
  ['a comment', [': WAYSTATION PROCESSING\n\n'], 0, 0],
  ['a delta of Responses', [named('response.output_text.delta', { delta: 'four' })], 1, 4],
  [
    'what Responses tells again',
    [
      named('response.output_text.delta', { delta: 'four' }),
      named('response.output_text.done', { text: 'four' }),
      named('response.output_item.done', { item: { content: [{ text: 'four' }] } }),
      named('response.completed', { response: { output: [{ content: [{ text: 'four' }] }] } }),
    ],
    1,
    4,
  ],
  ['a delta behind what is told again', [named('x.done', { text: 'ab' }) + named('x.delta', { delta: 'c' })], 1, 1],
  ['a delta of Messages', [named('content_block_delta', { delta: { type: 'text_delta', text: 'ab' } })], 1, 2],
  ['half a text', ['data: {"choices":[{"delta":{"content":"ab'], 1, 2],
])('%s', (_name, pieces, chunks, bytes) => {
  expect(counted(...pieces)).toEqual({ chunks, bytes });
});

test('any texts are counted to the byte, and an event cut anywhere never as more', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 10 }), fc.nat(), (texts, cut) => {
      const events = texts.map((content) => event({ content }));
      const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2, 0);
      const chunks = texts.filter((text) => text !== '').length;
      expect(counted(...events)).toEqual({ bytes, chunks });
      expect(counted(events.join(''))).toEqual({ bytes, chunks });
      const all = Buffer.from(events.join(''));
      const at = cut % (all.length + 1);
      const counter = createContentCounter();
      counter.count(all.subarray(0, at));
      counter.count(all.subarray(at));
      expect(counter.sum.bytes).toBeLessThanOrEqual(bytes);
      expect(counter.sum.chunks).toBeLessThanOrEqual(chunks);
    }),
  );
});

test('whatever its lines have in common, a stream is counted as its events are one by one', () => {
  const text = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('', '"', '\n', '\\'));
  const deltas = fc.oneof(
    text.map((content) => event({ content })),
    fc.tuple(text, text).map(([content, reasoning]) => event({ content, reasoning })),
    text.map((content) => event({ role: 'assistant', content })),
    text.map((name) => event({ tool_calls: [{ index: 0, function: { arguments: name } }] })),
    text.map((delta) => named('response.output_text.delta', { delta })),
    text.map((done) => named('response.output_text.done', { text: done })),
    fc
      .tuple(fc.nat({ max: 1200 }), text)
      .map(([number, delta]) => named('response.output_text.delta', { sequence_number: number, delta })),
    text.map((words) => named('content_block_delta', { delta: { type: 'text_delta', text: words } })),
    fc.constantFrom(': WAYSTATION PROCESSING\n\n', 'data: [DONE]\n\n', '\n'),
  );
  fc.assert(
    fc.property(fc.array(deltas, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 4 }), (events, cuts) => {
      const expected = { bytes: 0, chunks: 0 };
      for (const each of events) {
        const { bytes, chunks } = counted(each);
        expected.bytes += bytes;
        expected.chunks += chunks;
      }
      const whole = counted(...events);
      expect(whole).toEqual(expected);
      const places = [0, ...cuts.map((cut) => cut % (events.length + 1)).sort((a, b) => a - b), events.length];
      const pieces = places.slice(1).map((end, index) => events.slice(places[index], end).join(''));
      expect(counted(...pieces)).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test('a stream of named events is counted the same wherever it is cut between two bytes of its names', () => {
  const wire = Buffer.from(
    named('response.output_text.delta', { delta: 'four' }) + named('response.output_text.done', { text: 'four' }),
  );
  const name = wire.indexOf('event: ', 1);
  for (let at = name - 2; at <= wire.indexOf('data: ', name); at += 1) {
    const counter = createContentCounter();
    counter.count(wire.subarray(0, at));
    counter.count(wire.subarray(at));
    expect(counter.sum).toEqual({ bytes: 4, chunks: 1 });
  }
});
