// Promotional lots: what was given with an expiry, how much of it was attributed to spending and how much went back; and up to where spending is attributed.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity } from '@waystation/postgres';

const TABLES = `
  create table promo_lot (
    lot_id text collate "C" primary key,
    workspace_id text not null,
    amount numeric(38, 0) not null check (amount > 0),
    expires_at_ms bigint not null,
    reason text not null,
    spent numeric(38, 0) not null default 0 check (spent >= 0),
    expired numeric(38, 0) not null default 0 check (expired >= 0),
    posting bigint not null,
    at timestamptz(3) not null default now(),
    constraint promo_lot_owes_nothing check (spent + expired <= amount)
  ) with (fillfactor = 70);
  create index promo_lot_open on promo_lot (workspace_id) where spent + expired < amount;
  create index promo_lot_due on promo_lot (expires_at_ms) where spent + expired < amount;

  create table promo_mark (
    workspace_id text primary key,
    mark numeric(38, 0) not null check (mark >= 0)
  );
`;

export class CreatePromo1764158400202 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of ['promo_lot', 'promo_mark'])
      for (const statement of forceRowSecurity(table)) await runner.query(statement);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
