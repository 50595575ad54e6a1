// What is taken on top of prices: part of what was charged, with the rate that was in force when its hold was taken. Charges of before have none.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddSurcharges1764170000501 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table charge add column surcharge numeric(38, 0) not null default 0,
                          add column surcharge_ppm integer not null default 0 check (surcharge_ppm >= 0)`,
    );
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
