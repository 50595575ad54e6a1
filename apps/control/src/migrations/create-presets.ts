// Presets with their versions, which are only ever added, and the rules by which a workspace has models chosen for tasks.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, revokeFrom } from '@waystation/postgres';

const TABLES = `
  create table presets (
    id text primary key,
    workspace_id text not null references workspaces (id),
    slug text not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 64),
    name text not null,
    description text,
    status text not null default 'active' check (status in ('active', 'disabled', 'archived')),
    designated integer not null check (designated > 0),
    creator_member_id text,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    status_updated_at timestamptz(3),
    version bigint not null,
    unique (workspace_id, slug)
  );

  create table preset_versions (
    id text primary key,
    workspace_id text not null references workspaces (id),
    preset_id text not null references presets (id),
    number integer not null check (number > 0),
    -- in the words of a chat completion
    config jsonb not null,
    system_prompt text,
    creator text not null,
    created_at timestamptz(3) not null default now(),
    unique (preset_id, number)
  );
  alter table presets add constraint presets_designated foreign key (id, designated)
    references preset_versions (preset_id, number) deferrable initially deferred;

  -- null: those of the station
  alter table workspaces add column task_rules jsonb;
`;

export class CreatePresets1764187200153 implements MigrationInterface {
  name = 'CreatePresets1764187200153';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of ['presets', 'preset_versions'])
      for (const statement of forceRowSecurity(table)) await runner.query(statement);
    await runner.query(revokeFrom('writer', ['update'], 'preset_versions'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table workspaces drop column task_rules;
      alter table presets drop constraint presets_designated;
      drop table preset_versions;
      drop table presets;
    `);
  }
}
