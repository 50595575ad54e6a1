// A provider's bill against what we owe it by our own books. Both are read by UTC day and model; what was accepted is booked once, payable against variance, and
// counts from then on. What cannot be matched is an exception, and never booked.
import { createHash } from 'node:crypto';
import { WaystationError } from '@waystation/contracts';
import { ACCOUNTS, type Entry } from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { DAY_MS } from '../activity/read-usage.js';
import { idFrom } from '../activity/usage-sql.js';
import { insertEntries, newPosting } from '../ledger/store.js';
import { groupModels, type ModelGroups, type ModelPair } from './model-groups.js';
import { readExport, type BilledLine, type ExportFormat } from './read-export.js';

export interface ImportRequest {
  readonly provider: string;
  readonly format: ExportFormat;
  readonly fileName: string;
  readonly text: string;
  /** What the provider's names mean here. Remembered. */
  readonly models: readonly ModelPair[];
}

export interface ImportReport {
  readonly fileHash: string;
  /** The very file was imported before. */
  readonly known: boolean;
  readonly lines: number;
  readonly added: number;
  /** Lines whose model nobody named, of this provider. */
  readonly unassigned: readonly BilledLine[];
}

const UNASSIGNED_MAX = 100;
const STATEMENT_TIMEOUT_MS = 60_000;

/** One import or report at a time for each provider. */
const lockProvider = (runner: QueryRunner, provider: string): Promise<unknown> =>
  runner.query(`select pg_advisory_xact_lock(hashtextextended('waystation.reconcile.' || $1, 0))`, [provider]);

/** @throws WaystationError `malformed_json`, `unprocessable` for what cannot be read, `conflict` for a line that had another amount before */
export const importExport = async (database: Database, request: ImportRequest): Promise<ImportReport> => {
  const { provider, format, text, fileName, models } = request;
  const lines = readExport(format, text);
  const fileHash = createHash('sha256').update(text, 'utf8').digest('hex');
  return database.transaction(async (runner) => {
    await lockProvider(runner, provider);
    await nameModels(runner, provider, models);
    const fresh = await queryRows(
      runner,
      `insert into provider_file (hash, provider, name, format, lines) values ($1, $2, $3, $4, $5) on conflict do nothing returning 1`,
      [fileHash, provider, fileName, format, lines.length],
    );
    const added = fresh.length === 0 ? 0 : await addLines(runner, provider, lines, fileHash);
    const groups = await modelGroups(runner, provider);
    return {
      fileHash,
      known: fresh.length === 0,
      lines: lines.length,
      added,
      unassigned: lines
        .filter(({ upstreamModel }) => groups.ofUpstream(upstreamModel) === undefined)
        .slice(0, UNASSIGNED_MAX),
    };
  });
};

const nameModels = async (runner: QueryRunner, provider: string, models: readonly ModelPair[]): Promise<void> => {
  if (models.length === 0) return;
  await queryRows(
    runner,
    `insert into provider_model (provider, upstream_model, model) select $1, * from unnest($2::text[], $3::text[]) on conflict do nothing`,
    [provider, models.map(({ upstreamModel }) => upstreamModel), models.map(({ model }) => model)],
  );
};

const modelGroups = async (runner: QueryRunner, provider: string): Promise<ModelGroups> =>
  groupModels(
    await queryRows<ModelPair>(
      runner,
      `select upstream_model as "upstreamModel", model from provider_model where provider = $1`,
      [provider],
    ),
  );

const addLines = async (
  runner: QueryRunner,
  provider: string,
  lines: readonly BilledLine[],
  fileHash: string,
): Promise<number> => {
  const values = [
    provider,
    lines.map(({ key }) => createHash('sha256').update(key).digest('hex')),
    lines.map(({ day }) => day),
    lines.map(({ upstreamModel }) => upstreamModel),
    lines.map(({ amount }) => amount.toString()),
  ];
  const GIVEN = `unnest($2::text[], $3::date[], $4::text[], $5::numeric[]) as g (line_key, day, upstream_model, amount)`;
  const [changed] = await queryRows<{ day: string; upstream_model: string; amount: string; was: string }>(
    runner,
    `select g.day::text as day, g.upstream_model, g.amount, l.amount as was from ${GIVEN}
       join provider_line l on l.provider = $1 and l.line_key = g.line_key where l.amount <> g.amount order by g.day limit 1`,
    values,
  );
  if (changed !== undefined)
    throw new WaystationError(
      'conflict',
      `${changed.upstream_model} on ${changed.day} is ${changed.amount} picodollars here and was ${changed.was} in an earlier file: export days only when they are complete.`,
    );
  const added = await queryRows(
    runner,
    `insert into provider_line (provider, line_key, day, upstream_model, amount, file_hash)
     select $1, line_key, day, upstream_model, amount, $6 from ${GIVEN} on conflict do nothing returning 1`,
    [...values, fileHash],
  );
  return added.length;
};

export interface ReportRequest {
  readonly provider: string;
  /** Days, both included. */
  readonly from: string;
  readonly to: string;
  /** Books the differences of matched days. */
  readonly book: boolean;
}

