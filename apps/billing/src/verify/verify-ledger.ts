// Every invariant of the ledger over the whole database, over one snapshot: in set-based SQL, and charge by charge where a price must be applied. Each check
// answers rows only where something is wrong, and names it. What names a single row comes first.
import { queryRows, type Database } from '@waystation/postgres';
import { SUMS, usageOfCharges } from '../activity/usage-sql.js';
import { HOLDS_NOTHING } from '../ledger/store.js';
import { complaintsOfCharges } from './verify-charges.js';

export interface LedgerReport {
  readonly entries: number;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly openLeases: number;
  readonly problems: readonly string[];
}

const PROBLEMS_MAX = 100;
const PROBLEM_UNITS_MAX = 512;
const STATEMENT_TIMEOUT_MS = 120_000;

/** What settlement moved from whoever bears a charge to whom it goes: the provider, or the account of what is on top. */
const GOES_TO = (column: string): string => `(${column} like 'payable:%' or ${column} in ('markup', 'fees'))`;
const SETTLED = `
  select id, posting, workspace_id, debit as source, credit as target, amount from entry where kind in ('settle', 'adjust') and ${GOES_TO('credit')}
  union all
  select id, posting, workspace_id, credit, debit, -amount from entry where kind in ('settle', 'adjust') and ${GOES_TO('debit')}`;

