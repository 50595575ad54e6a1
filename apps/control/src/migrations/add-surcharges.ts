// What workspaces pay on top of prices, in parts per million: none by default.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddSurcharges1764170000102 implements MigrationInterface {
  name = 'AddSurcharges1764170000102';

  async up(runner: QueryRunner): Promise<void> {
    const rate = 'integer not null default 0 check';
    await runner.query(
      `alter table workspaces add column markup_ppm ${rate} (markup_ppm between 0 and 10000000),
                              add column byok_fee_ppm ${rate} (byok_fee_ppm between 0 and 10000000)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table workspaces drop column markup_ppm, drop column byok_fee_ppm');
  }
}
