// What providers write is read with every digit, and what cannot be compared is refused in words.
import fc from 'fast-check';
import { WaystationError } from '@waystation/contracts';
import { picodollarsFrom } from './amount.js';
import { readCsv } from './read-csv.js';
import { readExport, type ExportFormat } from './read-export.js';

describe('amounts', () => {
  test.each([
    ['0.06', 12, 60_000_000_000n],
    ['123.45', 10, 1_234_500_000_000n],
    ['-1', 12, -1_000_000_000_000n],
    ['1.5e-5', 12, 15_000_000n],
    ['2E2', 10, 2_000_000_000_000n],
    ['0.0000000000005', 12, 1n],
    ['0.00000000000049', 12, 0n],
    ['-0.0000000000005', 12, -1n],
    ['', 12, undefined],
    ['1,5', 12, undefined],
    ['NaN', 12, undefined],
    ['1e999', 12, undefined],
    ['0x1', 12, undefined],
  ])('%s', (text, scale, expected) => {
    expect(picodollarsFrom(text, scale)).toBe(expected);
  });

  test('every amount of whole picodollars comes back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (pico) => {
        const digits = (pico < 0n ? -pico : pico).toString().padStart(13, '0');
        expect(picodollarsFrom(`${pico < 0n ? '-' : ''}${digits.slice(0, -12)}.${digits.slice(-12)}`, 12)).toBe(pico);
      }),
    );
  });
});

// Shapes as in the providers' references, whose addresses are in read-export.ts.
const openAi = (results: readonly unknown[], end = 1730505600) => ({
  object: 'page',
  data: [{ object: 'bucket', start_time: 1730419200, end_time: end, results }],
  has_more: false,
  next_page: null,
});
const cost = (line_item: string | null, value: number, currency = 'usd') => ({
  object: 'organization.costs.result',
  amount: { value, currency },
  line_item,
  project_id: null,
});
const anthropic = (results: readonly unknown[]) => ({
  data: [{ starting_at: '2025-08-01T00:00:00Z', ending_at: '2025-08-02T00:00:00Z', results }],
  has_more: false,
  next_page: null,
});
const item = (changes: object = {}) => ({
  ...{ currency: 'USD', amount: '123.78912', workspace_id: 'wrkspc_1', cost_type: 'tokens', context_window: '0-200k' },
  ...{
    description: 'Claude Sonnet 4 Usage - Input Tokens',
    model: 'claude-sonnet-4-20250514',
    service_tier: 'standard',
  },
  ...{ token_type: 'uncached_input_tokens', ...changes },
});

const read = (format: ExportFormat, value: unknown) =>
  readExport(format, typeof value === 'string' ? value : JSON.stringify(value)).map(
    ({ day, upstreamModel, amount }) => [day, upstreamModel, amount] as const,
  );

test('OpenAI costs are dollars by line item, one page or many', () => {
  const page = openAi([cost('gpt-4o-2024-08-06, input', 0.06), cost('gpt-4o-2024-08-06, output', 1.25e-7)]);
  const lines = [
    ['2024-11-01', 'gpt-4o-2024-08-06', 60_000_000_000n],
    ['2024-11-01', 'gpt-4o-2024-08-06', 125_000n],
  ];
  expect(read('openai-costs', page)).toEqual(lines);
  expect(read('openai-costs', [page, openAi([])])).toEqual(lines);
});

test('a number of OpenAI keeps digits that a double has not', () => {
  const text = JSON.stringify(openAi([cost('gpt-4o, input', 1)])).replace(
    '"value":1',
    '"value":12345678901.123456789012',
  );
  expect(read('openai-costs', text)).toEqual([['2024-11-01', 'gpt-4o', 12_345_678_901_123_456_789_012n]]);
});

test('Anthropic costs are cents, and what is no model goes by its description', () => {
  expect(
    read('anthropic-cost-report', anthropic([item(), item({ model: null, description: 'Web Search Usage' })])),
  ).toEqual([
    ['2025-08-01', 'claude-sonnet-4-20250514', 1_237_891_200_000n],
    ['2025-08-01', 'Web Search Usage', 1_237_891_200_000n],
  ]);
});

test('a table may quote, end its lines either way and carry more columns', () => {
  expect(read('csv', '\uFEFFDay,model,note,amount_usd,currency\r\n2025-01-31,"lab, ""small""",x,0.5,usd\n')).toEqual([
    ['2025-01-31', 'lab, "small"', 500_000_000_000n],
  ]);
});

test('lines that say the same are told apart, and keep their names in another file', () => {
  const keys = (value: unknown) => readExport('csv', String(value)).map(({ key }) => key);
  const twice = keys('day,model,amount_usd\n2025-01-31,m,1\n2025-01-31,m,1\n');
  expect(new Set(twice).size).toBe(2);
  expect(keys('day,model,amount_usd\n2025-01-31,m,1\n')).toEqual([twice[0]]);
});

test.each<[string, ExportFormat, unknown, string, string]>([
  ['no JSON', 'openai-costs', '{', 'malformed_json', 'not valid JSON'],
  ['another shape', 'openai-costs', { costs: [] }, 'unprocessable', 'shape of its format'],
  [
    'another currency',
    'openai-costs',
    openAi([cost('gpt-4o, input', 1, 'eur')]),
    'unprocessable',
    'gpt-4o, input on 2024-11-01 is in eur',
  ],
  ['no line items', 'openai-costs', openAi([cost(null, 1)]), 'unprocessable', 'group_by=line_item'],
  ['buckets of hours', 'openai-costs', openAi([cost('x', 1)], 1730422800), 'unprocessable', 'one whole UTC day'],
  [
    'no description',
    'anthropic-cost-report',
    anthropic([item({ model: null, description: null, cost_type: null })]),
    'unprocessable',
    'group_by[]=description',
  ],
  [
    'an amount that is none',
    'anthropic-cost-report',
    anthropic([item({ amount: 'much' })]),
    'unprocessable',
    'much is no amount',
  ],
  ['a table without a day', 'csv', 'date,model,amount_usd\n', 'unprocessable', 'must name day'],
  ['a short line', 'csv', 'day,model,amount_usd\n2025-01-31,m\n', 'unprocessable', 'Line 2 has 2 fields'],
  ['a day that is none', 'csv', 'day,model,amount_usd\n31.1.2025,m,1\n', 'unprocessable', '31.1.2025 is no day'],
  [
    'a table in euros',
    'csv',
    'day,model,amount_usd,currency\n2025-01-31,m,1,EUR\n',
    'unprocessable',
    'Line 2 is in EUR',
  ],
  ['an open quote', 'csv', 'day,model,amount_usd\n"2025', 'unprocessable', 'inside a quoted field'],
])('%s is refused', (_what, format, value, code, message) => {
  expect(() => read(format, value)).toThrow(WaystationError);
  expect(() => read(format, value)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) as unknown }),
  );
});

test('any text in any cell of a table comes back', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const text = rows.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(',')).join('\r\n');
      expect(readCsv(text)).toEqual(rows.map((row) => [...row]));
    }),
  );
});
