// Merged rules on one endpoint, one line a case.
import type { PolicyEntry } from '@waystation/contracts';
import { mergeRules, NO_RULES, rulesOfPolicy, rulesOfPreferences, type PolicyRules } from './policy.js';
import { priceAboveCeiling, refusedBy, type PolicyCandidate } from './refuse.js';

const policy = (more: Partial<PolicyEntry>): PolicyRules => rulesOfPolicy({ v: 1, version: 1, id: 'p', ...more });
const vertex: PolicyCandidate = {
  model: 'google/gemini',
  providerNames: ['google-vertex', 'google-vertex/us-east5', 'google vertex'],
  retains: false,
  trains: false,
  region: 'us',
};

describe('rules on an endpoint', () => {
  it.each<[string, PolicyRules[], Partial<PolicyCandidate>, string | undefined]>([
    ['no rules admit everything', [], { retains: true, trains: true }, undefined],
    ['an allow-list names the base slug', [policy({ allowedProviders: ['google-vertex'] })], {}, undefined],
    ['an allow-list names the full tag', [policy({ allowedProviders: ['google-vertex/us-east5'] })], {}, undefined],
    ['an allow-list names the display name', [policy({ allowedProviders: ['Google Vertex'] })], {}, undefined],
    [
      'another region of the same provider is not meant',
      [policy({ allowedProviders: ['google-vertex/eu'] })],
      {},
      'allowed_providers',
    ],
    ['an empty allow-list admits nothing', [policy({ allowedProviders: [] })], {}, 'allowed_providers'],
    [
      'allow-lists intersect',
      [policy({ allowedProviders: ['google-vertex'] }), policy({ allowedProviders: ['openai'] })],
      {},
      'allowed_providers',
    ],
    [
      'an intersection may still admit',
      [
        policy({ allowedProviders: ['google-vertex'] }),
        policy({ allowedProviders: ['google-vertex/us-east5', 'openai'] }),
      ],
      {},
      undefined,
    ],
    [
      'deny-lists unite',
      [policy({ ignoredProviders: ['openai'] }), policy({ ignoredProviders: ['google-vertex'] })],
      {},
      'ignored',
    ],
    ['a model that is not allowed', [policy({ allowedModels: ['openai/gpt-4o'] })], {}, 'allowed_models'],
    ['a model that is denied', [policy({ ignoredModels: ['Google/Gemini'] })], {}, 'allowed_models'],
    [
      'zero retention of the workspace holds for a request that is silent',
      [policy({ zdr: true }), rulesOfPreferences({})],
      { retains: true },
      'data_policy:zdr',
    ],
    [
      'zero retention cannot be taken back by a child',
      [policy({ zdr: true }), rulesOfPreferences({ zdr: false }), policy({ zdr: false })],
      { retains: true },
      'data_policy:zdr',
    ],
    ...(
      [
        ['google/gemini', 'google', 'data_policy:zdr'],
        ['x-ai/grok', 'xai', 'data_policy:zdr'],
        ['google/gemini', 'other', undefined],
        ['googlers/gemini', 'google', undefined],
        ['googlers/gemini', 'other', 'data_policy:zdr'],
        ['gemini', 'other', 'data_policy:zdr'],
      ] as const
    ).map(([model, group, rule]): [string, PolicyRules[], Partial<PolicyCandidate>, string | undefined] => [
      `zero retention for ${group} and the model ${model}`,
      [policy({ zdrGroups: [group] }), policy({ zdrGroups: [] })],
      { model, retains: true },
      rule,
    ]),
    [
      'training is denied',
      [policy({ dataCollection: 'deny' }), rulesOfPreferences({ dataCollection: 'allow' })],
      { trains: true },
      'data_policy:training',
    ],
    [
      'retention counts as collection',
      [rulesOfPreferences({ dataCollection: 'deny' })],
      { retains: true },
      'data_policy:training',
    ],
    ['a region', [policy({ regions: ['eu'] })], {}, 'data_region'],
    ['a region that nobody knows is in no list', [policy({ regions: ['us'] })], { region: undefined }, 'data_region'],
  ])('%s', (_name, layers, more, rule) => {
    expect(refusedBy(mergeRules(layers), { ...vertex, ...more })).toBe(rule);
  });

  it('ceilings take the lower, kind by kind', () => {
    const rules = mergeRules([
      rulesOfPreferences({ maxPrice: { prompt: '10', request: '5' } }),
      rulesOfPreferences({ maxPrice: { prompt: '20', completion: '7' } }),
    ]);
    expect(rules.priceCeiling).toEqual({ prompt: 10n, completion: 7n, request: 5n });
    expect(priceAboveCeiling(rules, (kind) => (kind === 'prompt' ? 10n : 0n))).toBeUndefined();
    expect(priceAboveCeiling(rules, (kind) => (kind === 'completion' ? 8n : 0n))).toBe('completion');
  });

  it('the innermost order wins, since an order restricts nothing', () => {
    expect(mergeRules([policy({ sort: 'price' }), policy({}), policy({ sort: 'latency' })]).sort).toBe('latency');
    expect(mergeRules([policy({ sort: 'price' }), NO_RULES]).sort).toBe('price');
  });
});
