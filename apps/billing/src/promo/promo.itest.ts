// Promotional credits over a real Postgres: spent first, earliest expiry first; what is left goes back, but for what running leases hold.
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { closeLeases } from '../sweep/sweep.js';
import { delivered, generationFinished, testLedger, type TestLedger } from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { expireDue, expireLots, grantPromo } from './promo.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 26, 12);
let ledger: TestLedger;
let count = 0;
let W = '';

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());
beforeEach(() => {
  count += 1;
  W = `ws-${count}`;
});
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

const give = (lot: string, amount: bigint, days: number, changes: { workspaceId?: string } = {}) =>
  grantPromo(ledger.writer, {
    ...{ lotId: `${W}-${lot}`, workspaceId: W, amount, expiresAtMs: NOW + days * DAY_MS, reason: 'test', nowMs: NOW },
    ...changes,
  });
const lots = async (): Promise<Record<string, string[]>> => {
  const rows = await ledger.asAdmin<{ lot_id: string; spent: string; expired: string }>(
    `select lot_id, spent, expired from promo_lot where workspace_id = $1 order by lot_id`,
    [W],
  );
  return Object.fromEntries(rows.map(({ lot_id, spent, expired }) => [lot_id.slice(W.length + 1), [spent, expired]]));
};
const credits = () => ledger.writer.transaction((runner) => readCredits(runner, W));
const lease = (usd: bigint): Promise<string> =>
  grantLease(ledger.writer, { leaseId: `lease-promo-${count}-${String(usd)}`, workspaceId: W, usd });
const spend = async (leaseId: string, amount: bigint): Promise<void> => {
  const price = { perUnit: { input: '1' } };
  const line = generationFinished(
    { workspaceId: W, leaseId, hold: amount, price, quotaSet: [`wallet:${W}`] },
    { usage: { input: Number(amount) } },
  );
  await settleLines(ledger.writer, new PriceBook(), delivered(line), { witnessWaitMs: 1, graceMs: 1 });
};

test('they can be spent like other credits, the lot that expires first before the others, and paid credits last', async () => {
  await grantCredits(ledger.writer, { grantId: `grant-${W}`, workspaceId: W, amount: 1_000n, reason: 'test' });
  await give('late', 300n, 20);
  await give('early', 100n, 10);
  expect((await credits()).balance).toBe(1_400n);
  await spend(await lease(250n), 250n);
  await expireLots(ledger.writer, W, NOW + 10 * DAY_MS);
  expect(await lots()).toEqual({ early: ['100', '0'], late: ['150', '0'] });
  await expireLots(ledger.writer, W, NOW + 20 * DAY_MS);
  expect(await lots()).toEqual({ early: ['100', '0'], late: ['150', '150'] });
  expect((await credits()).balance).toBe(1_000n);
});

test('a lease taken before the expiry stays valid; what it does not spend goes back when it is closed', async () => {
  await give('a', 500n, 1);
  const leaseId = await lease(300n);
  const after = NOW + 2 * DAY_MS;
  expect(await expireLots(ledger.writer, W, after)).toBe(200n);
  expect(await expireLots(ledger.writer, W, after)).toBe(0n);
  await spend(leaseId, 120n);
  expect(await lots()).toEqual({ a: ['0', '200'] });
  await closeLeases(ledger.writer, Date.now() + DAY_MS);
  expect(await expireLots(ledger.writer, W, after)).toBe(180n);
  expect(await lots()).toEqual({ a: ['120', '380'] });
  expect((await credits()).balance).toBe(0n);
});

test('the job ends what is due, wherever, and twenty of them at once end it once', async () => {
  await give('a', 500n, 1);
  await give('b', 500n, 3);
  await Promise.all(Array.from({ length: 20 }, () => expireDue(ledger.writer, NOW + 2 * DAY_MS)));
  expect(await lots()).toEqual({ a: ['0', '500'], b: ['0', '0'] });
});

test('a grant repeated is one grant, and its id is spent for any other', async () => {
  await give('a', 500n, 1);
  expect((await give('a', 500n, 1)).balance).toBe(500n);
  await expect(give('a', 501n, 1)).rejects.toMatchObject({ code: 'conflict' });
  await expect(give('a', 500n, 1, { workspaceId: 'ws-other' })).rejects.toMatchObject({ code: 'conflict' });
  const plain = { grantId: `${W}-a`, workspaceId: W, amount: 500n, reason: 'test' };
  await expect(grantCredits(ledger.writer, plain)).rejects.toMatchObject({ code: 'conflict' });
  await grantCredits(ledger.writer, { ...plain, grantId: `${W}-plain` });
  await expect(give('plain', 500n, 1)).rejects.toMatchObject({ code: 'conflict' });
});

test.each([
  ['nothing', 0n, 1, /more than zero/],
  ['an expiry in the past', 1n, 0, /lies in the past/],
  ['more than a wallet can hold', 10n ** 31n, 1, /more than a wallet can hold/],
])('a grant of %s is refused and changes nothing', async (_what, amount, days, message) => {
  await expect(give('a', amount, days)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(message) as unknown,
  });
  expect(await lots()).toEqual({});
});

test('the database itself refuses a lot that would owe', async () => {
  await give('a', 500n, 1);
  await expect(ledger.writer.query(`update promo_lot set spent = 501 where lot_id = $1`, [`${W}-a`])).rejects.toThrow(
    /promo_lot_owes_nothing/,
  );
});
