// Conditions of task rules: what compiles, what is refused and where, and that no condition can loop, match patterns or throw.
import fc from 'fast-check';
import { compileCondition, compileRules, faultOfRules, isFault, ruleFor } from './compile-rules.js';
import { DEFAULT_RULES } from './default-rules.js';
import type { TaskFeatures } from './task-features.js';

const features: TaskFeatures = {
  ...{ task: 'chat', difficulty: 'easy', language: 'en', sensitive: false, tokens: 100, max_output: 0, messages: 1 },
  ...{ tools: 0, images: false, files: false, audio: false, json: false, stream: false, api: 'chat' },
  ...{ hour: 9, weekday: 1, budget_left: 1 },
};

describe('a condition', () => {
  it.each<[string, Partial<TaskFeatures>, boolean]>([
    ['task == "code" && tokens > 100', { task: 'code', tokens: 101 }, true],
    ['task == "code" && tokens > 100', { task: 'code', tokens: 100 }, false],
    ['language in ["de", "fr"]', { language: 'de' }, true],
    ['hour >= 22 || hour < 6', { hour: 3 }, true],
    ['budget_left < 0.25', { budget_left: 0.2 }, true],
    ['task.startsWith("c")', { task: 'chat' }, true],
    ['!images && json', { json: true }, true],
    ['tokens / tools > 1', { tools: 0 }, false],
  ])('%s of %j is %s', (text, more, holds) => {
    const compiled = compileCondition(text);
    if (isFault(compiled)) throw new Error(compiled.problem);
    expect(compiled.holds({ ...features, ...more })).toBe(holds);
  });

  it.each([
    ['task == ', 9, /Unexpected token/],
    ['task == "a" && nope > 1', 16, /Unknown variable: nope/],
    ['tokens + 1', 1, /must be true or false/],
    ['task + 1 == ""', 1, /no such overload/],
    ['task.matches("(a+)+$")', 1, /matches\(\) cannot be used here/],
    ['[1, 2].exists(x, x > 1)', 1, /exists\(\) cannot be used here/],
    ['{"a": 1} == {"a": 1}', 1, /maps cannot be used here/],
    [Array.from({ length: 200 }, () => 'json').join(' && '), 1, /./],
  ])('%s is refused at character %i', (text, position, problem) => {
    const compiled = compileCondition(text);
    if (!isFault(compiled)) throw new Error('it compiled');
    expect(compiled.problem).toMatch(problem);
    if (text.length < 100) expect(compiled.position).toBe(position);
  });

  it('of any text compiles to an answer or to a fault with a place, and never throws', () => {
    const pieces = fc.constantFrom(
      'task',
      '==',
      '"a"',
      '(',
      ')',
      '&&',
      '!',
      'tokens',
      '>',
      '1',
      '[',
      ']',
      '.',
      'size',
      '?',
      ':',
      '{',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const compiled = compileCondition(parts.join(' '));
        if (isFault(compiled)) expect(compiled.position).toBeGreaterThanOrEqual(1);
        else expect(typeof compiled.holds(features)).toBe('boolean');
      }),
    );
  });

  it('knows what it speaks of', () => {
    const compiled = compileCondition('sensitive || tokens > 5');
    expect(isFault(compiled) ? [] : [...compiled.features]).toEqual(['sensitive', 'tokens']);
  });
});

describe('rules', () => {
  it.each([
    [[{ name: 'a', when: 'true' }], 'rules[0]: rule "a" chooses nothing; give it models, a tier or both'],
    [
      [
        { name: 'a', when: 'true', tier: 'low' as const },
        { name: 'a', when: 'true', tier: 'low' as const },
      ],
      'rules[1].name: "a" stands there more than once',
    ],
    [
      [{ name: 'night', when: 'hour >', tier: 'low' as const }],
      'rules[0].when: Unexpected token: EOF (rule "night", at character 7 of "hour >")',
    ],
  ])('%j have the fault %s', (rules, fault) => {
    expect(faultOfRules(rules)).toBe(fault);
  });

  it.each<[Partial<TaskFeatures>, string]>([
    [{ task: 'title' }, 'titles'],
    [{ task: 'classification' }, 'classification'],
    [{ task: 'classification', difficulty: 'hard' }, 'hard'],
    [{ task: 'chat', tools: 2 }, 'agents'],
    [{ task: 'title', tools: 1 }, 'agents'],
    [{ task: 'code' }, 'code'],
    [{ task: 'code', difficulty: 'hard' }, 'hard-code'],
    [{ task: 'analysis' }, 'analysis'],
    [{ task: 'analysis', difficulty: 'hard' }, 'hard-analysis'],
    [{ task: 'long-text' }, 'long-text'],
    [{ tokens: 40_000 }, 'long-text'],
    [{ task: 'code', sensitive: true }, 'sensitive'],
    [{ task: 'code', budget_left: 0.05 }, 'budget-nearly-spent'],
    [{}, 'anything-else'],
  ])('of the station decide %j by %s', (more, name) => {
    expect(faultOfRules(DEFAULT_RULES)).toBeUndefined();
    expect(ruleFor(compileRules(DEFAULT_RULES), { ...features, ...more })?.name).toBe(name);
  });

  it('that this release cannot read decide nothing', () => {
    expect(compileRules([{ name: 'old', when: 'gone == 1', tier: 'low' }]).rules).toEqual([]);
  });
});
