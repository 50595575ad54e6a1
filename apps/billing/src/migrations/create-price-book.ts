// Which price an endpoint had from when on, the service tier of charges, and re-ratings. History and charges are only ever added to; a re-rating's row
// remembers how far it has come.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { revokeFrom } from '@waystation/postgres';

const TABLES = `
  create table endpoint_price (
    endpoint_id text collate "C" not null,
    effective_at_ms bigint not null,
    price_version text collate "C" not null references price_version,
    stored_at timestamptz not null default now(),
    primary key (endpoint_id, effective_at_ms)
  );

  alter table charge
    add column service_tier text,
    -- the re-rating that made this revision
    add column rerate_id text collate "C";
  create unique index charge_once_by_rerate on charge (rerate_id, generation_id, attempt_id) where rerate_id is not null;

  create table rerate (
    id text collate "C" primary key,
    selection jsonb not null,
    price_version text collate "C" not null references price_version,
    reason text not null,
    state text not null check (state in ('running', 'finished', 'stopped')),
    -- everything up to this attempt is done
    done_generation_id text collate "C" not null default '',
    done_attempt_id text collate "C" not null default '',
    -- what it has booked so far, as JSON of picodollars in text: the fold of its revisions
    totals jsonb not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz
  );
  create index rerate_running on rerate (id) where state = 'running';
`;

export class CreatePriceBook1764150000301 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(`
      create trigger append_only before update or delete or truncate on endpoint_price
      for each statement execute function refuse_change()`);
    await runner.query(revokeFrom('writer', ['update'], 'endpoint_price'));
    await runner.query(revokeFrom('reader', ['select'], 'rerate'));
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