/** What must hold, and the rows that break it as text. */
const CHECKS: readonly (readonly [invariant: string, sql: string])[] = [
  [
    'an entry is as it was booked',
    `select format('entry %s (%s, %s → %s, %s, posting %s, workspace %s) was altered or added by hand', id, kind, debit, credit, amount, posting, workspace_id)
       from entry where seal is distinct from entry_seal(posting, kind, debit, credit, amount, workspace_id, lease_id, at)`,
  ],
  [
    'a posting has the entries it was booked with',
    `select format('posting %s: %s entries, booked with %s', posting, coalesce(e.entries, 0), coalesce(s.entries, 0))
       from posting_seal s full join (select posting, count(*) as entries from entry group by posting) e using (posting)
      where coalesce(e.entries, 0) <> coalesce(s.entries, 0)`,
  ],
  [
    'balances are the fold of entries',
    `select format('account %s: balance %s, entries fold to %s', coalesce(b.account, f.account), coalesce(b.amount, 0), coalesce(f.amount, 0))
       from balance b
       full join (select account, sum(amount) as amount
                    from (select credit as account, amount from entry union all select debit, -amount from entry) e group by account) f using (account)
      where coalesce(b.amount, 0) <> coalesce(f.amount, 0)`,
  ],
  [
    'all balances together are zero',
    `select format('balances add up to %s', sum(amount)) from balance having sum(amount) <> 0`,
  ],
  [
    'no quota passes its limit, none goes below zero',
    `select format('quota %s: posted %s, held %s, limit %s', id, posted, held, quota_limit) from quota
      where (posted + held > quota_limit and not overdrawn) or posted < 0 or held < 0`,
  ],
  [
    'what a quota holds is what its open leases hold or have spent since it was told',
    `select format('quota %s: held %s, leases say %s', quota.id, quota.held, coalesce(l.held, 0))
       from quota
       left join (select q.id as quota_id,
                         sum(case q.metric when 'usd' then l.held + l.unbooked + case when q.include_byok and q.scope <> 'wallet' then l.held_byok + l.unbooked_byok else 0 end
                                           when 'requests' then l.held_requests + l.unbooked_requests
                                           when 'tokens' then l.held_tokens + l.unbooked_tokens else 0 end) as held
                    from lease l, unnest(l.quota_ids) as named join quota q on q.id = named where l.closed_at is null group by q.id) l
         on l.quota_id = quota.id
      where quota.held <> coalesce(l.held, 0)`,
  ],
  [
    'an open lease names quotas that exist',
    `select format('lease %s names quota %s, which does not exist', lease.id, named) from lease, unnest(quota_ids) as named
      where closed_at is null and not exists (select 1 from quota where quota.id = named)`,
  ],
  [
    'a wallet is what was granted and paid less what went back, and its free credit the balance of its account',
    `select format('wallet %s: limit %s, grants and payments %s, entries %s; free %s, account %s', workspace_id, quota_limit, granted + paid + promotional, booked, free, account)
       from (select q.workspace_id, q.quota_limit, q.quota_limit - q.posted - q.held as free,
                    coalesce((select sum(amount) from credit_grant g where g.workspace_id = q.workspace_id), 0) as granted,
                    coalesce((select sum(case when kind in ('refunded', 'charged-back') then -credits else credits end)
                                from payment p where p.workspace_id = q.workspace_id), 0) as paid,
                    coalesce((select sum(amount - expired) from promo_lot l where l.workspace_id = q.workspace_id), 0) as promotional,
                    coalesce((select sum(case when credit = 'credits:' || q.workspace_id then amount when debit = 'credits:' || q.workspace_id then -amount else 0 end)
                                from entry e where e.workspace_id = q.workspace_id
                                 and kind in ('credit-grant', 'promo-grant', 'promo-expire', 'top-up', 'refund', 'refund-failed', 'chargeback', 'chargeback-reversed')), 0) as booked,
                    coalesce((select amount from balance b where b.account = 'credits:' || q.workspace_id), 0) as account
               from quota q where scope = 'wallet') w
      where quota_limit <> granted + paid + promotional or quota_limit <> booked or free <> account`,
  ],
  [
    'a wallet is overdrawn by what was taken back of it, and by nothing else',
    `select format('wallet %s: posted %s, held %s, limit %s, taken back %s', workspace_id, posted, held, quota_limit, taken)
       from (select q.*, coalesce((select sum(case kind when 'chargeback-reversed' then -credits else credits end)
                                     from payment p where p.workspace_id = q.workspace_id and kind in ('refunded', 'charged-back', 'chargeback-reversed')), 0) as taken
               from quota q where overdrawn) w
      where posted + held > quota_limit + taken`,
  ],
  [
    'the account of a promotional lot is what of it is neither spent nor gone back, and its entries say what was',
    `select format('lot %s of %s: left %s, account %s; spent %s, entries %s', lot_id, workspace_id, remaining, -account, spent, booked)
       from (select l.*, amount - spent - expired as remaining,
                    coalesce((select b.amount from balance b where b.account = 'promo:' || workspace_id || ':' || lot_id), 0) as account,
                    coalesce((select sum(e.amount) from entry e where e.workspace_id = l.workspace_id and e.kind = 'promo-spend'
                                 and e.credit = 'promo:' || l.workspace_id || ':' || lot_id), 0) as booked
               from promo_lot l) l
      where remaining <> -account or spent <> booked or remaining < 0`,
  ],
  [
    'what a posting books of cash is what its payments say',
    `select format('posting %s of workspace %s: entries book cash %s, payments say %s', posting, workspace_id, coalesce(e.cash, 0), coalesce(p.cash, 0))
       from (select posting, workspace_id, sum(case when debit = 'cash' then amount else -amount end) as cash
               from entry where debit = 'cash' or credit = 'cash' group by posting, workspace_id) e
       full join (select posting, workspace_id, sum(case when kind in ('refunded', 'charged-back') then -credits - fee else credits + fee end) as cash
                    from payment group by posting, workspace_id having sum(credits + fee) > 0) p using (posting, workspace_id)
      where coalesce(e.cash, 0) <> coalesce(p.cash, 0)`,
  ],
  [
    'an order is paid if and only if its very amounts were booked',
    `select format('order %s: %s, %s cents and %s cents of fee; booked %s and %s', o.order_id, o.state, credits_cents, fee_cents, p.credits, p.fee)
       from topup_order o left join payment p on p.order_id = o.order_id and p.kind = 'topped-up'
      where (o.state = 'paid') <> (p.order_id is not null) or p.credits <> o.credits_cents * 10000000000::numeric or p.fee <> o.fee_cents * 10000000000::numeric`,
  ],
  [
    'of a payment never more went back than it brought',
    `select format('order %s: credits %s and fee %s are left', order_id, sum(credits * way), sum(fee * way))
       from (select order_id, credits, fee, case when kind in ('refunded', 'charged-back') then -1 else 1 end as way from payment) p
      group by order_id having sum(credits * way) < 0 or sum(fee * way) < 0`,
  ],
  [
    'the held account of a workspace is what its open leases hold',
    `select format('workspace %s: account %s, leases %s', workspace_id, account, held)
       from (select workspace_id, coalesce(sum(held) filter (where closed_at is null), 0) as held,
                    coalesce((select amount from balance where account = 'held:' || workspace_id), 0) as account
               from lease group by workspace_id) l
      where account <> held`,
  ],
  [
    'the entries of a lease leave in the held account what the lease holds',
    `select format('lease %s: held %s, entries leave %s', id, held, left_over)
       from (select lease.id, lease.held, coalesce(e.left_over, 0) as left_over
               from lease
               left join (select lease_id, sum(case when credit = 'held:' || workspace_id then amount else 0 end)
                                         - sum(case when debit = 'held:' || workspace_id then amount else 0 end) as left_over
                            from entry where lease_id is not null group by lease_id) e on e.lease_id = lease.id) l
      where held <> left_over`,
  ],
  [
    'a closed lease holds nothing',
    `select format('lease %s is closed and holds %s, unbooked %s', id, held, unbooked) from lease where closed_at is not null and (not (${HOLDS_NOTHING}) or unbooked <> 0 or unbooked_byok <> 0 or unbooked_requests <> 0 or unbooked_tokens <> 0)`,
  ],
  [
    'what a posting books is what its charges say',
    `select format('posting %s, workspace %s: entries book charged %s, waste %s, variance %s, markup %s, fees %s; charges say %s, %s, %s, %s, %s (entries %s)',
                   posting, workspace_id, coalesce(e.charged, 0), coalesce(e.waste, 0), coalesce(e.variance, 0), coalesce(e.markup, 0), coalesce(e.fees, 0),
                   coalesce(c.charged, 0), coalesce(c.waste, 0), coalesce(c.variance, 0), coalesce(c.markup, 0), coalesce(c.fees, 0), coalesce(e.ids, 'none'))
       from (select posting, workspace_id,
                    sum(amount) filter (where source in ('held:' || workspace_id, 'credits:' || workspace_id)) as charged,
                    sum(amount) filter (where source = 'waste') as waste,
                    sum(amount) filter (where source = 'variance') as variance,
                    sum(amount) filter (where target = 'markup') as markup,
                    sum(amount) filter (where target = 'fees') as fees,
                    left(string_agg(id::text, ' ' order by id), 100) as ids
               from (${SETTLED}) e
              group by posting, workspace_id) e
       full join (select posting, workspace_id, sum(charged) as charged, sum(waste) as waste, sum(variance) as variance,
                         sum(surcharge) filter (where payer <> 'byok') as markup, sum(surcharge) filter (where payer = 'byok') as fees
                    from charge group by posting, workspace_id
                  having sum(charged) <> 0 or sum(waste) <> 0 or sum(variance) <> 0 or sum(abs(surcharge)) <> 0) c using (posting, workspace_id)
      where coalesce(e.charged, 0) <> coalesce(c.charged, 0) or coalesce(e.waste, 0) <> coalesce(c.waste, 0) or coalesce(e.variance, 0) <> coalesce(c.variance, 0)
         or coalesce(e.markup, 0) <> coalesce(c.markup, 0) or coalesce(e.fees, 0) <> coalesce(c.fees, 0)`,
  ],
  [
    'what a posting owes a provider is what its charges say, without what is on top',
    `select format('posting %s, provider %s, workspace %s: entries book %s, charges say %s (entries %s)', posting, provider, workspace_id,
                   coalesce(e.owed, 0), coalesce(c.owed, 0), coalesce(e.ids, 'none'))
       from (select posting, workspace_id, substr(target, 9) as provider, sum(amount) as owed, left(string_agg(id::text, ' ' order by id), 100) as ids
               from (${SETTLED}) e where target like 'payable:%' group by posting, workspace_id, target) e
       full join (select posting, workspace_id, provider, sum(charged + waste + variance - surcharge) as owed from charge group by posting, workspace_id, provider
                  having sum(charged + waste + variance - surcharge) <> 0) c using (posting, workspace_id, provider)
      where coalesce(e.owed, 0) <> coalesce(c.owed, 0)`,
  ],
  [
    'an accepted difference to a provider is booked, and nothing else of its kind',
    `select format('posting %s: entries book %s, accepted %s', posting, coalesce(e.amount, 0), coalesce(d.amount, 0))
       from (select posting, sum(case when credit like 'payable:%' then amount else -amount end) as amount from entry where kind = 'reconcile' group by posting) e
       full join (select posting, sum(amount) as amount from provider_difference group by posting) d using (posting)
      where coalesce(e.amount, 0) <> coalesce(d.amount, 0)`,
  ],
  [
    'what a wallet has posted is what was charged',
    `select format('workspace %s: posted %s and unbooked %s, charged %s', workspace_id, posted, unbooked, charged)
       from (select q.workspace_id, q.posted,
                    coalesce((select sum(unbooked) from lease l where l.workspace_id = q.workspace_id and closed_at is null), 0) as unbooked,
                    coalesce((select sum(charged) from charge c where c.workspace_id = q.workspace_id), 0) as charged
               from quota q where scope = 'wallet') w
      where posted + unbooked <> charged`,
  ],
  [
    'what a quota has posted is what its charges counted',
    `select format('quota %s: posted %s and unbooked %s, charges count %s to %s', id, posted, unbooked, least_counted, most_counted)
       from (select q.id, q.posted - q.opened_with as posted,
                    coalesce(l.unbooked, 0) as unbooked, coalesce(c.least_counted, 0) as least_counted, coalesce(c.most_counted, 0) as most_counted
               from quota q
               left join (select q.id, sum(case q.metric when 'usd' then l.unbooked + case when q.include_byok then l.unbooked_byok else 0 end
                                                         when 'requests' then l.unbooked_requests else l.unbooked_tokens end) as unbooked
                            from lease l, unnest(l.quota_ids) as named join quota q on q.id = named where l.closed_at is null group by q.id) l on l.id = q.id
               left join (select q.id, sum(case q.metric when 'usd' then charged when 'requests' then counted_requests else counted_tokens end) as least_counted,
                                 -- whether own keys count may have changed meanwhile
                                 sum(case q.metric when 'usd' then charged + counted_byok when 'requests' then counted_requests else counted_tokens end) as most_counted
                            from charge left join lease on lease.id = charge.lease_id,
                                 unnest(coalesce(lease.quota_ids, quota_set)) as named join quota q on q.id = named group by q.id) c on c.id = q.id
              where q.scope <> 'wallet') p
      where posted + unbooked not between least_counted and most_counted`,
  ],
  [
    'the revisions of an attempt count from zero without gaps, and never charge less than nothing in all',
    `select format('attempt %s: %s revisions up to %s, charged %s in all', attempt_id, count(*), max(revision), sum(charged))
       from charge group by generation_id, attempt_id
      having count(*) <> max(revision) + 1 or sum(charged) < 0 or sum(counted_byok) < 0 or sum(counted_requests) < 0 or sum(counted_tokens) < 0 or sum(waste) < 0 or sum(byok) < 0 or sum(surcharge) < 0`,
  ],
  [
    'a customer pays no attempt beyond its hold',
    `select format('attempt %s: charged %s, held %s', attempt_id, sum(charged), max(hold)) from charge
      group by generation_id, attempt_id having sum(charged) > max(hold)`,
  ],
  [
    'a charge names each of its tags once',
    `select format('attempt %s: tags %s', attempt_id, array_to_string(tags, ' ')) from charge
      where tags is not null and cardinality(tags) <> (select count(distinct tag) from unnest(tags) as t (tag))`,
  ],
  [
    'a charge names a stored price version',
    `select format('attempt %s names price version %s, which is not stored', attempt_id, price_version) from charge
      where not exists (select 1 from price_version where price_version.id = charge.price_version)`,
  ],
  [
    'a revision of a re-rating is by the price version that the re-rating is about',
    `select format('attempt %s: re-rating %s, price version %s instead of %s', attempt_id, charge.rerate_id, charge.price_version, coalesce(r.price_version, 'none'))
       from charge left join rerate r on r.id = charge.rerate_id
      where charge.rerate_id is not null and charge.price_version is distinct from r.price_version`,
  ],
  [
    'what a re-rating says it booked is what its revisions are',
    `select format('re-rating %s: %s attempts and %s charged, revisions say %s and %s', id, totals ->> 'attempts',
                   (totals #>> '{after,charged}')::numeric - (totals #>> '{before,charged}')::numeric, coalesce(c.attempts, 0), coalesce(c.charged, 0))
       from rerate
       left join (select rerate_id, count(*) as attempts, sum(charged) as charged from charge where rerate_id is not null group by rerate_id) c
         on c.rerate_id = rerate.id
      where (totals ->> 'attempts')::bigint <> coalesce(c.attempts, 0)
         or (totals #>> '{after,charged}')::numeric - (totals #>> '{before,charged}')::numeric <> coalesce(c.charged, 0)`,
  ],
  [
    'key usage is the fold of charges',
    `select format('key %s of %s on %s: usage %s and byok %s, charges say %s and %s', left(key_hash, 12), workspace_id, day,
                   coalesce(u.charged, 0), coalesce(u.byok, 0), coalesce(c.charged, 0), coalesce(c.byok, 0))
       from key_usage u
       full join (select workspace_id, key_hash, (to_timestamp(substr(generation_id, 5, 10)::bigint) at time zone 'UTC')::date as day,
                         sum(charged) as charged, sum(byok) as byok from charge group by 1, 2, 3) c using (workspace_id, key_hash, day)
      where coalesce(u.charged, 0) <> coalesce(c.charged, 0) or coalesce(u.byok, 0) <> coalesce(c.byok, 0)`,
  ],
  [
    // Charges of the last minutes may not have been seen by the job that sums up.
    'usage by day is the fold of charges',
    `select format('workspace %s on %s, key %s, endpoint %s: %s requests, %s and byok %s, charges say %s, %s and %s', workspace_id, day, left(key_hash, 12), endpoint_id,
                   coalesce(u.requests, 0), coalesce(u.charged, 0), coalesce(u.byok, 0), coalesce(c.requests, 0), coalesce(c.charged, 0), coalesce(c.byok, 0))
       from usage_day u
       full join (select workspace_id, date '1970-01-01' + day::int as day, key_hash, member_id, app, provider, endpoint_id, model, tags, ${SUMS}
                    from (${usageOfCharges('true')}) c
                   where date '1970-01-01' + day::int in (select day from usage_rolled) group by 1, 2, 3, 4, 5, 6, 7, 8, 9
                  having sum(requests) > 0 or bool_or(charged <> 0) or bool_or(byok <> 0)) c
         using (workspace_id, day, key_hash, member_id, app, provider, endpoint_id, model, tags)
      where (u.charged, u.byok, u.requests, u.prompt_tokens, u.completion_tokens, u.reasoning_tokens, u.cached_tokens)
            is distinct from (c.charged, c.byok, c.requests, c.prompt_tokens, c.completion_tokens, c.reasoning_tokens, c.cached_tokens)
        and not exists (select 1 from charge n where n.settled_at > now() - interval '10 minutes' and n.workspace_id = coalesce(u.workspace_id, c.workspace_id)
                           and substr(n.generation_id, 5, 10)::bigint / 86400 = coalesce(u.day, c.day) - date '1970-01-01')`,
  ],
];

