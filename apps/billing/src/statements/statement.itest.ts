// A statement adds up to the picodollar, tells the same month the same way for ever, and books what is corrected later in the month of the correction.
import { createHash } from 'node:crypto';
import { parseUsd, toWaystationError } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { getStatement, type StatementFormat } from './get-statement.js';
import { readFocusPart } from './read-focus.js';
import { statementDocument } from './statement-document.js';

const NOW = Date.parse('2026-11-20T00:00:00Z');
const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const OTHER_KEY = 'b'.repeat(64);
let ledger: TestLedger;
const prices = new PriceBook();

/** What was booked until now happened at this time. */
const happenedAt = async (time: string): Promise<void> => {
  await ledger.asAdmin(
    `set session_replication_role = replica; update entry set at = '${time}' where at > '2026-11-21'; update charge set settled_at = '${time}' where settled_at > '2026-11-21'`,
  );
};
const at = (time: string): string => newGeneration(Date.parse(time));

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  // Rows of "now" are told apart by being later than the month that the test plays in.
  await ledger.asAdmin(`alter table entry alter column at set default '2027-01-01'`);
  await ledger.asAdmin(`alter table charge alter column settled_at set default '2027-01-01'`);
  await grantCredits(ledger.writer, {
    grantId: 'grant-sept',
    workspaceId: 'ws',
    amount: 5_000n * 10n ** 12n,
    reason: 'x',
  });
  await happenedAt('2026-09-03T00:00:00Z');
  const leaseId = await grantLease(ledger.writer, { leaseId: 'lease-statement', workspaceId: 'ws', usd: 100_000n });
  const corrected = { leaseId, generationId: at('2026-09-30T23:00:00Z') };
  await settleLines(
    ledger.writer,
    prices,
    delivered(
      generationFinished({ leaseId, generationId: at('2026-09-29T00:00:00Z'), tags: ['search', 'nightly'] }),
      generationFinished(
        { leaseId, keyHash: OTHER_KEY, generationId: at('2026-09-30T00:00:00Z'), tags: ['nightly', '=1+1'] },
        { model: '=lab/<small>' },
      ),
      generationFinished({ leaseId, byok: true, generationId: at('2026-09-30T00:00:00Z') }),
      attemptFinished(corrected, { usage: { input: 10, output: 90 } }),
    ),
    TIMES,
  );
  await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
  await happenedAt('2026-09-30T23:59:59.999999Z');
  await settleLines(
    ledger.writer,
    prices,
    delivered(
      generationFinished(corrected, { usage: { input: 10, output: 20 } }),
      generationFinished({ leaseId, generationId: at('2026-10-01T00:00:00Z') }, { usage: { input: 1, output: 1 } }),
    ),
    TIMES,
  );
  await happenedAt('2026-10-01T00:00:00Z');
}, 120_000);
afterAll(() => ledger.drop());

const get = (month: string, format: StatementFormat = 'json', nowMs = NOW, workspaceId = 'ws') =>
  getStatement(ledger, workspaceId, month, format, nowMs);
const read = async (month: string, nowMs = NOW) =>
  statementDocument.parse(JSON.parse((await get(month, 'json', nowMs)).text));
const pico = (usd: string): bigint => parseUsd(usd) ?? -1n;

test('the first month: a grant, usage by model and key, and what the own keys would have cost', async () => {
  expect(await read('2026-09')).toMatchObject({
    openingUsd: '0',
    movements: [
      { kind: 'grants', amountUsd: '5000' },
      { kind: 'usage', amountUsd: '-0.00000000016' },
    ],
    closingUsd: '4999.99999999984',
    usageByModel: [
      {
        name: 'sandbox/echo',
        requests: 3,
        promptTokens: 30,
        completionTokens: 130,
        amountUsd: '0.00000000013',
        ownKeysUsd: '0.00000000003',
      },
      { name: '=lab/<small>', requests: 1, amountUsd: '0.00000000003', ownKeysUsd: '0' },
    ],
    usageByKey: [
      { name: KEY_HASH, amountUsd: '0.00000000013' },
      { name: OTHER_KEY, amountUsd: '0.00000000003' },
    ],
    // Two calls of 30 with two tags each, and others without: the lines tell 120, and the month is 160.
    usageByTag: [
      { name: 'nightly', requests: 2, promptTokens: 20, completionTokens: 40, amountUsd: '0.00000000006' },
      { name: '=1+1', requests: 1, amountUsd: '0.00000000003' },
      { name: 'search', requests: 1, amountUsd: '0.00000000003' },
    ],
    corrections: [],
  });
});

test('a correction stands in the month in which it was booked, with the month that it is of', async () => {
  expect(await read('2026-10')).toMatchObject({
    openingUsd: '4999.99999999984',
    movements: [
      { kind: 'usage', amountUsd: '-0.000000000002' },
      { kind: 'adjustments', amountUsd: '0.00000000007' },
    ],
    closingUsd: '4999.999999999908',
    corrections: [{ ofMonth: '2026-09', count: 1, amountUsd: '-0.00000000007' }],
  });
});

