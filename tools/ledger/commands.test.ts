// When a command says that the books disagree, which is what its exit code is made of; and that it asks for exactly what was said.
import { UsageFault, type Books, type Command, type Output, type Values } from './command.ts';
import { disagreements } from './disagreements.ts';
import { focus } from './focus.ts';
import { rebuild } from './rebuild.ts';
import { reconcile } from './reconcile.ts';
import { replayDeadLetters } from './replay-dead-letters.ts';
import { rerate } from './rerate.ts';
import { usage } from './usage.ts';
import { verify } from './verify.ts';

/** Billing that gives these answers in turn, and what it was asked. */
const answering = (...answers: readonly unknown[]) => {
  const asked: { name: string; request: object }[] = [];
  const books: Books = {
    ask: (contract, request) => {
      asked.push({ name: contract.name, request });
      return Promise.resolve(contract.reply.parse(answers[asked.length - 1]));
    },
    upstreamModels: () => Promise.resolve([]),
  };
  return { books, asked };
};

const valuesOf = (values: Readonly<Record<string, string | boolean | readonly string[]>>): Values => ({
  flag: (name) => values[name] === true,
  text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
  texts: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
});

const run = async (
  command: Command,
  words: readonly string[],
  values: Parameters<typeof valuesOf>[0],
  ...answers: readonly unknown[]
) => {
  const { books, asked } = answering(...answers);
  const said: string[] = [];
  let text = '';
  const output: Output = {
    onlyJson: false,
    say: (line) => void said.push(line),
    json: () => undefined,
    document: (part) => {
      text += part;
      return Promise.resolve();
    },
  };
  return { isGood: await command.run(books, words, valuesOf(values), output), said, text, asked };
};

const report = { entries: 4, debits: '10', credits: '10', openLeases: 0, problems: [] as string[] };

test.each([
  ['a ledger that holds', report, true, /^The ledger holds: 4 entries/],
  ['a problem', { ...report, problems: ['entry 7 was altered'] }, false, /^entry 7 was altered$/],
  ['two sides that differ', { ...report, credits: '9' }, false, /^debits 10 are not credits 9$/],
])('verify: %s', async (_what, answer, isGood, first) => {
  const outcome = await run(verify, [], {}, answer);
  expect(outcome.isGood).toBe(isGood);
  expect(outcome.said[0]).toMatch(first);
});

test.each([
  [false, 0, true],
  [false, 2, false],
  [true, 2, true],
])('rebuild with repair %s and %i differences', async (repair, differenceCount, isGood) => {
  const checked = { balances: 1, quotas: 1, keyUsage: 1 };
  const answer = { checked, differences: [], differenceCount, repaired: repair };
  const outcome = await run(rebuild, [], { repair }, answer);
  expect([outcome.isGood, outcome.asked[0]?.request]).toEqual([isGood, { repair }]);
});

test('a dead letter that is still bad is exit code 1', async () => {
  const letter = { id: 1, position: '1/0', receivedAt: 0, reason: 'x', result: 'replayed' };
  expect((await run(replayDeadLetters, [], {}, { letters: [letter], left: 0 })).isGood).toBe(true);
  const bad = { letters: [{ ...letter, result: 'still-bad' }], left: 1 };
  const outcome = await run(replayDeadLetters, [], { id: ['1', '2'], since: '2026-01-01T00:00Z' }, bad);
  expect([outcome.isGood, outcome.asked[0]?.request]).toEqual([
    false,
    { ids: [1, 2], since: Date.parse('2026-01-01T00:00Z'), limit: 100, dryRun: false },
  ]);
});

const disagreement = (id: number, difference: string) => ({
  ...{ id, workspaceId: 'ws', kind: 'usage', difference, foundAt: Date.UTC(2026, 0, 2) },
  attemptId: 'att-1700000000-abcdefghijklmnopqrst-0',
  generationId: 'gen-1700000000-abcdefghijklmnopqrst',
  ingress: { outcome: 'completed', usage: { input: 10, output: 20 }, usageSource: 'provider' },
  worker: { outcome: 'completed' },
  priceVersion: `price-${'0'.repeat(32)}`,
});

