// The one way to a pool. Boot waits a bounded time for a server that is away; afterwards the pool reconnects by itself and no lost connection ends the process.
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type QueryRunner } from 'typeorm';
import { describeTarget, isAway, isRetriable, reasonOf } from './failures.js';
import type { Database, DatabaseOptions } from './postgres.js';
import { beginTransaction, commitTransaction, queryRows } from './query-rows.js';

const RETRIES_MAX = 5;
/** First pause between two tries of a transaction; doubled each time, half of it random so that two rivals part. */
const RETRY_PAUSE_MS = 5;
const BOOT_WAIT_MS = 60_000;
const BOOT_RETRY_EVERY_MS = 500;
/** How long a statement may wait for a free connection, and a connection for the server. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TRANSACTION_MS = 30_000;
const PROBE_EVERY_MS = 1_000;

export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const log = options.log ?? (() => undefined);
  const target = describeTarget(options.url);
  let up = true;
  let closed = false;
  let probe: NodeJS.Timeout | undefined;

  const noteLost = (error: unknown): void => {
    if (closed) return;
    if (up) log('warn', `Postgres ${target} is away; statements fail until it is back`, { reason: reasonOf(error) });
    up = false;
    probe ??= setInterval(
      () => void dataSource.query('select 1').then(noteAnswer, () => undefined),
      PROBE_EVERY_MS,
    ).unref();
  };
  const noteAnswer = (): void => {
    if (!up) log('info', `Postgres ${target} is back`, {});
    up = true;
    clearInterval(probe);
    probe = undefined;
  };
  /** A refused statement has reached the server as much as a good one. */
  const watched = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      const result = await work();
      if (!up) noteAnswer();
      return result;
    } catch (error) {
      if (isAway(error)) noteLost(error);
      else if (!up) noteAnswer();
      throw error;
    }
  };

  const dataSource = await connectWaiting(
    () => newDataSource(options, noteLost),
    target,
    options.waitMs ?? BOOT_WAIT_MS,
    log,
  );

  const once = async <Result>(work: (runner: QueryRunner) => Promise<Result>): Promise<Result> => {
    const runner = dataSource.createQueryRunner();
    try {
      await beginTransaction(runner);
      const result = await work(runner);
      await commitTransaction(runner);
      return result;
    } catch (error) {
      // The server has rolled back already where the connection is gone; a failing ROLLBACK must not hide the reason.
      if (runner.isTransactionActive && !runner.isReleased) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  };

  const transaction = <Result>(work: (runner: QueryRunner) => Promise<Result>): Promise<Result> =>
    watched(async () => {
      for (let retry = 0; ; retry += 1) {
        try {
          return await once(work);
        } catch (error) {
          if (retry === RETRIES_MAX || !isRetriable(error)) throw error;
          const pauseMs = RETRY_PAUSE_MS * 2 ** retry;
          await sleep(pauseMs / 2 + (Math.random() * pauseMs) / 2);
        }
      }
    });

  return {
    dataSource,
    query: <Row>(sql: string, values: readonly unknown[] = []) =>
      watched(async () => {
        const runner = dataSource.createQueryRunner();
        try {
          return await queryRows<Row>(runner, sql, values);
        } finally {
          await runner.release();
        }
      }),
    transaction,
    asWorkspace: (workspaceId, work) =>
      transaction(async (runner) => {
        // Local to the transaction (third argument), so that a pooled connection never carries it to the next caller.
        await runner.query(`select set_config('way.workspace', $1, true)`, [workspaceId]);
        return work(runner);
      }),
    healthy: () => up,
    async close() {
      closed = true;
      clearInterval(probe);
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
};

const newDataSource = (options: DatabaseOptions, onPoolError: (error: unknown) => void): DataSource =>
  new DataSource({
    type: 'postgres',
    url: options.url,
    schema: options.schema,
    applicationName: options.applicationName,
    poolSize: options.poolMax,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    // An idle connection that the server closes raises here; without a handler it would end the process.
    poolErrorHandler: onPoolError,
    logging: false,
    entities: [...(options.entities ?? [])],
    extra: {
      options: `-c search_path=${options.schema}`,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      keepAlive: true,
      // What is asked together travels together: queryTogether.
      pipeline: true,
    },
  });

/** Tries until the server answers or the time is over. A wrong password or a missing database is told at once: waiting cannot help. */
const connectWaiting = async (
  create: () => DataSource,
  target: string,
  waitMs: number,
  log: NonNullable<DatabaseOptions['log']>,
): Promise<DataSource> => {
  const giveUpAt = performance.now() + waitMs;
  for (let tries = 0; ; tries += 1) {
    const dataSource = create();
    try {
      return await dataSource.initialize();
    } catch (error) {
      const mayWait = isAway(error) && performance.now() < giveUpAt;
      if (!mayWait) {
        const waited = isAway(error) ? ` after ${Math.round(waitMs / 1000)} s` : '';
        throw new Error(`Postgres ${target} cannot be used${waited}: ${reasonOf(error)}`, { cause: error });
      }
      if (tries === 0) log('warn', `waiting for Postgres ${target}`, { reason: reasonOf(error), waitMs });
      await sleep(BOOT_RETRY_EVERY_MS);
    }
  }
};
