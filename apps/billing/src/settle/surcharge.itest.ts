// What is on top of prices, through the whole of billing: charged once and to the picodollar whoever tells of it, booked apart, and told in every book as it was
// charged. After each test the ledger verifies.
import type { LeaseGrantRequest, MoneyLine, PriceVector } from '@waystation/contracts';
import { priceVersionOf } from '@waystation/catalog';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { readBooked } from '../explain/read-booked.js';
import { readGeneration } from '../explain/read-generation.js';
import { renderStory } from '../explain/render-story.js';
import { tellGeneration } from '../explain/tell-generation.js';
import { readKeyUsage } from '../keys/key-usage.js';
import { runLeaseCommands } from '../leases/lease-lane.js';
import { reportDifferences } from '../reconcile/reconcile.js';
import { applyRerate } from '../rerate/apply-rerate.js';
import { planRerate } from '../rerate/plan-rerate.js';
import { reportRerate } from '../rerate/report-rerate.js';
import { getStatement } from '../statements/get-statement.js';
import { readFocusPart } from '../statements/read-focus.js';
import { statementDocument } from '../statements/statement-document.js';
import { closeLeases, settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  attemptProgressed,
  attemptStarted,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  sha256hex,
  testLedger,
  type LineOptions,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { PriceBook, storePrices } from './price-book.js';
import { settleLines } from './settle-lines.js';

const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const LATER = Date.now() + 3_600_000;
/** Ten tokens in and twenty out cost 300. */
const PRICE: PriceVector = { perUnit: { input: '10', output: '10' } };
const LOWER: PriceVector = { perUnit: { input: '4', output: '10' } };
/** Of 300 that is 22.5, so 23. */
const MARKUP = { surchargePpm: 75_000 };
/** Of 300 that is 15. */
const OWN_KEY = { byok: true, surchargePpm: 50_000 };
let ledger: TestLedger;
let count = 0;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());
afterEach(async () => {
  await settleOverdue(ledger.writer, new PriceBook(), LATER);
  await closeLeases(ledger.writer, LATER);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

type Place = Required<Pick<LineOptions, 'workspaceId' | 'provider' | 'leaseId' | 'generationId' | 'price' | 'hold'>>;

/** A workspace with 10 000 picodollars, of which a lease of 1 000 holds, and a provider of its own. */
const newPlace = async (): Promise<Place> => {
  count += 1;
  const [workspaceId, provider] = [`ws-${count}`, `provider-${count}`];
  const leaseId = `lease-00000${String(count).padStart(4, '0')}`;
  await grantCredits(ledger.writer, { grantId: `grant-${count}-1`, workspaceId, amount: 10_000n, reason: 'test' });
  const vector = { usd: '1000', requests: 0, tokens: 0 };
  const grant: LeaseGrantRequest = {
    ...{ v: 1, leaseId, instance: 'ingress-1', workspaceId, keyHash: KEY_HASH, need: vector, want: vector },
    quotas: [
      {
        ...{ id: `wallet:${workspaceId}`, scope: 'wallet', scopeId: workspaceId, metric: 'usd' },
        ...{ window: 'lifetime', windowStart: 0 },
      },
    ],
  };
  await runLeaseCommands(ledger.writer, [{ kind: 'grant', ...grant }], {
    takeForMsMax: 60_000,
    retryAfterMs: 1_000,
    now: Date.now,
  });
  return { workspaceId, provider, leaseId, generationId: newGeneration(), price: PRICE, hold: 1_000n };
};

const settle = (...lines: readonly unknown[]) =>
  settleLines(ledger.writer, new PriceBook(), delivered(...lines), TIMES);
const overdue = () => settleOverdue(ledger.writer, new PriceBook(), LATER);

/** Where the money of a workspace went, by its entries: without what came in and what is held. */
const bookedOf = async ({ workspaceId, provider }: Place): Promise<Record<string, bigint>> => {
  const rows = await ledger.asAdmin<{ account: string; amount: string }>(
    `select account, sum(amount) as amount
       from (select credit as account, amount, workspace_id, kind from entry union all select debit, -amount, workspace_id, kind from entry) e
      where workspace_id = $1 and kind in ('settle', 'adjust') group by account having sum(amount) <> 0`,
    [workspaceId],
  );
  const named: Readonly<Record<string, string>> = { [`payable:${provider}`]: 'payable' };
  const told = rows.filter(({ account }) => !account.endsWith(`:${workspaceId}`));
  return Object.fromEntries(told.map(({ account, amount }) => [named[account] ?? account, BigInt(amount)]));
};
const creditsOf = ({ workspaceId }: Pick<Place, 'workspaceId'>) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCredits(runner, workspaceId));
const explain = async ({ workspaceId, generationId }: Pick<Place, 'workspaceId' | 'generationId'>) =>
  ledger.reader.asWorkspace(workspaceId, async (runner) =>
    tellGeneration(await readGeneration(runner, generationId, workspaceId)),
  );

type Told = (place: Place) => readonly MoneyLine[];
const usage = (output: number) => ({ usage: { input: 10, output } });

describe('however an attempt is told of', () => {
  test.each<[name: string, told: Told, used: bigint, booked: Record<string, bigint>]>([
    ['by the ingress', (on) => [generationFinished({ ...on, ...MARKUP })], 323n, { payable: 300n, markup: 23n }],
    ['by its worker alone', (on) => [attemptFinished({ ...on, ...MARKUP })], 323n, { payable: 300n, markup: 23n }],
    [
      'by its worker, for an ingress that knew no usage',
      (on) => [generationFinished({ ...on, ...MARKUP }, { usage: 'pending' }), attemptFinished({ ...on, ...MARKUP })],
      323n,
      { payable: 300n, markup: 23n },
    ],
    [
      'by its last progress, when nobody comes back',
      (on) => [attemptStarted({ ...on, ...MARKUP }), attemptProgressed(on.generationId, 1, { input: 10, output: 10 })],
      215n,
      { payable: 200n, markup: 15n },
    ],
    [
      'by a worker whom the ingress corrects later',
      (on) => [attemptFinished({ ...on, ...MARKUP }, usage(90)), generationFinished({ ...on, ...MARKUP })],
      323n,
      { payable: 300n, markup: 23n },
    ],
    [
      'with a hold that grew',
      (on) => [attemptStarted({ ...on, ...MARKUP, hold: 5n }), generationFinished({ ...on, ...MARKUP, hold: 323n })],
      323n,
      { payable: 300n, markup: 23n },
    ],
    [
      'with a hold that ends within the markup',
      (on) => [generationFinished({ ...on, ...MARKUP, hold: 310n })],
      310n,
      { payable: 300n, markup: 10n },
    ],
    [
      'with a hold that ends before the cost does',
      (on) => [generationFinished({ ...on, ...MARKUP, hold: 290n })],
      290n,
      { payable: 300n, variance: -10n },
    ],
    [
      'as a failure that its provider bills',
      (on) => [generationFinished({ ...on, ...MARKUP }, { outcome: 'empty' })],
      0n,
      { payable: 300n, waste: -300n },
    ],
    ['with an own key', (on) => [generationFinished({ ...on, ...OWN_KEY })], 15n, { fees: 15n }],
    ['with an own key, by its worker alone', (on) => [attemptFinished({ ...on, ...OWN_KEY })], 15n, { fees: 15n }],
    [
      'with an own key and a hold that ends within the fee',
      (on) => [generationFinished({ ...on, ...OWN_KEY, hold: 4n })],
      4n,
      { fees: 4n },
    ],
    ['as a failure with an own key', (on) => [generationFinished({ ...on, ...OWN_KEY }, { outcome: 'empty' })], 0n, {}],
    ['with an own key and no fee', (on) => [generationFinished({ ...on, byok: true })], 0n, {}],
  ])('%s: the customer pays its cost and what is on top, once', async (_name, told, used, booked) => {
    const place = await newPlace();
    const lines = told(place);
    for (const line of lines) await settle(line);
    await overdue();
    const once = [await creditsOf(place), await bookedOf(place)];
    expect(once).toMatchObject([{ used }, booked]);
    expect(Object.keys(await bookedOf(place)).sort()).toEqual(Object.keys(booked).sort());
    await settle(...lines, ...lines);
    await overdue();
    expect([await creditsOf(place), await bookedOf(place)]).toEqual(once);
    for (const { cost, surcharge, credits, waste, variance, byok, unbilled } of (await explain(place)).attempts)
      expect(credits + waste + variance + byok + unbilled).toBe(cost + surcharge);
  });
});

test('a charge that comes after its lease is closed takes cost and markup from free credit, and what is not free is variance', async () => {
  const place = await newPlace();
  await closeLeases(ledger.writer, LATER);
  await settle(generationFinished({ ...place, ...MARKUP, hold: 12_000n }, { usage: { input: 930, output: 1 } }));
  // 9 310 and 698 on top; 10 000 are there.
  expect(await creditsOf(place)).toMatchObject({ used: 10_000n, balance: 0n });
  expect(await bookedOf(place)).toEqual({ payable: 9_310n, markup: 698n, variance: -8n });
});

test('a rate that is another one later changes nothing that was charged', async () => {
  const place = await newPlace();
  const later = { ...place, generationId: newGeneration() };
  await settle(generationFinished({ ...place, ...MARKUP }));
  await settle(generationFinished({ ...later, surchargePpm: 500_000 }), generationFinished({ ...place, ...MARKUP }));
  expect(await creditsOf(place)).toMatchObject({ used: 323n + 450n });
  const [first] = (await explain(place)).attempts;
  expect(first).toMatchObject({ surcharge: 23n, last: { onTop: { account: 'markup', ratePpm: 75_000 } } });
});

test.each([
  ['below zero', -1],
  ['no whole number of parts', 0.5],
  ['absurd', 10_000_001],
  ['text', '75000'],
])('a line whose rate is %s is a dead letter, and nothing else happens', async (_name, surchargePpm) => {
  const place = await newPlace();
  const line = generationFinished(place);
  const [attempt] = line.attempts;
  const { settled, bad } = await settle({ ...line, attempts: [{ ...attempt, surchargePpm }] });
  expect([settled, bad.map(({ reason }) => reason)]).toEqual([0, [expect.stringContaining('surchargePpm')]]);
  expect(await creditsOf(place)).toMatchObject({ used: 0n });
});

describe('in the books', () => {
  let place: Place;
  beforeAll(async () => {
    place = await newPlace();
    const own = { ...place, ...OWN_KEY, generationId: newGeneration() };
    await settle(generationFinished({ ...place, ...MARKUP }), generationFinished(own));
  });

  test('the usage of a key is what it was charged in all', async () => {
    const [usageOfKey] = await ledger.reader.asWorkspace(place.workspaceId, (runner) =>
      readKeyUsage(runner, place.workspaceId, [KEY_HASH], Date.now()),
    );
    expect(usageOfKey).toMatchObject({ usage: { total: 338n }, byokUsage: { total: 300n } });
  });

  test('a statement shows usage, markup and fees apart, and adds up', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const get = (format: 'json' | 'html') => getStatement(ledger, place.workspaceId, month, format, Date.now());
    expect(statementDocument.parse(JSON.parse((await get('json')).text))).toMatchObject({
      openingUsd: '0',
      movements: [
        { kind: 'grants', amountUsd: '0.00000001' },
        { kind: 'fees', amountUsd: '-0.000000000015' },
        { kind: 'usage', amountUsd: '-0.0000000003' },
        { kind: 'markup', amountUsd: '-0.000000000023' },
      ],
      closingUsd: '0.000000009662',
      usageByModel: [{ amountUsd: '0.000000000338', ownKeysUsd: '0.0000000003' }],
      feesPaidUsd: '0',
    });
    expect((await get('html')).text).toContain('Markup and fees are what is charged on top');
  });

  test('the FOCUS export has rows for markup and fee, and adds up to the statement', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const { header, lines } = await readFocusPart(ledger.reader, place.workspaceId, month, undefined);
    const columns = header.trimEnd().split(',');
    const rows = lines.trimEnd().split('\r\n');
    const cells = rows.map((row) => {
      const fields = row.split(',');
      return ['ChargeCategory', 'ChargeDescription', 'BilledCost'].map((name) => fields[columns.indexOf(name)]);
    });
    const at = `sandbox/echo at ${place.provider}:echo`;
    expect(cells.sort()).toEqual([
      ['Adjustment', `Fee for usage with an own provider key of ${at}`, '0.000000000015'],
      ['Adjustment', `Markup on usage of ${at}`, '0.000000000023'],
      ['Usage', `Input tokens of ${at}`, '0.0000000001'],
      ['Usage', `Output tokens of ${at}`, '0.0000000002'],
    ]);
  });

  test('what is on top is not owed to the provider', async () => {
    const [from, to] = [-86_400_000, 0].map((ago) => new Date(Date.now() + ago).toISOString().slice(0, 10));
    const asked = { provider: place.provider, from: from ?? '', to: to ?? '', book: false };
    const rows = await reportDifferences(ledger.writer, asked);
    expect(rows.map(({ ours }) => ours)).toEqual([300n]);
  });

  test('the story of a generation names rate and amount', async () => {
    const story = await ledger.writer.transaction(async (runner) => {
      const told = tellGeneration(await readGeneration(runner, place.generationId));
      return renderStory(place.generationId, told, await readBooked(runner, told));
    });
    expect(story.join('\n')).toMatch(/on top {4}markup of 7\.5 %, half up and within the hold: 0\.000000000023 USD/);
    expect(story.join('\n')).toMatch(/settle held:ws-\d+ → markup/);
  });

  test.each([
    ['the surcharge of a charge', `update charge set surcharge = surcharge + 1 where surcharge = 23`, /23|24/],
    ['the rate of a charge', `update charge set surcharge_ppm = 0 where surcharge = 23`, /surcharge 23.* 0 on top/],
    [
      'a markup that went to the provider',
      `update entry set credit = 'payable:' || (select provider from charge where surcharge = 23 limit 1) where credit = 'markup' and amount = 23`,
      /markup 0, .*23/,
    ],
    ['a fee that went elsewhere', `update entry set credit = 'markup' where credit = 'fees' and amount = 15`, /fees/],
  ])('%s, altered by hand, is named', async (_what, sql, named) => {
    const admin = ledger.admin.dataSource.createQueryRunner();
    await admin.query(`set session_replication_role = replica`);
    for (const table of ['entry', 'charge'])
      await admin.query(`create temporary table kept_${table} as table ${table}`);
    try {
      await admin.query(sql);
      const { problems } = await verifyLedger(ledger.writer);
      expect(problems.filter((problem) => !problem.startsWith('an entry is as it was booked')).join('\n')).toMatch(
        named,
      );
    } finally {
      for (const table of ['entry', 'charge']) {
        await admin.query(`delete from ${table}`);
        await admin.query(`insert into ${table} overriding system value select * from kept_${table}`);
        await admin.query(`drop table kept_${table}`);
      }
      await admin.query(`set session_replication_role = origin`);
      await admin.release();
    }
  });
});

