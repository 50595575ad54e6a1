// Routing decisions that were asked for or drawn, one row each beside their generations, in daily partitions of the same days. Rows are written once and never changed.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, revokeFrom } from '@waystation/postgres';

const TABLE = `
  create table decision (
    day date not null,
    workspace_id text not null,
    generation_id text collate "C" not null,
    created_at timestamptz not null,
    record json not null,
    primary key (workspace_id, generation_id, day)
  ) partition by range (day);

  create table decision_default partition of decision default;
`;

// As before, for both tables: run by the writer with the owner's rights, partitions that grant nothing by themselves, a day that lives in the default partition stays there.
const KEEP_PARTITIONS = `
  create or replace function keep_partitions(first_day date, days integer) returns integer
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
      foreach parent in array array['generation', 'decision'] loop
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

export class KeepDecisions1764192780163 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    for (const statement of forceRowSecurity('decision')) await runner.query(statement);
    await runner.query(revokeFrom('writer', ['update'], 'decision'));
    for (const role of ['writer', 'reader'] as const)
      await runner.query(revokeFrom(role, ['select', 'insert', 'update'], 'decision_default'));
    await runner.query(KEEP_PARTITIONS);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward'));
  }
}
