// Who suspended a workspace, so that only they lift it; and at most one audit record for each notice of another service.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddSuspension1764158400102 implements MigrationInterface {
  name = 'AddSuspension1764158400102';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table workspaces add column suspended_by text');
    await runner.query(
      `create unique index audit_notice on audit ((detail ->> 'noticeId')) where detail ->> 'noticeId' is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index audit_notice');
    await runner.query('alter table workspaces drop column suspended_by');
  }
}
