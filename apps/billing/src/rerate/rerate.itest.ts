// Re-rating against a real Postgres: the plan shows what would be, the application books it once whatever happens, and the ledger adds up after each test.
import { priceVersionOf } from '@waystation/catalog';
import type { PriceVector, RerateSelection } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { readCharges } from '../explain/list-charges.js';
import { readKeyUsage } from '../keys/key-usage.js';
import { PriceBook, storePrices } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { closeLeases } from '../sweep/sweep.js';
import {
  attemptFinished,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  sha256hex,
  testLedger,
  type LineOptions,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { applyRerate, type ApplyBounds } from './apply-rerate.js';
import { planRerate } from './plan-rerate.js';
import { reportRerate } from './report-rerate.js';
import type { Run } from './rerate-runs.js';

const WRONG: PriceVector = { perUnit: { input: '10', output: '10' } };
const LOWER: PriceVector = { perUnit: { input: '4', output: '10' } };
const HIGHER: PriceVector = { perUnit: { input: '10', output: '40' } };
const versionOf = (price: PriceVector): string => priceVersionOf(price, sha256hex);
const NOW = Date.now();
const DAY_MS = 86_400_000;
const ALL_AT_ONCE: ApplyBounds = { batchAttempts: 100, forMs: 60_000 };
const ONE_BATCH: ApplyBounds = { batchAttempts: 3, forMs: 0 };
const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };

let ledger: TestLedger;
let count = 0;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  await ledger.writer.transaction((runner) =>
    storePrices(
      runner,
      [WRONG, LOWER, HIGHER].map((price) => ({ version: versionOf(price), price, effectiveAtMs: 0 })),
    ),
  );
}, 120_000);
afterAll(() => ledger.drop());
afterEach(async () => {
  const { problems, debits, credits } = await verifyLedger(ledger.writer);
  expect(problems).toEqual([]);
  expect(debits).toBe(credits);
});

interface Place {
  readonly workspaceId: string;
  readonly provider: string;
  readonly selection: RerateSelection;
}

/** A workspace with credits and a provider of its own, so that tests do not meet. */
const newPlace = async (credits = 10_000n): Promise<Place> => {
  count += 1;
  const [workspaceId, provider] = [`ws-${count}`, `provider-${count}`];
  await grantCredits(ledger.writer, { grantId: `grant-${count}-1`, workspaceId, amount: credits, reason: 'test' });
  return { workspaceId, provider, selection: { provider, model: 'sandbox/echo', from: NOW - DAY_MS, to: NOW } };
};
const leaseFor = ({ workspaceId }: Place, usd: bigint): Promise<string> =>
  grantLease(ledger.writer, { leaseId: `lease-00000${String(count).padStart(4, '0')}`, workspaceId, usd });
type Part = Parameters<typeof generationFinished>[1];
/** Settles one generation of ten tokens in and twenty out, an hour ago. */
const charge = async (place: Place, options: LineOptions = {}, part: Part = {}): Promise<string> => {
  const { workspaceId, provider } = place;
  const generationId = newGeneration(NOW - 3_600_000);
  const on = { workspaceId, provider, price: WRONG, hold: 1_000n, generationId, ...options };
  await settleLines(ledger.writer, new PriceBook(), delivered(generationFinished(on, part)), TIMES);
  return generationId;
};
const plan = (selection: RerateSelection, price: PriceVector, limit = 100) =>
  planRerate(ledger.writer, { selection, priceVersion: versionOf(price) }, { limit, nowMs: NOW });
const apply = (id: string, selection: RerateSelection, price: PriceVector, bounds = ALL_AT_ONCE): Promise<Run> =>
  applyRerate(ledger.writer, { id, selection, priceVersion: versionOf(price), reason: 'test' }, bounds, NOW);
const chargesOf = (workspaceId: string, generationId: string) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCharges(runner, workspaceId, generationId));
const creditsOf = ({ workspaceId }: Place) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCredits(runner, workspaceId));
const balanceOf = async (account: string): Promise<bigint> => {
  const [row] = await ledger.asAdmin<{ amount: string }>(`select amount from balance where account = $1`, [account]);
  return BigInt(row?.amount ?? 0);
};
/** Everything that a re-rating could change. */
const everything = () =>
  ledger.asAdmin(
    `select (select count(*) from charge) as charges, (select count(*) from entry) as entries, (select count(*) from rerate) as runs,
            (select sum(abs(amount)) from balance) as balances`,
  );

