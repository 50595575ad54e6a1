// Whatever somebody alters by hand, the verification names it; and nobody alters anything with the roles that the services have.
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { expireLots, grantPromo } from '../promo/promo.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import {
  attemptStarted,
  delivered,
  generationFinished,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { applyFact } from '../topups/apply-fact.js';
import { insertOrder } from '../topups/order-rows.js';
import { refundTopUp } from '../topups/refund-topup.js';
import { verifyLedger } from './verify-ledger.js';

const LEASE = 'lease-00000001';

/** In a workspace of its own: an order of $20, of which $5 went back and of which the rest is disputed; and a promotional lot, half of it gone back. */
const payAndRefund = async (): Promise<void> => {
  const order = {
    orderId: 'top-1',
    workspaceId: 'paying',
    requestId: 'request-1',
    kind: 'checkout',
    currency: 'usd',
  } as const;
  await ledger.writer.transaction(async (runner) => {
    await insertOrder(runner, { ...order, creditsCents: 2_000n, feeCents: 110n, savesMethod: false });
    await applyFact(
      runner,
      { kind: 'paid', orderId: 'top-1', cents: 2_110n, currency: 'usd', sessionId: 'cs_1', paymentIntent: 'pi_1' },
      0,
    );
  });
  const actor = { kind: 'service' } as const;
  const refund = { workspaceId: 'paying', orderId: 'top-1', refundId: 'refund-0001', manual: true, reason: '', actor };
  await refundTopUp(ledger.writer, undefined, 'never', { ...refund, credits: 5_000_000_000_000n });
  const dispute = {
    kind: 'disputed',
    paymentIntent: 'pi_1',
    disputeId: 'dp_1',
    cents: 2_110n,
    currency: 'usd',
  } as const;
  await ledger.writer.transaction((runner) => applyFact(runner, dispute, 0));
  const lot = { lotId: 'lot-1', workspaceId: 'paying', amount: 100n, expiresAtMs: 10, reason: 'test', nowMs: 1 };
  await grantPromo(ledger.writer, lot);
  await expireLots(ledger.writer, 'paying', 10);
};
let ledger: TestLedger;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  await grantCredits(ledger.writer, { grantId: 'grant-0001', workspaceId: 'ws', amount: 10_000n, reason: 'test' });
  await payAndRefund();
  await grantLease(ledger.writer, { leaseId: LEASE, workspaceId: 'ws', usd: 1_000n });
  const times = { witnessWaitMs: 1, graceMs: 1 };
  await settleLines(
    ledger.writer,
    new PriceBook(),
    delivered(generationFinished({ leaseId: LEASE }), generationFinished({ leaseId: LEASE, hold: 20n })),
    times,
  );
}, 120_000);
afterAll(() => ledger.drop());

test('an untouched ledger has no problem, and its sides are equal', async () => {
  const report = await verifyLedger(ledger.writer);
  expect(report.problems).toEqual([]);
  expect(report.debits).toBe(report.credits);
  // A grant of credits, a lease, what the lease paid, and the variance; a top-up with its fee, a refund, a chargeback with its fee, a lot that came and went.
  const paid = 21_100_000_000_000n;
  expect(report).toMatchObject({ entries: 11, openLeases: 1, debits: 10_000n + 1_000n + 50n + 10n + 2n * paid + 200n });
});

