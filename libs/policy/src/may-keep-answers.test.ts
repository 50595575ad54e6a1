// Who forbids that answers are kept, one line a case.
import type { PolicyEntry } from '@waystation/contracts';
import { mayKeepAnswers } from './may-keep-answers.js';
import { mergeRules, rulesOfPolicy, rulesOfPreferences, type PolicyRules } from './policy.js';

const policy = (more: Partial<PolicyEntry>): PolicyRules => rulesOfPolicy({ v: 1, version: 1, id: 'p', ...more });

it.each<[string, PolicyRules[], boolean]>([
  ['nobody says anything', [policy({}), rulesOfPreferences({})], true],
  ['a restriction that is about something else', [policy({ allowedModels: ['a/b'], sort: 'price' })], true],
  ['the workspace has zero retention', [policy({ zdr: true }), rulesOfPreferences({})], false],
  [
    'the workspace has it, and a child would take it back',
    [policy({ zdr: true }), policy({ zdr: false }), rulesOfPreferences({ zdr: false })],
    false,
  ],
  ['the workspace has zero retention for some models', [policy({ zdrGroups: ['xai'] })], false],
  ['the request asks for zero retention', [policy({}), rulesOfPreferences({ zdr: true })], false],
  ['a guardrail denies collection', [policy({}), policy({ dataCollection: 'deny' })], false],
  ['the request denies collection', [rulesOfPreferences({ dataCollection: 'deny' })], false],
  [
    'collection is allowed',
    [policy({ dataCollection: 'allow' }), rulesOfPreferences({ dataCollection: 'allow' })],
    true,
  ],
])('%s', (_name, layers, expected) => {
  expect(mayKeepAnswers(mergeRules(layers))).toBe(expected);
});
