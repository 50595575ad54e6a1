// The FOCUS export in parts: a part is a day of generations, or as much of one as a message holds. Where to go on is told with each part, and nothing is kept
// between them. Memory holds the rows of one day, never its charges.
import { priceVector, unixOfGeneration, WaystationError, type PriceVector } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { idFrom } from '../activity/usage-sql.js';
import { boundsOfMonth } from './compute-statement.js';
import { FOCUS_HEADER, addCharge, focusLines, type FocusCharge, type FocusRows } from './focus-rows.js';

export interface FocusPart {
  readonly header: string;
  readonly lines: string;
  readonly next?: string;
}

const DAY_MS = 86_400_000;
const PAGE_ROWS = 1_000;
/** Characters of lines in one part. */
const PART_UNITS_MAX = 500_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const CURSOR = /^(\d{4}-\d{2}-\d{2})\/(\d{1,9})$/;

/** What comes next: a day, and how many of its lines were sent. */
interface Place {
  readonly dayMs: number;
  readonly sent: number;
}

const placeOf = (cursor: string | undefined): Place => {
  if (cursor === undefined) return { dayMs: 0, sent: 0 };
  const [, day, sent] = CURSOR.exec(cursor) ?? [];
  const dayMs = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(dayMs))
    throw new WaystationError('invalid_request', `after: ${cursor.slice(0, 32)} is no place to go on at.`);
  return { dayMs, sent: Number(sent) };
};

/** `settled_at` within the month, of the workspace. */
const OF_MONTH = `workspace_id = $1 and settled_at >= $2::timestamptz and settled_at < $3::timestamptz and (payer = 'credits' or charged <> 0)`;

export const readFocusPart = (
  reader: Database,
  workspaceId: string,
  month: string,
  cursor: string | undefined,
): Promise<FocusPart> =>
  reader.asWorkspace(workspaceId, async (runner) => {
    await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    const { from, to } = boundsOfMonth(month);
    const asked = placeOf(cursor);
    const dayMs = await nextDay(runner, [workspaceId, from, to], asked.dayMs);
    if (dayMs === undefined) return { header: FOCUS_HEADER, lines: '' };
    const day = new Date(dayMs).toISOString().slice(0, 10);
    const rows = await rowsOfDay(runner, [workspaceId, from, to], dayMs);
    const lines = focusLines(rows, workspaceId, month, day);
    const begin = dayMs === asked.dayMs ? asked.sent : 0;
    let units = 0;
    let end = begin;
    while (end < lines.length && units < PART_UNITS_MAX) units += lines[end++]?.length ?? 0;
    const later =
      end < lines.length ? `${day}/${end}` : await placeAfter(runner, [workspaceId, from, to], dayMs + DAY_MS);
    return {
      header: FOCUS_HEADER,
      lines: lines.slice(begin, end).join(''),
      ...(later === undefined ? {} : { next: later }),
    };
  });

const placeAfter = async (
  runner: QueryRunner,
  values: readonly unknown[],
  fromMs: number,
): Promise<string | undefined> => {
  const dayMs = await nextDay(runner, values, fromMs);
  return dayMs === undefined ? undefined : `${new Date(dayMs).toISOString().slice(0, 10)}/0`;
};

/** The first day from this one on that has charges booked in the month: corrections reach back before it. */
const nextDay = async (
  runner: QueryRunner,
  values: readonly unknown[],
  fromMs: number,
): Promise<number | undefined> => {
  const [first] = await queryRows<{ generation_id: string }>(
    runner,
    `select generation_id from charge where ${OF_MONTH} and generation_id >= $4 order by generation_id limit 1`,
    [...values, idFrom(fromMs)],
  );
  if (first === undefined) return undefined;
  const atMs = unixOfGeneration(first.generation_id) * 1_000;
  return atMs - (atMs % DAY_MS);
};

interface ChargeRow extends FocusCharge {
  readonly generation_id: string;
  readonly attempt_id: string;
}

const rowsOfDay = async (runner: QueryRunner, values: readonly unknown[], dayMs: number): Promise<FocusRows> => {
  const rows: FocusRows = new Map();
  const prices = new Map<string, PriceVector>();
  const isOfEarlierMonth = new Date(dayMs).toISOString() < String(values[1]);
  let after: readonly [string, string, number] = [idFrom(dayMs), '', -1];
  for (;;) {
    const page = await queryRows<ChargeRow>(
      runner,
      `select generation_id, attempt_id, revision, key_hash, member_id, coalesce(app_title, app_referer) as app, tags, provider, endpoint_id, model, price_version, service_tier, payer, charged, usage
         from charge where ${OF_MONTH} and (generation_id, attempt_id, revision) > ($4, $5, $6) and generation_id < $7
        order by generation_id, attempt_id, revision limit ${PAGE_ROWS}`,
      [...values, ...after, idFrom(dayMs + DAY_MS)],
    );
    await loadPrices(runner, prices, page);
    for (const charge of page) {
      const price = prices.get(charge.price_version);
      if (price === undefined)
        throw new WaystationError(
          'internal',
          `Price version ${charge.price_version} of ${charge.attempt_id} is not stored.`,
        );
      addCharge(rows, charge, price, isOfEarlierMonth);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return rows;
    after = [last.generation_id, last.attempt_id, last.revision];
  }
};

const loadPrices = async (
  runner: QueryRunner,
  prices: Map<string, PriceVector>,
  charges: readonly FocusCharge[],
): Promise<void> => {
  const missing = [...new Set(charges.map((charge) => charge.price_version))].filter((version) => !prices.has(version));
  if (missing.length === 0) return;
  const stored = await queryRows<{ id: string; price: unknown }>(
    runner,
    `select id, price from price_version where id = any($1)`,
    [missing],
  );
  for (const { id, price } of stored) prices.set(id, priceVector.parse(price));
};
