// Which attempts of a batch are settled, corrected, kept or ignored.
import { NO_EVIDENCE, type Evidence } from '@waystation/ledger';
import {
  attemptFinished,
  attemptProgressed,
  attemptStarted,
  delivered,
  generationFinished,
  newGeneration,
} from '../test-ledger.js';
import { sortCases } from './cases.js';
import { PriceBook } from './price-book.js';
import { readLines, type Testimony } from './read-lines.js';

const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const generationId = newGeneration();
const about = { generationId, at: 1_000, deadlineAt: 100_000 };
const heard = async (...lines: unknown[]): Promise<Testimony[]> =>
  (await readLines(delivered(...lines), new PriceBook(), TIMES)).heard;
const started = () => attemptStarted(about);
const finished = () => attemptFinished(about);
const closed = () => generationFinished(about);
const pending = () => generationFinished(about, { usage: 'pending' });
const notDispatched = () => generationFinished(about, { dispatched: false, outcome: 'failed-before-output' });
const progressed = () => attemptProgressed(generationId, 1, { output: 3 });
const settledFrom = (evidence: Partial<Evidence>) => {
  const { attemptId } = generationFinished(about).attempts[0] ?? { attemptId: '' };
  return new Map([[attemptId, { ...NO_EVIDENCE, ...evidence }]]);
};
const NONE = new Map<string, never>();

test.each<[string, unknown[], number, number, number | undefined]>([
  ['a generation that its ingress closed with usage is settled at once', [closed()], 1, 0, undefined],
  ['a whole story in one batch is one settlement', [started(), progressed(), finished(), closed()], 1, 0, undefined],
  ['in any order', [closed(), progressed(), finished(), started()], 1, 0, undefined],
  ['an attempt that only began is kept until after its deadline', [started()], 0, 1, 130_000],
  ['a finished one is kept for its ingress', [started(), finished()], 0, 1, 16_000],
  ['a pending one is kept for its worker', [pending()], 0, 1, 16_000],
  ['a pending one whose worker spoke is settled', [pending(), finished()], 1, 0, undefined],
  ['progress of an unknown attempt is ignored', [progressed()], 0, 0, undefined],
  ['progress is added to an attempt that begins in the same batch', [progressed(), started()], 0, 1, 130_000],
  ['an attempt that was never dispatched is no case', [notDispatched()], 0, 0, undefined],
  ['unless a worker ran it all the same', [notDispatched(), finished()], 1, 0, undefined],
])('%s', async (_name, lines, ready, open, dueAtMs) => {
  const sorted = sortCases(await heard(...lines), NONE, NONE);
  expect([sorted.ready.length, sorted.open.length]).toEqual([ready, open]);
  expect(sorted.open[0]?.dueAtMs).toBe(dueAtMs);
});

test.each<[string, unknown[], string]>([
  ['the ingress', [attemptStarted({ ...about, hold: 9n }), generationFinished({ ...about, hold: 10n })], '10'],
  [
    'the ingress, heard first',
    [generationFinished({ ...about, hold: 10n }), attemptStarted({ ...about, hold: 9n })],
    '10',
  ],
  ['the worker', [attemptStarted({ ...about, hold: 9n }), attemptFinished({ ...about, hold: 11n }), pending()], '1000'],
  ['progress', [attemptStarted({ ...about, hold: 9n }), attemptProgressed(generationId, 1, { output: 3 }, 12n)], '12'],
  ['nobody', [attemptStarted({ ...about, hold: 9n }), progressed()], '9'],
])('a hold that grew is known from %s', async (_name, lines, hold) => {
  const { ready, open } = sortCases(await heard(...lines), NONE, NONE);
  expect([...ready, ...open].map(({ backing }) => backing.hold)).toEqual([hold]);
});

test.each<[string, unknown[], number | undefined]>([
  ['the ingress', [started(), generationFinished(about, { holdTokens: 30 })], 30],
  ['the worker', [started(), attemptFinished(about, { holdTokens: 20 })], 20],
  ['progress', [started(), { ...progressed(), holdTokens: 10 }], 10],
  ['the one that knows of most', [{ ...progressed(), holdTokens: 10 }, attemptFinished(about, { holdTokens: 9 })], 10],
  ['nobody', [started(), progressed()], undefined],
])('a hold of tokens that grew is known from %s', async (_name, lines, holdTokens) => {
  const { ready, open } = sortCases(await heard(...lines), NONE, NONE);
  expect([...ready, ...open].map(({ backing }) => backing.holdTokens)).toEqual([holdTokens]);
});

test.each<[string, Partial<Evidence>, unknown[], number]>([
  [
    'a settled attempt ignores its own witnesses',
    { outcomeBy: 'ingress', usageBy: 'ingress' },
    [started(), progressed(), finished(), closed()],
    0,
  ],
  ['an estimate is corrected by the worker', { usageBy: 'progress' }, [finished()], 1],
  ['and by the ingress', { outcomeBy: 'worker', usageBy: 'worker' }, [closed()], 1],
  ['more progress corrects nothing', { usageBy: 'progress' }, [started(), progressed()], 0],
  ['an outcome alone is worth a correction', { outcomeBy: 'worker', usageBy: 'worker' }, [pending()], 1],
])('%s', async (_name, evidence, lines, corrections) => {
  const { ready, open } = sortCases(await heard(...lines), settledFrom(evidence), NONE);
  expect(ready.filter(({ corrects }) => corrects)).toHaveLength(corrections);
  expect(ready).toHaveLength(corrections);
  expect(open).toEqual([]);
});
