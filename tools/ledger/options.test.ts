// The operator's command line: what is understood, and what is refused before anybody is asked.
import { UsageFault, type Command } from './command.ts';
import { readInvocation } from './options.ts';
import { helpText } from './help.ts';

const command = (name: string, words: readonly string[] = [], options: Command['options'] = {}): Command => ({
  name,
  words,
  options,
  help: [`does ${name}`],
  run: () => Promise.resolve(true),
});
const COMMANDS = [
  command('verify'),
  command('statement', ['WORKSPACE', 'MONTH'], { format: { type: 'string' }, out: { type: 'string' } }),
  command('reconcile', ['import FILE | report'], {
    model: { type: 'string', multiple: true },
    book: { type: 'boolean' },
  }),
];
const read = (line: string, env: Record<string, string> = {}) =>
  readInvocation(line === '' ? [] : line.split(' '), COMMANDS, env, '/home');

test('a command with its words and options', () => {
  const invocation = read('statement ws 2026-10 --format csv --out s.csv --json');
  expect(invocation).toMatchObject({
    command: { name: 'statement' },
    words: ['ws', '2026-10'],
    json: true,
    out: 's.csv',
  });
  expect(invocation?.values.text('format')).toBe('csv');
  expect(invocation?.values.flag('format')).toBe(false);
});

test('the system is where NATS_URL or the folder says, the option before the variable', () => {
  expect(read('verify')).toMatchObject({ natsUrl: undefined, dataDir: '/home/.waystation', json: false });
  expect(read('verify --data-dir d')).toMatchObject({ dataDir: '/home/d' });
  expect(read('verify', { NATS_URL: 'nats://a' })).toMatchObject({ natsUrl: 'nats://a' });
  expect(read('verify --nats nats://b', { NATS_URL: 'nats://a' })).toMatchObject({ natsUrl: 'nats://b' });
  expect(read('verify', { NATS_URL: '' })).toMatchObject({ natsUrl: undefined });
});

test('options that may be given several times', () => {
  expect(read('reconcile import f --model a=b --model c=d')?.values.texts('model')).toEqual(['a=b', 'c=d']);
  expect(read('reconcile report --book')?.values.flag('book')).toBe(true);
});

test.each(['', 'help', 'verify --help'])('"%s" asks for help', (line) => {
  expect(read(line)).toBeUndefined();
});

test.each([
  'frobnicate',
  'verify now',
  'statement ws',
  'statement ws 2026-10 more',
  'verify --book',
  'reconcile',
  'verify --nats',
])('"%s" makes no sense', (line) => {
  expect(() => read(line)).toThrow(UsageFault);
});

test('the help text shows every command, its words and the exit codes', () => {
  const text = helpText(COMMANDS);
  for (const { name, words, help } of COMMANDS) {
    expect(text).toContain([name, ...words].join(' '));
    for (const line of help) expect(text).toContain(line);
  }
  expect(text).toContain('Exit codes: 0');
});