test('a re-rating re-prices cost and what is on top at the rate that was in force, and the report tells both', async () => {
  const place = await newPlace();
  await settle(generationFinished({ ...place, ...MARKUP }));
  const version = priceVersionOf(LOWER, sha256hex);
  await ledger.writer.transaction((runner) => storePrices(runner, [{ version, price: LOWER, effectiveAtMs: 0 }]));
  const selection = {
    provider: place.provider,
    model: 'sandbox/echo',
    from: Date.now() - 86_400_000,
    to: Date.now() + 1_000,
  };
  const target = { selection, priceVersion: version };
  const { totals } = await planRerate(ledger.writer, target, { limit: 10, nowMs: LATER });
  const after = { charged: '258', waste: '0', variance: '0', byok: '0', surcharge: '18' };
  expect(totals).toMatchObject({ after, chargedDifference: '-65', payableDifference: '-60' });
  const bounds = { batchAttempts: 10, forMs: 60_000 };
  await applyRerate(ledger.writer, { id: `rerate-top-${count}`, ...target, reason: 'test' }, bounds, LATER);
  expect(await bookedOf(place)).toEqual({ payable: 240n, markup: 18n });
  expect(await creditsOf(place)).toMatchObject({ used: 258n });
  const report = await reportRerate(ledger.writer, `rerate-top-${count}`, { limit: 10 });
  expect(report.differences).toMatchObject([{ after, chargedDifference: '-65', payableDifference: '-60' }]);
  expect(report.run.totals).toMatchObject({ after });
});
