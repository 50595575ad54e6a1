// Why a workspace is suspended and since when, so that its keys can be told.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ExplainSuspension1764165600103 implements MigrationInterface {
  name = 'ExplainSuspension1764165600103';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table workspaces add column suspended_reason text, add column suspended_at timestamptz(3)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table workspaces drop column suspended_at, drop column suspended_reason');
  }
}
