// Requests, tokens and what own provider keys cost are counted beside money: in leases and charges as it is, and by quotas of their metrics.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const COUNTED = ['byok', 'requests', 'tokens'];

const columns = (names: readonly string[], check: string): string =>
  names
    .flatMap((name) =>
      COUNTED.map(
        (part) =>
          `add column ${name}_${part} numeric(38, 0) not null default 0 ${check.replaceAll('$', `${name}_${part}`)}`,
      ),
    )
    .join(', ');

export class CountMoreThanMoney1764150000102 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table lease ${columns(['granted', 'held', 'unbooked', 'last_released'], 'check ($ >= 0)')}`,
    );
    await runner.query(`
      alter table lease
        drop constraint lease_closed_empty,
        add constraint lease_closed_empty check (closed_at is null or (
          held = 0 and held_byok = 0 and held_requests = 0 and held_tokens = 0
          and unbooked = 0 and unbooked_byok = 0 and unbooked_requests = 0 and unbooked_tokens = 0))`);
    // What quotas were told of an attempt beside its money. Own keys may cost more than a limit lets be counted.
    await runner.query(`alter table charge ${columns(['counted'], '')}`);
    // What was spent in its window before anything met the quota: part of what it has posted, and of no charge that names it.
    await runner.query(
      `alter table quota add column include_byok boolean not null default false,
                         add column opened_with numeric(38, 0) not null default 0 check (opened_with >= 0)`,
    );
    await runner.query(`create index lease_open_by_quota on lease using gin (quota_ids) where closed_at is null`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('the ledger only goes forward'));
  }
}