export interface ReportRow {
  readonly day: string;
  /** The first of our models that are one thing on the bill; the provider's name where none of ours is known. */
  readonly model: string;
  readonly ours: bigint;
  readonly theirs: bigint;
  /** Accepted differences, with those of now. */
  readonly booked: bigint;
  /** What is left: theirs − ours − booked. */
  readonly difference: bigint;
  /** `not-billed`: they have nothing of it. `not-ours`: we have nothing of it. */
  readonly exception?: 'unknown-model' | 'not-billed' | 'not-ours';
}

const DAYS_MAX = 100;

/** @throws WaystationError `invalid_request` for a range that is none */
export const reportDifferences = (database: Database, request: ReportRequest): Promise<ReportRow[]> =>
  database.transaction(async (runner) => {
    const { provider, from, to, book } = request;
    const [fromMs, toMs] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${to}T00:00:00Z`) + DAY_MS];
    if (Number.isNaN(fromMs) || Number.isNaN(toMs) || toMs <= fromMs || toMs - fromMs > DAYS_MAX * DAY_MS)
      throw new WaystationError(
        'invalid_request',
        `A report spans from one day to ${DAYS_MAX} days, not from ${from} to ${to}.`,
      );
    await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    await lockProvider(runner, provider);
    const rows = await compare(runner, provider, fromMs, toMs);
    if (!book) return rows;
    const accepted = rows.filter(({ difference, exception }) => exception === undefined && difference !== 0n);
    await bookDifferences(runner, provider, accepted);
    return rows.map((row) =>
      accepted.includes(row) ? { ...row, booked: row.booked + row.difference, difference: 0n } : row,
    );
  });

interface Side {
  readonly day: string;
  readonly name: string;
  readonly amount: string;
}

const compare = async (runner: QueryRunner, provider: string, fromMs: number, toMs: number): Promise<ReportRow[]> => {
  const dates = [provider, new Date(fromMs).toISOString().slice(0, 10), new Date(toMs).toISOString().slice(0, 10)];
  // What the customer's own key paid is on the customer's bill, not on ours.
  const ours = await queryRows<Side>(
    runner,
    `select (date '1970-01-01' + (substr(generation_id, 5, 10)::bigint / 86400)::int)::text as day, model as name, sum(charged + waste + variance - surcharge) as amount
       from charge where provider = $1 and generation_id >= $2 and generation_id < $3 and payer <> 'byok' group by 1, 2`,
    [provider, idFrom(fromMs), idFrom(toMs)],
  );
  const theirs = await queryRows<Side>(
    runner,
    `select day::text as day, upstream_model as name, sum(amount) as amount from provider_line
      where provider = $1 and day >= $2::date and day < $3::date group by 1, 2`,
    dates,
  );
  const booked = await queryRows<Side>(
    runner,
    `select day::text as day, model as name, sum(amount) as amount from provider_difference
      where provider = $1 and day >= $2::date and day < $3::date group by 1, 2`,
    dates,
  );
  const groups = await modelGroups(runner, provider);
  const rows = new Map<string, { ours: bigint; theirs: bigint; booked: bigint; isKnown: boolean; isBilled: boolean }>();
  const rowOf = (day: string, model: string) => {
    const key = `${day} ${model}`;
    const row = rows.get(key) ?? { ours: 0n, theirs: 0n, booked: 0n, isKnown: true, isBilled: false };
    rows.set(key, row);
    return row;
  };
  for (const { day, name, amount } of ours) rowOf(day, groups.ofModel(name) ?? name).ours += BigInt(amount);
  for (const { day, name, amount } of booked) rowOf(day, groups.ofModel(name) ?? name).booked += BigInt(amount);
  for (const { day, name, amount } of theirs) {
    const model = groups.ofUpstream(name);
    const row = rowOf(day, model ?? name);
    row.theirs += BigInt(amount);
    row.isBilled = true;
    row.isKnown &&= model !== undefined;
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { isKnown, isBilled, ...row }]) => {
      const exception = !isKnown
        ? ('unknown-model' as const)
        : row.ours !== 0n && !isBilled
          ? ('not-billed' as const)
          : row.ours === 0n && row.theirs !== 0n
            ? ('not-ours' as const)
            : undefined;
      return {
        day: key.slice(0, 10),
        model: key.slice(11),
        ...row,
        difference: row.theirs - row.ours - row.booked,
        ...(exception === undefined ? {} : { exception }),
      };
    });
};

/** No workspace bears it: what a provider bills otherwise than we charged is ours. */
const entryOf = (provider: string, difference: bigint): Entry => {
  const [payable, variance] = [ACCOUNTS.payable(provider), ACCOUNTS.variance];
  return difference > 0n
    ? { kind: 'reconcile', debit: variance, credit: payable, amount: difference, workspaceId: '' }
    : { kind: 'reconcile', debit: payable, credit: variance, amount: -difference, workspaceId: '' };
};

const bookDifferences = async (runner: QueryRunner, provider: string, rows: readonly ReportRow[]): Promise<void> => {
  if (rows.length === 0) return;
  const posting = await newPosting(runner);
  await queryRows(
    runner,
    `insert into provider_difference (provider, day, model, posting, amount) select $1, day, model, $2, amount
       from unnest($3::date[], $4::text[], $5::numeric[]) as d (day, model, amount)`,
    [
      provider,
      posting,
      rows.map(({ day }) => day),
      rows.map(({ model }) => model),
      rows.map(({ difference }) => difference.toString()),
    ],
  );
  await insertEntries(
    runner,
    posting,
    rows.map(({ difference }) => entryOf(provider, difference)),
  );
};
