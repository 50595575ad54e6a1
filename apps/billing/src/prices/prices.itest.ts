// The price book against a real Postgres: versions that never change, a history that is only added to, and charges by the version and tier that served.
import { priceVersionOf } from '@waystation/catalog';
import type { PriceVector } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { readCharges } from '../explain/list-charges.js';
import { PriceBook, storePrices } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import {
  attemptFinished,
  attemptStarted,
  delivered,
  generationFinished,
  newGeneration,
  sha256hex,
  testLedger,
  type LineOptions,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { listEndpointPrices, recordEndpointPrices } from './endpoint-prices.js';

const DAY = Date.UTC(2026, 11, 1);
const priceOf = (input: string): PriceVector => ({ perUnit: { input, output: '1' } });
const versionOf = (price: PriceVector): string => priceVersionOf(price, sha256hex);
const [CHEAP, DEAR] = [priceOf('1'), priceOf('9')];

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  await ledger.writer.transaction((runner) =>
    storePrices(
      runner,
      [CHEAP, DEAR].map((price) => ({ version: versionOf(price), price, effectiveAtMs: DAY })),
    ),
  );
  await grantCredits(ledger.writer, { grantId: 'grant-0001', workspaceId: 'ws', amount: 1_000_000n, reason: 'test' });
}, 120_000);
afterAll(() => ledger.drop());
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

const record = (...endpoints: readonly [endpointId: string, price: PriceVector, effectiveAt: number][]) =>
  ledger.writer.transaction((runner) =>
    recordEndpointPrices(
      runner,
      endpoints.map(([endpointId, price, effectiveAt]) => ({ endpointId, version: versionOf(price), effectiveAt })),
    ),
  );
const list = (filter: { endpointId?: string; model?: string; limit?: number; offset?: number }) =>
  ledger.reader.transaction((runner) => listEndpointPrices(runner, { limit: 100, offset: 0, ...filter }));
const historyOf = async (endpointId: string) =>
  (await list({ endpointId })).prices.map(({ price, effectiveAt, endedAt }) => [
    price.perUnit['input'],
    effectiveAt - DAY,
    endedAt === undefined ? undefined : endedAt - DAY,
  ]);

describe('the history of an endpoint', () => {
  test('tells each price from when to when, also one that comes back', async () => {
    await record(['a/b@x', CHEAP, DAY]);
    await record(['a/b@x', DEAR, DAY + 10]);
    await record(['a/b@x', CHEAP, DAY + 20]);
    expect(await historyOf('a/b@x')).toEqual([
      ['1', 20, undefined],
      ['9', 10, 20],
      ['1', 0, 10],
    ]);
  });

  test('does not grow when it is told again', async () => {
    await record(['a/b@again', CHEAP, DAY]);
    for (const later of [0, 5, 99]) await record(['a/b@again', CHEAP, DAY + later]);
    expect(await historyOf('a/b@again')).toEqual([['1', 0, undefined]]);
  });

  test('never lets a price in force before the one that it follows', async () => {
    await record(['a/b@past', CHEAP, DAY]);
    await record(['a/b@past', DEAR, DAY - 1_000]);
    expect(await historyOf('a/b@past')).toEqual([
      ['9', 1, undefined],
      ['1', 0, 1],
    ]);
  });

  test('names only versions that are stored', async () => {
    const unknown = priceOf('77');
    await expect(record(['a/b@unknown', CHEAP, DAY], ['a/b@unknown2', unknown, DAY])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(versionOf(unknown)) as string,
    });
    expect(await historyOf('a/b@unknown')).toEqual([]);
  });

  test('is read by endpoint, by model, or page by page', async () => {
    await record(['m/one@p', CHEAP, DAY + 1], ['m/one@q/eu', CHEAP, DAY + 2], ['m/one-more@p', CHEAP, DAY + 3]);
    const ids = async (filter: Parameters<typeof list>[0]) =>
      (await list(filter)).prices.map(({ endpointId }) => endpointId);
    expect(await ids({ model: 'm/one' })).toEqual(['m/one@q/eu', 'm/one@p']);
    expect(await ids({ model: 'm/one', limit: 1, offset: 1 })).toEqual(['m/one@p']);
    expect((await list({ model: 'm/one', limit: 1 })).total).toBe(2);
    expect(await ids({ endpointId: 'm/one-more@p' })).toEqual(['m/one-more@p']);
    expect(await ids({ model: 'm/%' })).toEqual([]);
  });

  test('can only be added to', async () => {
    await expect(ledger.writer.query(`update endpoint_price set effective_at_ms = 0`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(ledger.admin.query(`delete from endpoint_price`)).rejects.toThrow(/append-only/);
  });
});

describe('a charge', () => {
  const times = { witnessWaitMs: 15_000, graceMs: 30_000 };
  const settle = (...lines: readonly unknown[]) =>
    settleLines(ledger.writer, new PriceBook(), delivered(...lines), times);
  const chargesOf = (generationId: string) =>
    ledger.reader.asWorkspace('ws', (runner) => readCharges(runner, 'ws', generationId));
  const tiered: PriceVector = {
    perUnit: { input: '1', output: '1' },
    serviceTiers: {
      flex: { perUnit: { input: '0', output: '1' } },
      priority: { perUnit: { input: '3', output: '5' } },
    },
  };
  const wallet: LineOptions = { hold: 1_000n, price: tiered };

  test.each<[string, string | undefined, bigint]>([
    ['of a standard call is by the vector itself', 'default', 30n],
    ['of a call that nobody names a tier of is too', undefined, 30n],
    ['of a flex call is by the flex prices', 'flex', 20n],
    ['of a priority call is by the priority prices', 'priority', 130n],
  ])('%s', async (_name, serviceTier, amount) => {
    const generationId = newGeneration();
    const told = serviceTier === undefined ? {} : { serviceTier };
    await settle(generationFinished({ ...wallet, generationId }, told));
    expect(await chargesOf(generationId)).toMatchObject([{ amount, payer: 'credits', ...told }]);
  });

  test('keeps the tier of its usage, whichever witness tells what', async () => {
    const generationId = newGeneration();
    const worker = attemptFinished({ ...wallet, generationId }, { serviceTier: 'priority' });
    await settle(generationFinished({ ...wallet, generationId }, { usage: 'pending' }));
    await settle(worker);
    expect(await chargesOf(generationId)).toMatchObject([{ amount: 130n, serviceTier: 'priority' }]);
  });

  test('row 15: names the price of its plan, although another came into force while it ran', async () => {
    const generationId = newGeneration();
    const old: LineOptions = { hold: 1_000n, price: CHEAP, generationId };
    await record(['sandbox:echo', CHEAP, DAY]);
    await settle(attemptStarted({ ...old, generationId }));
    await record(['sandbox:echo', DEAR, DAY + 1]);
    await settle(attemptFinished({ ...old, generationId }), generationFinished(old));
    expect(await chargesOf(generationId)).toMatchObject([{ amount: 30n, priceVersion: versionOf(CHEAP) }]);
    expect((await list({ endpointId: 'sandbox:echo' })).prices[0]?.version).toBe(versionOf(DEAR));
  });
});
