// What the rest of the project sees of Postgres. Money is plain parameterised SQL; `bigint` and `numeric` come back as strings.
import type { DataSource, DataSourceOptions, QueryRunner } from 'typeorm';

export type ServiceSchema = 'billing' | 'logging' | 'control';
/** `owner` runs migrations, `writer` is for consumers and handlers that change things, `reader` for routes (row-level security forced). */
export type DatabaseRole = 'owner' | 'writer' | 'reader';

export interface DatabaseOptions {
  readonly url: string;
  readonly schema: ServiceSchema;
  readonly applicationName: string;
  readonly poolMax: number;
  readonly statementTimeoutMs: number;
  /** How long boot waits for a server that is away, default 60 s. */
  readonly waitMs?: number;
  /** TypeORM entities or EntitySchemas, where a service wants them. */
  readonly entities?: Extract<NonNullable<DataSourceOptions['entities']>, readonly unknown[]>;
  readonly log?: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
}

export interface Database {
  readonly dataSource: DataSource;
  /** One statement outside a transaction, values as `$1 …`. */
  query<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Commits when `work` resolves, rolls back when it throws. Retries serialization failures and deadlocks (40001, 40P01) up to 5 times. */
  transaction<Result>(work: (runner: QueryRunner) => Promise<Result>): Promise<Result>;
  /** A transaction with `way.workspace` set, so that row-level security lets this workspace's rows through and no others. */
  asWorkspace<Result>(workspaceId: string, work: (runner: QueryRunner) => Promise<Result>): Promise<Result>;
  /** Whether the last statement reached the server. */
  healthy(): boolean;
  close(): Promise<void>;
}
