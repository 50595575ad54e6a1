// Fuzz, a fixed number of runs: no bytes make the reader throw or wait for more than a frame may hold, and no cut changes what comes out.
import fc from 'fast-check';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { bedrockConverse } from './bedrock-converse.js';
import { eventStreamFraming } from './event-stream.js';
import { fixtures } from './fixtures/fixtures.js';
import { eventFrame, exceptionFrame } from './fixtures/frames.js';

const EVENT_BYTES_MAX = 4_096;

interface Outcome {
  readonly events: readonly string[];
  readonly broken: boolean | undefined;
  readonly tooLarge: boolean;
}

const readPieces = (pieces: readonly Buffer[]): Outcome => {
  const events: string[] = [];
  const framing = eventStreamFraming(
    (bytes, start, end, name) => void events.push(`{${JSON.stringify(name)}:${bytes.toString('utf8', start, end)}}`),
    EVENT_BYTES_MAX,
  );
  for (const piece of pieces) framing.push(piece);
  framing.end();
  return { events, broken: framing.broken, tooLarge: framing.tooLarge };
};

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, at) => bytes.subarray(at === 0 ? 0 : cuts[at - 1], end));
};

const frames = fc.array(
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), fc.boolean())
    .map(([type, value, isException]) => ({
      type,
      value,
      bytes: (isException ? exceptionFrame : eventFrame)(type, { value }),
    })),
  { maxLength: 8 },
);
const places = fc.array(fc.nat(100_000), { maxLength: 30 });

describe('the event stream of AWS, whatever comes', () => {
  it('gives back every event that was written, however it is cut', () => {
    fc.assert(
      fc.property(frames, places, (written, cuts) => {
        const bytes = Buffer.concat(written.map((one) => one.bytes));
        const outcome = readPieces(cutAt(bytes, cuts));
        expect(outcome.events.map((text) => JSON.parse(text) as unknown)).toEqual(
          written.map(({ type, value }) => JSON.parse(JSON.stringify({ [type]: { value } })) as unknown),
        );
        expect([outcome.broken, outcome.tooLarge]).toEqual([false, false]);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same for damaged bytes, however they are cut, and nothing behind the damage', () => {
    fc.assert(
      fc.property(frames, places, fc.nat(100_000), fc.integer({ min: 1, max: 255 }), (written, cuts, at, mask) => {
        const bytes = Buffer.concat(written.map((one) => one.bytes));
        fc.pre(bytes.length > 0);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ mask;
        const whole = readPieces([bytes]);
        expect(readPieces(cutAt(bytes, cuts))).toEqual(whole);
        let before = 0;
        const intact = written.findIndex((one) => (before += one.bytes.length) > place);
        expect(whole.events).toHaveLength(intact);
        expect(whole.broken).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), places, (noise, cuts) => {
        const bytes = Buffer.from(noise);
        expect(readPieces(cutAt(bytes, cuts))).toEqual(readPieces([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  it('ends every response as finished or failed, however its bytes were damaged', () => {
    const { translation } = bedrockConverse;
    if (translation === undefined) throw new Error('there is no translation');
    const streams = fixtures.streams.map(({ bytes }) => Buffer.from(bytes as Buffer));
    fc.assert(
      fc.property(
        fc.nat(streams.length - 1),
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { maxLength: 3 }),
        places,
        (which, damages, cuts) => {
          const bytes = Buffer.from(streams[which] ?? Buffer.alloc(0));
          for (const [at, value] of damages) bytes[at % bytes.length] = value;
          const reader = translation.readResponse(CONFORMANCE_TERMS, () => undefined);
          for (const piece of cutAt(bytes, cuts)) reader.push(piece);
          reader.end();
          expect(reader.done).toBe(reader.failure === undefined);
        },
      ),
      { numRuns: 300 },
    );
  });
});