test('a correction has the tags of what it corrects', async () => {
  const place = await newPlace();
  const generationId = await charge(place, { tags: ['nightly', 'search'] });
  await charge(place);
  await apply('fix-tags', place.selection, LOWER);
  expect(
    await ledger.asAdmin(
      `select distinct revision, generation_id = $2 as is_tagged, tags from charge where workspace_id = $1 order by 1, 2`,
      [place.workspaceId, generationId],
    ),
  ).toEqual([
    { revision: 0, is_tagged: false, tags: null },
    { revision: 0, is_tagged: true, tags: ['nightly', 'search'] },
    { revision: 1, is_tagged: false, tags: null },
    { revision: 1, is_tagged: true, tags: ['nightly', 'search'] },
  ]);
});

test('the plan tells before, after and difference of each generation and of all, and changes nothing', async () => {
  const place = await newPlace();
  const ids = [await charge(place), await charge(place), await charge(place, {}, { outcome: 'empty' })].sort();
  const before = await everything();
  const first = await plan(place.selection, LOWER, 2);
  expect(first.totals).toEqual({
    attempts: 3,
    changed: 3,
    before: { charged: '600', waste: '300', variance: '0', byok: '0', surcharge: '0' },
    after: { charged: '480', waste: '240', variance: '0', byok: '0', surcharge: '0' },
    chargedDifference: '-120',
    payableDifference: '-180',
  });
  expect(first.differences.map(({ generationId }) => generationId)).toEqual(ids.slice(0, 2));
  const second = await planRerate(
    ledger.writer,
    { selection: place.selection, priceVersion: versionOf(LOWER) },
    { after: first.next, limit: 2, nowMs: NOW },
  );
  expect(second.totals).toBeUndefined();
  expect(second.next).toBeUndefined();
  const all = [...first.differences, ...second.differences];
  expect(all.map(({ generationId }) => generationId)).toEqual(ids);
  expect(all.reduce((sum, { chargedDifference }) => sum + BigInt(chargedDifference), 0n)).toBe(-120n);
  expect(all[0]).toMatchObject({ versionBefore: versionOf(WRONG), versionAfter: versionOf(LOWER) });
  expect(await everything()).toEqual(before);
});

test('a lower price gives the customer back the difference, owes the provider less, and the charge explains itself', async () => {
  const place = await newPlace();
  const generationId = await charge(place);
  expect(await creditsOf(place)).toMatchObject({ used: 300n, balance: 9_700n });
  const run = await apply('rerate-lower-1', place.selection, LOWER);
  expect(run).toMatchObject({ state: 'finished', totals: { attempts: 1, changed: 1 } });
  expect(await creditsOf(place)).toMatchObject({ used: 240n, balance: 9_760n });
  expect(await balanceOf(`payable:${place.provider}`)).toBe(240n);
  expect(await chargesOf(place.workspaceId, generationId)).toMatchObject([
    { revision: 0, amount: 300n, priceVersion: versionOf(WRONG) },
    { revision: 1, amount: -60n, priceVersion: versionOf(LOWER), rerateId: 'rerate-lower-1' },
  ]);
  const usage = await ledger.reader.asWorkspace(place.workspaceId, (runner) =>
    readKeyUsage(runner, place.workspaceId, [KEY_HASH], NOW),
  );
  expect(JSON.stringify(usage, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))).toContain(
    '"240"',
  );
});

test('a higher price takes what is free, and the rest is variance', async () => {
  const place = await newPlace(1_000n);
  const [one, other] = [await charge(place), await charge(place)].sort();
  const run = await apply('rerate-higher-1', place.selection, HIGHER);
  // 600 more each; 400 are free.
  expect(run.totals).toMatchObject({ before: { charged: 600n }, after: { charged: 1_000n, variance: 800n } });
  expect(await creditsOf(place)).toMatchObject({ used: 1_000n, balance: 0n });
  expect(await balanceOf(`payable:${place.provider}`)).toBe(1_800n);
  expect(await chargesOf(place.workspaceId, one ?? '')).toMatchObject([
    { revision: 0, amount: 300n },
    { revision: 1, amount: 400n, payer: 'credits' },
    { revision: 1, amount: 200n, payer: 'variance' },
  ]);
  expect(await chargesOf(place.workspaceId, other ?? '')).toMatchObject([
    { revision: 0, amount: 300n },
    { revision: 1, amount: 600n, payer: 'variance' },
  ]);
});

