// What reading the books needs: usage summed by day, statements of closed months, provider's bills, and the mark of a replayed dead letter. Settlement writes
// none of it. The BRIN indexes cost an insert next to nothing, since rows come in the order of their time.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo, revokeFrom } from '@waystation/postgres';

const TABLES = `
  create index charge_by_time on charge using brin (settled_at);
  create index entry_by_time on entry using brin (at);

  -- The fold of the charges of a UTC day, kept by a job; where an attempt has no member or app, the text is empty.
  create table usage_day (
    workspace_id text not null,
    day date not null,
    key_hash text not null,
    member_id text not null,
    app text not null,
    provider text not null,
    endpoint_id text not null,
    model text not null,
    charged numeric(38, 0) not null,
    byok numeric(38, 0) not null,
    requests bigint not null,
    prompt_tokens bigint not null,
    completion_tokens bigint not null,
    reasoning_tokens bigint not null,
    cached_tokens bigint not null,
    primary key (workspace_id, day, key_hash, member_id, app, provider, endpoint_id, model)
  );
  -- Days that are read from usage_day instead of from charges.
  create table usage_rolled (day date primary key, rolled_at timestamptz not null);

  -- A closed month, as it was first told. \`body\` is the canonical JSON, \`hash\` its SHA-256.
  create table statement (
    workspace_id text not null,
    month text not null,
    hash text not null,
    body text not null,
    closed_at timestamptz not null default now(),
    primary key (workspace_id, month)
  );

  -- What providers say they bill: one row for each line of an export, whichever file brought it first.
  create table provider_file (
    hash text primary key,
    provider text not null,
    name text not null,
    format text not null,
    lines integer not null,
    imported_at timestamptz not null default now()
  );
  create table provider_line (
    provider text not null,
    line_key text not null,
    day date not null,
    upstream_model text not null,
    amount numeric(38, 0) not null,
    file_hash text not null,
    primary key (provider, line_key)
  );
  create index provider_line_by_day on provider_line (provider, day);
  -- What a provider's names of models mean here: one may be several of ours, and the other way round.
  create table provider_model (provider text not null, upstream_model text not null, model text not null, primary key (provider, upstream_model, model));
  -- Differences that were accepted, each with its posting.
  create table provider_difference (
    provider text not null,
    day date not null,
    model text not null,
    posting bigint not null,
    amount numeric(38, 0) not null check (amount <> 0),
    at timestamptz not null default now(),
    primary key (provider, day, model, posting)
  );

  alter table dead_letter add column replayed_at timestamptz;
`;

const APPEND_ONLY = ['statement', 'provider_file', 'provider_line', 'provider_difference'];
const OF_A_WORKSPACE = ['usage_day', 'statement'];
const INTERNAL = ['provider_model', 'provider_file', 'provider_line', 'provider_difference'];

export class ReadBooks1764160000302 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of APPEND_ONLY) {
      await runner.query(`
        create trigger append_only before update or delete or truncate on ${table}
        for each statement execute function refuse_change()`);
      await runner.query(revokeFrom('writer', ['update'], table));
    }
    for (const table of OF_A_WORKSPACE) for (const statement of forceRowSecurity(table)) await runner.query(statement);
    for (const table of INTERNAL) await runner.query(revokeFrom('reader', ['select'], table));
    for (const table of ['usage_day', 'usage_rolled']) await runner.query(grantTo('writer', ['delete'], table));
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
