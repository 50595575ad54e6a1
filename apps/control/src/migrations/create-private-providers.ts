// Providers that operators add through the management API, and what came of trying their endpoints. A provider that was deleted stays as a mark; probes are only
// ever added. No route has any business with either but through control.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { revokeFrom } from '@waystation/postgres';

const TABLES = `
  create table private_providers (
    slug text primary key check (slug ~ '^[a-z0-9][a-z0-9-]{0,47}$'),
    -- as it was said, in the words of the operator's file, without secrets
    said jsonb not null,
    -- what that means: a source, or what it extends and how
    meaning jsonb not null,
    -- the key: sealed to the workers, or the variable of control that holds it
    sealed jsonb,
    fingerprint text,
    key_variable text,
    changed_by text,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    deleted_at timestamptz(3),
    version bigint not null,
    check ((sealed is null) = (fingerprint is null)),
    check (sealed is null or key_variable is null),
    check (deleted_at is null or (sealed is null and key_variable is null))
  );

  create table endpoint_probes (
    id bigint generated always as identity primary key,
    provider text not null references private_providers (slug),
    endpoint_id text not null,
    -- of all that decides what was asked, and with what
    digest text not null,
    at timestamptz(3) not null default now(),
    status text not null check (status in ('untested', 'passing', 'failing')),
    latency_ms integer not null check (latency_ms >= 0),
    cost_picodollars numeric(38, 0) not null check (cost_picodollars >= 0),
    problem jsonb,
    -- why the endpoint serves all the same
    forced text,
    check (status = 'passing' or problem is not null),
    check (status <> 'passing' or forced is null)
  );
  create index endpoint_probes_latest on endpoint_probes (provider, endpoint_id, digest, id desc);
`;

export class CreatePrivateProviders1764183661137 implements MigrationInterface {
  name = 'CreatePrivateProviders1764183661137';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of ['private_providers', 'endpoint_probes'])
      await runner.query(revokeFrom('reader', ['select'], table));
    await runner.query(revokeFrom('writer', ['update'], 'endpoint_probes'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table endpoint_probes');
    await runner.query('drop table private_providers');
  }
}
