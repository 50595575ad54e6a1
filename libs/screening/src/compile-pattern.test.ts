// Patterns that are taken, and what is said of those that are not, one line a case.
import { compilePattern, isPatternProblem } from './compile-pattern.js';
import { scanNow } from './scan.js';

const found = (pattern: string, text: string): string[] => {
  const compiled = compilePattern(pattern);
  if (isPatternProblem(compiled)) throw new Error(compiled.problem);
  return scanNow(compiled, text, 0, true).matches.map(({ start, end }) => text.slice(start, end));
};

it.each<[string, string, string[]]>([
  ['\\bsk-[a-z]{3}\\b', 'sk-abc xsk-abc sk-abcd', ['sk-abc']],
  ['(?i)projekt [αβ]+', 'Projekt αβ, PROJEKT β', ['Projekt αβ', 'PROJEKT β']],
  ['^a|a$', 'aba', ['a', 'a']],
  ['(?m)^b', 'a\nb', ['b']],
  ['x*y|\\b', 'a xxy', ['xxy']],
])('%s', (pattern, text, expected) => expect(found(pattern, text)).toEqual(expected));

it.each<[string, string, number | undefined]>([
  ['ab(c', 'missing closing )', 2],
  ['a(b[)](c)', 'missing closing )', 1],
  ['ab[z-a]', 'invalid character class range', 3],
  ['ab(?=x)', 'invalid or unsupported Perl syntax', 2],
  ['(a)\\1', 'invalid escape sequence', 3],
  ['a**', 'invalid nested repetition operator', 1],
  ['a{2000}', 'invalid repeat count', 1],
  ['a*', 'matches a text of no characters', undefined],
  ['(?:a{0,100}){0,9}b', 'is too large', undefined],
  ['a'.repeat(5_000), 'has more than 4096 characters', undefined],
])('%s does not', (pattern, problem, position) => {
  const compiled = compilePattern(pattern);
  if (!isPatternProblem(compiled)) throw new Error('it compiled');
  expect(compiled.problem).toContain(problem);
  expect(compiled.position).toBe(position);
});

it.each(['(a+)+$', '(?:[ab]?){200}[cd]', '(?:a|aa)+z', 'a.*[yz]|a', '(.*)(.*)(.*)(.*)x'])(
  'one look with %s costs no more than its program times what it looks at',
  (pattern) => {
    const compiled = compilePattern(pattern);
    if (isPatternProblem(compiled)) throw new Error(compiled.problem);
    const lengths: number[] = [];
    const counting = {
      ...compiled,
      find: (_text: string, from: number, end: number) => {
        lengths.push(end - from);
        return undefined;
      },
    };
    scanNow(counting, 'a'.repeat(200_000), 0, true);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(compiled.stepCharacters + compiled.windowCharacters);
  },
);
