// Giving promotional credits and letting them expire: decisions of libs/ledger under the wallet's lock.
import { WaystationError, formatUsd } from '@waystation/contracts';
import { decidePromoExpiry, decidePromoGrant, newWallet, type GrantPromo } from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import { readCredits, wouldBeTooMuch, type Credits } from '../credits/credits.js';
import { lockQuotas, newPosting, openLedger, openQuotas } from '../ledger/store.js';
import { appendNotice, type Actor } from '../notices/notice-rows.js';
import { dueWorkspaces, insertLot, loadLots, unbookedOf, updateLots } from './promo-rows.js';

/** Workspaces that one run looks at; the rest waits for the next. */
const RUN_MAX = 200;

/** Repeating a grant answers the balance and changes nothing. */
export const grantPromo = (
  database: Database,
  grant: GrantPromo & { readonly reason: string; readonly nowMs: number },
  actor?: Actor,
): Promise<Credits> =>
  database.transaction(async (runner) => {
    const { lotId, workspaceId, amount, expiresAtMs, reason, nowMs } = grant;
    const ledger = openLedger(runner);
    const { book } = ledger;
    const wallet = newWallet(workspaceId);
    await lockQuotas(runner, book, [wallet.id]);
    await openQuotas(runner, book, [{ ref: wallet, workspaceId }]);
    await loadLots(runner, book, workspaceId, [lotId]);
    const plain = await queryRows(runner, `select 1 from credit_grant where grant_id = $1`, [lotId]);
    if (plain.length > 0) throw new WaystationError('conflict', `Grant ${lotId} was made before, without an expiry.`);
    if (wouldBeTooMuch(book, workspaceId, amount))
      throw new WaystationError('invalid_request', `A grant of ${amount} picodollars is more than a wallet can hold.`);
    const unbooked = await unbookedOf(runner, workspaceId);
    const { events, answer } = decidePromoGrant(book, { lotId, workspaceId, amount, expiresAtMs, nowMs, unbooked });
    if (answer.rejected !== undefined) throw answer.rejected;
    if (events.length > 0) {
      const posting = await newPosting(runner);
      ledger.apply(events);
      await insertLot(runner, { lotId, workspaceId, amount, expiresAtMs }, reason, posting);
      await updateLots(runner, book, workspaceId);
      if (actor !== undefined) {
        const detail = { credits: formatUsd(amount), reason, expiresAt: new Date(expiresAtMs).toISOString() };
        await appendNotice(runner, {
          kind: 'audit',
          workspaceId,
          actor,
          action: 'credits.granted',
          subject: lotId,
          detail,
        });
      }
      await ledger.flush(posting);
    }
    return readCredits(runner, workspaceId);
  });

/** Ends what is due in one workspace. Answers the picodollars that went back. */
export const expireLots = (database: Database, workspaceId: string, nowMs: number): Promise<bigint> =>
  database.transaction(async (runner) => {
    const ledger = openLedger(runner);
    const { book } = ledger;
    await lockQuotas(runner, book, [newWallet(workspaceId).id]);
    await loadLots(runner, book, workspaceId);
    const unbooked = await unbookedOf(runner, workspaceId);
    const events = decidePromoExpiry(book, { workspaceId, nowMs, unbooked });
    if (events.length === 0) return 0n;
    ledger.apply(events);
    await updateLots(runner, book, workspaceId);
    await ledger.flush(await newPosting(runner));
    return events.reduce((sum, event) => (event.type === 'promo-expired' ? sum + event.amount : sum), 0n);
  });

/** Ends what is due anywhere. Answers how many workspaces had something go back. */
export const expireDue = async (database: Database, nowMs: number): Promise<number> => {
  const due = await database.transaction((runner) => dueWorkspaces(runner, nowMs, RUN_MAX));
  let changed = 0;
  for (const workspaceId of due) if ((await expireLots(database, workspaceId, nowMs)) > 0n) changed += 1;
  return changed;
};
