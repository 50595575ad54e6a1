// Their bill against our books: a file or line counts once, accepted differences are booked once, exceptions never.
import { postgresDatabase } from '@waystation/testing';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { delivered, generationFinished, newGeneration, testLedger, type TestLedger } from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { importExport, reportDifferences, type ImportRequest } from './reconcile.js';

let ledger: TestLedger;
const at = (time: string): string => newGeneration(Date.parse(time));

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  const priced = (generationId: string, model: string, more: object = {}) =>
    // Without a wallet all of it is variance: owed to the provider, and paid by nobody.
    generationFinished({ generationId, provider: 'acme', ...more }, { model, usage: { input: 100, output: 200 } });
  await settleLines(
    ledger.writer,
    new PriceBook(),
    delivered(
      priced(at('2026-11-01T00:00:00Z'), 'lab/one'),
      priced(at('2026-11-01T23:59:59Z'), 'lab/one'),
      priced(at('2026-11-01T12:00:00Z'), 'lab/one', { byok: true }),
      priced(at('2026-11-01T12:00:00Z'), 'lab/two'),
      priced(at('2026-11-02T00:00:00Z'), 'lab/one'),
      priced(at('2026-11-01T12:00:00Z'), 'lab/one', { provider: 'other' }),
    ),
    { witnessWaitMs: 1, graceMs: 1 },
  );
}, 120_000);
afterAll(() => ledger.drop());

const file = (...lines: readonly string[]): string => ['day,model,amount_usd', ...lines, ''].join('\n');
const add = (text: string, models: ImportRequest['models'] = []) =>
  importExport(ledger.writer, { provider: 'acme', format: 'csv', fileName: 'bill.csv', text, models });
const report = (book = false) =>
  reportDifferences(ledger.writer, { provider: 'acme', from: '2026-11-01', to: '2026-11-02', book });
const counts = () =>
  ledger.asAdmin(
    `select (select count(*) from provider_line) as lines, (select count(*) from entry where kind = 'reconcile') as entries`,
  );

const BILL = file('2026-11-01,one-2026-01-01,0.00000000061', '2026-11-01,two,0.0000000002', '2026-11-01,nine,1');

test('a bill is read once, whichever file brings a line, and a line that changed is refused', async () => {
  expect(await add(BILL)).toMatchObject({ known: false, lines: 3, added: 3, unassigned: [{}, {}, {}] });
  expect(
    await add(BILL, [
      { upstreamModel: 'one', model: 'lab/one' },
      { upstreamModel: 'two', model: 'lab/two' },
    ]),
  ).toMatchObject({
    ...{ known: true, lines: 3, added: 0 },
    unassigned: [{ upstreamModel: 'nine' }],
  });
  expect(await add(BILL.replace('2026-11-01,nine,1\n', ''))).toMatchObject({ known: false, lines: 2, added: 0 });
  const before = await counts();
  await expect(add(BILL.replace('nine,1', 'nine,2'))).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('nine on 2026-11-01') as unknown,
  });
  expect(await counts()).toEqual(before);
});

test('the report sets ours against theirs, and names what cannot be matched', async () => {
  expect(await report()).toEqual([
    { day: '2026-11-01', model: 'lab/one', ours: 600n, theirs: 610n, booked: 0n, difference: 10n },
    { day: '2026-11-01', model: 'lab/two', ours: 300n, theirs: 200n, booked: 0n, difference: -100n },
    {
      ...{ day: '2026-11-01', model: 'nine', ours: 0n, theirs: 10n ** 12n, booked: 0n, difference: 10n ** 12n },
      exception: 'unknown-model',
    },
    {
      ...{ day: '2026-11-02', model: 'lab/one', ours: 300n, theirs: 0n, booked: 0n, difference: -300n },
      exception: 'not-billed',
    },
  ]);
});

const balances = () =>
  ledger.asAdmin<{ account: string; amount: string }>(
    `select account, amount from balance where account in ('variance', 'payable:acme') order by account`,
  );

test('accepted differences are booked to variance once; exceptions stay', async () => {
  expect(await balances()).toEqual([
    { account: 'payable:acme', amount: '1200' },
    { account: 'variance', amount: '-1500' },
  ]);
  const booked = await report(true);
  expect(booked.map(({ difference }) => difference)).toEqual([0n, 0n, 10n ** 12n, -300n]);
  const after = [
    { account: 'payable:acme', amount: '1110' },
    { account: 'variance', amount: '-1410' },
  ];
  expect(await balances()).toEqual(after);
  expect(await report(true)).toEqual(booked);
  expect(await Promise.all([report(true), report(true)])).toEqual([booked, booked]);
  expect(await balances()).toEqual(after);
  expect(await counts()).toMatchObject([{ entries: '2' }]);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

test('a day that is billed later is matched then, and verify names a difference that was altered', async () => {
  await add(file('2026-11-02,one,0.0000000003', '2026-11-02,two,0.0000000001'));
  expect((await report(true)).slice(3)).toMatchObject([
    { day: '2026-11-02', model: 'lab/one', difference: 0n },
    { day: '2026-11-02', model: 'lab/two', exception: 'not-ours' },
  ]);
  await ledger.asAdmin(
    `set session_replication_role = replica; update provider_difference set amount = amount + 1 where model = 'lab/one'`,
  );
  expect((await verifyLedger(ledger.writer)).problems).toEqual([
    expect.stringMatching(/^an accepted difference.*: posting \d+: entries book -90, accepted -89$/),
  ]);
});

test.each([
  ['2026-11-02', '2026-11-01'],
  ['2026-01-01', '2026-11-01'],
  ['2026-13-01', '2026-11-01'],
])('from %s to %s is no range', async (from, to) => {
  await expect(reportDifferences(ledger.writer, { provider: 'acme', from, to, book: true })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
