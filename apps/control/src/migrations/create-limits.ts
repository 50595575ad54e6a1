// Limits of a workspace: what may be spent, asked or used in a window. One row for each name, so that setting a limit twice is setting it once.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo } from '@waystation/postgres';

export class CreateLimits1764150000001 implements MigrationInterface {
  name = 'CreateLimits1764150000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table limits (
        workspace_id text not null references workspaces (id),
        scope text not null check (scope in ('workspace', 'member', 'key', 'end-user', 'tag')),
        -- empty: each of the scope by itself
        scope_id text not null,
        metric text not null check (metric in ('usd', 'requests', 'tokens')),
        limit_window text not null check (limit_window in ('minute', 'day', 'week', 'month', 'lifetime')),
        free_only boolean not null,
        amount numeric(38, 0) not null check (amount >= 0),
        include_byok boolean not null,
        created_at timestamptz(3) not null default now(),
        updated_at timestamptz(3) not null default now(),
        primary key (workspace_id, scope, scope_id, metric, limit_window, free_only)
      )`);
    for (const statement of forceRowSecurity('limits')) await runner.query(statement);
    await runner.query(grantTo('writer', ['delete'], 'limits'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table limits');
  }
}
