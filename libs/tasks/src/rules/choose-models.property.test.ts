// From candidates to models: nothing that was not offered, nothing that was excluded, the same answer to the same question, and bands that go up in price.
import { COST_TIERS } from '@waystation/contracts';
import fc from 'fast-check';
import { chooseModels, isMeantBy, MODELS_CHOSEN_MAX, type Candidate } from './choose-models.js';

const name = fc.constantFrom('a/one', 'a/two', 'b/one', 'b/two', 'c/mini', 'c/max', 'd/free', 'd/pro');
const candidates = fc.uniqueArray(fc.record({ model: name, price: fc.bigInt({ min: 0n, max: 1_000n }) }), {
  selector: ({ model }) => model,
});
const pattern = fc.constantFrom('*', 'a/*', '*/one', 'c/m*', 'd/free', 'z/none');
const wanted = fc.record(
  {
    models: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    tier: fc.constantFrom(...COST_TIERS),
    allowed: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    excluded: fc.array(pattern, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const priceOf = (of: readonly Candidate[], model: string | undefined): bigint =>
  of.find((each) => each.model === model)?.price ?? -1n;

describe('models for a rule', () => {
  it('are offered, allowed, meant by the rule and not excluded; each once', () => {
    fc.assert(
      fc.property(candidates, wanted, (offered, want) => {
        const chosen = chooseModels(offered, want);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.length).toBeLessThanOrEqual(MODELS_CHOSEN_MAX);
        for (const model of chosen) {
          expect(offered.map((each) => each.model)).toContain(model);
          if (want.models !== undefined) expect(want.models.some((each) => isMeantBy(model, each))).toBe(true);
          if (want.allowed !== undefined) expect(want.allowed.some((each) => isMeantBy(model, each))).toBe(true);
          expect((want.excluded ?? []).some((each) => isMeantBy(model, each))).toBe(false);
        }
      }),
    );
  });

  it('are found whenever one is left, in every tier', () => {
    fc.assert(
      fc.property(candidates, fc.constantFrom(...COST_TIERS), (offered, tier) => {
        expect(chooseModels(offered, { tier }).length > 0).toBe(offered.length > 0);
      }),
    );
  });

  it('do not depend on the order in which candidates come', () => {
    fc.assert(
      fc.property(candidates, wanted, (offered, want) => {
        expect(chooseModels(offered.toReversed(), want)).toEqual(chooseModels(offered, want));
      }),
    );
  });

  it('of a dearer tier are never cheaper', () => {
    fc.assert(
      fc.property(candidates, (offered) => {
        const prices = COST_TIERS.map((tier) => priceOf(offered, chooseModels(offered, { tier })[0]));
        for (const [place, price] of prices.entries()) expect(price).toBeGreaterThanOrEqual(prices[place - 1] ?? price);
      }),
    );
  });

  it('that are named stand in the order of the rule', () => {
    const offered = [
      { model: 'a/one', price: 9n },
      { model: 'b/one', price: 1n },
      { model: 'b/two', price: 2n },
    ];
    expect(chooseModels(offered, { models: ['a/one', 'b/*'] })).toEqual(['a/one', 'b/one', 'b/two']);
    expect(chooseModels(offered, { models: ['*'] })).toEqual(['b/one', 'b/two', 'a/one']);
  });
});

it.each([
  ['a/one', 'a/one', true],
  ['a/one', 'a/on', false],
  ['a/one', '*', true],
  ['a/one', 'a*e', true],
  ['a/one', 'a/one*', true],
  ['aba', 'ab*ba', false],
  ['a/b/c', 'a*b*c', true],
])('%s is meant by %s: %s', (model, text, meant) => {
  expect(isMeantBy(model, text)).toBe(meant);
});