test('no customer pays more than was held, at whatever price', async () => {
  const place = await newPlace();
  await charge(place, { hold: 350n });
  const run = await apply('rerate-hold-1', place.selection, HIGHER);
  expect(run.totals).toMatchObject({ after: { charged: 350n, variance: 550n } });
});

test('what an open lease holds is left to the calls under way, and what it spent is told to its quotas first', async () => {
  const place = await newPlace();
  const leaseId = await leaseFor(place, 1_000n);
  await charge(place, { leaseId });
  expect(await creditsOf(place)).toMatchObject({ used: 300n, held: 700n, balance: 9_700n });
  await apply('rerate-lease-1', place.selection, HIGHER);
  expect(await creditsOf(place)).toMatchObject({ used: 900n, held: 700n, balance: 9_100n });
  await apply('rerate-lease-2', place.selection, LOWER);
  expect(await creditsOf(place)).toMatchObject({ used: 240n, held: 700n, balance: 9_760n });
  await closeLeases(ledger.writer, NOW + DAY_MS);
  expect(await creditsOf(place)).toMatchObject({ used: 240n, held: 0n, balance: 9_760n });
});

test('keys of the customer’s own are counted anew and touch no credit', async () => {
  const place = await newPlace();
  const generationId = await charge(place, { byok: true });
  await apply('rerate-byok-1', place.selection, LOWER);
  expect(await creditsOf(place)).toMatchObject({ used: 0n, balance: 10_000n });
  expect(await chargesOf(place.workspaceId, generationId)).toMatchObject([
    { amount: 300n, payer: 'byok' },
    { amount: -60n, payer: 'byok', rerateId: 'rerate-byok-1' },
  ]);
});

test('the same re-rating again changes nothing, and another one corrects it', async () => {
  const place = await newPlace();
  for (let each = 0; each < 4; each += 1) await charge(place);
  const run = await apply('rerate-again-1', place.selection, LOWER);
  const booked = await everything();
  expect(await apply('rerate-again-1', place.selection, LOWER)).toEqual(run);
  expect(await everything()).toEqual(booked);
  expect(await apply('rerate-again-2', place.selection, LOWER)).toMatchObject({ totals: { attempts: 0 } });
  const back = await apply('rerate-again-3', place.selection, WRONG);
  expect(back.totals).toMatchObject({ attempts: 4, before: { charged: 960n }, after: { charged: 1_200n } });
  expect(await creditsOf(place)).toMatchObject({ used: 1_200n });
});

test('only what the selection means is touched', async () => {
  const place = await newPlace();
  const stranger = await newPlace();
  const mine = await charge(place);
  const others = [
    await charge(place, { workspaceId: stranger.workspaceId }),
    await charge(place, { provider: stranger.provider }),
    await charge(place, { generationId: newGeneration(NOW - 2 * DAY_MS) }),
    await charge(place, { price: HIGHER }),
  ];
  const selection = { ...place.selection, workspaceId: place.workspaceId, chargedBy: versionOf(WRONG) };
  const run = await apply('rerate-only-1', selection, LOWER);
  expect(run.totals.attempts).toBe(1);
  expect(await chargesOf(place.workspaceId, mine)).toHaveLength(2);
  for (const other of others) {
    const rows = await ledger.asAdmin(`select 1 from charge where generation_id = $1`, [other]);
    expect(rows.length).toBeLessThanOrEqual(1);
  }
});

