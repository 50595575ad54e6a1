// Statements inside a transaction. The hot ones are prepared: the server parses them once for each connection instead of each time, and takes several of them in
// one round trip, in the order in which they stand here. The last of a transaction may travel with its COMMIT: what they lock is then held for no turn of ours.
import type { PoolClient, QueryResult } from 'pg';
import type { QueryRunner } from 'typeorm';
import { arrayText } from './array-text.js';

/** One statement, values as `$1 …`. Its text is one of few: each is kept by every connection that has run it. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

const onTheWire = (values: readonly unknown[]): unknown[] =>
  values.map((value) => (Array.isArray(value) ? (arrayText(value) ?? value) : value));

/** Rows of one statement. `runner.query` itself answers `[rows, count]` for UPDATE and DELETE; this always answers rows. */
export const queryRows = async <Row>(
  runner: QueryRunner,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> => {
  const result = await runner.query(sql, onTheWire(values), true);
  return result.records as Row[];
};

const names = new Map<string, string>();
const nameOf = (sql: string): string => {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `way_${names.size + 1}`;
  names.set(sql, name);
  return name;
};

/** Rows of one prepared statement. */
export const queryPrepared = async <Row>(
  runner: QueryRunner,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> => {
  const [rows = []] = await queryTogether<Row>(runner, [{ sql, values }]);
  return rows;
};

/**
 * Rows of each of these prepared statements, which are sent at once and run one after the other: none may need what another answers. Rejects with what the first
 * of them that failed says, when all have ended; what stood behind it was then refused by the server, because the transaction had failed.
 */
export const queryTogether = async <Row>(runner: QueryRunner, statements: readonly Statement[]): Promise<Row[][]> => {
  if (statements.length === 0) return [];
  const client = (await runner.connect()) as PoolClient;
  const ended = await Promise.allSettled(send(client, statements));
  return ended.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value.rows as Row[];
  });
};

const send = (client: PoolClient, statements: readonly Statement[]): Promise<QueryResult>[] =>
  statements.map(({ sql, values }) => client.query({ name: nameOf(sql), text: sql, values: onTheWire(values) }));

/** What the transactions under way send with their COMMIT, by the `data` of their runners: that is the same for whoever wraps one. */
const endings = new WeakMap<object, Statement[]>();

/** These prepared statements go with the COMMIT, behind whatever the transaction asks until then: none of it may need what they do. For `Database.transaction` alone. */
export const queryAtCommit = (runner: QueryRunner, statements: readonly Statement[]): void => {
  const ending = endings.get(runner.data);
  if (ending === undefined)
    throw new Error(
      'queryAtCommit: this runner is in no transaction of Database.transaction, so nothing would send it',
    );
  ending.push(...statements);
};

/** Begins a transaction that `commitTransaction` ends. */
export const beginTransaction = async (runner: QueryRunner): Promise<void> => {
  await runner.startTransaction();
  endings.set(runner.data, []);
};

/** Sends what was kept for the end and the COMMIT, which the server turns into a rollback where one of these fails: then that failure is told. */
export const commitTransaction = async (runner: QueryRunner): Promise<void> => {
  const last = endings.get(runner.data) ?? [];
  endings.delete(runner.data);
  const client = (await runner.connect()) as PoolClient;
  const sent = send(client, last);
  const ended = await Promise.allSettled([...sent, runner.commitTransaction()]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
};
