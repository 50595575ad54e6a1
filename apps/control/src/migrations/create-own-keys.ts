// Customers' own provider keys: what people see and say of one. Its secret is a credential of the same id, sealed, in a table that no reader may read.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo } from '@waystation/postgres';

const TABLES = `
  create table own_keys (
    id text primary key,
    workspace_id text not null references workspaces (id),
    provider text not null,
    name text,
    label text not null,
    disabled boolean not null,
    is_fallback boolean not null,
    always_use boolean not null check (not (always_use and is_fallback)),
    sort_order integer not null check (sort_order >= 0),
    -- null: everyone
    allowed_models text[],
    allowed_key_hashes text[],
    allowed_member_ids text[],
    created_at timestamptz(3) not null default now(),
    version bigint not null
  );
  create index own_keys_by_workspace on own_keys (workspace_id, provider, sort_order, id);

  -- where an own key is asked, if not at the provider's address
  alter table credentials add column base_url text;
`;

export class CreateOwnKeys1764181200117 implements MigrationInterface {
  name = 'CreateOwnKeys1764181200117';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const statement of forceRowSecurity('own_keys')) await runner.query(statement);
    await runner.query(grantTo('writer', ['delete'], 'own_keys'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('delete from credentials where workspace_id is not null');
    await runner.query('alter table credentials drop column base_url');
    await runner.query('drop table own_keys');
  }
}
