// What nobody finished: attempts whose time has come are settled from what is known, then leases that are over and unclaimed are closed and their remainder
// given back. Both only as far as the journal has been settled.
import { decideLeaseClose } from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import { HOLDS_NOTHING, lockLeases, lockQuotas, openLedger } from '../ledger/store.js';
import type { PriceBook } from '../settle/price-book.js';
import { settleDue, type SettleResult } from '../settle/settle-batch.js';
import { dueWitnesses } from '../settle/witness-rows.js';

/** Attempts or leases that one transaction takes; the rest waits for the next. */
const BATCH_MAX = 500;

/** Settles attempts that were due at `throughMs`. */
export const settleOverdue = (database: Database, prices: PriceBook, throughMs: number): Promise<SettleResult> =>
  database.transaction(async (runner) => settleDue(runner, prices, await dueWitnesses(runner, throughMs, BATCH_MAX)));

/**
 * Closes leases that ended before `endedBeforeMs`, and those on which no more holds are taken and all is settled; never one that an attempt still claims.
 * Answers how many.
 */
export const closeLeases = (database: Database, endedBeforeMs: number): Promise<number> =>
  database.transaction(async (runner) => {
    const ledger = openLedger(runner);
    const over = await queryRows<{ id: string }>(
      runner,
      `select id from lease
        where closed_at is null and (ends_at_ms <= $1 or (final and ${HOLDS_NOTHING}))
          and not exists (select 1 from witness where witness.lease_id = lease.id)
        order by id limit $2 for update skip locked`,
      [endedBeforeMs, BATCH_MAX],
    );
    if (over.length === 0) return 0;
    await lockLeases(
      runner,
      ledger.book,
      over.map(({ id }) => id),
    );
    await lockQuotas(
      runner,
      ledger.book,
      [...ledger.book.leases.values()].flatMap(({ quotaIds }) => quotaIds),
    );
    for (const { id } of over) ledger.apply(decideLeaseClose(ledger.book, id));
    ledger.flushAtCommit();
    return over.length;
  });
