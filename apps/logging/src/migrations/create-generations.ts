// Generations and their attempts in daily partitions, and the dead letters. The day is the one inside the generation's id, never that of arrival, so that a
// line delivered again meets its first copy. Rows are written once and never changed.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo, revokeFrom } from '@waystation/postgres';

// Ids compare as bytes: `gen-<unix>-…` then sorts by time.
const TABLES = `
  create table generation (
    day date not null,
    workspace_id text not null,
    id text collate "C" not null,
    created_at timestamptz not null,
    key_hash text not null,
    member_id text,
    end_user_id text,
    session_id text,
    model text,
    provider text,
    outcome text not null,
    cost numeric(38, 0) not null,
    record jsonb not null,
    primary key (workspace_id, id, day)
  ) partition by range (day);

  create table attempt (
    day date not null,
    workspace_id text not null,
    generation_id text collate "C" not null,
    ordinal smallint not null,
    attempt_id text not null,
    endpoint_id text not null,
    provider text not null,
    outcome text not null,
    record jsonb not null,
    primary key (workspace_id, generation_id, ordinal, day)
  ) partition by range (day);

  create table generation_default partition of generation default;
  create table attempt_default partition of attempt default;

  create table dead_letter (
    id bigint generated always as identity primary key,
    received_at timestamptz not null default now(),
    stream text not null,
    position text not null,
    instance text not null,
    reason text not null,
    line text,
    line_hash text not null,
    unique (stream, position, line_hash)
  );
`;

// Run by the writer with the owner's rights: only the owner may create tables. A partition grants nothing by itself, so that nobody reads it past the
// row-level security of its parent. A day that has rows in the default partition already stays there.
const KEEP_PARTITIONS = `
  create function keep_partitions(first_day date, days integer) returns integer
  language plpgsql security definer set search_path = logging, pg_temp as $$
  declare
    wanted date;
    parent text;
    child text;
    reader_or_writer regrole;
    in_default boolean;
    made integer := 0;
  begin
    perform pg_advisory_xact_lock(hashtextextended('waystation.logging.partitions', 0));
    for wanted in select first_day + step from generate_series(0, least(days, 366) - 1) as step loop
      foreach parent in array array['generation', 'attempt'] loop
        child := parent || to_char(wanted, '_YYYYMMDD');
        continue when to_regclass(format('logging.%I', child)) is not null;
        execute format('select exists (select 1 from %I where day = $1)', parent || '_default') into in_default using wanted;
        continue when in_default;
        execute format('create table %I partition of %I for values from (%L) to (%L)', child, parent, wanted, wanted + 1);
        for reader_or_writer in
          select distinct acl.grantee::regrole from pg_class, aclexplode(relacl) as acl
           where pg_class.oid = format('logging.%I', child)::regclass and acl.grantee <> relowner
        loop
          execute format('revoke all on %I from %s', child, reader_or_writer);
        end loop;
        made := made + 1;
      end loop;
    end loop;
    return made;
  end $$;
`;

export class CreateGenerations1763800000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of ['generation', 'attempt']) {
      for (const statement of forceRowSecurity(table)) await runner.query(statement);
      await runner.query(revokeFrom('writer', ['update'], table));
      for (const role of ['writer', 'reader'] as const)
        await runner.query(revokeFrom(role, ['select', 'insert', 'update'], `${table}_default`));
    }
    await runner.query(revokeFrom('reader', ['select'], 'dead_letter'));
    await runner.query(grantTo('writer', ['delete'], 'dead_letter'));
    await runner.query(KEEP_PARTITIONS);
    await runner.query('revoke execute on function keep_partitions from public');
    await runner.query(
      `do $$ begin execute format('grant execute on function keep_partitions to %I', current_setting('way.writer')); end $$`,
    );
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward'));
  }
}
