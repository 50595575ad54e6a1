// Which budgets of guardrails a key is under, and the quota of each.
import { quotaRef, type KeyEntry, type PolicyEntry } from '@waystation/contracts';
import { guardrailBudgetsOf, quotaOfGuardrail, type GuardrailBudget } from './guardrail-budgets.js';

const HASH = 'a'.repeat(64);
type Key = Parameters<typeof guardrailBudgetsOf>[0];
const budget: NonNullable<PolicyEntry['budget']> = { limit: '5', window: 'day', includeByok: false };
const policyOf = (id: string): PolicyEntry => ({ v: 1, version: 1, id, ...(id === 'plain' ? {} : { budget }) });
const told = (key: Partial<KeyEntry>, workspacePolicyId?: string): string[] =>
  guardrailBudgetsOf(
    { hash: HASH, ...key } as Key,
    workspacePolicyId === undefined ? {} : { policyId: workspacePolicyId },
    policyOf,
  ).map(({ guardrailId, subject }) => `${guardrailId} of ${subject.scope} ${subject.id === HASH ? 'k' : subject.id}`);

describe('guardrailBudgetsOf', () => {
  const member = { memberId: 'jane' };
  test.each<[string, Partial<KeyEntry>, string | undefined, string[]]>([
    ['a key under none', {}, undefined, []],
    ['one that is assigned to the key counts what the key spends', { policyId: 'g' }, undefined, ['g of key k']],
    [
      'one that is assigned to its member counts what the member spends',
      { ...member, memberPolicyId: 'g' },
      undefined,
      ['g of member jane'],
    ],
    ['the default counts for the key where it belongs to nobody', {}, 'd', ['d of key k']],
    ['the default counts for the member where it belongs to one', member, 'd', ['d of member jane']],
    [
      'all three are met at once',
      { ...member, memberPolicyId: 'm', policyId: 'k' },
      'd',
      ['d of member jane', 'm of member jane', 'k of key k'],
    ],
    ['the same one twice for a member is met once', { ...member, memberPolicyId: 'd' }, 'd', ['d of member jane']],
    ['the same one twice for a key is met once', { policyId: 'd' }, 'd', ['d of key k']],
    [
      'the same one for a key and its member is two budgets',
      { ...member, memberPolicyId: 'g', policyId: 'g' },
      undefined,
      ['g of member jane', 'g of key k'],
    ],
    ['one without a budget is no quota', { policyId: 'plain' }, 'plain', []],
  ])('%s', (_name, key, workspacePolicyId, expected) => {
    expect(told(key, workspacePolicyId)).toEqual(expected);
  });

  test('a guardrail that is not known is not passed over', () => {
    const unknown = (): never => {
      throw new Error('not known');
    };
    expect(() => guardrailBudgetsOf({ hash: HASH, policyId: 'g' }, {}, unknown)).toThrow('not known');
  });
});

describe('quotaOfGuardrail', () => {
  const hash = (text: string): string => text.replaceAll(/[^a-z0-9-]/gi, '').slice(0, 32);
  const NOW = Date.parse('2026-08-06T12:34:56Z');
  const given: GuardrailBudget = { guardrailId: 'g-1', subject: { scope: 'member', id: 'jane' }, budget };

  test('names the guardrail and whose use it counts, in the window of now', () => {
    expect(quotaRef.parse(quotaOfGuardrail(given, 'ws-1', NOW, hash))).toEqual({
      id: `guardrail:member:ws-1g-1jane:usd:day:${Date.parse('2026-08-06T00:00:00Z')}`,
      scope: 'guardrail',
      scopeId: 'g-1',
      metric: 'usd',
      window: 'day',
      windowStart: Date.parse('2026-08-06T00:00:00Z'),
      limit: '5',
      includeByok: false,
      subject: { scope: 'member', id: 'jane' },
    });
  });

  test.each<[string, Partial<GuardrailBudget>]>([
    ['guardrail', { guardrailId: 'g-2' }],
    ['member', { subject: { scope: 'member', id: 'joe' } }],
    ['key', { subject: { scope: 'key', id: 'jane' } }],
    ['window', { budget: { ...budget, window: 'week' } }],
  ])('another %s is another quota', (_name, other) => {
    const id = (of: GuardrailBudget): string => quotaOfGuardrail(of, 'ws-1', NOW, hash).id;
    expect(id({ ...given, ...other })).not.toBe(id(given));
  });

  test('another limit is the same quota, so that raising it keeps what was spent', () => {
    const raised = quotaOfGuardrail({ ...given, budget: { ...budget, limit: '9' } }, 'ws-1', NOW, hash);
    expect(raised.id).toBe(quotaOfGuardrail(given, 'ws-1', NOW, hash).id);
  });
});
