// The book in Postgres: loads the part of it that commands touch, under row locks, and writes what their events changed, in set-based statements.
// Order of locks in every transaction: leases, then quotas, then balances, each by id. Balances come last, because every transaction meets there.
import type { QueryRunner } from 'typeorm';
import { WaystationError, type QuotaRef } from '@waystation/contracts';
import {
  emptyBook,
  entriesOf,
  evolve,
  foldBalances,
  PARTS,
  isNothing,
  recountByok,
  walletQuotaId,
  type Amounts,
  type Book,
  type Entry,
  type LeaseState,
  type LedgerEvent,
  type QuotaState,
} from '@waystation/ledger';
import {
  arrayText,
  queryAtCommit,
  queryPrepared,
  queryRows,
  queryTogether,
  type Statement,
} from '@waystation/postgres';
import { spentBefore } from '../quotas/spent-before.js';

/** A working set inside a transaction: `apply` folds and remembers, `flush` writes. */
export interface Ledger {
  readonly book: Book;
  apply(events: readonly LedgerEvent[]): void;
  /** Writes all that was applied, balances last: nothing else should follow in the transaction. Without a posting, under a number of its own. */
  flush(posting?: string): Promise<void>;
  /** The same, on the way with the commit: for transactions that meet others at the balances all the time. The transaction's own failure tells of one here. */
  flushAtCommit(posting?: string): void;
}

export const openLedger = (runner: QueryRunner): Ledger => {
  const book = emptyBook();
  const events: LedgerEvent[] = [];
  return {
    book,
    apply(more) {
      for (const event of more) {
        evolve(book, event);
        events.push(event);
      }
    },
    async flush(posting) {
      await queryTogether(runner, writesOf(book, events, posting));
    },
    flushAtCommit: (posting) => queryAtCommit(runner, writesOf(book, events, posting)),
  };
};

/** A number for all that one transaction books, where more than entries carries it. */
export const newPosting = async (runner: QueryRunner): Promise<string> => {
  const [row] = await queryPrepared<{ posting: string }>(runner, `select nextval('posting') as posting`);
  if (row === undefined) throw new WaystationError('internal', 'The sequence of postings gave no number.');
  return row.posting;
};

type Part = (typeof PARTS)[number];
const VECTORS = ['granted', 'held', 'unbooked', 'last_released'] as const;
type Vector = (typeof VECTORS)[number];

/** The column of a part: money came first, and has the plain name. */
const columnOf = (vector: string, part: Part): string => (part === 'usd' ? vector : `${vector}_${part}`);
const VECTOR_COLUMNS = VECTORS.flatMap((vector) => PARTS.map((part) => columnOf(vector, part)));

/** Of a lease: nothing of it is left unsettled. */
export const HOLDS_NOTHING = PARTS.map((part) => `${columnOf('held', part)} = 0`).join(' and ');

/** Amounts out of the columns of a row. */
export const amountsOf = (row: Readonly<Record<string, unknown>>, vector: Vector): Amounts => {
  const part = (name: Part): bigint => BigInt(String(row[columnOf(vector, name)]));
  return { usd: part('usd'), byok: part('byok'), requests: part('requests'), tokens: part('tokens') };
};

interface LeaseRow extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly workspace_id: string;
  readonly key_hash: string;
  readonly instance: string;
  readonly quota_ids: string[];
  readonly take_for_ms: number;
  readonly ends_at_ms: string;
  readonly final: boolean;
  readonly renew_step: string | null;
  readonly return_step: string | null;
  readonly closed: boolean;
}

