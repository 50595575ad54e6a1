// The suite that every translation must pass, given fixtures written from its provider's documents. Called from a test file in the dialect's folder.
import { describe, expect, it } from '@jest/globals';
import { findPublicDialect } from '@waystation/dialects';
import type { GenerationEvent } from '@waystation/generation';
import { TranslatingReader } from '../events/translate-response.js';
import type { ProviderDialect, ResponseReader, ResponseTerms, Translation } from '../spec.js';
import { collectEvents } from './collect-events.js';
import { CONFORMANCE_TERMS } from './conformance.js';
import type { Completion, Fixtures } from './fixture.js';

interface Run {
  readonly events: readonly GenerationEvent[];
  readonly reader: ResponseReader;
}

/** Feeds a response in pieces of `pieceBytes`. */
export const eventsOf = (translation: Translation, terms: ResponseTerms, bytes: Buffer, pieceBytes: number): Run => {
  const events: GenerationEvent[] = [];
  const reader = translation.readResponse(terms, (event) => events.push(event));
  for (let at = 0; at < bytes.length && reader.failure === undefined && !reader.done; at += pieceBytes) {
    // A buffer of its own, overwritten afterwards, as a socket's might be once it is read.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    reader.push(piece);
  }
  if (!reader.done && reader.failure === undefined) reader.end();
  return { events, reader };
};

const contentOf = (expected: Completion) => ({
  text: expected.text,
  ...(expected.reasoning === undefined ? {} : { reasoning: expected.reasoning }),
  ...(expected.refusal === undefined ? {} : { refusal: expected.refusal }),
  ...(expected.toolCalls === undefined ? {} : { toolCalls: expected.toolCalls }),
  ...(expected.signatures === undefined ? {} : { signatures: expected.signatures }),
  ...(expected.citations === undefined ? {} : { citations: expected.citations }),
  finish: expected.finishReason,
});

const reportOf = ({ finishReason, nativeFinishReason, upstreamId, usage, usageSource, serviceTier }: Completion) => ({
  finishReason,
  nativeFinishReason,
  upstreamId,
  usage,
  usageSource,
  serviceTier,
});

const PIECES = [1, 2, 3, 7, 64, 333, 1_000];

export const describeTranslation = (dialect: ProviderDialect, fixtures: Fixtures): void => {
  const { translation } = dialect;
  if (translation === undefined) throw new Error(`${dialect.name} has no translation`);

  describe(`${dialect.name} translates`, () => {
    describe.each(fixtures.streams.map((fixture) => [fixture.name, fixture] as const))(
      'stream: %s',
      (_, { bytes: told, expected }) => {
        const bytes = Buffer.isBuffer(told) ? told : Buffer.from(told);

        it('gives the events of its content, and the report the rest', () => {
          const { events, reader } = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
          expect(reader.failure).toBeUndefined();
          expect(collectEvents(events)).toMatchObject(contentOf(expected));
          expect({ ...reader.report(), warnings: undefined }).toEqual(reportOf(expected));
        });

        it('gives the same events however the response is cut', () => {
          const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length).events;
          for (const pieceBytes of PIECES)
            expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole);
        });

        it('is a failure wherever it breaks off before its finish, and never tells less than was delivered', () => {
          let failures = 0;
          // A prime stride: every kind of place is hit, and the suite stays quick.
          for (let length = 0; length < bytes.length; length += 13) {
            const { events, reader } = eventsOf(translation, CONFORMANCE_TERMS, bytes.subarray(0, length), 4_096);
            const finished = events.some(({ type }) => type === 'finish');
            expect(finished).toBe(reader.failure === undefined);
            if (reader.failure === undefined) continue;
            failures += 1;
            expect(reader.failure.code).toBe('provider_stream_broken');
            expect(reader.report().usage['input']).toBeGreaterThanOrEqual(0);
          }
          expect(failures).toBeGreaterThan(0);
        });

        it('reaches a client of chat completions with the same content', () => {
          const chat = findPublicDialect('openai-chat');
          if (chat === undefined) throw new Error('chat completions are not registered');
          const writes: Buffer[] = [];
          const reader = new TranslatingReader(
            translation,
            CONFORMANCE_TERMS,
            chat.writeAnswer(CONFORMANCE_TERMS),
            (write) => writes.push(write),
          );
          for (let at = 0; at < bytes.length && !reader.done; at += 100) reader.push(bytes.subarray(at, at + 100));
          if (!reader.done) reader.end();
          const wire = Buffer.concat(writes).toString();
          let said = '';
          for (const line of wire.split('\n\n').filter((event) => event !== '')) {
            const chunk = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string | null } }[] };
            said += chunk.choices[0]?.delta.content ?? '';
          }
          expect(said).toBe(expected.text);
        });
      },
    );

    describe.each(fixtures.bodies.map((fixture) => [fixture.name, fixture] as const))(
      'body: %s',
      (_, { bytes: told, expected }) => {
        const terms = { ...CONFORMANCE_TERMS, stream: false };
        const bytes = Buffer.from(told);

        it('gives the events of its content, and the report the rest', () => {
          for (const pieceBytes of [bytes.length, 1, 17]) {
            const { events, reader } = eventsOf(translation, terms, bytes, pieceBytes);
            expect(reader.failure).toBeUndefined();
            expect(collectEvents(events)).toMatchObject(contentOf(expected));
            expect({ ...reader.report(), warnings: undefined }).toEqual(reportOf(expected));
          }
        });

        it('is a failure wherever it is cut', () => {
          for (let length = 0; length < bytes.toString().trimEnd().length; length += 7) {
            const { events, reader } = eventsOf(translation, terms, bytes.subarray(0, length), 4_096);
            expect([reader.failure?.code, events.length]).toEqual(['provider_invalid_response', 0]);
          }
        });
      },
    );

    it.each(fixtures.errors.map((fixture) => [fixture.name, fixture] as const))(
      'error: %s',
      (_, { status, headers, bytes, code, retryAfterMs }) => {
        const error = dialect.parseError({
          status,
          header: (name) => headers?.[name],
          body: Buffer.from(bytes),
          providerName: 'Lab',
          nowMs: 0,
        });
        expect({ code: error.code, retryAfterMs: error.retryAfterMs }).toEqual({ code, retryAfterMs });
      },
    );
  });
};
