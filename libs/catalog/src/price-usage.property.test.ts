// What money stands on, for any vector and any usage: exact, additive, never less for more, and never above what was held.
import { createHash } from 'node:crypto';
import { priceVector, type PriceRates, type PriceVector } from '@waystation/contracts';
import { PIECE_CLASSES, USAGE_CLASSES, inputTokens, outputTokens, type Usage } from '@waystation/generation';
import fc from 'fast-check';
import { boundCost, canonicalPriceJson, itemise, priceUsage, priceVersionOf } from './price-usage.js';

const sha256hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const CLASSES = [...USAGE_CLASSES, ...PIECE_CLASSES];
const SERVICE_TIERS = ['flex', 'priority', 'scale'] as const;

const amount = fc.bigInt({ min: 0n, max: 10n ** 15n }).map(String);
const perUnit = fc.dictionary(fc.constantFrom(...CLASSES), amount);
const tiers = fc.uniqueArray(fc.record({ aboveInputTokens: fc.nat(4_000), perUnit }), {
  maxLength: 4,
  selector: (tier) => tier.aboveInputTokens,
});
const rates: fc.Arbitrary<PriceRates> = fc.record(
  { perUnit, perRequest: amount, tiers },
  { requiredKeys: ['perUnit'] },
);
const prices: fc.Arbitrary<PriceVector> = fc
  .tuple(rates, fc.option(fc.dictionary(fc.constantFrom(...SERVICE_TIERS), rates), { nil: undefined }))
  .map(([own, serviceTiers]) => ({ ...own, ...(serviceTiers === undefined ? {} : { serviceTiers }) }));
const usages: fc.Arbitrary<Usage> = fc.dictionary(fc.constantFrom(...CLASSES), fc.nat(1_000));
const askedTiers = fc.constantFrom(undefined, 'auto', 'default', 'fast', 'unheard-of', ...SERVICE_TIERS);
/** Where a request names a tier, it is served there or at the standard one; where it names none, anywhere. */
const servedAt = (asked: string | undefined): readonly (string | undefined)[] =>
  asked === undefined || asked === 'auto' ? [undefined, 'default', ...SERVICE_TIERS] : [undefined, 'default', asked];

const sumOf = (amounts: readonly bigint[]): bigint => amounts.reduce((total, each) => total + each, 0n);
const plus = (one: Usage, other: Usage): Usage =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => [
      name,
      (one[name] ?? 0) + (other[name] ?? 0),
    ]),
  );
/** Without edges of size: a tier may make a larger prompt cheaper. */
const flat = (price: PriceVector): PriceVector => {
  const own = ({ perUnit: base, perRequest }: PriceRates): PriceRates => ({
    perUnit: base,
    ...(perRequest === undefined ? {} : { perRequest }),
  });
  const named = Object.entries(price.serviceTiers ?? {}).map(([name, each]) => [name, own(each)] as const);
  return { ...own(price), serviceTiers: Object.fromEntries(named) };
};