const leaseOf = (row: LeaseRow): LeaseState => ({
  id: row.id,
  workspaceId: row.workspace_id,
  keyHash: row.key_hash,
  instance: row.instance,
  quotaIds: row.quota_ids,
  granted: amountsOf(row, 'granted'),
  held: amountsOf(row, 'held'),
  unbooked: amountsOf(row, 'unbooked'),
  takeForMs: row.take_for_ms,
  endsAtMs: Number(row.ends_at_ms),
  final: row.final,
  closed: row.closed,
  ...(row.renew_step === null ? {} : { renewStep: Number(row.renew_step) }),
  ...(row.return_step === null ? {} : { returnStep: Number(row.return_step) }),
  lastReleased: amountsOf(row, 'last_released'),
});

const LEASE_COLUMNS = `id, workspace_id, key_hash, instance, quota_ids, ${VECTOR_COLUMNS.join(', ')}, take_for_ms, ends_at_ms, final,
  renew_step, return_step, closed_at is not null as closed`;

const unique = (ids: Iterable<string>): string[] => [...new Set(ids)];

const LOCK_LEASES = `select ${LEASE_COLUMNS} from lease where id = any($1) order by id for update`;

/** Locks these leases and puts them into the book. Ids that are no lease stay absent. */
export const lockLeases = async (runner: QueryRunner, book: Book, ids: Iterable<string>): Promise<void> => {
  const wanted = unique(ids);
  if (wanted.length === 0) return;
  addLeases(book, await queryPrepared<LeaseRow>(runner, LOCK_LEASES, [wanted]));
};

const addLeases = (book: Book, rows: readonly LeaseRow[]): void => {
  for (const row of rows) book.leases.set(row.id, leaseOf(row));
};

interface QuotaRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly scope: string;
  readonly scope_id: string;
  readonly metric: string;
  readonly quota_window: string;
  readonly window_start: string;
  readonly include_byok: boolean;
  readonly quota_limit: string;
  readonly posted: string;
  readonly held: string;
}

// Scope, metric and window were written from a validated contract and are never changed.
const quotaOf = (row: QuotaRow): QuotaState => ({
  id: row.id,
  workspaceId: row.workspace_id,
  scope: row.scope as QuotaRef['scope'],
  scopeId: row.scope_id,
  metric: row.metric as QuotaRef['metric'],
  window: row.quota_window as QuotaRef['window'],
  windowStart: Number(row.window_start),
  includeByok: row.include_byok,
  limit: BigInt(row.quota_limit),
  posted: BigInt(row.posted),
  held: BigInt(row.held),
});

const QUOTA_COLUMNS =
  'id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, quota_limit, posted, held';
const LOCK_QUOTAS = `select ${QUOTA_COLUMNS} from quota where id = any($1) order by id for update`;

/** Locks these quotas and puts them into the book. Ids that are no quota stay absent. */
export const lockQuotas = async (runner: QueryRunner, book: Book, ids: Iterable<string>): Promise<void> => {
  const wanted = unique(ids).filter((id) => !book.quotas.has(id));
  if (wanted.length === 0) return;
  addQuotas(book, await queryPrepared<QuotaRow>(runner, LOCK_QUOTAS, [wanted]));
};

const addQuotas = (book: Book, rows: readonly QuotaRow[]): void => {
  for (const row of rows) book.quotas.set(row.id, quotaOf(row));
};

// The leases are locked by the statement before, and a lease never changes its quotas.
const LOCK_QUOTAS_OF_LEASES = `
  select ${QUOTA_COLUMNS} from quota
   where id = any(array(select unnest(quota_ids) from lease where id = any($1)) || $2::text[]) order by id for update`;

/** Locks these leases, and then their quotas and these, in one round trip; puts all of it into the book. Ids that are none stay absent. */
export const lockLeasesAndQuotas = async (
  runner: QueryRunner,
  book: Book,
  leaseIds: Iterable<string>,
  quotaIds: Iterable<string>,
): Promise<void> => {
  const leases = unique(leaseIds);
  const [ofLeases = [], ofQuotas = []] = await queryTogether<LeaseRow | QuotaRow>(runner, [
    { sql: LOCK_LEASES, values: [leases] },
    { sql: LOCK_QUOTAS_OF_LEASES, values: [leases, unique(quotaIds)] },
  ]);
  addLeases(book, ofLeases as LeaseRow[]);
  addQuotas(book, ofQuotas as QuotaRow[]);
};

