// Everything that management writes. Each row carries the revision at which it last changed; revisions are handed out one by one under a lock,
// so that they follow the order of commits. Keys are there as hashes, credentials as sealed text.
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { forceRowSecurity, grantTo, revokeFrom } from '@waystation/postgres';

const TABLES = `
  create table revision (
    singleton boolean primary key default true check (singleton),
    value bigint not null
  );
  insert into revision (value) values (0);

  create table workspaces (
    id text primary key,
    slug text not null unique,
    name text not null,
    suspended boolean not null default false,
    default_model text,
    policy_id text,
    default_max_output_tokens bigint,
    stores_content boolean not null default false,
    created_at timestamptz not null default now(),
    version bigint not null
  );

  create table members (
    id text primary key,
    workspace_id text not null references workspaces (id),
    email text not null,
    role text not null check (role in ('admin', 'member')),
    created_at timestamptz not null default now(),
    version bigint not null,
    unique (workspace_id, email)
  );

  create table keys (
    hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
    workspace_id text not null references workspaces (id),
    member_id text references members (id),
    label text not null,
    name text not null,
    kind text not null check (kind in ('inference', 'management')),
    disabled boolean not null default false,
    created_at timestamptz(3) not null default now(),
    expires_at timestamptz(3),
    deleted_at timestamptz(3),
    limit_picodollars numeric(38, 0) check (limit_picodollars >= 0),
    limit_reset text check (limit_reset in ('daily', 'weekly', 'monthly')),
    include_byok_in_limit boolean not null default false,
    policy_id text,
    version bigint not null
  );
  create index keys_by_workspace on keys (workspace_id, created_at desc, hash) where deleted_at is null;

  create table policies (
    id text primary key,
    workspace_id text references workspaces (id),
    body jsonb not null,
    version bigint not null
  );

  create table catalog (
    kind text not null check (kind in ('provider', 'model', 'endpoint')),
    id text not null,
    body jsonb not null,
    version bigint not null,
    primary key (kind, id)
  );

  create table credentials (
    id text primary key,
    provider text not null,
    workspace_id text references workspaces (id),
    kind text not null check (kind in ('bearer', 'header', 'query', 'none')),
    name text,
    sealed jsonb,
    fingerprint text not null,
    version bigint not null
  );

  create table heads (
    bucket text primary key check (bucket in ('catalog', 'policies')),
    version bigint not null
  );
  insert into heads (bucket, version) values ('catalog', 0), ('policies', 0);

  create table outbox (
    id bigint generated always as identity primary key,
    kind text not null,
    entity_id text not null
  );

  create table audit (
    id bigint primary key check (id > 0),
    at timestamptz(3) not null,
    workspace_id text,
    actor jsonb not null,
    action text not null,
    subject text not null,
    detail jsonb not null,
    previous_hash text not null,
    hash text not null unique
  );
`;

/** Rows of one workspace each. */
const BY_WORKSPACE = ['members', 'keys', 'policies', 'audit'];
/** Nothing a route has any business with. */
const WRITER_ONLY = ['revision', 'credentials', 'outbox', 'heads'];

export class CreateControl1763800000002 implements MigrationInterface {
  name = 'CreateControl1763800000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    for (const table of BY_WORKSPACE) for (const statement of forceRowSecurity(table)) await runner.query(statement);
    for (const statement of forceRowSecurity('workspaces', 'id')) await runner.query(statement);
    for (const table of WRITER_ONLY) await runner.query(revokeFrom('reader', ['select'], table));
    for (const table of ['outbox', 'catalog', 'credentials']) await runner.query(grantTo('writer', ['delete'], table));
    // Append only, whoever writes.
    await runner.query(revokeFrom('writer', ['update'], 'audit'));
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'audit',
      'outbox',
      'heads',
      'credentials',
      'catalog',
      'policies',
      'keys',
      'members',
      'workspaces',
      'revision',
    ]) {
      await runner.query(`drop table ${table}`);
    }
  }
}
