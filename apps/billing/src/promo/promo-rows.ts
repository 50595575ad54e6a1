// Promotional lots in Postgres. The wallet's lock guards them: whoever reads or writes lots of a workspace holds it.
import type { QueryRunner } from 'typeorm';
import { walletQuotaId, type Book, type LotState } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';

interface LotRow {
  readonly lot_id: string;
  readonly workspace_id: string;
  readonly amount: string;
  readonly expires_at_ms: string;
  readonly spent: string;
  readonly expired: string;
}

const COLUMNS = 'lot_id, workspace_id, amount, expires_at_ms, spent, expired';

const lotOf = (row: LotRow): LotState => ({
  lotId: row.lot_id,
  workspaceId: row.workspace_id,
  amount: BigInt(row.amount),
  expiresAtMs: Number(row.expires_at_ms),
  spent: BigInt(row.spent),
  expired: BigInt(row.expired),
});

/** Puts the lots of a workspace that are not used up, and those of these ids, into the book. The caller holds the wallet's lock. */
export const loadLots = async (
  runner: QueryRunner,
  book: Book,
  workspaceId: string,
  ids: readonly string[] = [],
): Promise<void> => {
  const lots = await queryRows<LotRow>(
    runner,
    `select ${COLUMNS} from promo_lot where (workspace_id = $1 and spent + expired < amount) or lot_id = any($2)`,
    [workspaceId, ids],
  );
  for (const row of lots) book.lots.set(row.lot_id, lotOf(row));
  const [mark] = await queryRows<{ mark: string }>(runner, `select mark from promo_mark where workspace_id = $1`, [
    workspaceId,
  ]);
  if (mark !== undefined) book.promoMarks.set(workspaceId, BigInt(mark.mark));
};

export const insertLot = async (
  runner: QueryRunner,
  { lotId, workspaceId, amount, expiresAtMs }: Pick<LotState, 'lotId' | 'workspaceId' | 'amount' | 'expiresAtMs'>,
  reason: string,
  posting: string,
): Promise<void> => {
  await queryRows(
    runner,
    `insert into promo_lot (lot_id, workspace_id, amount, expires_at_ms, reason, posting) values ($1, $2, $3, $4, $5, $6)`,
    [lotId, workspaceId, amount.toString(), expiresAtMs, reason, posting],
  );
};

/** Writes what became of the lots of a workspace, and up to where its spending is attributed. */
export const updateLots = async (runner: QueryRunner, book: Book, workspaceId: string): Promise<void> => {
  const lots = [...book.lots.values()].filter((lot) => lot.workspaceId === workspaceId);
  await queryRows(
    runner,
    `update promo_lot set spent = l.spent, expired = l.expired
       from unnest($1::text[], $2::numeric[], $3::numeric[]) as l (lot_id, spent, expired)
      where promo_lot.lot_id = l.lot_id`,
    [
      lots.map(({ lotId }) => lotId),
      lots.map(({ spent }) => spent.toString()),
      lots.map(({ expired }) => expired.toString()),
    ],
  );
  const mark = book.promoMarks.get(workspaceId);
  if (mark === undefined) return;
  await queryRows(
    runner,
    `insert into promo_mark (workspace_id, mark) values ($1, $2) on conflict (workspace_id) do update set mark = excluded.mark`,
    [workspaceId, mark.toString()],
  );
};

/** What open leases have spent without the wallet having been told. */
export const unbookedOf = async (runner: QueryRunner, workspaceId: string): Promise<bigint> => {
  const [row] = await queryRows<{ unbooked: string }>(
    runner,
    `select coalesce(sum(unbooked), 0) as unbooked from lease where workspace_id = $1 and closed_at is null and $2 = any(quota_ids)`,
    [workspaceId, walletQuotaId(workspaceId)],
  );
  return BigInt(row?.unbooked ?? 0);
};

/** Workspaces with lots whose time has come and of which something is left. */
export const dueWorkspaces = async (runner: QueryRunner, nowMs: number, most: number): Promise<string[]> =>
  (
    await queryRows<{ workspace_id: string }>(
      runner,
      `select workspace_id from promo_lot where spent + expired < amount and expires_at_ms <= $1
        group by workspace_id order by min(expires_at_ms), workspace_id limit $2`,
      [nowMs, most],
    )
  ).map(({ workspace_id }) => workspace_id);