/** Makes rows of quotas that are met for the first time, with what was spent in their window before and no limit beyond it, and locks them. */
export const openQuotas = async (
  runner: QueryRunner,
  book: Book,
  refs: readonly { readonly ref: Omit<QuotaRef, 'limit'>; readonly workspaceId: string }[],
): Promise<void> => {
  const missing = [...new Map(refs.map((each) => [each.ref.id, each])).values()]
    .filter(({ ref }) => !book.quotas.has(ref.id))
    .sort((a, b) => (a.ref.id < b.ref.id ? -1 : 1));
  if (missing.length === 0) return;
  const spent = await spentBefore(runner, missing);
  await queryRows(
    runner,
    `insert into quota (id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, quota_limit, posted, opened_with)
     select id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, spent, spent, spent
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[], $9::numeric[])
         as q (id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, spent)
     on conflict (id) do nothing`,
    [
      missing.map(({ ref }) => ref.id),
      missing.map(({ workspaceId }) => workspaceId),
      missing.map(({ ref }) => ref.scope),
      missing.map(({ ref }) => ref.scopeId),
      missing.map(({ ref }) => ref.metric),
      missing.map(({ ref }) => ref.window),
      missing.map(({ ref }) => ref.windowStart),
      missing.map(({ ref }) => ref.includeByok ?? false),
      missing.map(({ ref }) => (spent.get(ref.id) ?? 0n).toString()),
    ],
  );
  await lockQuotas(
    runner,
    book,
    missing.map(({ ref }) => ref.id),
  );
};

/**
 * Where a request counts own keys in a quota otherwise than the quota does, the quota does from now on as the request says: what its open leases hold is counted
 * anew. Their rows may move under us only between held and unbooked, which both count.
 */
export const recountQuotas = async (runner: QueryRunner, book: Book, refs: readonly QuotaRef[]): Promise<void> => {
  const wanted = new Map(
    refs.flatMap(({ id, scope, includeByok = false }) => {
      const quota = scope === 'wallet' ? undefined : book.quotas.get(id);
      return quota === undefined || quota.includeByok === includeByok ? [] : [[id, includeByok] as const];
    }),
  );
  if (wanted.size === 0) return;
  const rows = await queryRows<LeaseRow>(
    runner,
    `select ${LEASE_COLUMNS} from lease where closed_at is null and quota_ids && $1::text[]`,
    [[...wanted.keys()]],
  );
  const leases = rows.map(leaseOf);
  for (const [id, includeByok] of wanted) {
    const quota = book.quotas.get(id);
    if (quota === undefined) continue;
    const open = leases.filter(({ quotaIds }) => quotaIds.includes(id));
    book.quotas.set(id, recountByok(quota, includeByok, open));
  }
};

const isLeaseEvent = (event: LedgerEvent): event is Extract<LedgerEvent, { leaseId: string }> =>
  'leaseId' in event && event.leaseId !== undefined;