test('opening and movements are the closing, which is the next opening, and at last the balance in the ledger', async () => {
  let last = 0n;
  for (const month of ['2026-08', '2026-09', '2026-10', '2026-11']) {
    const { openingUsd, movements, closingUsd } = await read(month);
    expect(pico(openingUsd)).toBe(last);
    last = movements.reduce((sum, { amountUsd }) => sum + pico(amountUsd), last);
    expect(pico(closingUsd)).toBe(last);
  }
  const [row] = await ledger.asAdmin<{ sum: string }>(
    `select sum(amount) from balance where account in ('credits:ws', 'held:ws')`,
  );
  expect(BigInt(row?.sum ?? 0)).toBe(last);
});

/** All parts of a month, as a table. */
const focusOf = async (month: string) => {
  let text = '';
  let after: string | undefined;
  for (let parts = 0; parts === 0 || after !== undefined; parts += 1) {
    const part = await readFocusPart(ledger.reader, 'ws', month, after);
    if (parts === 0) text += part.header;
    text += part.lines;
    after = part.next;
  }
  const [head = '', ...lines] = text.trimEnd().split('\r\n');
  // The only quoted field is the last.
  const columns = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    const tags = fields.splice(columns.length - 1).join(',');
    return Object.fromEntries(columns.map((column, index) => [column, fields[index] ?? tags]));
  });
};
const totalOf = (rows: readonly Record<string, string>[]): bigint =>
  rows.reduce((sum, row) => sum + pico(row['BilledCost'] ?? ''), 0n);

test('the FOCUS export has a row for each day, key, endpoint and unit, and adds up to the statement', async () => {
  const rows = await focusOf('2026-09');
  expect(
    rows.map((row) => [
      row['ChargePeriodStart'],
      row['SkuMeter'],
      row['PricingQuantity'],
      row['ListUnitPrice'],
      row['ListCost'],
      row['BilledCost'],
    ]),
  ).toEqual([
    ['2026-09-29T00:00:00.000Z', 'Input', '10', '0.000000000001', '0.00000000001', '0.00000000001'],
    ['2026-09-29T00:00:00.000Z', 'Output', '20', '0.000000000001', '0.00000000002', '0.00000000002'],
    ['2026-09-30T00:00:00.000Z', 'Input', '10', '0.000000000001', '0.00000000001', '0.00000000001'],
    ['2026-09-30T00:00:00.000Z', 'Output', '90', '0.000000000001', '0.00000000009', '0.00000000009'],
    ['2026-09-30T00:00:00.000Z', 'Input', '10', '0.000000000001', '0.00000000001', '0.00000000001'],
    ['2026-09-30T00:00:00.000Z', 'Output', '20', '0.000000000001', '0.00000000002', '0.00000000002'],
  ]);
  expect(totalOf(rows)).toBe(160n);
  expect(rows[0]).toMatchObject({
    ...{
      BillingCurrency: 'USD',
      BillingPeriodStart: '2026-09-01T00:00:00.000Z',
      BillingPeriodEnd: '2026-10-01T00:00:00.000Z',
    },
    ...{
      ChargeCategory: 'Usage',
      ChargeClass: '',
      ChargePeriodEnd: '2026-09-30T00:00:00.000Z',
      EffectiveCost: '0.00000000001',
    },
    ...{
      ConsumedQuantity: '10',
      ConsumedUnit: 'Tokens',
      PricingUnit: 'Tokens',
      ResourceId: 'sandbox:echo',
      SubAccountId: 'ws',
    },
    ...{ ProviderName: 'Waystation', PublisherName: 'sandbox', ServiceCategory: 'AI and Machine Learning' },
    Tags: `"{""key"":""${KEY_HASH}"",""tag:nightly"":true,""tag:search"":true}"`,
  });
  for (const row of rows) {
    const product = BigInt(row['PricingQuantity'] ?? '') * pico(row['ListUnitPrice'] ?? '');
    expect(product).toBe(pico(row['ListCost'] ?? ''));
    expect(row['ServiceName']).not.toMatch(/^=/);
  }
});

