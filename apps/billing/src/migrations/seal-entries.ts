// A seal on every entry, and how many entries each posting has: whatever is changed, added or taken away by hand afterwards is named by the verification.
// No key is involved: it shows mistakes and meddling with rows, not somebody who knows the scheme and rewrites all that depends on a row.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { revokeFrom } from '@waystation/postgres';

const STATEMENTS = [
  // Fields are parted by U+001F, which no id holds; the instant counts in microseconds, whatever the session's time zone. Stable as convert_to is, so that the planner
  // puts the expression in place of the call, at less than half of its cost.
  `create function entry_seal(posting bigint, kind text, debit text, credit text, amount numeric, workspace_id text, lease_id text, at timestamptz)
     returns bytea language sql stable parallel safe
     return sha256(convert_to(posting::text || e'\\x1f' || kind || e'\\x1f' || debit || e'\\x1f' || credit || e'\\x1f' || amount::text || e'\\x1f' || workspace_id
                              || e'\\x1f' || coalesce(lease_id, '') || e'\\x1f' || extract(epoch from at - to_timestamp(0))::text, 'UTF8'))`,
  `create table posting_seal (posting bigint primary key, entries integer not null check (entries > 0))`,
  `alter table entry add column seal bytea`,
  // What is there is sealed as it stands.
  `alter table entry disable trigger append_only`,
  `update entry set seal = entry_seal(posting, kind, debit, credit, amount, workspace_id, lease_id, at)`,
  `alter table entry enable trigger append_only`,
  `alter table entry alter column seal set not null`,
  `insert into posting_seal (posting, entries) select posting, count(*) from entry group by posting`,
  `create trigger append_only before update or delete or truncate on posting_seal for each statement execute function refuse_change()`,
  revokeFrom('writer', ['update'], 'posting_seal'),
  revokeFrom('reader', ['select'], 'posting_seal'),
];

export class SealEntries1764160000301 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
