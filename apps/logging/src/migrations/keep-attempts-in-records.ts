// A generation's attempts move into its record, where they came from and where they are read: the rows beside it were a second table, a second index and a
// third of the cost of a line, and nothing asked for them by themselves. The record becomes plain `json`: it is shown as a whole, and taking it apart for
// `jsonb` cost Postgres as much as storing it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const MOVE = `
  update generation set record = record || jsonb_build_object('attempts',
    (select coalesce(jsonb_agg(attempt.record order by attempt.ordinal), '[]')
       from attempt
      where attempt.workspace_id = generation.workspace_id and attempt.generation_id = generation.id and attempt.day = generation.day));
  alter table generation alter column record type json using record::json;
  drop table attempt;
`;

// As before, for one table: run by the writer with the owner's rights, partitions that grant nothing by themselves, a day that lives in the default partition stays there.
const KEEP_PARTITIONS = `
  create or replace function keep_partitions(first_day date, days integer) returns integer
  language plpgsql security definer set search_path = logging, pg_temp as $$
  declare
    wanted date;
    child text;
    reader_or_writer regrole;
    in_default boolean;
    made integer := 0;
  begin
    perform pg_advisory_xact_lock(hashtextextended('waystation.logging.partitions', 0));
    for wanted in select first_day + step from generate_series(0, least(days, 366) - 1) as step loop
      child := 'generation' || to_char(wanted, '_YYYYMMDD');
      continue when to_regclass(format('logging.%I', child)) is not null;
      execute 'select exists (select 1 from generation_default where day = $1)' into in_default using wanted;
      continue when in_default;
      execute format('create table %I partition of generation for values from (%L) to (%L)', child, wanted, wanted + 1);
      for reader_or_writer in
        select distinct acl.grantee::regrole from pg_class, aclexplode(relacl) as acl
         where pg_class.oid = format('logging.%I', child)::regclass and acl.grantee <> relowner
      loop
        execute format('revoke all on %I from %s', child, reader_or_writer);
      end loop;
      made := made + 1;
    end loop;
    return made;
  end $$;
`;

export class KeepAttemptsInRecords1764100000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MOVE);
    await runner.query(KEEP_PARTITIONS);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('migrations only go forward'));
  }
}
