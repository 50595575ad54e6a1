// Whether attempts of a generation still wait is for its workspace to know, and for nobody else.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo } from '@waystation/postgres';

export class LetReadersSeeWitnesses1764165600402 implements MigrationInterface {
  name = 'LetReadersSeeWitnesses1764165600402';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of forceRowSecurity('witness')) await runner.query(statement);
    await runner.query(grantTo('reader', ['select'], 'witness'));
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
