// A workspace's credits: granting them, and what people see of them. Idle slices of leases never count as used.
import { WaystationError, formatUsd } from '@waystation/contracts';
import { decideCreditGrant, newWallet, walletQuotaId, type Book, type GrantCredits } from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { lockQuotas, newPosting, openLedger, openQuotas } from '../ledger/store.js';
import { appendNotice, type Actor } from '../notices/notice-rows.js';

export interface Credits {
  readonly purchased: bigint;
  /** Settled. */
  readonly used: bigint;
  /** Purchased less used. */
  readonly balance: bigint;
  /** Inside open leases. */
  readonly held: bigint;
}

/** `runner` may be a reader's, bound to the workspace. */
export const readCredits = async (runner: QueryRunner, workspaceId: string): Promise<Credits> => {
  const [row] = await queryRows<{ purchased: string; posted: string; unbooked: string; held: string }>(
    runner,
    `select coalesce(max(quota_limit), 0) as purchased, coalesce(max(posted), 0) as posted,
            coalesce((select sum(unbooked) from lease where workspace_id = $2 and closed_at is null), 0) as unbooked,
            coalesce((select sum(held) from lease where workspace_id = $2 and closed_at is null), 0) as held
       from quota where id = $1`,
    [walletQuotaId(workspaceId), workspaceId],
  );
  const purchased = BigInt(row?.purchased ?? 0);
  const used = BigInt(row?.posted ?? 0) + BigInt(row?.unbooked ?? 0);
  return { purchased, used, balance: purchased - used, held: BigInt(row?.held ?? 0) };
};

/** Picodollars that all grants of a workspace may come to: far above any use, far below what the column holds. */
const PURCHASED_MAX = 10n ** 30n;

/** Whether a wallet could not hold so much more. */
export const wouldBeTooMuch = (book: Book, workspaceId: string, amount: bigint): boolean =>
  (book.quotas.get(walletQuotaId(workspaceId))?.limit ?? 0n) + amount > PURCHASED_MAX;

/** Gives credits without payment. Repeating a grant answers the balance and changes nothing. */
export const grantCredits = (
  database: Database,
  grant: GrantCredits & { readonly reason: string },
  /** Told to the audit; absent for what control does itself. */
  actor?: Actor,
): Promise<Credits> =>
  database.transaction(async (runner) => {
    const { grantId, workspaceId, amount, reason } = grant;
    const ledger = openLedger(runner);
    const { book } = ledger;
    const wallet = newWallet(workspaceId);
    // The wallet's lock makes two grants with one id take turns.
    await lockQuotas(runner, book, [wallet.id]);
    await openQuotas(runner, book, [{ ref: wallet, workspaceId }]);
    const [known] = await queryRows<{ workspace_id: string; amount: string }>(
      runner,
      `select workspace_id, amount from credit_grant where grant_id = $1`,
      [grantId],
    );
    if (known !== undefined)
      book.creditGrants.set(grantId, { workspaceId: known.workspace_id, amount: BigInt(known.amount) });
    const promotional = await queryRows(runner, `select 1 from promo_lot where lot_id = $1`, [grantId]);
    if (promotional.length > 0)
      throw new WaystationError('conflict', `Grant ${grantId} was made before, with an expiry.`);
    if (wouldBeTooMuch(book, workspaceId, amount)) {
      throw new WaystationError('invalid_request', `A grant of ${amount} picodollars is more than a wallet can hold.`);
    }
    const { events, answer } = decideCreditGrant(book, { grantId, workspaceId, amount });
    if (answer.rejected !== undefined) throw answer.rejected;
    ledger.apply(events);
    if (events.length > 0) {
      const posting = await newPosting(runner);
      await queryRows(
        runner,
        `insert into credit_grant (grant_id, workspace_id, amount, reason, posting) values ($1, $2, $3, $4, $5)`,
        [grantId, workspaceId, amount.toString(), reason, posting],
      );
      if (actor !== undefined) {
        const detail = { credits: formatUsd(amount), reason };
        await appendNotice(runner, {
          kind: 'audit',
          workspaceId,
          actor,
          action: 'credits.granted',
          subject: grantId,
          detail,
        });
      }
      await ledger.flush(posting);
    }
    return readCredits(runner, workspaceId);
  });