test('a crash in the middle of a batch loses nothing and books nothing twice', async () => {
  const place = await newPlace(100_000n);
  for (let each = 0; each < 8; each += 1) await charge(place);
  expect(await apply('rerate-crash-1', place.selection, LOWER, ONE_BATCH)).toMatchObject({
    state: 'running',
    totals: { attempts: 3 },
  });
  // The disk is full when the last statements of the next batch are written.
  await ledger.admin.query(`create function pg_temp_full() returns trigger language plpgsql as $$
    begin raise exception 'the disk is full' using errcode = '53100'; end $$`);
  await ledger.admin.query(
    `create trigger full_disk before update on balance for each statement execute function pg_temp_full()`,
  );
  try {
    await expect(apply('rerate-crash-1', place.selection, LOWER, ONE_BATCH)).rejects.toThrow(/disk is full/);
  } finally {
    await ledger.admin.query(`drop trigger full_disk on balance`);
    await ledger.admin.query(`drop function pg_temp_full`);
  }
  const [{ revisions } = { revisions: '' }] = await ledger.asAdmin<{ revisions: string }>(
    `select count(*) as revisions from charge where rerate_id = 'rerate-crash-1'`,
  );
  expect(revisions).toBe('3');
  let run = await apply('rerate-crash-1', place.selection, LOWER, ONE_BATCH);
  for (let calls = 0; run.state === 'running' && calls < 10; calls += 1)
    run = await apply('rerate-crash-1', place.selection, LOWER, ONE_BATCH);
  expect(run).toMatchObject({
    state: 'finished',
    totals: { attempts: 8, before: { charged: 2_400n }, after: { charged: 1_920n } },
  });
  expect(await creditsOf(place)).toMatchObject({ used: 1_920n });
});

test('two that go on with one re-rating at once book it once', async () => {
  const place = await newPlace(100_000n);
  for (let each = 0; each < 9; each += 1) await charge(place);
  await Promise.all(
    Array.from({ length: 4 }, () =>
      apply('rerate-race-1', place.selection, LOWER, { batchAttempts: 2, forMs: 60_000 }),
    ),
  );
  expect(await creditsOf(place)).toMatchObject({ used: 9n * 240n });
});

test('what is settled late behind the place of a running re-rating is not forgotten', async () => {
  const place = await newPlace(100_000n);
  for (let each = 0; each < 4; each += 1) await charge(place);
  await apply('rerate-late-1', place.selection, LOWER, ONE_BATCH);
  await charge(place, { generationId: newGeneration(NOW - 7_200_000) });
  expect(await apply('rerate-late-1', place.selection, LOWER)).toMatchObject({
    state: 'finished',
    totals: { attempts: 5 },
  });
  expect(await creditsOf(place)).toMatchObject({ used: 5n * 240n });
});

test('better information that comes later is priced by the corrected version', async () => {
  const place = await newPlace();
  const generationId = newGeneration(NOW - 3_600_000);
  const on = { ...place, price: WRONG, hold: 1_000n, generationId };
  const settle = (...lines: readonly unknown[]) =>
    settleLines(ledger.writer, new PriceBook(), delivered(...lines), TIMES);
  await settle(attemptFinished(on), generationFinished(on, { usage: 'pending' }));
  await apply('rerate-better-1', place.selection, LOWER);
  await settle(generationFinished(on, { usage: { input: 20, output: 20 } }));
  expect(await chargesOf(place.workspaceId, generationId)).toMatchObject([
    { revision: 0, amount: 300n, priceVersion: versionOf(WRONG) },
    { revision: 1, amount: -60n, priceVersion: versionOf(LOWER), rerateId: 'rerate-better-1' },
    { revision: 2, amount: 40n, priceVersion: versionOf(LOWER) },
  ]);
});

test('the report tells what was booked, attempt by attempt', async () => {
  const place = await newPlace();
  const ids = [await charge(place), await charge(place), await charge(place)].sort();
  await apply('rerate-report-1', place.selection, LOWER);
  const first = await reportRerate(ledger.writer, 'rerate-report-1', { limit: 2 });
  const second = await reportRerate(ledger.writer, 'rerate-report-1', { limit: 2, after: first.next });
  expect(first.run).toMatchObject({ state: 'finished', totals: { chargedDifference: '-180' } });
  expect([...first.differences, ...second.differences].map(({ generationId }) => generationId)).toEqual(ids);
  expect(second.next).toBeUndefined();
  expect(first.differences[0]).toMatchObject({
    versionBefore: versionOf(WRONG),
    versionAfter: versionOf(LOWER),
    before: { charged: '300' },
    after: { charged: '240' },
    chargedDifference: '-60',
    payableDifference: '-60',
  });
});

