// Credentials that tokens are got with: a Google service account, a client of Azure AD.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const KINDS = "'bearer', 'header', 'query', 'none'";
const TOKEN_KINDS = "'google-service-account', 'azure-ad'";

export class AddTokenCredentials1764172800104 implements MigrationInterface {
  name = 'AddTokenCredentials1764172800104';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table credentials drop constraint credentials_kind_check');
    await runner.query(
      `alter table credentials add constraint credentials_kind_check check (kind in (${KINDS}, ${TOKEN_KINDS}))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from credentials where kind in (${TOKEN_KINDS})`);
    await runner.query('alter table credentials drop constraint credentials_kind_check');
    await runner.query(`alter table credentials add constraint credentials_kind_check check (kind in (${KINDS}))`);
  }
}
