// What the two witnesses of an attempt say differently. Only added to: what is charged is in the charge, and what was said beside it is here.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, revokeFrom } from '@waystation/postgres';

export class ListDisagreements1764160000401 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table disagreement (
        id bigint generated always as identity primary key,
        attempt_id text collate "C" not null unique,
        generation_id text collate "C" not null,
        workspace_id text not null,
        kind text not null,
        ingress jsonb not null,
        worker jsonb not null,
        price_version text not null,
        difference numeric(38, 0) not null,
        found_at timestamptz not null default now()
      )`);
    await runner.query(`
      create trigger append_only before update or delete or truncate on disagreement
      for each statement execute function refuse_change()`);
    await runner.query(revokeFrom('writer', ['update'], 'disagreement'));
    for (const statement of forceRowSecurity('disagreement')) await runner.query(statement);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
