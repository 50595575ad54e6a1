// A statement in the wanted format. A month is closed once an hour has passed since its end: longer than any transaction that began in it. From the first time it
// is asked for then, it is kept as it was told, and told as it is kept.
import { WaystationError } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { boundsOfMonth, computeStatement } from './compute-statement.js';
import { renderCsv } from './render-csv.js';
import { renderHtml } from './render-html.js';
import { bodyOf, documentOf, hashOfBody, statementDocument } from './statement-document.js';

export type StatementFormat = 'json' | 'csv' | 'html';

export interface StatementText {
  readonly text: string;
  readonly closed: boolean;
  /** SHA-256 of the JSON. */
  readonly hash: string;
}

const CLOSED_AFTER_MS = 3_600_000;

interface Kept {
  readonly body: string;
  readonly hash: string;
}

const keptOf = (reader: Database, workspaceId: string, month: string): Promise<Kept | undefined> =>
  reader.asWorkspace(workspaceId, async (runner) => {
    const [row] = await queryRows<Kept>(
      runner,
      `select body, hash from statement where workspace_id = $1 and month = $2`,
      [workspaceId, month],
    );
    return row;
  });

/** @throws WaystationError `invalid_request` for a month that has not begun */
export const getStatement = async (
  databases: { readonly reader: Database; readonly writer: Database },
  workspaceId: string,
  month: string,
  format: StatementFormat,
  nowMs: number,
): Promise<StatementText> => {
  const { from, toMs } = boundsOfMonth(month);
  if (Date.parse(from) > nowMs) throw new WaystationError('invalid_request', `The month ${month} has not begun.`);
  const isOver = toMs + CLOSED_AFTER_MS <= nowMs;
  const kept = isOver ? await keptOf(databases.reader, workspaceId, month) : undefined;
  if (kept !== undefined) return textOf(kept, format, true);
  const statement = await databases.reader.transaction((runner) => computeStatement(runner, workspaceId, month));
  const body = bodyOf(documentOf(statement));
  const fresh = { body, hash: hashOfBody(body) };
  // Nothing is kept of a workspace that nothing was ever booked for.
  if (!isOver || statement.entries === 0) return textOf(fresh, format, isOver);
  await databases.writer.transaction((runner) =>
    queryRows(
      runner,
      `insert into statement (workspace_id, month, hash, body) values ($1, $2, $3, $4) on conflict do nothing`,
      [workspaceId, month, fresh.hash, fresh.body],
    ),
  );
  return textOf((await keptOf(databases.reader, workspaceId, month)) ?? fresh, format, true);
};

const textOf = ({ body, hash }: Kept, format: StatementFormat, closed: boolean): StatementText => {
  if (hashOfBody(body) !== hash)
    throw new WaystationError(
      'internal',
      `A kept statement is not what its hash says (${hash}): run the ledger's verify.`,
    );
  switch (format) {
    case 'json':
      return { text: body, closed, hash };
    case 'csv':
      return { text: renderCsv(statementDocument.parse(JSON.parse(body))), closed, hash };
    case 'html':
      return { text: renderHtml(statementDocument.parse(JSON.parse(body)), closed, hash), closed, hash };
    default: {
      const unreachable: never = format;
      return unreachable;
    }
  }
};