test('the hold is never below the cost, whatever is used within it and at whatever tier it is served', () => {
  fc.assert(
    fc.property(prices, usages, fc.nat(500), fc.nat(500), askedTiers, (price, usage, moreInput, moreOutput, asked) => {
      const bound = {
        inputTokens: inputTokens(usage) + moreInput,
        outputTokens: outputTokens(usage) + moreOutput,
        pieces: Object.fromEntries(PIECE_CLASSES.map((name) => [name, usage[name] ?? 0])),
      };
      const hold = boundCost(price, bound, asked);
      for (const serviceTier of servedAt(asked)) expect(priceUsage(price, usage, serviceTier) <= hold).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('the hold is no more than some usage within it can cost', () => {
  fc.assert(
    fc.property(prices, fc.nat(2_000), fc.nat(2_000), (price, input, output) => {
      const standard: PriceVector = { perUnit: price.perUnit, perRequest: price.perRequest ?? '0' };
      const hold = boundCost(standard, { inputTokens: input, outputTokens: output });
      const costs = USAGE_CLASSES.flatMap((of) =>
        USAGE_CLASSES.map((on) => priceUsage(standard, plus({ [of]: input }, { [on]: output }))),
      );
      expect(costs.some((cost) => cost >= hold)).toBe(true);
    }),
  );
});

test('the cost is the exact sum of its lines, each a whole number of picodollars', () => {
  fc.assert(
    fc.property(prices, usages, askedTiers, (price, usage, serviceTier) => {
      const lines = itemise(price, usage, serviceTier);
      expect(sumOf(lines.map(({ amountPicodollars }) => amountPicodollars))).toBe(
        priceUsage(price, usage, serviceTier),
      );
      for (const { count, unitPicodollars, amountPicodollars } of lines)
        expect(amountPicodollars).toBe(BigInt(count) * unitPicodollars);
    }),
  );
});

test('more of a class never costs less, where no tier of size makes it cheaper', () => {
  fc.assert(
    fc.property(
      prices.map(flat),
      usages,
      fc.constantFrom(...CLASSES),
      fc.nat(1_000),
      askedTiers,
      (price, usage, name, more, serviceTier) => {
        expect(
          priceUsage(price, plus(usage, { [name]: more }), serviceTier) >= priceUsage(price, usage, serviceTier),
        ).toBe(true);
      },
    ),
  );
});

test('two usages at one size cost together what they cost apart, less the second fee per request', () => {
  fc.assert(
    fc.property(prices.map(flat), usages, usages, askedTiers, (price, one, other, serviceTier) => {
      const fee = priceUsage(price, {}, serviceTier);
      expect(priceUsage(price, plus(one, other), serviceTier) + fee).toBe(
        priceUsage(price, one, serviceTier) + priceUsage(price, other, serviceTier),
      );
    }),
  );
});

test('a prompt is priced by the highest tier that it is above, whole', () => {
  fc.assert(
    fc.property(rates, fc.nat(5_000), usages, (price, cached, output) => {
      const usage = { cacheRead: cached, output: output['output'] ?? 0 };
      const reached = [...(price.tiers ?? [])]
        .filter(({ aboveInputTokens }) => cached > aboveInputTokens)
        .sort((a, b) => a.aboveInputTokens - b.aboveInputTokens)
        .at(-1);
      const whole = {
        perUnit: (reached ?? price).perUnit,
        ...(price.perRequest === undefined ? {} : { perRequest: price.perRequest }),
      };
      expect(priceUsage(price, usage)).toBe(priceUsage(whole, usage));
    }),
  );
});

/** The same vector, with the members of every object in another order. */
const shuffled = (value: unknown, order: number): unknown => {
  if (Array.isArray(value)) return value.map((each) => shuffled(each, order));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, each]) => [name, shuffled(each, order)] as const);
  const turned = order % 2 === 0 ? members.reverse() : members;
  const at = turned.length === 0 ? 0 : order % turned.length;
  return Object.fromEntries([...turned.slice(at), ...turned.slice(0, at)]);
};

test('the version does not depend on the order in which a vector is written, nor on its tiers’', () => {
  fc.assert(
    fc.property(prices, fc.nat(20), (price, order) => {
      const other = priceVector.parse(shuffled(price, order));
      const turned = other.tiers === undefined ? other : { ...other, tiers: [...other.tiers].reverse() };
      expect(priceVersionOf(turned, sha256hex)).toBe(priceVersionOf(price, sha256hex));
    }),
  );
});

test('the canonical text charges like the vector it came from, and is its own canonical text', () => {
  fc.assert(
    fc.property(prices, usages, askedTiers, (price, usage, serviceTier) => {
      const text = canonicalPriceJson(price);
      const read = priceVector.parse(JSON.parse(text));
      expect(canonicalPriceJson(read)).toBe(text);
      expect(priceUsage(read, usage, serviceTier)).toBe(priceUsage(price, usage, serviceTier));
    }),
  );
});