/** Quotas that an event moved. */
const quotaIdsOf = (book: Book, event: LedgerEvent): readonly string[] => {
  switch (event.type) {
    case 'credits-granted':
    case 'topped-up':
    case 'refunded':
    case 'refund-failed':
    case 'charged-back':
    case 'chargeback-reversed':
    case 'promo-granted':
    case 'promo-attributed':
    case 'promo-expired':
      return [walletQuotaId(event.workspaceId)];
    case 'lease-granted':
      return event.quotas.map(({ id }) => id);
    case 'charged':
      return isNothing(event.booked)
        ? isNothing(event.fromCredit)
          ? []
          : event.quotaIds
        : [...event.quotaIds, ...(book.leases.get(event.leaseId ?? '')?.quotaIds ?? [])];
    case 'lease-renewed':
    case 'lease-returned':
    case 'lease-closed':
      return book.leases.get(event.leaseId)?.quotaIds ?? [];
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

const writesOf = (book: Book, events: readonly LedgerEvent[], posting: string | undefined): Statement[] => {
  const created = new Set(events.flatMap((event) => (event.type === 'lease-granted' ? [event.leaseId] : [])));
  const changed = new Set(events.filter(isLeaseEvent).map(({ leaseId }) => leaseId));
  const leases = [...changed].flatMap((id) => book.leases.get(id) ?? []);
  const quotas = unique(events.flatMap((event) => quotaIdsOf(book, event))).flatMap((id) => book.quotas.get(id) ?? []);
  return [
    ...inserted(leases.filter(({ id }) => created.has(id))),
    ...updated(leases.filter(({ id }) => !created.has(id))),
    ...moved(quotas),
    ...booked(posting, gathered(events.flatMap(entriesOf))),
  ];
};

/** Entries between the same accounts for the same reason, workspace and lease are one entry. */
const gathered = (entries: readonly Entry[]): Entry[] => {
  const byKey = new Map<string, Entry>();
  for (const entry of entries) {
    const key = `${entry.kind} ${entry.workspaceId} ${entry.leaseId ?? ''} ${entry.debit} ${entry.credit}`;
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? entry : { ...known, amount: known.amount + entry.amount });
  }
  return [...byKey.values()];
};

/** A column of leases in a set-based statement: its name, its type, and its value of each. */
type LeaseColumn = readonly [name: string, type: string, of: (lease: LeaseState) => string | number | boolean | null];

const STATE_OF_VECTOR = {
  granted: 'granted',
  held: 'held',
  unbooked: 'unbooked',
  last_released: 'lastReleased',
} as const;
const ID: LeaseColumn = ['id', 'text', ({ id }) => id];
const FIXED: readonly LeaseColumn[] = [
  ID,
  ['workspace_id', 'text', ({ workspaceId }) => workspaceId],
  ['key_hash', 'text', ({ keyHash }) => keyHash],
  ['instance', 'text', ({ instance }) => instance],
  // An array of arrays has to be even, so that each set travels as its text.
  ['quota_ids', 'text', ({ quotaIds }) => arrayText(quotaIds) ?? null],
];
/** What changes in the life of a lease. */
const STAND: readonly LeaseColumn[] = [
  ...VECTORS.flatMap((vector) =>
    PARTS.map((part): LeaseColumn => [
      columnOf(vector, part),
      'numeric',
      (lease) => lease[STATE_OF_VECTOR[vector]][part].toString(),
    ]),
  ),
  ['take_for_ms', 'integer', ({ takeForMs }) => takeForMs],
  ['ends_at_ms', 'bigint', ({ endsAtMs }) => endsAtMs],
  ['final', 'boolean', ({ final }) => final],
  ['renew_step', 'bigint', ({ renewStep }) => renewStep ?? null],
  ['return_step', 'bigint', ({ returnStep }) => returnStep ?? null],
];
const CLOSED: LeaseColumn = ['closed', 'boolean', ({ closed }) => closed];

/** `unnest(…) as l (…)` of these columns, which `valuesOf` fills. */
const unnested = (columns: readonly LeaseColumn[]): string =>
  `unnest(${columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')}) as l (${namesOf(columns).join(', ')})`;
const namesOf = (columns: readonly LeaseColumn[]): string[] => columns.map(([name]) => name);
const valuesOf = (columns: readonly LeaseColumn[], leases: readonly LeaseState[]) =>
  columns.map(([, , of]) => leases.map(of));

const INSERTED = [...FIXED, ...STAND, CLOSED];
const INSERT_LEASES = `
  insert into lease (${namesOf([...FIXED, ...STAND]).join(', ')}, closed_at)
  select id, workspace_id, key_hash, instance, quota_ids::text[], ${namesOf(STAND).join(', ')}, case when closed then now() end
    from ${unnested(INSERTED)}`;

const inserted = (leases: readonly LeaseState[]): Statement[] =>
  leases.length === 0 ? [] : [{ sql: INSERT_LEASES, values: valuesOf(INSERTED, leases) }];

const UPDATED = [ID, ...STAND, CLOSED];
// Each by its key, whatever the planner thinks of a table that grew since it was last looked at: joined freely, it reads all of it.
const UPDATE_LEASES = `
  update lease set ${namesOf(STAND)
    .map((name) => `${name} = l.${name}`)
    .join(', ')}, closed_at = case when l.closed then now() end
    from ${unnested(UPDATED)}
   where lease.id = l.id and lease.id = any($1)`;

const updated = (leases: readonly LeaseState[]): Statement[] =>
  leases.length === 0 ? [] : [{ sql: UPDATE_LEASES, values: valuesOf(UPDATED, leases) }];

const MOVE_QUOTAS = `
  update quota set quota_limit = q.quota_limit, posted = q.posted, held = q.held, include_byok = q.include_byok,
         overdrawn = overdrawn and q.posted + q.held > q.quota_limit
    from unnest($1::text[], $2::numeric[], $3::numeric[], $4::numeric[], $5::boolean[]) as q (id, quota_limit, posted, held, include_byok)
   where quota.id = q.id and quota.id = any($1)`;

/** Under the lock that loaded them; the table's own check refuses what would pass a limit, whoever made the mistake. */
const moved = (quotas: readonly QuotaState[]): Statement[] => {
  if (quotas.length === 0) return [];
  const values = [
    quotas.map((quota) => quota.id),
    quotas.map((quota) => quota.limit.toString()),
    quotas.map((quota) => quota.posted.toString()),
    quotas.map((quota) => quota.held.toString()),
    quotas.map((quota) => quota.includeByok),
  ];
  return [{ sql: MOVE_QUOTAS, values }];
};

const BOOK_ENTRIES = `
  with booked as materialized (select coalesce($1::bigint, nextval('posting')) as posting),
       added as (
         insert into entry (posting, kind, debit, credit, amount, workspace_id, lease_id, seal)
         select posting, kind, debit, credit, amount, workspace_id, lease_id,
                entry_seal(posting, kind, debit, credit, amount, workspace_id, lease_id, now())
           from booked, unnest($2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::text[])
             as e (kind, debit, credit, amount, workspace_id, lease_id)
         returning 1),
       sealed as (
         insert into posting_seal (posting, entries) select posting, (select count(*) from added) from booked)
  insert into balance (account, amount)
  select account, amount from unnest($8::text[], $9::numeric[]) as b (account, amount) order by account collate "C"
  on conflict (account) do update set amount = balance.amount + excluded.amount`;

/**
 * The one way to an entry: sealed, counted, and added to the balances. Once for a posting. In one statement: it is the last thing before the commit, while everybody
 * else waits for the balances. Without a posting, under a number of its own.
 */
const booked = (posting: string | undefined, entries: readonly Entry[]): Statement[] => {
  if (entries.length === 0) return [];
  const balances = [...foldBalances(entries)].sort(([a], [b]) => (a < b ? -1 : 1));
  const values = [
    posting ?? null,
    entries.map((entry) => entry.kind),
    entries.map((entry) => entry.debit),
    entries.map((entry) => entry.credit),
    entries.map((entry) => entry.amount.toString()),
    entries.map((entry) => entry.workspaceId),
    entries.map((entry) => entry.leaseId ?? null),
    balances.map(([account]) => account),
    balances.map(([, amount]) => amount.toString()),
  ];
  return [{ sql: BOOK_ENTRIES, values }];
};

export const insertEntries = async (
  runner: QueryRunner,
  posting: string | undefined,
  entries: readonly Entry[],
): Promise<void> => {
  await queryTogether(runner, booked(posting, entries));
};
