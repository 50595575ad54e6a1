// Real recordings, where they lie beside the repository: the canonical events hold what the provider said, signatures byte for byte.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { recordingsOf } from '../conformance/recordings.js';
import { eventsOf } from '../conformance/translation.js';
import { gemini } from './gemini.js';

const recordings = recordingsOf(['google/google-text', 'google/google-reasoning', 'google/google-tool-call']);
const refusals = recordingsOf(['google/google-429-retry-info']);
const { translation, parseError } = gemini;

interface Told {
  readonly candidates: readonly {
    readonly content: {
      readonly parts: readonly {
        readonly text?: string;
        readonly thoughtSignature?: string;
        readonly functionCall?: { readonly name: string; readonly args: unknown };
      }[];
    };
  }[];
  readonly usageMetadata: {
    readonly promptTokenCount: number;
    readonly candidatesTokenCount: number;
    readonly thoughtsTokenCount: number;
  };
  readonly responseId: string;
}

const partsOf = (told: readonly Told[]) =>
  told.flatMap(({ candidates }) => candidates.flatMap(({ content }) => content.parts));

/** What was said, however it was cut. */
const saidIn = (told: readonly Told[]) => {
  const parts = partsOf(told);
  const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
  return {
    text: parts.map(({ text }) => text ?? '').join(''),
    signatures: parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
    calls: calls.map(({ name, args }) => [name, JSON.stringify(args)]),
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
  };
};

const heardIn = (events: Parameters<typeof collectEvents>[0]) => {
  const { text, signatures, toolCalls = [], finish } = collectEvents(events);
  return { text, signatures, calls: toolCalls.map((call) => [call.name, call.arguments]), finish };
};

const reported = (told: Told | undefined) => ({
  upstreamId: told?.responseId,
  nativeFinishReason: 'STOP',
  usageSource: 'provider',
  usage: {
    input: told?.usageMetadata.promptTokenCount,
    output: told?.usageMetadata.candidatesTokenCount,
    reasoning: told?.usageMetadata.thoughtsTokenCount,
  },
});

if (recordings === undefined || refusals === undefined || translation === undefined)
  it('has no recordings to try here', () => undefined);
else {
  describe.each(recordings.map((recording) => [recording.name, recording] as const))(
    '%s',
    (_, { events = [], body }) => {
      it('the stream says what the provider said, cut anywhere', () => {
        expect(events.length).toBeGreaterThan(1);
        const told = events.map((line) => JSON.parse(line) as Told);
        const bytes = Buffer.from(events.map((line) => `data: ${line}\r\n\r\n`).join(''));
        const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
        expect(whole.reader.failure).toBeUndefined();
        expect(heardIn(whole.events)).toEqual(saidIn(told));
        expect(whole.reader.report()).toMatchObject(reported(told.at(-1)));
        for (const pieceBytes of [1, 7, 100])
          expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole.events);
      });

      it('the body says what the provider said', () => {
        if (body === undefined) throw new Error('the recording has no body');
        const told = JSON.parse(body.toString()) as Told;
        const { events: got, reader } = eventsOf(translation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
        expect(reader.failure).toBeUndefined();
        expect(heardIn(got)).toEqual(saidIn([told]));
        expect(reader.report()).toMatchObject(reported(told));
      });
    },
  );

  it('a refusal tells how long to wait', () => {
    const { body } = refusals[0] ?? {};
    if (body === undefined) throw new Error('the recording has no body');
    const error = parseError({ status: 429, header: () => undefined, body, providerName: 'Lab', nowMs: 0 });
    expect([error.code, error.retryAfterMs]).toEqual(['provider_rate_limited', 34_400]);
  });
}