test('no disagreement of witnesses is exit code 0, any is exit code 1 and a line of a table', async () => {
  expect(await run(disagreements, [], {}, { disagreements: [] })).toMatchObject({
    ...{ isGood: true, said: ['No witnesses disagree.'], asked: [{ request: { limit: 500 } }] },
  });
  const values = { workspace: 'ws', since: '2026-01-01T00:00Z' };
  const { isGood, said, asked } = await run(disagreements, [], values, {
    disagreements: [disagreement(7, '20'), disagreement(3, '-5')],
  });
  expect([isGood, asked]).toMatchObject([false, [{ request: { workspaceId: 'ws', since: Date.UTC(2026, 0, 1) } }]]);
  expect(said[0]).toMatch(/^found +workspace +attempt +what differs +ingress \(charged\) +worker +USD beyond/);
  expect(said[1]).toMatch(
    /^2026-01-02T00:00:00.000Z +ws +att-\S+ +usage +completed: 10 input, 20 output \(provider\) +completed: no usage +0\.00000000002$/,
  );
  expect(said.at(-1)).toMatch(/^2 in all; by the workers' counts 0\.000000000015 USD beyond/);
});

test('disagreements are asked for page by page, and no more than are wanted', async () => {
  const page = Array.from({ length: 500 }, (_, index) => disagreement(1_000 - index, '1'));
  const { asked, said } = await run(
    disagreements,
    [],
    { limit: '502' },
    { disagreements: page },
    { disagreements: page.slice(0, 2) },
  );
  expect(asked.map(({ request }) => request)).toEqual([{ limit: 500 }, { limit: 2, before: 501 }]);
  expect(said.at(-1)).toMatch(/^There may be more/);
});

test('an exception of a reconciliation is exit code 1', async () => {
  const values = { provider: 'p', from: '2026-01-01', to: '2026-01-02', book: true };
  const row = { day: '2026-01-01', model: 'm', ours: '1', theirs: '2', booked: '1', difference: '0' };
  const answer = { rows: [row], ours: '1', theirs: '2', booked: '1', truncated: false };
  expect((await run(reconcile, ['report'], values, answer)).isGood).toBe(true);
  const rows = [{ ...row, exception: 'not-billed' }];
  expect((await run(reconcile, ['report'], values, { ...answer, rows })).isGood).toBe(false);
});

test('an export is every part behind one header', async () => {
  const parts = [
    { header: 'H\r\n', lines: '1\r\n', next: '2026-01-02/0' },
    { header: 'H\r\n', lines: '2\r\n' },
  ];
  const { text, asked } = await run(focus, ['ws', '2026-01'], {}, ...parts);
  expect(text).toBe('H\r\n1\r\n2\r\n');
  expect(asked.map(({ request }) => request)).toMatchObject([{ workspaceId: 'ws' }, { after: '2026-01-02/0' }]);
});

test('a re-rating is applied until it is finished', async () => {
  const nothing = { charged: '0', waste: '0', variance: '0', byok: '0', surcharge: '0' };
  const totals = {
    attempts: 1,
    changed: 1,
    before: nothing,
    after: nothing,
    chargedDifference: '0',
    payableDifference: '0',
  };
  const priceVersion = `price-${'0'.repeat(32)}`;
  const selection = { provider: 'p', from: 0, to: 1_000 };
  const running = {
    rerateId: 'fix-00001',
    selection,
    priceVersion,
    reason: 'x',
    state: 'running',
    startedAt: 0,
    totals,
  };
  const values = {
    provider: 'p',
    from: '1970-01-01T00:00Z',
    to: '1970-01-01T00:00:01Z',
    price: priceVersion,
    reason: 'x',
  };
  const answers = [{ run: running }, { run: running }, { run: { ...running, state: 'finished' } }];
  const { isGood, asked } = await run(rerate, ['apply', 'fix-00001'], values, ...answers);
  expect([isGood, asked.length]).toEqual([true, 3]);
  expect(asked[2]?.request).toEqual({ rerateId: 'fix-00001', selection, priceVersion, reason: 'x' });
});

test.each<[Command, readonly string[], Parameters<typeof valuesOf>[0]]>([
  [usage, [], { from: '2026-01-01' }],
  [usage, [], { from: '2026-01-01', to: '2026-01-02', by: 'colour' }],
  [reconcile, ['import'], {}],
  [reconcile, ['import', 'f'], { format: 'pdf' }],
  [reconcile, ['import', 'f'], { format: 'csv', model: ['=x'] }],
  [reconcile, ['import', '/nowhere/bill.csv'], { format: 'csv', provider: 'p' }],
  [reconcile, ['guess'], {}],
  [reconcile, ['report'], { provider: 'p', from: '2026-01-32', to: '2026-02-01' }],
  [rerate, ['apply'], {}],
  [rerate, ['plan'], { provider: 'p' }],
  [disagreements, [], { since: 'monday' }],
  [disagreements, [], { limit: 'all' }],
  [replayDeadLetters, [], { limit: '0' }],
  [replayDeadLetters, [], { since: 'monday' }],
  [focus, ['ws', '2026-00'], {}],
])('%# makes no sense, and nobody is asked', async (command, words, values) => {
  await expect(run(command, words, values)).rejects.toThrow(UsageFault);
});
