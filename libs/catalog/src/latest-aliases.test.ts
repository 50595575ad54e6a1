// Which model an alias of the newest stands for, one line a case.
import { latestAliases } from './latest-aliases.js';

const DAY = 86_400;

describe('the alias of the newest of a family', () => {
  it.each<[string, Record<string, number>, string, string | undefined]>([
    ['by day', { 'a/opus-4': DAY, 'a/opus-4.5': 3 * DAY, 'a/opus-4.1': 2 * DAY }, '~a/opus-latest', 'a/opus-4.5'],
    ['by version where days are not known', { 'a/opus-4.9': 0, 'a/opus-4.10': 0 }, '~a/opus-latest', 'a/opus-4.10'],
    [
      'with the version inside',
      { 'a/claude-3.7-sonnet': 0, 'a/claude-sonnet-4': 0 },
      '~a/claude-sonnet-latest',
      'a/claude-sonnet-4',
    ],
    ['with a day of its own', { 'a/mini-20250929': 1, 'a/mini-001': 0 }, '~a/mini-latest', 'a/mini-20250929'],
    [
      'with a letter behind the version',
      { 'o/gpt-4o-mini': 1, 'o/gpt-5-mini': 2 },
      '~o/gpt-mini-latest',
      'o/gpt-5-mini',
    ],
    ['of a smaller model apart', { 'o/gpt-5': 1, 'o/gpt-5.1-mini': 2 }, '~o/gpt-latest', 'o/gpt-5'],
    ['of one size apart', { 'm/llama-3-8b': 1, 'm/llama-3.1-70b': 2 }, '~m/llama-8b-latest', 'm/llama-3-8b'],
    ['of another author apart', { 'a/opus-4': 1, 'b/opus-5': 2 }, '~a/opus-latest', 'a/opus-4'],
    ['of a catalogue variant apart', { 'a/opus-4:free': 1, 'a/opus-5': 2 }, '~a/opus-latest:free', 'a/opus-4:free'],
    ['of a preview apart', { 'g/pro-2': 1, 'g/pro-3-preview': 2 }, '~g/pro-latest', 'g/pro-2'],
    ['whose id says so itself', { 'o/chat-latest': 1 }, '~o/chat-latest', 'o/chat-latest'],
    ['that has no versions', { 'o/o3': 1 }, '~o/o3-latest', 'o/o3'],
    ['of versions alone is none', { 'a/4.5': 1 }, '~a/-latest', undefined],
    ['of what has no author is none', { opus: 1 }, '~/opus-latest', undefined],
    ['that nobody has is none', { 'a/opus-4': 1 }, '~a/haiku-latest', undefined],
  ])('%s', (_name, models, alias, id) => {
    const dated = Object.entries(models).map(([each, created]) => ({ id: each, created }));
    expect(latestAliases(dated).get(alias)).toBe(id);
    expect(latestAliases([...dated].reverse()).get(alias)).toBe(id);
  });
});