describe('altered by hand', () => {
  const byHand = async (sql: string): Promise<void> => {
    const admin = ledger.admin.dataSource.createQueryRunner();
    try {
      await admin.query(`set session_replication_role = replica`);
      await admin.query(sql);
    } finally {
      await admin.query(`set session_replication_role = origin`);
      await admin.release();
    }
  };
  const setCharged = (picodollars: number): string =>
    `update rerate set totals = jsonb_set(totals, '{after,charged}', '"${picodollars}"') where id = 'rerate-named-1'`;
  const setVersion = (price: PriceVector): string =>
    `update charge set price_version = '${versionOf(price)}' where rerate_id = 'rerate-named-1'`;

  beforeAll(async () => {
    const place = await newPlace();
    await charge(place);
    await apply('rerate-named-1', place.selection, LOWER);
  });

  test.each([
    ['what a re-rating says it booked', setCharged(1), setCharged(240), /re-rating rerate-named-1: 1 attempts/],
    ['the version of its revisions', setVersion(WRONG), setVersion(LOWER), /re-rating rerate-named-1, price version/],
  ])('%s is named', async (_what, altered, restored, named) => {
    await byHand(altered);
    try {
      expect((await verifyLedger(ledger.writer)).problems.join('\n')).toMatch(named);
    } finally {
      await byHand(restored);
    }
  });
});

describe('refused, with nothing changed:', () => {
  const unknown: PriceVector = { perUnit: { input: '77', output: '1' } };
  const noOutput: PriceVector = { perUnit: { input: '1' } };
  const flex: PriceVector = { ...WRONG, serviceTiers: { flex: { perUnit: { input: '5', output: '5' } } } };
  beforeAll(() =>
    ledger.writer.transaction((runner) =>
      storePrices(runner, [{ version: versionOf(noOutput), price: noOutput, effectiveAtMs: 0 }]),
    ),
  );

  test.each<[string, Partial<RerateSelection>, PriceVector, string, RegExp]>([
    ['a version that is not stored', {}, unknown, 'not_found', /is not stored/],
    ['a version without a class that was used', {}, noOutput, 'unprocessable', /no price for the usage class output/],
    ['a time that has not come', { to: NOW + 5_000 }, LOWER, 'invalid_request', /is in the future/],
    ['a time that ends before it begins', { from: NOW }, LOWER, 'invalid_request', /is not before/],
    ['every endpoint of a provider', { model: undefined }, LOWER, 'invalid_request', /which model or endpoint/],
  ])('%s', async (_name, selection, price, code, message) => {
    const place = await newPlace();
    await charge(place);
    const before = await everything();
    const { model = undefined, ...meant } = { ...place.selection, ...selection };
    const wanted: RerateSelection = { ...meant, ...(model === undefined ? {} : { model }) };
    const refusal = { code, message: expect.stringMatching(message) as string };
    await expect(plan(wanted, price)).rejects.toMatchObject(refusal);
    await expect(apply('rerate-refused-1', wanted, price)).rejects.toMatchObject(refusal);
    expect(await everything()).toEqual(before);
  });

  test('a version without the service tier that served', async () => {
    const place = await newPlace();
    await charge(place, { price: flex }, { serviceTier: 'flex' });
    await expect(apply('rerate-refused-2', place.selection, LOWER)).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('service tier flex') as string,
    });
  });

  test('another re-rating of the same charges while one runs, until that is stopped', async () => {
    const place = await newPlace(100_000n);
    for (let each = 0; each < 4; each += 1) await charge(place);
    await apply('rerate-first-1', place.selection, LOWER, ONE_BATCH);
    const overlapping = { ...place.selection, from: NOW - 1_000, workspaceId: 'ws-any' };
    await expect(apply('rerate-second-1', overlapping, HIGHER)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('rerate-first-1') as string,
    });
    expect(await apply('rerate-apart-1', { ...place.selection, model: 'sandbox/other' }, HIGHER)).toMatchObject({
      state: 'finished',
    });
    await ledger.writer.query(`update rerate set state = 'stopped', ended_at = now() where id = 'rerate-first-1'`);
    expect(await apply('rerate-first-1', place.selection, LOWER)).toMatchObject({
      state: 'stopped',
      totals: { attempts: 3 },
    });
    expect(await apply('rerate-second-1', place.selection, HIGHER)).toMatchObject({
      state: 'finished',
      totals: { attempts: 4 },
    });
  });

  test('an id that stands for something else', async () => {
    const place = await newPlace();
    await charge(place);
    await apply('rerate-same-1', place.selection, LOWER);
    await expect(apply('rerate-same-1', place.selection, HIGHER)).rejects.toMatchObject({ code: 'conflict' });
    await expect(apply('rerate-same-1', { ...place.selection, from: 0 }, LOWER)).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
