// A ledger of some size: settled by the product's own functions in batches, verified, then one entry is altered by hand and named. `npm test` settles 10,000
// generations; WAYSTATION_VERIFY_GENERATIONS=100000 is the full count, and prints how long its verification took.
import { randomBytes } from 'node:crypto';
import { newGenerationId, type MoneyLine } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { delivered, generationFinished, testLedger, type TestLedger } from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { verifyLedger } from './verify-ledger.js';

const GENERATIONS = Number(process.env['WAYSTATION_VERIFY_GENERATIONS'] ?? 10_000);
const BATCH = 2_500;
const WORKSPACES = 5;
const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const LEASE_USD = 10n ** 9n;

let ledger: TestLedger;
const prices = new PriceBook();
const workspaceOf = (index: number): string => `ws-${index % WORKSPACES}`;
const keyOf = (index: number): string => (index % 100).toString(16).padStart(64, '0');

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspaceId = workspaceOf(index);
    await grantCredits(ledger.writer, { grantId: `grant-${index}-many`, workspaceId, amount: 10n ** 12n, reason: 'x' });
    await grantLease(ledger.writer, { leaseId: `lease-many-000${index}`, workspaceId, usd: LEASE_USD });
  }
  const now = Date.now();
  for (let begun = 0; begun < GENERATIONS; begun += BATCH) {
    const lines = Array.from({ length: Math.min(BATCH, GENERATIONS - begun) }, (_, offset): MoneyLine => {
      const index = begun + offset;
      return generationFinished(
        {
          generationId: newGenerationId(now - (index % 1_000) * 1_000, randomBytes),
          workspaceId: workspaceOf(index),
          leaseId: `lease-many-000${index % WORKSPACES}`,
          keyHash: keyOf(index),
          provider: index % 3 === 0 ? 'acme' : 'sandbox',
          // Every fifth uses more than it holds.
          hold: index % 5 === 0 ? 20n : 1_000n,
        },
        ...(index % 7 === 0
          ? [
              { outcome: 'failed-before-output' as const, usage: { input: 10 }, served: false },
              { usage: { input: 10, output: 20 } },
            ]
          : []),
      );
    });
    await settleLines(ledger.writer, prices, delivered(...lines), TIMES);
  }
}, 240_000);
afterAll(() => ledger.drop());

test('a ledger of many generations verifies, and names the one entry that was altered', async () => {
  const begun = performance.now();
  const report = await verifyLedger(ledger.writer);
  const seconds = (performance.now() - begun) / 1_000;
  expect(report.problems).toEqual([]);
  process.stdout.write(
    `verified ${GENERATIONS} settled generations (${report.entries} entries) in ${seconds.toFixed(1)} s\n`,
  );

  const admin = ledger.admin.dataSource.createQueryRunner();
  try {
    await admin.query('alter table entry disable trigger append_only');
    const [entry] = (await admin.query(
      `select id from entry where kind = 'settle' order by md5(id::text) limit 1`,
    )) as { id: string }[];
    await admin.query(`update entry set amount = amount + 1 where id = $1`, [entry?.id]);
    await admin.query('alter table entry enable trigger append_only');
    const { problems } = await verifyLedger(ledger.writer);
    expect(problems[0]).toMatch(new RegExp(`^an entry is as it was booked: entry ${entry?.id} `));
    expect(problems.filter((problem) => problem.startsWith('an entry is as it was booked'))).toHaveLength(1);
  } finally {
    await admin.release();
  }
}, 120_000);
