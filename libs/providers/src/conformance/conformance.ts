// The suite that every provider dialect must pass, given fixtures written from its provider's documents. Called from a test file in the dialect's folder.
import { expect, describe, it } from '@jest/globals';
import type { ProviderDialect, ResponseReader, ResponseTerms } from '../spec.js';
import type { Completion, Fixtures } from './fixture.js';
import { readPublicBody, readPublicStream } from './read-public.js';

export const CONFORMANCE_TERMS: ResponseTerms = {
  stream: true,
  generationId: 'gen-1700000000-abcdefghijABCDEFGHIJ',
  model: 'lab/small',
  providerName: 'The "Lab"',
  choices: 1,
  inputTokensEstimate: () => 100,
  tokensMax: { input: 128_000, output: 128_000 },
  quirks: {},
};

interface Run {
  readonly output: Buffer;
  readonly writes: readonly Buffer[];
  readonly reader: ResponseReader;
}

/** Feeds a response in pieces of `pieceBytes`, each in a buffer that is overwritten afterwards, as a socket's might be once it is read. */
export const readPieces = (dialect: ProviderDialect, terms: ResponseTerms, bytes: Buffer, pieceBytes: number): Run => {
  const writes: Buffer[] = [];
  const { passthrough } = dialect;
  if (passthrough === undefined) throw new Error(`${dialect.name} passes no bytes through`);
  const reader = passthrough.readResponse(terms, (write) => writes.push(Buffer.from(write)));
  for (let at = 0; at < bytes.length && reader.failure === undefined && !reader.done; at += pieceBytes) {
    reader.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  }
  if (!reader.done && reader.failure === undefined) reader.end();
  return { output: Buffer.concat(writes), writes, reader };
};

const publicWord = (reason: string): string => reason.replace('-', '_');

/** Without framing and heads. */
export const contentOf = ({ text, reasoning, refusal, toolCalls }: Partial<Completion>) => ({
  text,
  reasoning,
  refusal,
  toolCalls,
});

const expectOwnFields = (wire: ReturnType<typeof readPublicStream>, object: string, expected: Completion): void => {
  for (const head of wire.heads) {
    expect(head).toEqual({
      id: CONFORMANCE_TERMS.generationId,
      model: CONFORMANCE_TERMS.model,
      provider: CONFORMANCE_TERMS.providerName,
      object,
    });
  }
  expect(wire.finishWords).toEqual([[publicWord(expected.finishReason), expected.nativeFinishReason]]);
  expect(contentOf(wire)).toEqual(contentOf(expected));
};

const reportOf = ({ finishReason, nativeFinishReason, upstreamId, usage, usageSource, serviceTier }: Completion) => ({
  finishReason,
  nativeFinishReason,
  upstreamId,
  usage,
  usageSource,
  serviceTier,
});

export const describeConformance = (dialect: ProviderDialect, fixtures: Fixtures): void => {
  describe(`${dialect.name} conforms`, () => {
    describe.each(fixtures.streams.map((fixture) => [fixture.name, fixture] as const))(
      'stream: %s',
      (_, { bytes: text, expected }) => {
        const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);

        it('gives the client the content with our fields, and the report the rest', () => {
          const { output, reader } = readPieces(dialect, CONFORMANCE_TERMS, bytes, bytes.length);
          const wire = readPublicStream(output);
          expect(reader.failure).toBeUndefined();
          expectOwnFields(wire, 'chat.completion.chunk', expected);
          expect(wire.usages).toEqual([]);
          expect(output.includes('[DONE]')).toBe(false);
          expect(reader.report()).toEqual(reportOf(expected));
        });

        it('gives the same bytes however the response is cut', () => {
          const whole = readPieces(dialect, CONFORMANCE_TERMS, bytes, bytes.length).output;
          for (const pieceBytes of [1, 2, 3, 7, 64, 333, 1_000]) {
            expect(readPieces(dialect, CONFORMANCE_TERMS, bytes, pieceBytes).output.equals(whole)).toBe(true);
          }
        });

        it('gives nothing before the first meaningful event, and then all that was held back', () => {
          const { writes } = readPieces(dialect, CONFORMANCE_TERMS, bytes, 1);
          const first = readPublicStream(writes[0] ?? Buffer.alloc(0));
          const { text: said, reasoning, refusal, toolCalls } = first;
          expect(`${said}${reasoning ?? ''}${refusal ?? ''}${JSON.stringify(toolCalls ?? '')}`.length).toBeGreaterThan(
            2,
          );
        });

        it('is a failure wherever it breaks off before the finish, and estimates what was delivered', () => {
          const finishAt = bytes.indexOf(`"finish_reason"`, bytes.lastIndexOf(`"${expected.nativeFinishReason}"`) - 40);
          // A prime stride: every kind of place is hit, and the suite stays quick.
          for (let length = 0; length < finishAt; length += 7) {
            const { reader } = readPieces(dialect, CONFORMANCE_TERMS, bytes.subarray(0, length), 4_096);
            expect(reader.failure?.code).toBe('provider_stream_broken');
            expect(reader.report().usage['input']).toBeGreaterThanOrEqual(0);
          }
        });

        it('stops for an error in the middle', () => {
          const at = /\r?\n\r?\n/.exec(bytes.toString('latin1'));
          const behind = (at?.index ?? 0) + (at?.[0].length ?? 0);
          const cut = Buffer.concat([
            bytes.subarray(0, behind),
            Buffer.from('data: {"error":{"message":"no","code":429}}\n\n'),
            bytes.subarray(behind),
          ]);
          expect(readPieces(dialect, CONFORMANCE_TERMS, cut, 50).reader.failure?.code).toBe('provider_rate_limited');
        });
      },
    );

    describe.each(fixtures.bodies.map((fixture) => [fixture.name, fixture] as const))(
      'body: %s',
      (_, { bytes: text, expected }) => {
        const terms = { ...CONFORMANCE_TERMS, stream: false };
        const bytes = Buffer.from(text);

        it('gives the client the content with our fields and the provider’s usage, and the report the rest', () => {
          for (const pieceBytes of [bytes.length, 1, 17]) {
            const { output, writes, reader } = readPieces(dialect, terms, bytes, pieceBytes);
            const wire = readPublicBody(output);
            expectOwnFields(wire, 'chat.completion', expected);
            expect(wire.usages).toEqual(
              (JSON.parse(text) as { usage?: unknown }).usage === undefined
                ? []
                : [(JSON.parse(text) as { usage?: unknown }).usage],
            );
            expect(writes).toHaveLength(1);
            expect(reader.report()).toEqual(reportOf(expected));
          }
        });

        it('is a failure wherever it is cut', () => {
          for (let length = 0; length < text.trimEnd().length; length += 3) {
            const { output, reader } = readPieces(dialect, terms, bytes.subarray(0, length), 4_096);
            expect([reader.failure?.code, output.length]).toEqual(['provider_invalid_response', 0]);
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
