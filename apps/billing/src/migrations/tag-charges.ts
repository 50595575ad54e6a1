// The tags of a call on its charges and in the sums of its days. Sorted, each once; charges without any hold null, so that the index costs them nothing: it is for
// budgets of tags, which ask for one tag over a long time.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  `alter table charge add column tags text[] check (cardinality(tags) between 1 and 8)`,
  `create index charge_by_tag on charge using gin (tags) where tags is not null`,
  // Days that are summed up already had no tags.
  `alter table usage_day add column tags text[] not null default '{}',
     drop constraint usage_day_pkey,
     add primary key (workspace_id, day, key_hash, member_id, app, provider, endpoint_id, model, tags)`,
];

export class TagCharges1764160000503 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
