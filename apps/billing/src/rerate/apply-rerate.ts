// Books a re-rating in batches, each one transaction: corrections, entries, and how far it is. After a crash it goes on behind the last batch that was committed;
// an attempt is corrected once by one re-rating, since the place, the version that it is charged by, and a unique key all say so.
import type { PriceVector } from '@waystation/contracts';
import { decideRerate, type Book, type Settlement } from '@waystation/ledger';
import { queryTogether, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { lockLeases, lockQuotas, newPosting, openLedger } from '../ledger/store.js';
import { addedKeyUsage, insertCharges, loadCharges, type ChargeRow } from '../settle/charge-rows.js';
import { PriceBook } from '../settle/price-book.js';
import { checkPrices, checkSelection, mustFindPrice } from './check-target.js';
import { add, decideAt, plus } from './difference.js';
import { placeOf } from './plan-rerate.js';
import {
  advanceRun,
  endRun,
  findSameRun,
  insertRun,
  mustFindRun,
  takeTurn,
  type NewRun,
  type Run,
} from './rerate-runs.js';
import {
  BEFORE_ALL,
  classesOf,
  pricedClasses,
  readAgain,
  selectCharges,
  type SelectedCharge,
} from './selected-charges.js';

export interface ApplyBounds {
  readonly batchAttempts: number;
  /** No batch is begun later than this after the first. */
  readonly forMs: number;
}

const TRIES_MAX = 3;
/** Somebody else corrected the same attempt right now, or was waited for in a circle: the next try finds it done. */
const PASSING: ReadonlySet<unknown> = new Set(['23505', '40001', '40P01']);

/** Goes on with a re-rating for a bounded time; begins it where it is new. */
export const applyRerate = async (
  database: Database,
  wanted: NewRun,
  { batchAttempts, forMs }: ApplyBounds,
  nowMs: number,
): Promise<Run> => {
  const begunMs = performance.now();
  const prices = new PriceBook();
  let run = await database.transaction((runner) => openRun(runner, prices, wanted, nowMs));
  while (run.state === 'running') {
    run = await bookBatch(database, prices, run.id, batchAttempts);
    if (performance.now() - begunMs >= forMs) break;
  }
  return run;
};

/** A new one is checked as a whole before anything of it is booked. */
const openRun = async (runner: QueryRunner, prices: PriceBook, wanted: NewRun, nowMs: number): Promise<Run> => {
  await takeTurn(runner);
  const known = await findSameRun(runner, wanted);
  if (known !== undefined) return known;
  checkSelection(wanted, nowMs);
  await mustFindPrice(runner, prices, wanted.priceVersion);
  await checkPrices(runner, prices, wanted.priceVersion, await pricedClasses(runner, wanted));
  return insertRun(runner, wanted);
};

const bookBatch = async (database: Database, prices: PriceBook, id: string, limit: number): Promise<Run> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await database.transaction(async (runner) => {
        const run = await mustFindRun(runner, id, true);
        if (run.state !== 'running') return run;
        const found = await nextOf(runner, run, limit);
        if (found.length === 0) await endRun(runner, run.id, 'finished');
        else await bookCharges(runner, prices, run, found);
        return mustFindRun(runner, id);
      });
    } catch (error) {
      const passing = error instanceof Error && 'code' in error && PASSING.has(error.code);
      if (!passing || tries >= TRIES_MAX) throw error;
    }
  }
};

/** At the end once more from the beginning: what was settled meanwhile behind the place is not forgotten, and what is done is not found again. */
const nextOf = async (runner: QueryRunner, run: Run, limit: number): Promise<SelectedCharge[]> => {
  const found = await selectCharges(runner, run, run.done, limit);
  return found.length > 0 || run.done.generationId === '' ? found : selectCharges(runner, run, BEFORE_ALL, limit);
};

/** Leases first, as everywhere; what is to be corrected is read again once nobody else can touch it. */
const bookCharges = async (
  runner: QueryRunner,
  prices: PriceBook,
  run: Run,
  found: readonly SelectedCharge[],
): Promise<void> => {
  const ledger = openLedger(runner);
  await lockLeases(
    runner,
    ledger.book,
    found.flatMap(({ backing }) => backing.leaseId ?? []),
  );
  const charges = await readAgain(runner, run, found);
  const price = await mustFindPrice(runner, prices, run.priceVersion);
  await checkPrices(runner, prices, run.priceVersion, charges.flatMap(classesOf));
  await loadCharges(
    runner,
    ledger.book,
    charges.map(({ backing }) => backing),
  );
  const settlements = charges.map((charge) => ({ charge, settlement: settlementOf(charge, price) }));
  await lockQuotas(
    runner,
    ledger.book,
    settlements.flatMap(({ settlement }) => quotaIdsOf(ledger.book, settlement)),
  );

  const rows: ChargeRow[] = [];
  let { totals } = run;
  for (const { charge, settlement } of settlements) {
    const event = decideRerate(ledger.book, settlement);
    if (event === undefined) continue;
    ledger.apply([event]);
    const { evidence } = charge;
    rows.push({
      backing: { ...charge.backing, priceVersion: run.priceVersion },
      ...{ decision: settlement.decision, event, evidence, rerateId: run.id },
      ...{ outcome: evidence.outcome, served: evidence.served },
    });
    const { waste, variance, byok, surcharge } = event;
    const difference = { charged: event.fromLease.usd + event.fromCredit.usd, waste, variance, byok, surcharge };
    totals = add(totals, { charge, after: plus(charge.borne, difference) });
  }
  const posting = await newPosting(runner);
  await insertCharges(runner, posting, rows);
  await queryTogether(runner, addedKeyUsage(rows));
  await advanceRun(runner, run.id, found.map(placeOf).at(-1) ?? run.done, totals);
  await ledger.flush(posting);
};

const settlementOf = (charge: SelectedCharge, price: PriceVector): Omit<Settlement, 'requests' | 'tokens'> => ({
  ...charge.backing,
  decision: decideAt(charge, price),
});

const quotaIdsOf = (book: Book, { leaseId, quotaSet }: Pick<Settlement, 'leaseId' | 'quotaSet'>): readonly string[] =>
  (leaseId === undefined ? undefined : book.leases.get(leaseId)?.quotaIds) ?? quotaSet;
