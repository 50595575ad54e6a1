// Members that come and go, guardrails, and who has which. A guardrail that was deleted stays for a while, as one that guards nothing.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo } from '@waystation/postgres';

const TABLES = `
  alter table members
    add column removed_at timestamptz(3),
    add column policy_id text,
    add column policy_assigned_by text,
    add column policy_assigned_at timestamptz(3);
  -- Who was removed may come back, as somebody new.
  alter table members drop constraint members_workspace_id_email_key;
  create unique index members_by_email on members (workspace_id, lower(email)) where removed_at is null;

  alter table keys
    add column policy_assigned_by text,
    add column policy_assigned_at timestamptz(3);
  create index keys_by_member on keys (member_id) where deleted_at is null;

  create table guardrails (
    id text primary key,
    workspace_id text not null references workspaces (id),
    name text not null,
    description text,
    limit_picodollars numeric(38, 0) check (limit_picodollars >= 0),
    limit_reset text check (limit_reset in ('daily', 'weekly', 'monthly')),
    include_byok boolean not null default false,
    -- what of its policy is no budget
    rules jsonb not null,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3),
    deleted_at timestamptz(3),
    version bigint not null
  );
  create index guardrails_by_workspace on guardrails (workspace_id, created_at desc, id) where deleted_at is null;
`;

export class CreateGuardrails1764165600104 implements MigrationInterface {
  name = 'CreateGuardrails1764165600104';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const statement of forceRowSecurity('guardrails')) await runner.query(statement);
    await runner.query(grantTo('writer', ['delete'], 'guardrails'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table guardrails;
      drop index keys_by_member;
      alter table keys drop column policy_assigned_by, drop column policy_assigned_at;
      drop index members_by_email;
      alter table members add unique (workspace_id, email);
      alter table members drop column removed_at, drop column policy_id, drop column policy_assigned_by, drop column policy_assigned_at;
    `);
  }
}