test('a correction is exported in the month in which it was booked, as a correction of the day it is of', async () => {
  const rows = await focusOf('2026-10');
  expect(rows[0]).toMatchObject({
    ...{ ChargeCategory: 'Usage', ChargeClass: 'Correction', ChargePeriodStart: '2026-09-30T00:00:00.000Z' },
    ...{ BilledCost: '-0.00000000007', ListCost: '-0.00000000007', PricingQuantity: '', ListUnitPrice: '' },
  });
  expect(totalOf(rows)).toBe(2n - 70n);
  expect(await focusOf('2026-08')).toEqual([]);
  await expect(readFocusPart(ledger.reader, 'ws', '2026-10', 'yesterday')).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('a closed month is kept under its hash, and stays as it was told whatever happens to the rows', async () => {
  const open = await get('2026-10', 'json', Date.parse('2026-11-01T00:59:59Z'));
  expect(open.closed).toBe(false);
  const first = await get('2026-10');
  expect(first).toMatchObject({ closed: true, hash: createHash('sha256').update(first.text).digest('hex') });
  await grantCredits(ledger.writer, { grantId: 'grant-late', workspaceId: 'ws', amount: 1n, reason: 'x' });
  await happenedAt('2026-10-15T00:00:00Z');
  expect(await get('2026-10')).toEqual(first);
  await ledger.asAdmin(
    `set session_replication_role = replica; update statement set body = replace(body, '4999', '5999') where month = '2026-10'`,
  );
  await expect(get('2026-10')).rejects.toMatchObject({ code: 'internal' });
});

test('a statement that its charges do not bear out is not given', async () => {
  await ledger.asAdmin(
    `set session_replication_role = replica; delete from statement; update charge set charged = charged + 1 where revision = 0 and charged = 2`,
  );
  await expect(get('2026-10')).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining('verify') as unknown,
  });
  await ledger.asAdmin(
    `set session_replication_role = replica; update charge set charged = charged - 1 where revision = 0 and charged = 3`,
  );
});

test('as CSV every amount is exact, and no name is a formula', async () => {
  const { text } = await get('2026-09', 'csv');
  expect(text.split('\r\n')).toEqual([
    'section,name,month,requests,prompt_tokens,completion_tokens,amount_usd,own_keys_usd',
    'balance,opening,2026-09,,,,0,',
    'movement,grants,2026-09,,,,5000,',
    'movement,usage,2026-09,,,,-0.00000000016,',
    'balance,closing,2026-09,,,,4999.99999999984,',
    'usage-by-model,sandbox/echo,2026-09,3,30,130,0.00000000013,0.00000000003',
    "usage-by-model,'=lab/<small>,2026-09,1,10,20,0.00000000003,0",
    `usage-by-key,${KEY_HASH},2026-09,3,30,130,0.00000000013,0.00000000003`,
    `usage-by-key,${OTHER_KEY},2026-09,1,10,20,0.00000000003,0`,
    'usage-by-tag,nightly,2026-09,2,20,40,0.00000000006,0',
    "usage-by-tag,'=1+1,2026-09,1,10,20,0.00000000003,0",
    'usage-by-tag,search,2026-09,1,10,20,0.00000000003,0',
    'memo,fees paid on top of credits,2026-09,,,,0,',
    '',
  ]);
});

test('as a page names are text, and nothing is loaded or run', async () => {
  const { text, hash } = await get('2026-09', 'html');
  expect(text).toContain('&#60;small&#62;');
  expect(text).toContain('A call with several tags counts under each of them');
  expect(text).not.toMatch(/<small>|<script|<img|<link|https?:/);
  expect(text).toContain('4,999.99<span class="f">999999984</span></td>');
  expect(text).toContain(hash);
});

test('a statement that was kept before charges had tags is told as it was kept', async () => {
  const { text } = await get('2026-09');
  const kept = Object.entries(JSON.parse(text) as object).filter(([name]) => name !== 'usageByTag');
  const body = JSON.stringify(Object.fromEntries(kept));
  await ledger.asAdmin(`set session_replication_role = replica; delete from statement where month = '2026-09'`);
  await ledger.asAdmin(`insert into statement (workspace_id, month, hash, body) values ('ws', '2026-09', $1, $2)`, [
    createHash('sha256').update(body).digest('hex'),
    body,
  ]);
  expect((await get('2026-09')).text).toBe(body);
  expect((await get('2026-09', 'csv')).text).not.toContain('usage-by-tag');
  expect((await get('2026-09', 'html')).text).not.toContain('Usage by tag');
});

test('a month that has not begun is refused, and of a workspace nobody knows nothing is kept', async () => {
  await expect(get('2026-12')).rejects.toMatchObject({ code: 'invalid_request' });
  expect(statementDocument.parse(JSON.parse((await get('2026-09', 'json', NOW, 'nobody')).text))).toMatchObject({
    openingUsd: '0',
    movements: [],
    closingUsd: '0',
  });
  expect(await ledger.asAdmin(`select 1 from statement where workspace_id = 'nobody'`)).toEqual([]);
  expect(await ledger.reader.asWorkspace('other', (runner) => runner.query('select 1 from statement'))).toEqual([]);
});

test('the writer cannot change what is kept', async () => {
  const error = await ledger.writer
    .query(`update statement set body = ''`)
    .catch((thrown: unknown) => toWaystationError(thrown));
  expect(String((error as Error).cause)).toMatch(/permission denied/);
});
