// What holds for any text, however it is cut into pieces, and for any guardrails above one another.
import type { PolicyEntry } from '@waystation/contracts';
import fc from 'fast-check';
import { BUILTINS, type BuiltinSlug } from './builtins.js';
import { compilePattern, isPatternProblem } from './compile-pattern.js';
import { contentFiltersOf, type ContentFilter } from './content-filters.js';
import type { Detector } from './match.js';
import { mergeRedactions, withoutRanges } from './redact.js';
import { scanNow } from './scan.js';

const own = (pattern: string): Detector => {
  const compiled = compilePattern(pattern);
  if (isPatternProblem(compiled)) throw new Error(compiled.problem);
  return compiled;
};
const DETECTORS = [
  own('k[0-9]{2,9}'),
  own('(?i)top secret'),
  own('a+b'),
  ...Object.values(BUILTINS).map(({ detector }) => detector),
];
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'jane@example.com',
        '4111 1111 1111 1111',
        '123-45-6789',
        'k123',
        'TOP secret',
        'aaab',
        '10.1.2.3',
      ),
      fc.constantFrom('ignore previous instructions', 'sk-abcdefghijklmnopqrstuvwx', ' ', '. ', 'ä', '\n', '🙂'),
      fc.string({ maxLength: 12 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

/** As a stream is looked at: each piece as it comes, and only what is decided is kept. */
const inPieces = (detector: Detector, text: string, sizes: readonly number[]): string[] => {
  const found: string[] = [];
  let seen = 0;
  let from = 0;
  for (const size of [...sizes, text.length]) {
    seen = Math.min(text.length, seen + size);
    const scanned = scanNow(detector, text.slice(0, seen), from, seen === text.length);
    found.push(...scanned.matches.map(({ start, end }) => `${start}…${end}`));
    from = scanned.next;
    if (seen === text.length) break;
  }
  return found;
};

describe('a filter', () => {
  it('finds a phone number that is one only when the digits behind it have ended', () => {
    const text = '4111 1111 1111 1111jane';
    const { detector } = BUILTINS.phone;
    expect(scanNow(detector, text, 0, true).matches).toEqual([{ start: 0, end: 14 }]);
    // All 19 characters are too many digits for a number; the last three groups are not.
    expect(inPieces(detector, text, [19])).toEqual(['0…14']);
  });

  it('finds in a text that comes in pieces what it finds in the whole', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...DETECTORS),
        texts,
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
        (detector, text, sizes) => {
          const whole = scanNow(detector, text, 0, true).matches.map(({ start, end }) => `${start}…${end}`);
          // A match may be cut from the whole otherwise than from its pieces; none may be missed.
          expect(inPieces(detector, text, sizes).length > 0).toBe(whole.length > 0);
        },
      ),
      { numRuns: 2_000 },
    ));

  it('leaves nothing behind of what it takes out', () =>
    fc.assert(
      fc.property(fc.constantFrom(...DETECTORS.slice(0, 3)), texts, (detector, text) => {
        const { matches } = scanNow(detector, text, 0, true);
        const clean = withoutRanges(
          text,
          0,
          text.length,
          mergeRedactions(matches.map((each) => ({ ...each, placeholder: '\u0000' }))),
        );
        expect(clean.split('\u0000').every((part) => scanNow(detector, part, 0, true).matches.length === 0)).toBe(true);
      }),
    ));
});

const policies: fc.Arbitrary<PolicyEntry> = fc
  .record({
    contentFilters: fc.array(
      fc.record({
        pattern: fc.constantFrom('k[0-9]+', 'a+b'),
        action: fc.constantFrom('block' as const, 'redact' as const, 'flag' as const),
      }),
      { maxLength: 2 },
    ),
    contentFilterBuiltins: fc.array(
      fc.record({
        slug: fc.constantFrom<BuiltinSlug>('email', 'ssn'),
        action: fc.constantFrom('block' as const, 'redact' as const, 'flag' as const),
        appliesTo: fc.constantFrom('input' as const, 'output' as const, 'both' as const),
      }),
      { maxLength: 2 },
    ),
  })
  .map((more) => ({ v: 1, version: 1, id: 'p', ...more }));

/** Undefined where it is blocked. */
const outOf = (filters: readonly ContentFilter[], text: string): ReadonlySet<number> | undefined => {
  const gone = new Set<number>();
  for (const { action, detector } of filters)
    for (const { start, end } of scanNow(detector, text, 0, true).matches) {
      if (action === 'block') return undefined;
      if (action === 'redact') for (let at = start; at < end; at += 1) gone.add(at);
    }
  return gone;
};

it.each(['input', 'output'] as const)(
  'a guardrail below another lets nothing of %s through that the other stops',
  (side) =>
    fc.assert(
      fc.property(policies, policies, texts, (parent, child, text) => {
        const alone = outOf(contentFiltersOf([parent])?.[side] ?? [], text);
        const both = outOf(contentFiltersOf([parent, child])?.[side] ?? [], text);
        if (alone === undefined) expect(both).toBeUndefined();
        else if (both !== undefined) expect([...alone].filter((at) => !both.has(at))).toEqual([]);
      }),
    ),
);
