// How a secret is presented grows with the dialects: the contract of the credentials names the kinds, and the table takes any word that can be one.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WidenCredentialKinds1764176400105 implements MigrationInterface {
  name = 'WidenCredentialKinds1764176400105';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table credentials drop constraint credentials_kind_check');
    await runner.query(
      `alter table credentials add constraint credentials_kind_check check (kind ~ '^[a-z][a-z-]{0,31}$')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table credentials drop constraint credentials_kind_check');
    await runner.query(
      `alter table credentials add constraint credentials_kind_check check (kind in ('bearer', 'header', 'query', 'none'))`,
    );
  }
}
