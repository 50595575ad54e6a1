// Witnesses that contradict each other, against a real Postgres: in any order and number of deliveries one row is found, and no charge changes because of it.
import type { Database } from '@waystation/postgres';
import { postgresDatabase } from '@waystation/testing';
import type { QueryRunner } from 'typeorm';
import { readCharges } from '../explain/list-charges.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  attemptStarted,
  delivered,
  generationFinished,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { listDisagreements } from './disagreement-rows.js';

const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const LATER = Date.now() + 3_600_000;
const price = { perUnit: { input: '3', output: '5' } };
let ledger: TestLedger;
let prices: PriceBook;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());
beforeEach(() => {
  prices = new PriceBook();
});
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

const settle = (...lines: readonly unknown[]) => settleLines(ledger.writer, prices, delivered(...lines), TIMES);
const list = (limit = 100, before?: number) =>
  ledger.writer.transaction((runner) => listDisagreements(runner, { limit, before }));
const listedOf = async (generationId: string) => (await list()).filter((each) => each.generationId === generationId);
const about = () => ({ generationId: newGeneration(), workspaceId: 'ws', price });
const chargesOf = ({ workspaceId, generationId }: ReturnType<typeof about>) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCharges(runner, workspaceId, generationId));
const more = { usage: { input: 10, output: 24 } };

test.each<[string, (on: ReturnType<typeof about>) => (readonly unknown[])[]]>([
  ['the worker comes late', (on) => [[attemptStarted(on), generationFinished(on)], [attemptFinished(on, more)]]],
  ['both come in one batch', (on) => [[attemptFinished(on, more), generationFinished(on)]]],
  [
    'the ingress is heard while the worker’s word waits',
    (on) => [[attemptFinished(on, more)], [generationFinished(on)]],
  ],
])('%s: one row, the ingress’s word charged, and hearing it all again adds nothing', async (_name, batchesOf) => {
  const on = about();
  const batches = batchesOf(on);
  const found = [];
  for (const batch of batches) found.push(...(await settle(...batch)).disagreements);
  expect(found).toEqual(['usage']);
  const charges = await chargesOf(on);
  expect(charges).toMatchObject([{ revision: 0, usage: { input: 10, output: 20 }, witness: 'ingress' }]);
  for (const batch of [...batches, batches.flat()]) expect((await settle(...batch)).disagreements).toEqual([]);
  expect(await listedOf(on.generationId)).toEqual([
    {
      id: expect.any(Number),
      attemptId: charges[0]?.attemptId,
      generationId: on.generationId,
      workspaceId: 'ws',
      kind: 'usage',
      ingress: { outcome: 'completed', usage: { input: 10, output: 20 }, usageSource: 'provider' },
      worker: { outcome: 'completed', usage: { input: 10, output: 24 }, usageSource: 'provider' },
      priceVersion: charges[0]?.priceVersion,
      difference: 20n,
      foundAtMs: expect.any(Number),
    },
  ]);
  expect(await chargesOf(on)).toEqual(charges);
});

test('an attempt that was settled from its worker and corrected by its ingress is told by its revisions alone', async () => {
  const on = about();
  await settle(attemptFinished(on, more));
  await settleOverdue(ledger.writer, prices, LATER);
  expect(await settle(generationFinished(on))).toMatchObject({ corrected: 1, disagreements: [] });
  expect(await listedOf(on.generationId)).toEqual([]);
});

test('where the later word moves no money there is no revision, and the word is kept here', async () => {
  const on = about();
  await settle(attemptFinished(on, { outcome: 'failed-after-output' }));
  await settleOverdue(ledger.writer, prices, LATER);
  expect(await settle(generationFinished(on))).toMatchObject({ corrected: 0, disagreements: ['outcome'] });
  expect(await listedOf(on.generationId)).toMatchObject([
    { kind: 'outcome', ingress: { outcome: 'completed' }, worker: { outcome: 'failed-after-output' }, difference: 0n },
  ]);
});

test('what settlement waited for is no disagreement', async () => {
  const on = about();
  const pending = generationFinished(on, { outcome: 'cancelled', usage: 'pending' });
  expect(await settle(attemptFinished(on, more), pending)).toMatchObject({ settled: 1, disagreements: [] });
});

test('they are listed newest first, page by page, and a workspace sees its own', async () => {
  const on = Array.from({ length: 5 }, about);
  for (const each of on) await settle(generationFinished(each), attemptFinished(each, more));
  const pages = [await list(2)];
  pages.push(await list(2, pages[0]?.at(-1)?.id), await list(1, pages[0]?.at(-1)?.id));
  expect(pages.map((page) => page.map(({ generationId }) => generationId))).toEqual([
    [on[4]?.generationId, on[3]?.generationId],
    [on[2]?.generationId, on[1]?.generationId],
    [on[2]?.generationId],
  ]);
  const seenBy = (workspaceId: string) =>
    ledger.reader.asWorkspace(workspaceId, (runner) => listDisagreements(runner, { limit: 100 }));
  expect((await seenBy('ws')).length).toBeGreaterThanOrEqual(5);
  expect(await seenBy('other')).toEqual([]);
});

test('they are asked for by workspace and from a time on', async () => {
  const on = { ...about(), workspaceId: 'asked' };
  await settle(generationFinished(on), attemptFinished(on, more));
  const asked = (which: { readonly workspaceId?: string; readonly since?: number }) =>
    ledger.writer.transaction((runner) => listDisagreements(runner, { limit: 100, ...which }));
  const [found, ...others] = await asked({ workspaceId: 'asked' });
  expect([found?.generationId, others]).toEqual([on.generationId, []]);
  const at = found?.foundAtMs ?? 0;
  // Of its very millisecond, which the stored time may pass by microseconds.
  expect(await asked({ workspaceId: 'asked', since: at })).toEqual([found]);
  expect(await asked({ since: at + 1_000 })).toEqual([]);
});

test('rows are only added to', async () => {
  await expect(ledger.asAdmin(`update disagreement set difference = 0`)).rejects.toThrow(/append-only/);
  await expect(ledger.asAdmin(`delete from disagreement`)).rejects.toThrow(/append-only/);
});

test('witnesses that agree cost no statement', async () => {
  const statements: string[] = [];
  const told: Database = {
    ...ledger.writer,
    transaction: (work) =>
      ledger.writer.transaction((runner) =>
        work(
          new Proxy<QueryRunner>(runner, {
            get: (target, name) =>
              name === 'query'
                ? (sql: string, values: unknown[], structured: true) => {
                    statements.push(sql);
                    return target.query(sql, values, structured);
                  }
                : Reflect.get(target, name),
          }),
        ),
      ),
  };
  const heard = async (...lines: readonly unknown[]): Promise<string[]> => {
    statements.length = 0;
    await settleLines(told, prices, delivered(...lines), TIMES);
    return [...statements];
  };
  const on = about();
  await heard(generationFinished(about()));
  const alone = await heard(generationFinished(about()));
  expect(await heard(attemptStarted(on), attemptFinished(on), generationFinished(on))).toEqual(alone);
  expect(await heard(attemptFinished(on))).not.toContainEqual(expect.stringContaining('disagreement'));
  expect(await heard(attemptFinished(on, more))).toContainEqual(expect.stringContaining('into disagreement'));
});
