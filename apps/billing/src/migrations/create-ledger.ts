// The ledger and what stands around it. Entries, charges, credit grants and price versions are only ever added; balances, quotas and key usage are folds of them
// that can be rebuilt. Money is NUMERIC(38,0) picodollars. Ids compare as bytes, so that rows are locked in the order in which the domain sorts them.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo, revokeFrom } from '@waystation/postgres';

const TABLES = `
  -- Numbers the transactions that book: what was booked together carries one number.
  create sequence posting;

  create table entry (
    id bigint generated always as identity primary key,
    posting bigint not null,
    kind text not null,
    debit text not null,
    credit text not null,
    amount numeric(38, 0) not null check (amount > 0),
    workspace_id text not null,
    lease_id text collate "C",
    at timestamptz not null default now(),
    check (debit <> credit)
  );
  create index entry_by_lease on entry (lease_id) where lease_id is not null;

  -- Credits minus debits of every account.
  create table balance (
    account text collate "C" primary key,
    amount numeric(38, 0) not null
  ) with (fillfactor = 50);

  create table quota (
    id text collate "C" primary key,
    workspace_id text not null,
    scope text not null,
    scope_id text not null,
    metric text not null,
    quota_window text not null,
    window_start bigint not null,
    quota_limit numeric(38, 0) not null,
    posted numeric(38, 0) not null default 0 check (posted >= 0),
    held numeric(38, 0) not null default 0 check (held >= 0),
    constraint quota_holds check (posted + held <= quota_limit)
  ) with (fillfactor = 50);
  create index quota_by_scope on quota (scope_id, window_start) where scope = 'key';

  create table lease (
    id text collate "C" primary key,
    workspace_id text not null,
    key_hash text not null,
    instance text not null,
    quota_ids text[] not null,
    -- all it was ever granted, less what it gave back; of that, what is not settled; and what is settled and not yet told to its quotas
    granted numeric(38, 0) not null check (granted >= 0),
    held numeric(38, 0) not null check (held >= 0),
    unbooked numeric(38, 0) not null default 0 check (unbooked >= 0),
    take_for_ms integer not null,
    ends_at_ms bigint not null,
    final boolean not null default false,
    renew_step bigint,
    return_step bigint,
    last_released numeric(38, 0) not null default 0,
    created_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint lease_closed_empty check (closed_at is null or (held = 0 and unbooked = 0))
  ) with (fillfactor = 70);
  create index lease_open on lease (ends_at_ms) where closed_at is null;
  create index lease_open_of_workspace on lease (workspace_id) where closed_at is null;

  create table price_version (
    id text collate "C" primary key,
    price jsonb not null,
    effective_at_ms bigint not null,
    stored_at timestamptz not null default now()
  );

  -- One row for each revision of an attempt's charge; amounts are differences to the revision before.
  create table charge (
    generation_id text collate "C" not null,
    attempt_id text collate "C" not null,
    revision smallint not null,
    posting bigint not null,
    workspace_id text not null,
    key_hash text not null,
    member_id text,
    end_user_id text,
    session_id text,
    app_referer text,
    app_title text,
    provider text not null,
    endpoint_id text not null,
    model text not null,
    lease_id text collate "C",
    quota_set text[] not null,
    hold numeric(38, 0) not null,
    price_version text not null,
    charged numeric(38, 0) not null,
    waste numeric(38, 0) not null,
    variance numeric(38, 0) not null,
    byok numeric(38, 0) not null,
    payer text not null,
    policy_row text not null,
    outcome text not null,
    outcome_by text not null,
    served boolean not null,
    usage jsonb not null,
    usage_source text not null,
    usage_by text not null,
    settled_at timestamptz not null default now(),
    primary key (generation_id, attempt_id, revision)
  );

  -- What is charged to a key by UTC day of the generation: the fold of its charges.
  create table key_usage (
    workspace_id text not null,
    key_hash text not null,
    day date not null,
    charged numeric(38, 0) not null,
    byok numeric(38, 0) not null,
    primary key (workspace_id, key_hash, day)
  ) with (fillfactor = 50);

  -- Attempts that wait for a better witness or for their time.
  create table witness (
    attempt_id text collate "C" primary key,
    generation_id text collate "C" not null,
    workspace_id text not null,
    lease_id text collate "C",
    backing jsonb not null,
    evidence jsonb not null,
    due_at_ms bigint not null
  ) with (fillfactor = 70);
  create index witness_due on witness (due_at_ms);
  create index witness_by_lease on witness (lease_id);

  create table credit_grant (
    grant_id text primary key,
    workspace_id text not null,
    amount numeric(38, 0) not null check (amount > 0),
    reason text not null,
    posting bigint not null,
    at timestamptz not null default now()
  );

  create table dead_letter (
    id bigint generated always as identity primary key,
    received_at timestamptz not null default now(),
    position text not null,
    instance text not null,
    reason text not null,
    line text,
    line_hash text not null,
    unique (position, line_hash)
  );
`;

const APPEND_ONLY = ['entry', 'charge', 'price_version', 'credit_grant'];
const OF_A_WORKSPACE = ['entry', 'quota', 'lease', 'charge', 'key_usage', 'credit_grant'];
/** Nothing of these is for the routes. */
const INTERNAL = ['balance', 'witness', 'dead_letter'];

export class CreateLedger1763800000101 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception 'table % is append-only: correct by adding', tg_table_name;
      end $$`);
    for (const table of APPEND_ONLY) {
      await runner.query(`
        create trigger append_only before update or delete or truncate on ${table}
        for each statement execute function refuse_change()`);
      await runner.query(revokeFrom('writer', ['update'], table));
    }
    for (const table of OF_A_WORKSPACE) for (const statement of forceRowSecurity(table)) await runner.query(statement);
    for (const table of INTERNAL) await runner.query(revokeFrom('reader', ['select'], table));
    await runner.query(grantTo('writer', ['delete'], 'witness'));
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
