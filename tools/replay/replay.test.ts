// What the command line of `npm run replay` means, what is refused, and how differences are told.
import { decisionChange, type DecisionDifference } from '@waystation/contracts';
import { sumDifferences } from '@waystation/routing';
import { UsageFault } from '../ledger/command.ts';
import { readAsked } from './read-asked.ts';
import { tellText } from './tell-text.ts';

const FILES: Readonly<Record<string, string>> = {
  '/home/p.json': '{"enforce_zdr": true}',
  '/home/slip.json': '{"zrd": true}',
  '/home/b.json': '{"lab/one@a": {"input": "0.10"}}',
  '/home/no.json': 'zdr: true',
};
const read = (line: string) =>
  readAsked(
    line.split(' '),
    {},
    '/home',
    (file) => FILES[file] ?? '',
    (value) => decisionChange.safeParse(value),
  );
const TIMES = '--from 2026-11-01T00:00Z --to 2026-11-02T00:00Z';

test.each<[string, object]>([
  ['', {}],
  ['--present --stable', { against: 'present', health: 'stable' }],
  ['--policy p.json', { policy: { enforce_zdr: true } }],
  ['--prices b.json', { prices: { 'lab/one@a': { input: '0.10' } } }],
  ['--exclude-provider a --exclude-provider b --down e', { exclude_providers: ['a', 'b'], down: ['e'] }],
])('"%s" changes exactly that', (more, change) => {
  expect(read(`${TIMES} ${more}`.trim())).toMatchObject({ change, from: 1_793_491_200_000, format: 'text' });
  expect(read(`${TIMES} ${more}`.trim()).change).toEqual(change);
});

test.each([
  ['--from 2026-11-01T00:00Z', '--to must be an ISO 8601 time, not missing'],
  ['--from 2026-11-02T00:00Z --to 2026-11-01T00:00Z', '--to must be after --from'],
  [`${TIMES} --json --csv`, '--json and --csv exclude each other'],
  [`${TIMES} --policy slip.json`, 'policy: Unrecognized key: "zrd"'],
  [`${TIMES} --policy no.json`, '--policy /home/no.json: Unexpected token'],
  [`${TIMES} --frobnicate`, "Unknown option '--frobnicate'"],
])('"%s" is refused', (line, problem) => {
  expect(() => read(line)).toThrow(UsageFault);
  expect(() => read(line)).toThrow(problem);
});

const row = (over: Partial<DecisionDifference>): DecisionDifference => ({
  ...{
    generationId: 'gen-1700000000-00000000000000000000',
    createdAt: 0,
    keyHash: 'a'.repeat(64),
    models: ['lab/one'],
  },
  ...{ result: 'same', costBefore: '1000000', costAfter: '1000000', difference: '0' },
  ...over,
});

test('sums come first, then who is affected most, then what differs', () => {
  const rows = [
    row({}),
    row({
      keyHash: 'b'.repeat(64),
      result: 'moved',
      costAfter: '3000000',
      difference: '2000000',
      because: 'So it is.',
    }),
    row({ keyHash: 'b'.repeat(64), result: 'refused', costAfter: undefined, difference: undefined }),
  ];
  expect(tellText(rows, sumDifferences(rows)).split('\n')).toEqual([
    '                  decisions  moved  refused  unplanned  USD before  USD after  difference',
    'all               3          1      1        0          0.000002    0.000004   +0.000002',
    'key bbbbbbbbbbbb  2          1      1        0          0.000001    0.000003   +0.000002',
    'key aaaaaaaaaaaa  1          0      0        0          0.000001    0.000001   0',
    '',
    'generation                           result   before  after  USD        because',
    'gen-1700000000-00000000000000000000  moved    –       –      +0.000002  So it is.',
    'gen-1700000000-00000000000000000000  refused  –       –      –',
    '',
  ]);
});
