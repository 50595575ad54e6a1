// What holds for any merge of rules.
import { ZDR_GROUPS, type PolicyEntry, type ProviderPreferences } from '@waystation/contracts';
import fc from 'fast-check';
import { mergeRules, narrow, PRICE_KINDS, rulesOfPolicy, rulesOfPreferences, type PolicyRules } from './policy.js';
import { priceAboveCeiling, refusedBy, type PolicyCandidate } from './refuse.js';

const providers = ['openai', 'openai/eu', 'groq', 'Lab'];
const models = ['a/one', 'a/two', 'b/one', 'openai/one', 'x-ai/one'];
const regions = ['eu', 'us'];
const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value[]> => fc.subarray([...values]);
const price = fc.bigInt({ min: 0n, max: 9n }).map(String);

const policies: fc.Arbitrary<PolicyRules> = fc
  .record(
    {
      allowedModels: some(models),
      ignoredModels: some(models),
      allowedProviders: some(providers),
      ignoredProviders: some(providers),
      regions: some(regions),
      zdr: fc.boolean(),
      zdrGroups: some(ZDR_GROUPS),
      dataCollection: fc.constantFrom('allow' as const, 'deny' as const),
      sort: fc.constantFrom('price' as const, 'latency' as const),
    },
    { requiredKeys: [] },
  )
  .map((more) => rulesOfPolicy({ v: 1, version: 1, id: 'p', ...more } as PolicyEntry));
const preferences: fc.Arbitrary<PolicyRules> = fc
  .record(
    {
      zdr: fc.boolean(),
      dataCollection: fc.constantFrom('allow' as const, 'deny' as const),
      maxPrice: fc.record(Object.fromEntries(PRICE_KINDS.map((kind) => [kind, price])), { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .map((each) => rulesOfPreferences(each as ProviderPreferences));
const rules = fc.oneof(policies, preferences);

const candidates: fc.Arbitrary<PolicyCandidate> = fc.record({
  model: fc.constantFrom(...models),
  providerNames: fc.constantFrom(['openai', 'openai/eu'], ['openai'], ['groq'], ['lab']),
  retains: fc.boolean(),
  trains: fc.boolean(),
  region: fc.constantFrom('eu', 'us', undefined),
});
const prices = fc.record(
  Object.fromEntries(PRICE_KINDS.map((kind) => [kind, fc.bigInt({ min: 0n, max: 9n })])) as Record<
    (typeof PRICE_KINDS)[number],
    fc.Arbitrary<bigint>
  >,
);

const admits = (by: PolicyRules, candidate: PolicyCandidate, at: Record<string, bigint>): boolean =>
  refusedBy(by, candidate) === undefined && priceAboveCeiling(by, (kind) => at[kind] ?? 0n) === undefined;

describe('merged rules', () => {
  it('a child never widens its parent', () =>
    fc.assert(
      fc.property(rules, rules, candidates, prices, (parent, child, candidate, at) => {
        if (admits(narrow(parent, child), candidate, at)) expect(admits(parent, candidate, at)).toBe(true);
      }),
      { numRuns: 2_000 },
    ));

  it('admit exactly what every layer admits', () =>
    fc.assert(
      fc.property(fc.array(rules, { maxLength: 4 }), candidates, prices, (layers, candidate, at) => {
        expect(admits(mergeRules(layers), candidate, at)).toBe(layers.every((layer) => admits(layer, candidate, at)));
      }),
      { numRuns: 2_000 },
    ));

  it('admit the same in whatever order the layers come', () =>
    fc.assert(
      fc.property(rules, rules, candidates, prices, (one, other, candidate, at) => {
        expect(admits(narrow(one, other), candidate, at)).toBe(admits(narrow(other, one), candidate, at));
      }),
    ));
});