export const verifyLedger = (database: Database): Promise<LedgerReport> =>
  database.transaction(async (runner) => {
    await runner.query('set transaction isolation level repeatable read, read only');
    await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    const problems: string[] = [];
    for (const [invariant, sql] of CHECKS) {
      const room = PROBLEMS_MAX - problems.length;
      const rows =
        room > 0
          ? await queryRows<{ problem: string }>(runner, `select * from (${sql}) as p (problem) limit ${room}`)
          : [];
      problems.push(...rows.map(({ problem }) => `${invariant}: ${problem}`.slice(0, PROBLEM_UNITS_MAX)));
    }
    const charges = await complaintsOfCharges(runner, PROBLEMS_MAX - problems.length);
    problems.push(...charges.map((each) => `a charge is what its usage costs: ${each}`.slice(0, PROBLEM_UNITS_MAX)));
    const [totals] = await queryRows<{ entries: string; debits: string; credits: string; open_leases: string }>(
      runner,
      `select count(*) as entries,
              coalesce(sum(amount) filter (where debit is not null), 0) as debits,
              coalesce(sum(amount) filter (where credit is not null), 0) as credits,
              (select count(*) from lease where closed_at is null) as open_leases
         from entry`,
    );
    return {
      entries: Number(totals?.entries ?? 0),
      debits: BigInt(totals?.debits ?? 0),
      credits: BigInt(totals?.credits ?? 0),
      openLeases: Number(totals?.open_leases ?? 0),
      problems,
    };
  });
