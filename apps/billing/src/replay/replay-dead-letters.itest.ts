// Row 26: a dead letter is replayed once its fault is mended, books what it says exactly once, and stays where it is otherwise.
import type { MoneyLine } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { delivered, generationFinished, newGeneration, testLedger, type TestLedger } from '../test-ledger.js';
import { replayDeadLetters, type ReplayOptions } from './replay-dead-letters.js';

const TIMES = { witnessWaitMs: 1, graceMs: 1 };
let ledger: TestLedger;
const prices = new PriceBook();

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());

const settle = (...lines: readonly unknown[]) => settleLines(ledger.writer, prices, delivered(...lines), TIMES);
const replay = (options: Partial<ReplayOptions> = {}) =>
  replayDeadLetters(ledger.writer, prices, TIMES, { limit: 100, dryRun: false, ...options });
const chargesOf = (generationId: string) =>
  ledger.asAdmin<{ waste: string }>(`select variance, byok from charge where generation_id = $1`, [generationId]);

/** A database that refuses a provider for a while: what it refuses is a line's fault (23514). */
const refusing = async (work: () => Promise<unknown>): Promise<void> => {
  await ledger.asAdmin(`alter table charge add constraint refused check (provider <> 'refused') not valid`);
  await work();
  await ledger.asAdmin(`alter table charge drop constraint refused`);
};
const refused = (generationId: string): MoneyLine =>
  generationFinished({ generationId, provider: 'refused', byok: true });

test('what was refused is settled after the fault is mended, once, and marked', async () => {
  const generationId = newGeneration();
  await refusing(async () => {
    expect((await settle(refused(generationId), generationFinished({ byok: true }))).bad).toHaveLength(1);
    expect((await replay()).letters).toMatchObject([{ result: 'still-bad', reason: 'cannot be settled: 23514' }]);
  });
  expect(await replay({ dryRun: true })).toMatchObject({ left: 1, letters: [{ result: 'waiting' }] });
  expect(await chargesOf(generationId)).toEqual([]);
  expect(await replay()).toMatchObject({ left: 0, letters: [{ result: 'replayed' }] });
  expect(await chargesOf(generationId)).toEqual([{ variance: '0', byok: '30' }]);
  expect(await replay()).toEqual({ left: 0, letters: [] });
  expect(await chargesOf(generationId)).toHaveLength(1);
});

test('a letter whose line came in another way meanwhile changes nothing, and is marked', async () => {
  const generationId = newGeneration();
  const line = refused(generationId);
  await refusing(() => settle(line));
  await settle(line);
  const before = await chargesOf(generationId);
  expect(await replay()).toMatchObject({ left: 0, letters: [{ result: 'replayed' }] });
  expect(await chargesOf(generationId)).toEqual(before);
});

test('what can never be a line stays, however often it is tried, and is chosen by id, reason and time', async () => {
  await settle({ kind: 'attempt.imagined' }, 'x'.repeat(70_000), undefined);
  const { letters } = await replay();
  expect(letters.map(({ result }) => result)).toEqual(['still-bad', 'still-bad', 'still-bad']);
  expect(await replay()).toMatchObject({ left: 3, letters });
  const [first] = letters;
  expect((await replay({ ids: [first?.id ?? 0] })).letters).toHaveLength(1);
  expect((await replay({ reason: 'not a batch' })).letters).toHaveLength(1);
  expect((await replay({ since: Date.now() + 60_000 })).letters).toEqual([]);
  expect((await replay({ limit: 2 })).letters).toHaveLength(2);
});
