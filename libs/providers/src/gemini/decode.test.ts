// What the fixtures of the conformance suite do not show: media, odd shapes, reasons to finish.
import type { GenerationEvent } from '@waystation/generation';
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { EventsReader } from '../events/events-reader.js';
import { geminiDecoding } from './decode.js';

const translation = {
  buildRequest: () => {
    throw new Error('nothing is asked here');
  },
  readResponse: (terms: typeof CONFORMANCE_TERMS, sink: (event: GenerationEvent) => void) =>
    new EventsReader(terms, geminiDecoding, sink),
};

const stream = (...responses: readonly object[]) => {
  const bytes = Buffer.from(responses.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(''));
  return eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
};
const of = (parts: readonly object[], more: object = {}) => ({ candidates: [{ content: { parts }, ...more }] });
const STOP = of([], { finishReason: 'STOP' });
const picture = (data: string) => ({ inlineData: { mimeType: 'image/png', data } });

it('shows pictures, with their signatures behind them, and no drafts', () => {
  const { events } = stream(
    of([{ text: 'Look: ' }, { ...picture('ZHJhZnQ='), thought: true }]),
    of([{ ...picture('aQ=='), thoughtSignature: 'Sig_I' }, { text: 'there.' }]),
    STOP,
  );
  expect(events.filter(({ type }) => type === 'image')).toEqual([
    { type: 'image', index: 1, mediaType: 'image/png', base64: 'aQ==' },
  ]);
  expect(collectEvents(events)).toMatchObject({ text: 'Look: there.', signatures: ['Sig_I'], finish: 'stop' });
});

it('gives speech as one sound, in pieces', () => {
  const sound = (data: string) => of([{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data } }]);
  expect(stream(sound('AAAA'), sound('BBBB'), STOP).events).toEqual([
    { type: 'start' },
    { type: 'audio-start', index: 0, format: 'pcm16' },
    { type: 'audio-delta', index: 0, base64: 'AAAA' },
    { type: 'audio-delta', index: 0, base64: 'BBBB' },
    { type: 'audio-end', index: 0 },
    { type: 'finish', reason: 'stop', nativeReason: 'STOP' },
  ]);
});

it('makes ids of calls out of the generation where the response has no name, stable and within 40 characters', () => {
  const call = { functionCall: { name: 'see', args: { b: 1, a: [2] } } };
  const { toolCalls } = collectEvents(stream(of([call]), of([call]), STOP).events);
  expect(toolCalls?.map(({ id }) => id)).toEqual(['call_abcdefghijABCDEFGHIJ_0', 'call_abcdefghijABCDEFGHIJ_1']);
  const long = collectEvents(stream({ ...of([call]), responseId: 'x/'.repeat(40) }, STOP).events);
  expect(long.toolCalls?.[0]?.id).toMatch(/^call_[\w-]{1,34}_0$/);
  expect(long.toolCalls?.[0]?.id.length).toBeLessThanOrEqual(40);
});

it('takes parts that come behind a finish reason', () => {
  const { events } = stream(of([{ text: 'one' }], { finishReason: 'STOP' }), of([{ text: ' two' }]));
  expect(collectEvents(events)).toMatchObject({ text: 'one two', finish: 'stop' });
});

it('tells how likely tokens were, as chat completions do', () => {
  const token = { token: 'ü', logProbability: -0.25 };
  const { events } = stream(
    of([{ text: 'ü' }], {
      finishReason: 'STOP',
      logprobsResult: { chosenCandidates: [token], topCandidates: [{ candidates: [token] }] },
    }),
  );
  const told = { token: 'ü', logprob: -0.25, bytes: [195, 188] };
  expect(events.find(({ type }) => type === 'text-delta')).toMatchObject({
    logprobs: { content: [{ ...told, top_logprobs: [told] }] },
  });
});

it('ends with an error that is told in the middle of a stream', () => {
  const { reader } = stream(of([{ text: 'one' }]), {
    error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' },
  });
  expect(reader.failure?.code).toBe('provider_overloaded');
});

it.each([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content-filter'],
  ['SPII', 'content-filter'],
  ['BLOCKLIST', 'content-filter'],
  ['IMAGE_SAFETY', 'content-filter'],
  ['OTHER', 'stop'],
  ['SOMETHING_NEW', 'stop'],
])('%s is %s', (native, reason) => {
  expect(stream(of([{ text: 'x' }], { finishReason: native })).events.at(-1)).toEqual({
    type: 'finish',
    reason,
    nativeReason: native,
  });
});

it.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'MISSING_THOUGHT_SIGNATURE', 'NO_IMAGE'])(
  '%s is a completion that was broken off',
  (native) => {
    expect(stream(of([], { finishReason: native })).reader.failure).toMatchObject({
      code: 'provider_unavailable',
      details: { provider_code: native },
    });
  },
);

it.each([
  [{ candidates: 'none' }],
  [{ candidates: [{ content: { parts: [null, 'text', { text: 7 }, { functionCall: 'x' }, { inlineData: {} }] } }] }],
  [
    {
      candidates: [
        { groundingMetadata: { groundingChunks: [{}], groundingSupports: [{ groundingChunkIndices: [9] }] } },
      ],
    },
  ],
  [{ usageMetadata: { promptTokensDetails: 'none' }, promptFeedback: [] }],
])('reads on after something of an odd shape: %j', (odd) => {
  expect(collectEvents(stream(odd, of([{ text: 'x' }]), STOP).events)).toMatchObject({ text: 'x', finish: 'stop' });
});