test.each([
  [
    'an entry of a settlement',
    `update entry set amount = amount + 1 where kind = 'settle' and debit like 'held:%'`,
    /posting \d+, provider sandbox.*entries \d+/,
  ],
  [
    'one entry among many',
    `update entry set amount = amount + 1 where kind = 'settle' and debit like 'held:%'`,
    /^an entry is as it was booked: entry \d+ \(settle, held:ws → payable:sandbox, 51/,
  ],
  [
    'the day of an entry',
    `update entry set at = at - interval '1 microsecond' where kind = 'credit-grant'`,
    /^an entry is as it was booked: entry \d+ \(credit-grant/,
  ],
  ['an entry of a lease', `update entry set amount = amount - 1 where kind = 'lease-grant'`, /lease lease-00000001/],
  ['an entry of a credit grant', `update entry set amount = amount + 1 where kind = 'credit-grant'`, /wallet ws/],
  [
    'the account an entry goes to',
    `update entry set credit = 'payable:other' where kind = 'settle' and debit = 'variance'`,
    /provider other/,
  ],
  ['a lost entry', `delete from entry where debit = 'variance'`, /variance/],
  [
    'a lost entry, in its posting',
    `delete from entry where debit = 'variance'`,
    /^a posting has the entries .*: 1 entries, booked with 2/,
  ],
  ['a balance', `update balance set amount = amount + 1 where account = 'payable:sandbox'`, /account payable:sandbox/],
  [
    'two balances that still add up',
    `update balance set amount = amount + case account when 'waste' then 1 when 'variance' then 1 else -1 end where account in ('variance', 'payable:sandbox')`,
    /account variance/,
  ],
  ['a wallet', `update quota set quota_limit = quota_limit + 1 where id = 'wallet:ws'`, /wallet ws/],
  ['what a wallet has posted', `update quota set posted = posted + 1 where id = 'wallet:ws'`, /workspace ws: posted/],
  ['what a quota holds', `update quota set held = held + 1 where id = 'wallet:ws'`, /quota wallet:ws: held/],
  ['what a lease holds', `update lease set held = held - 1`, /lease lease-00000001/],
  ['the amount of a charge', `update charge set charged = charged - 1 where hold = 20`, /posting/],
  [
    'the usage of a charge',
    `update charge set usage = '{"input": 9, "output": 20}' where hold = 20`,
    /attempt att-.*, revision 0: says/,
  ],
  [
    'who bears a charge',
    `update charge set payer = 'byok' where hold = 20`,
    /attempt att-.*, revision 0: says charged 20.*by byok/,
  ],
  ['a revision', `update charge set revision = 1 where hold = 20`, /revisions up to 1/],
  ['a charge beyond its hold', `update charge set hold = 1 where hold = 20`, /charged 20, held 1/],
  [
    'a tag of a charge',
    `update charge set tags = '{a,b,a}' where hold = 20`,
    /each of its tags once: attempt .*: tags a b a/,
  ],
  ['the price version of a charge', `update charge set price_version = 'price-none'`, /price version price-none/],
  ['a lost charge', `delete from charge where hold = 20`, /posting/],
  [
    'what was paid',
    `update payment set credits = credits + 1 where kind = 'topped-up'`,
    /wallet paying.*order top-1|order top-1/s,
  ],
  ['a refund that never was', `delete from payment where kind = 'refunded'`, /wallet paying/],
  ['a fee', `update payment set fee = fee - 1 where kind = 'charged-back'`, /posting \d+ of workspace paying/],
  [
    'cash',
    `update entry set amount = amount - 1 where credit = 'cash' and debit = 'fees'`,
    /posting \d+ of workspace paying/,
  ],
  ['an order', `update topup_order set credits_cents = 2001`, /order top-1: paid, 2001 cents/],
  ['a paid order that is said to be open', `update topup_order set state = 'open'`, /order top-1: open/],
  [
    'what went back beyond the payment',
    `update payment set credits = credits * 2 where kind <> 'topped-up'`,
    /order top-1: credits/,
  ],
  [
    'a wallet that is overdrawn by nothing',
    `update quota set overdrawn = true, held = held + 99999999999999 where id = 'wallet:paying'`,
    /wallet paying: posted/,
  ],
  [
    'what of a promotional lot was spent',
    `update promo_lot set spent = spent + 1, amount = amount + 1`,
    /lot lot-1 of paying/,
  ],
  ['what of a promotional lot went back', `update promo_lot set expired = expired - 1`, /wallet paying|lot lot-1/],
  ["a key's usage", `update key_usage set charged = charged + 1`, /key aaaaaaaaaaaa of ws/],
])('%s altered by hand is named', async (_what, sql, named) => {
  const admin = ledger.admin.dataSource.createQueryRunner();
  await admin.query(`set session_replication_role = replica`);
  const tables = [
    ...[
      'posting_seal',
      'entry',
      'balance',
      'quota',
      'lease',
      'charge',
      'key_usage',
      'topup_order',
      'payment',
      'promo_lot',
    ],
  ];
  for (const table of tables) await admin.query(`create temporary table kept_${table} as table ${table}`);
  try {
    await admin.query(sql);
    const { problems } = await verifyLedger(ledger.writer);
    expect(problems.join('\n')).toMatch(named);
  } finally {
    for (const table of tables) {
      await admin.query(`delete from ${table}`);
      await admin.query(`insert into ${table} overriding system value select * from kept_${table}`);
      await admin.query(`drop table kept_${table}`);
    }
    await admin.query(`set session_replication_role = origin`);
    await admin.release();
  }
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

/** A column to write to, where the table has no posting. */
const NEVER_CHANGED: Readonly<Record<string, string>> = { price_version: 'id = id', stripe_event: 'type = type' };

test.each(['entry', 'posting_seal', 'charge', 'price_version', 'credit_grant', 'payment', 'stripe_event'])(
  '%s can only be added to',
  async (table) => {
    await expect(ledger.writer.query(`delete from ${table}`)).rejects.toThrow(/permission denied/);
    await expect(
      ledger.writer.query(`update ${table} set ${NEVER_CHANGED[table] ?? 'posting = posting'}`),
    ).rejects.toThrow(/permission denied/);
    await expect(ledger.admin.query(`delete from ${table}`)).rejects.toThrow(/append-only/);
  },
);

test('the database itself refuses a quota beyond its limit', async () => {
  await expect(ledger.writer.query(`update quota set held = quota_limit + 1 where id = 'wallet:ws'`)).rejects.toThrow(
    /quota_holds/,
  );
});

test('a reader sees the rows of its workspace, and nothing without one', async () => {
  const begun = attemptStarted({ generationId: newGeneration(), leaseId: LEASE });
  await settleLines(ledger.writer, new PriceBook(), delivered(begun), { witnessWaitMs: 1, graceMs: 1 });
  for (const table of ['entry', 'quota', 'lease', 'charge', 'key_usage', 'credit_grant', 'witness']) {
    const rows = (workspaceId: string) =>
      ledger.reader.asWorkspace(workspaceId, (runner) => runner.query(`select 1 from ${table}`) as Promise<unknown[]>);
    expect((await rows('ws')).length).toBeGreaterThan(0);
    expect(await rows('other')).toEqual([]);
    expect(await ledger.reader.query(`select 1 from ${table}`)).toEqual([]);
  }
  for (const table of ['topup_order', 'payment', 'topup_refund', 'dispute', 'promo_lot']) {
    const rows = (workspaceId: string) =>
      ledger.reader.asWorkspace(workspaceId, (runner) => runner.query(`select 1 from ${table}`) as Promise<unknown[]>);
    expect((await rows('paying')).length).toBeGreaterThan(0);
    expect(await rows('ws')).toEqual([]);
  }
  for (const table of ['balance', 'dead_letter', 'stripe_event', 'notice'])
    await expect(ledger.reader.query(`select 1 from ${table}`)).rejects.toThrow(/permission denied/);
});
