// The difference report of a re-rating before anything is booked, page by page. Reads only.
import { WaystationError, type PriceVector, type RerateDifference, type RerateTotals } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { PriceBook } from '../settle/price-book.js';
import { checkPrices, checkSelection, mustFindPrice } from './check-target.js';
import {
  add,
  borneBy,
  decideAt,
  differenceInfo,
  NO_TOTALS,
  totalsInfo,
  type Difference,
  type Totals,
} from './difference.js';
import {
  BEFORE_ALL,
  pricedClasses,
  selectCharges,
  type Place,
  type SelectedCharge,
  type Target,
} from './selected-charges.js';

export interface ReratePlan {
  readonly differences: RerateDifference[];
  /** Of all pages; on the first only. */
  readonly totals?: RerateTotals;
  /** Where this page ends; absent where nothing follows. */
  readonly next?: Place;
}

const READ_AT_ONCE = 2_000;
/** A report of more would take longer than a caller waits. */
const ATTEMPTS_MAX = 200_000;

const differenceAt =
  (price: PriceVector, versionAfter: string) =>
  (charge: SelectedCharge): Difference => ({ charge, versionAfter, after: borneBy(decideAt(charge, price)) });

export const placeOf = ({ backing }: SelectedCharge): Place => ({
  generationId: backing.generationId,
  attemptId: backing.attemptId,
});

const totalsOf = async (runner: QueryRunner, target: Target, price: PriceVector): Promise<Totals> => {
  let totals = NO_TOTALS;
  let after = BEFORE_ALL;
  for (;;) {
    const charges = await selectCharges(runner, target, after, READ_AT_ONCE);
    totals = charges.map(differenceAt(price, target.priceVersion)).reduce(add, totals);
    const last = charges.at(-1);
    if (last === undefined || charges.length < READ_AT_ONCE) return totals;
    if (totals.attempts > ATTEMPTS_MAX)
      throw new WaystationError(
        'unprocessable',
        `More than ${ATTEMPTS_MAX} attempts are meant; plan a shorter time, or one workspace after another.`,
      );
    after = placeOf(last);
  }
};

/** `database`: past row-level security, since all workspaces may be meant. */
export const planRerate = (
  database: Database,
  target: Target,
  { after, limit, nowMs }: { readonly after?: Place | undefined; readonly limit: number; readonly nowMs: number },
): Promise<ReratePlan> =>
  database.transaction(async (runner) => {
    await runner.query('set transaction isolation level repeatable read, read only');
    checkSelection(target, nowMs);
    const prices = new PriceBook();
    const price = await mustFindPrice(runner, prices, target.priceVersion);
    if (after === undefined)
      await checkPrices(runner, prices, target.priceVersion, await pricedClasses(runner, target));
    const charges = await selectCharges(runner, target, after ?? BEFORE_ALL, limit + 1);
    const page = charges.slice(0, limit);
    const last = page.at(-1);
    return {
      differences: page.map(differenceAt(price, target.priceVersion)).map(differenceInfo),
      ...(after === undefined ? { totals: totalsInfo(await totalsOf(runner, target, price)) } : {}),
      ...(charges.length > limit && last !== undefined ? { next: placeOf(last) } : {}),
    };
  });
