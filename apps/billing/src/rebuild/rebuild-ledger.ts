// What can be worked out again from entries, charges and leases: balances, quotas, key usage. Without `repair` it only tells what differs. With it the tables
// are locked in the order in which everybody locks, so that nothing is booked between reading and writing, and come out as if nothing had ever been wrong.
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface RebuildReport {
  readonly checked: { readonly balances: number; readonly quotas: number; readonly keyUsage: number };
  /** The first hundred. */
  readonly differences: readonly string[];
  readonly differenceCount: number;
  readonly repaired: boolean;
}

const DIFFERENCES_MAX = 100;
const STATEMENT_TIMEOUT_MS = 300_000;

interface Fold {
  readonly name: keyof RebuildReport['checked'];
  readonly table: string;
  /** Rows that differ: what is wrong as text, and the columns that `repair` needs. */
  readonly differing: string;
  /** Takes the rows of `differing` as `d`. */
  readonly repair: readonly string[];
}

/** Accounts whose credit belongs to the workspace `w`. */
const OWN = (column: string): string =>
  `(${column} in ('credits:' || w.id, 'held:' || w.id) or starts_with(${column}, 'promo:' || w.id || ':'))`;

/** What a lease `l` has of a quota `q`, in the quota's metric. */
const LEASED = (column: 'held' | 'unbooked'): string =>
  `case q.metric when 'usd' then l.${column} + case when q.include_byok and q.scope <> 'wallet' then l.${column}_byok else 0 end
                 when 'requests' then l.${column}_requests else l.${column}_tokens end`;

const FOLDS: readonly Fold[] = [
  {
    name: 'quotas',
    table: 'quota',
    // The wallet's limit is all that was ever put in. What is spent of a quota is what its charges counted and what was spent before it opened, less what its leases
    // have not told it yet. Whether own keys count may have changed meanwhile: what lies between is left as it is.
    differing: `
      select format('quota %s: limit %s, posted %s, held %s; folds to %s, %s, %s', id, quota_limit, posted, held, new_limit, new_posted, new_held) as problem,
             id, new_limit, new_posted, new_held
        from (select id, quota_limit, posted, held, new_limit, unbooked + leased as new_held,
                     case when scope <> 'wallet' and posted + unbooked - opened_with between least and most then posted
                          else opened_with + case when include_byok and scope <> 'wallet' then most else least end - unbooked end as new_posted
                from (select q.*, case when q.scope = 'wallet' then coalesce(i.put_in, 0) else q.quota_limit end as new_limit,
                             coalesce(l.unbooked, 0) as unbooked, coalesce(l.held, 0) as leased, coalesce(c.least, 0) as least, coalesce(c.most, 0) as most
                        from quota q
                        left join (select q.id, sum(${LEASED('held')}) as held, sum(${LEASED('unbooked')}) as unbooked
                                     from lease l, unnest(l.quota_ids) as named join quota q on q.id = named where l.closed_at is null group by q.id) l on l.id = q.id
                        left join (select q.id, sum(case q.metric when 'usd' then charged when 'requests' then counted_requests else counted_tokens end) as least,
                                          sum(case q.metric when 'usd' then charged + counted_byok when 'requests' then counted_requests else counted_tokens end) as most
                                     from charge left join lease on lease.id = charge.lease_id,
                                          unnest(coalesce(lease.quota_ids, quota_set)) as named join quota q on q.id = named group by q.id) c on c.id = q.id
                        left join (select w.id, sum(case when ${OWN('e.credit')} then e.amount else 0 end) - sum(case when ${OWN('e.debit')} then e.amount else 0 end) as put_in
                                     from (select distinct workspace_id as id from quota where scope = 'wallet') w
                                     join entry e on e.workspace_id = w.id and e.kind not in ('settle', 'adjust') group by w.id) i on i.id = q.workspace_id
                       where q.metric in ('usd', 'requests', 'tokens')) q) f
       where (quota_limit, posted, held) is distinct from (new_limit, new_posted, new_held)`,
    repair: [
      `update quota set quota_limit = d.new_limit, posted = d.new_posted, held = d.new_held from d where quota.id = d.id`,
    ],
  },
  {
    name: 'keyUsage',
    table: 'key_usage',
    differing: `
      select format('key %s of %s on %s: usage %s, byok %s; folds to %s, %s', left(key_hash, 12), workspace_id, day, coalesce(u.charged, 0), coalesce(u.byok, 0),
                    coalesce(c.charged, 0), coalesce(c.byok, 0)) as problem,
             workspace_id, key_hash, day, coalesce(c.charged, 0) as new_charged, coalesce(c.byok, 0) as new_byok
        from key_usage u
        full join (select workspace_id, key_hash, (to_timestamp(substr(generation_id, 5, 10)::bigint) at time zone 'UTC')::date as day,
                          sum(charged) as charged, sum(byok) as byok
                     from charge where charged <> 0 or byok <> 0 group by 1, 2, 3) c using (workspace_id, key_hash, day)
       where coalesce(u.charged, 0) <> coalesce(c.charged, 0) or coalesce(u.byok, 0) <> coalesce(c.byok, 0)`,
    repair: [
      `insert into key_usage (workspace_id, key_hash, day, charged, byok) select workspace_id, key_hash, day, new_charged, new_byok from d
       on conflict (workspace_id, key_hash, day) do update set charged = excluded.charged, byok = excluded.byok`,
    ],
  },
  {
    name: 'balances',
    table: 'balance',
    differing: `
      select format('account %s: balance %s, entries fold to %s', account, coalesce(b.amount, 0), coalesce(f.amount, 0)) as problem,
             account, coalesce(f.amount, 0) as new_amount
        from balance b
        full join (select account, sum(amount) as amount
                     from (select credit as account, amount from entry union all select debit, -amount from entry) e group by account) f using (account)
       where coalesce(b.amount, 0) <> coalesce(f.amount, 0)`,
    repair: [
      `insert into balance (account, amount) select account, new_amount from d
       on conflict (account) do update set amount = excluded.amount`,
    ],
  },
];

/** Leases, quotas, key usage, balances: the order of every transaction that books. */
const LOCKS = `lock table lease, quota, key_usage, balance in exclusive mode`;

const countOf = async (runner: QueryRunner, table: string): Promise<number> => {
  const [row] = await queryRows<{ count: string }>(runner, `select count(*) from ${table}`);
  return Number(row?.count ?? 0);
};

export const rebuildLedger = (database: Database, repair: boolean): Promise<RebuildReport> =>
  database.transaction(async (runner) => {
    if (!repair) await runner.query('set transaction isolation level repeatable read, read only');
    await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    if (repair) await runner.query(LOCKS);
    const checked = { balances: 0, quotas: 0, keyUsage: 0 };
    const differences: string[] = [];
    let differenceCount = 0;
    for (const fold of FOLDS) {
      checked[fold.name] = await countOf(runner, fold.table);
      const rows = await queryRows<{ problem: string; total: string }>(
        runner,
        `select problem, count(*) over () as total from (${fold.differing}) d order by problem limit ${DIFFERENCES_MAX}`,
      );
      differenceCount += Number(rows[0]?.total ?? 0);
      differences.push(...rows.map(({ problem }) => problem).slice(0, DIFFERENCES_MAX - differences.length));
      if (repair && rows.length > 0)
        for (const statement of fold.repair) await queryRows(runner, `with d as (${fold.differing}) ${statement}`);
    }
    return { checked, differences, differenceCount, repaired: repair };
  });
