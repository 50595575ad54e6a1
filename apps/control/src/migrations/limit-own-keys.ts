// What a customer's own provider key can take: requests and tokens a minute, requests at the same time.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LimitOwnKeys1764190800739 implements MigrationInterface {
  name = 'LimitOwnKeys1764190800739';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table own_keys add column capacity jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table own_keys drop column capacity');
  }
}
