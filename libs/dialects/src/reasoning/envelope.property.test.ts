// An envelope gives back what was put into it, and nothing else is ever taken for one.
import fc from 'fast-check';
import { ENVELOPE_CHARS_MAX, ENVELOPE_MARK, enclose, openEnvelope } from './envelope.js';

const text = fc.string({ minLength: 1, unit: 'binary' });
const enclosed = fc.record(
  { format: text, id: text, summary: fc.constant(true as const), signature: text, encrypted: text },
  { requiredKeys: ['format'] },
);

describe('an envelope', () => {
  it('gives back what was put into it, byte for byte', () => {
    fc.assert(
      fc.property(enclosed, (content) => {
        expect(openEnvelope(enclose(content))).toEqual(content);
      }),
    );
  });

  it('is opaque text that any client can carry', () => {
    fc.assert(
      fc.property(enclosed, (content) => {
        expect(enclose(content)).toMatch(/^[A-Za-z0-9._-]+$/);
      }),
    );
  });

  it('that was changed in any place, or cut anywhere, is none', () => {
    fc.assert(
      fc.property(enclosed, fc.nat(), fc.constantFrom('A', 'b', '-', ''), (content, place, put) => {
        const whole = enclose(content) ?? '';
        const at = place % whole.length;
        const changed = whole.slice(0, at) + put + whole.slice(at + 1);
        fc.pre(changed !== whole);
        expect(openEnvelope(changed)).toBeUndefined();
        expect(openEnvelope(whole.slice(0, at))).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not seen in what providers sign or clients make up', () => {
    fc.assert(
      fc.property(fc.oneof(fc.base64String(), text), fc.boolean(), (told, marked) => {
        expect(openEnvelope(marked ? `${ENVELOPE_MARK}${told}` : told)).toBeUndefined();
      }),
    );
  });

  it('is neither written nor opened where it would be too long', () => {
    expect(enclose({ format: 'f', signature: 'x'.repeat(ENVELOPE_CHARS_MAX) })).toBeUndefined();
    expect(openEnvelope(`${ENVELOPE_MARK}${'x'.repeat(ENVELOPE_CHARS_MAX)}`)).toBeUndefined();
  });
});
