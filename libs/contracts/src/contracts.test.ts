// The small codecs that everything else stands on: tokens, ids, frames, hot messages, money as text, errors.
import fc from 'fast-check';
import { WaystationError, errorFromWire, toWaystationError } from './errors.js';
import { FRAME_HEADER_BYTES, FRAME_KINDS, decodeFrame, encodeFrame } from './frame.js';
import { HOT_METADATA_BYTES_MAX, decodeHotMessage, encodeHotMessage } from './hot-message.js';
import { attemptIdOf, newGenerationId, unixOfGeneration } from './ids.js';
import { formatUsd, parseUsd } from './money-text.js';
import { attemptId, generationId } from './scalars.js';
import { SUBJECTS, subjectToken } from './subjects.js';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return toWaystationError(error).code;
  }
};

describe('subject tokens', () => {
  it('never let a user reach another subject', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (text) => {
        expect(subjectToken(text)).toMatch(/^[a-z0-9_-]+$/);
        expect(SUBJECTS.attemptRun(text).split('.')).toHaveLength(5);
      }),
    );
  });

  it('keep different strings different', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.string({ maxLength: 30 }), (one, other) => {
        expect(subjectToken(one) === subjectToken(other)).toBe(one === other);
      }),
    );
  });

  it('keep a plain provider slug readable', () => {
    expect(SUBJECTS.attemptRun('openai')).toBe('way.rpc.attempt.run.openai');
  });
});

describe('generation ids', () => {
  const randomBytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index * 37) % 256);

  it('carry the second in which they were made and pass their own schema', () => {
    const id = newGenerationId(1_739_458_867_123, randomBytes);
    expect(generationId.safeParse(id).success).toBe(true);
    expect(unixOfGeneration(id)).toBe(1_739_458_867);
    expect(attemptId.safeParse(attemptIdOf(id, 12)).success).toBe(true);
  });

  it('use no byte twice as likely as another', () => {
    const high = newGenerationId(0, (size) =>
      Uint8Array.from({ length: size }, (_, index) => (index % 2 === 0 ? 255 : 61)),
    );
    expect(high.slice(-20)).toBe('z'.repeat(20));
  });
});

describe('frames', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FRAME_KINDS),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.uint8Array({ maxLength: 200 }),
        (kind, sequence, offset, payload) => {
          const frame = decodeFrame(encodeFrame(kind, sequence, offset, payload));
          expect({ ...frame, payload: [...frame.payload] }).toEqual({ kind, sequence, offset, payload: [...payload] });
        },
      ),
    );
  });

  it('are refused when short, of another layout or of an unknown kind', () => {
    const frame = encodeFrame('data', 1, 2, Buffer.from('x'));
    expect(codeOf(() => decodeFrame(frame.subarray(0, FRAME_HEADER_BYTES - 1)))).toBe('bad_message');
    const otherLayout = Buffer.from(frame);
    otherLayout[0] = 9;
    expect(codeOf(() => decodeFrame(otherLayout))).toBe('unknown_version');
    const otherKind = Buffer.from(frame);
    otherKind[1] = 200;
    expect(codeOf(() => decodeFrame(otherKind))).toBe('bad_message');
  });
});

describe('hot messages', () => {
  it('carry metadata and the untouched bytes behind it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.uint8Array({ maxLength: 300 }), (metadata, body) => {
        const message = decodeHotMessage(encodeHotMessage(metadata, body));
        expect(JSON.stringify(message.metadata)).toBe(JSON.stringify(metadata));
        expect([...message.body]).toEqual([...body]);
      }),
    );
  });

  it('are refused as bad messages for any bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const code = codeOf(() => decodeHotMessage(bytes));
        expect([undefined, 'bad_message']).toContain(code);
      }),
    );
    expect(codeOf(() => decodeHotMessage(Buffer.from([0xff, 0xff, 0x7b])))).toBe('bad_message');
  });

  it('refuse metadata that their two length bytes cannot count', () => {
    expect(codeOf(() => encodeHotMessage({ text: 'x'.repeat(HOT_METADATA_BYTES_MAX) }, Buffer.alloc(0)))).toBe(
      'bad_message',
    );
  });
});

describe('money as text', () => {
  it('is exact in both directions', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), (pico) => {
        expect(parseUsd(formatUsd(pico))).toBe(pico);
      }),
    );
  });

  it.each([
    ['0.15', 150_000_000_000n],
    ['0', 0n],
    ['0.000000000001', 1n],
    ['-2.5', -2_500_000_000_000n],
  ])('reads %s', (text, pico) => {
    expect(parseUsd(text)).toBe(pico);
  });

  it.each(['', '1e3', '.5', '5.', '0.0000000000001', 'NaN', '1,5', '+1', ' 1'])(
    'does not guess what %j means',
    (text) => {
      expect(parseUsd(text)).toBeUndefined();
    },
  );
});

describe('errors', () => {
  it('cross a border with code, message, details and the time to wait', () => {
    const error = new WaystationError('limit_exceeded', 'no', { details: { quota: 'q' }, retryAfterMs: 5 });
    expect(errorFromWire(error.toWire())).toMatchObject({
      code: 'limit_exceeded',
      message: 'no',
      details: { quota: 'q' },
      retryAfterMs: 5,
    });
  });

  it('become internal, and say nothing of the cause, when they are unknown', () => {
    const error = toWaystationError(new Error('password=hunter2'));
    expect(error.code).toBe('internal');
    expect(JSON.stringify(error.toWire())).not.toContain('hunter2');
    expect(errorFromWire({ code: 'from_the_future', message: 'x' }).code).toBe('internal');
  });
});
