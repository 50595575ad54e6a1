// What ends in the middle, and what no fixture of the suite may hold: an error in a stream that began well.
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { cohere } from './cohere.js';

const hello =
  'data: {"id":"i","type":"message-start"}\n\ndata: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"hello"}}}}\n\n';
const end = (delta: object): string => `data: ${JSON.stringify({ type: 'message-end', delta })}\n\n`;

describe('a stream of Cohere', () => {
  it.each([
    ['an error in its end', end({ finish_reason: 'ERROR', error: 'too hot' }), 'provider_unavailable'],
    ['an end by error', end({ finish_reason: 'ERROR' }), 'provider_unavailable'],
    ['an end by timeout', end({ finish_reason: 'TIMEOUT' }), 'provider_unavailable'],
    ['a message without a type', 'data: {"message":"too many tokens"}\n\n', 'provider_unavailable'],
    ['an end without a reason', end({}), 'provider_stream_broken'],
  ])('fails by %s', (_, told, code) => {
    const { translation } = cohere;
    if (translation === undefined) throw new Error('there is no translation');
    const { reader, events } = eventsOf(translation, CONFORMANCE_TERMS, Buffer.from(hello + told), 20);
    expect(reader.failure?.code).toBe(code);
    expect(events.some(({ type }) => type === 'text-delta')).toBe(true);
    expect(events.some(({ type }) => type === 'finish')).toBe(false);
  });

  it.each([1, 20, 10_000])('may end with a marker that is no JSON, in pieces of %i bytes', (pieceBytes) => {
    const { translation } = cohere;
    if (translation === undefined) throw new Error('there is no translation');
    const told = Buffer.from(`${hello}${end({ finish_reason: 'COMPLETE' })}data: [DONE]\n\n`);
    const { reader, events } = eventsOf(translation, CONFORMANCE_TERMS, told, pieceBytes);
    expect([reader.failure, reader.done, events.at(-1)?.type]).toEqual([undefined, true, 'finish']);
  });

  it('stops an answer that was too toxic as filtered', () => {
    const { translation } = cohere;
    if (translation === undefined) throw new Error('there is no translation');
    const { reader } = eventsOf(
      translation,
      CONFORMANCE_TERMS,
      Buffer.from(hello + end({ finish_reason: 'ERROR_TOXIC' })),
      20,
    );
    expect(reader.report()).toMatchObject({ finishReason: 'content-filter', usageSource: 'estimated' });
  });
});
