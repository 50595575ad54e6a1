// The suite for dialects whose bytes pass event by event (`events/passing-reader.ts`): what goes out is what came in, but for the head and what waits for the bill.
import { describe, expect, it } from '@jest/globals';
import type { ProviderDialect, ResponseReader, ResponseTerms } from '../spec.js';
import { CONFORMANCE_TERMS, readPieces } from './conformance.js';
import type { Fixtures } from './fixture.js';

export interface PassingExpectation {
  /** What of a wire must survive untouched, as one text. */
  readonly collect: (wire: string) => string;
  /** Names of events that wait for the bill. */
  readonly tailHas: readonly string[];
  /** Members that a body gets where the provider told none. */
  readonly filledIn?: Readonly<Record<string, unknown>>;
}

interface Run {
  readonly wire: string;
  readonly reader: ResponseReader;
}

const run = (dialect: ProviderDialect, terms: ResponseTerms, bytes: Buffer, pieceBytes: number): Run => {
  const { output, reader } = readPieces(dialect, terms, bytes, pieceBytes);
  return { wire: output.toString(), reader };
};

export const describePassing = (
  dialect: ProviderDialect,
  fixtures: Fixtures,
  { collect, tailHas, filledIn = {} }: PassingExpectation,
): void => {
  describe(`${dialect.name} passes`, () => {
    describe.each(fixtures.streams.map((fixture) => [fixture.name, fixture] as const))(
      'stream: %s',
      (_, { bytes: told, expected }) => {
        const bytes = Buffer.isBuffer(told) ? told : Buffer.from(told);

        it('its content untouched, with our head, and the end left to the bill', () => {
          const { wire, reader } = run(dialect, CONFORMANCE_TERMS, bytes, bytes.length);
          expect(reader.failure).toBeUndefined();
          expect(collect(wire)).toBe(collect(bytes.toString()));
          expect(wire).toContain(CONFORMANCE_TERMS.generationId);
          expect(wire).not.toContain(expected.upstreamId);
          const { tail, usage, finishReason } = reader.report();
          for (const name of tailHas) {
            expect(tail).toContain(`event: ${name}\n`);
            expect(wire).not.toContain(`event: ${name}\n`);
          }
          expect({ usage, finishReason }).toEqual({ usage: expected.usage, finishReason: expected.finishReason });
        });

        it('the same bytes however the response is cut', () => {
          const whole = run(dialect, CONFORMANCE_TERMS, bytes, bytes.length).wire;
          for (const pieceBytes of [1, 2, 3, 7, 64, 333, 1_000])
            expect(run(dialect, CONFORMANCE_TERMS, bytes, pieceBytes).wire).toBe(whole);
        });

        it('nothing before the first content, and whole events only', () => {
          const writes: Buffer[] = [];
          const reader = dialect.passthrough?.readResponse(CONFORMANCE_TERMS, (write) => writes.push(write));
          for (const byte of bytes) if (reader?.done === false) reader.push(Buffer.from([byte]));
          expect(reader?.meaningful).toBe(true);
          for (const write of writes) expect(write.toString().endsWith('\n\n')).toBe(true);
        });
      },
    );

    describe.each(fixtures.bodies.map((fixture) => [fixture.name, fixture] as const))(
      'body: %s',
      (_, { bytes: told, expected }) => {
        it('with our id, model and provider, and all else as it was', () => {
          const { wire, reader } = run(dialect, { ...CONFORMANCE_TERMS, stream: false }, Buffer.from(told), 17);
          expect(reader.failure).toBeUndefined();
          const { generationId, model, providerName } = CONFORMANCE_TERMS;
          expect(JSON.parse(wire)).toEqual({
            ...filledIn,
            ...(JSON.parse(told) as object),
            id: generationId,
            model,
            provider: providerName,
          });
          expect(reader.report().usage).toEqual(expected.usage);
        });
      },
    );
  });
};
