// What a client is told of an empty plan, one line a case.
import { EXCLUSION_RULES } from '@waystation/contracts';
import { availabilityOf, codeFor, isPassing, type Rule } from './availability.js';

const told = (...rules: (Rule | [Rule, string])[]) =>
  availabilityOf(
    ['a/b'],
    rules.map((each, index) => {
      const [rule, detail] = typeof each === 'string' ? [each] : each;
      return { model: 'a/b', provider: `p${index}`, rule, ...(detail === undefined ? {} : { detail }) };
    }),
  );

describe('an empty plan', () => {
  it.each<[string, Rule[], string, string, string[]]>([
    ['zero retention alone', ['data_policy:zdr'], 'no_endpoints', 'privacy_restricted', ['data_policy:zdr']],
    [
      'any of the data policies',
      ['data_policy:zdr', 'data_policy:training'],
      ...(['no_endpoints', 'privacy_restricted'] as const),
      ['data_policy:zdr', 'data_policy:training'],
    ],
    ['the region', ['data_region'], 'permission_denied', 'region_restricted', ['data_region']],
    ['a price', ['max_price'], 'no_endpoints', 'constraint_filtered', ['max_price']],
    [
      'lists of providers, each told once',
      ['not_in_only', 'ignored', 'not_in_order', 'allowed_providers'],
      ...(['no_endpoints', 'constraint_filtered'] as const),
      ['allowed_providers'],
    ],
    ['a long prompt', ['context_length'], 'context_length_exceeded', 'constraint_filtered', ['context_length']],
    ['being disabled', ['disabled'], 'no_endpoints', 'model_unavailable_upstream', ['disabled']],
    ['having no key', ['no_credential'], 'no_endpoints', 'no_endpoints', ['no_credential']],
    ['health', ['down', 'resting'], 'provider_overloaded', 'temporarily_unavailable', ['down', 'resting']],
    ['capacity', ['capacity', 'resting'], 'credential_full', 'capacity_exhausted', ['capacity', 'resting']],
    [
      'capacity, beside what a policy forbids',
      ['data_policy:zdr', 'capacity'],
      ...(['credential_full', 'capacity_exhausted'] as const),
      ['data_policy:zdr', 'capacity'],
    ],
    [
      'several causes',
      ['max_price', 'data_policy:zdr'],
      'no_endpoints',
      'no_endpoints',
      ['max_price', 'data_policy:zdr'],
    ],
    [
      'a region and a price',
      ['data_region', 'max_price'],
      'no_endpoints',
      'no_endpoints',
      ['data_region', 'max_price'],
    ],
    ['nothing', [], 'no_endpoints', 'no_endpoints', []],
  ])('that is empty by %s says so', (_name, rules, error, code, excludedBy) => {
    expect(codeFor(rules)).toBe(error);
    expect(told(...rules)).toMatchObject({ code, excludedBy, requestedModels: ['a/b'] });
    expect(told(...rules)['affectedProviders']).toEqual(rules.map((_rule, index) => `p${index}`));
  });

  it('names the member to change where one alone is in the way', () => {
    expect(told(['max_price', 'prompt'], ['max_price', 'completion'])['constraint']).toEqual({
      field: 'provider.max_price',
      detail: 'prompt, completion',
    });
    expect(told('not_in_only')['constraint']).toEqual({ field: 'provider.only' });
    expect(told('not_in_only', 'max_price')['constraint']).toBeUndefined();
    expect(told('data_policy:zdr')['constraint']).toBeUndefined();
  });

  it('is retryable exactly where a rule passes with time: what it excludes may serve as far as all others go', () => {
    for (const rule of EXCLUSION_RULES) {
      expect(told(rule)['retryable']).toBe(isPassing(rule));
      expect(told(rule, 'max_price')['retryable']).toBe(isPassing(rule));
    }
    expect(EXCLUSION_RULES.filter(isPassing)).toEqual(['capacity', 'down', 'resting']);
  });
});
