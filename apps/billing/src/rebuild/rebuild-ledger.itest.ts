// Row 19: whatever is wrong in what is only a fold, rebuilding brings it back to the byte; and on an untouched ledger there is nothing to do.
import fc from 'fast-check';
import { postgresDatabase } from '@waystation/testing';
import type { QuotaRef } from '@waystation/contracts';
import { grantCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { closeLeases, settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  delivered,
  generationFinished,
  KEY_HASH,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease, walletOf } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { rebuildLedger } from './rebuild-ledger.js';

const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const TABLES = ['balance', 'quota', 'key_usage'] as const;

let ledger: TestLedger;
const prices = new PriceBook();
const KEY_QUOTA = `key:${KEY_HASH}:usd:lifetime:0`;
const quotasOf = (workspaceId: string): QuotaRef[] => [
  ...(workspaceId === 'ws-1'
    ? [
        {
          ...{
            id: KEY_QUOTA,
            scope: 'key' as const,
            scopeId: KEY_HASH,
            metric: 'usd' as const,
            window: 'lifetime' as const,
          },
          ...{ windowStart: 0, limit: '5000' },
        },
      ]
    : []),
  walletOf(workspaceId),
];

const lease = (workspaceId: string, leaseId: string): Promise<string> =>
  grantLease(ledger.writer, { leaseId, workspaceId, usd: 1_000n, quotas: quotasOf(workspaceId) });

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  for (const workspaceId of ['ws-1', 'ws-2']) {
    await grantCredits(ledger.writer, { grantId: `grant-${workspaceId}`, workspaceId, amount: 10_000n, reason: 'x' });
    const [first, second] = [`lease-${workspaceId}-0001`, `lease-${workspaceId}-0002`];
    await lease(workspaceId, first);
    await lease(workspaceId, second);
    const late = { workspaceId, leaseId: first, generationId: newGeneration() };
    await settleLines(
      ledger.writer,
      prices,
      delivered(
        generationFinished({ workspaceId, leaseId: first }),
        generationFinished({ workspaceId, leaseId: second, hold: 20n }),
        generationFinished({ workspaceId, leaseId: second, byok: true }),
        attemptFinished(late, { usage: { input: 10, output: 200 } }),
      ),
      TIMES,
    );
    await settleOverdue(ledger.writer, prices, Date.now() + 60_000);
    // A refund, and a charge after its lease was closed.
    await settleLines(
      ledger.writer,
      prices,
      delivered(generationFinished(late, { usage: { input: 10, output: 20 } })),
      TIMES,
    );
    if (workspaceId === 'ws-2') {
      await closeLeases(ledger.writer, Date.now() + 1_000_000);
      await settleLines(ledger.writer, prices, delivered(generationFinished({ workspaceId, leaseId: first })), TIMES);
    }
  }
}, 120_000);
afterAll(() => ledger.drop());

const dump = async (): Promise<string> => {
  const parts = [];
  for (const table of TABLES) parts.push(await ledger.asAdmin(`select t::text from ${table} t order by 1`));
  return JSON.stringify(parts);
};

test('an untouched ledger needs no repair', async () => {
  const before = await dump();
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  expect(await rebuildLedger(ledger.writer, false)).toMatchObject({
    differences: [],
    differenceCount: 0,
    repaired: false,
  });
  expect(await rebuildLedger(ledger.writer, true)).toMatchObject({
    differences: [],
    differenceCount: 0,
    repaired: true,
  });
  expect(await dump()).toBe(before);
});

const damage = fc.constantFrom(
  `update balance set amount = amount + 1 where account = 'payable:sandbox'`,
  `delete from balance where account = 'credits:ws-1'`,
  `update balance set amount = 0`,
  `update quota set posted = posted + 1 where scope = 'wallet'`,
  `update quota set held = 0`,
  `update quota set posted = 0, held = 0`,
  `update quota set quota_limit = quota_limit + 7 where id = 'wallet:ws-2'`,
  `update quota set posted = 0 where scope = 'key'`,
  `delete from key_usage where workspace_id = 'ws-1'`,
  `update key_usage set byok = byok + 1, charged = charged * 2`,
);

test('whatever was altered in balances, quotas and key usage comes back to the byte', async () => {
  const before = await dump();
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (statements) => {
      for (const statement of statements) await ledger.asAdmin(statement);
      const told = await rebuildLedger(ledger.writer, false);
      expect(told.differenceCount > 0).toBe((await dump()) !== before);
      expect(await rebuildLedger(ledger.writer, true)).toMatchObject({ differences: told.differences });
      expect(await dump()).toBe(before);
    }),
    { numRuns: 15 },
  );
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
}, 60_000);

test('without repair nothing is changed', async () => {
  await ledger.asAdmin(`update balance set amount = amount + 1 where account = 'payable:sandbox'`);
  const damaged = await dump();
  expect((await rebuildLedger(ledger.writer, false)).differences).toEqual([
    expect.stringMatching(/^account payable:sandbox: balance \d+, entries fold to \d+$/),
  ]);
  expect(await dump()).toBe(damaged);
  await rebuildLedger(ledger.writer, true);
});
