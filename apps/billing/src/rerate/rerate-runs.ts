// The rows of re-ratings: what each is about, how far it is, what it came to. One row a re-rating; two that mean the same charges never run at once.
import { WaystationError, rerateSelection, type RerateRun, type RerateSelection } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { z } from 'zod';
import { NO_TOTALS, totalsInfo, type Totals } from './difference.js';
import type { Place } from './selected-charges.js';

export interface Run {
  readonly id: string;
  readonly selection: RerateSelection;
  readonly priceVersion: string;
  readonly reason: string;
  readonly state: 'running' | 'finished' | 'stopped';
  readonly done: Place;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly totals: Totals;
}

export type NewRun = Pick<Run, 'id' | 'selection' | 'priceVersion' | 'reason'>;

const amount = z.string().transform((text) => BigInt(text));
/** What was written before there were surcharges has none. */
const surcharge = z
  .string()
  .default('0')
  .transform((text) => BigInt(text));
const borne = z.object({ charged: amount, waste: amount, variance: amount, byok: amount, surcharge });
const totals = z.object({ attempts: z.number(), changed: z.number(), before: borne, after: borne });
const row = z.object({
  id: z.string(),
  selection: rerateSelection,
  price_version: z.string(),
  reason: z.string(),
  state: z.enum(['running', 'finished', 'stopped']),
  done_generation_id: z.string(),
  done_attempt_id: z.string(),
  started_at_ms: z.string(),
  ended_at_ms: z.string().nullable(),
  totals,
});

const COLUMNS = `id, selection, price_version, reason, state, done_generation_id, done_attempt_id, totals,
  floor(extract(epoch from started_at) * 1000)::bigint as started_at_ms, floor(extract(epoch from ended_at) * 1000)::bigint as ended_at_ms`;

const runOf = (raw: unknown): Run => {
  const read = row.parse(raw);
  return {
    id: read.id,
    selection: read.selection,
    priceVersion: read.price_version,
    reason: read.reason,
    state: read.state,
    done: { generationId: read.done_generation_id, attemptId: read.done_attempt_id },
    startedAtMs: Number(read.started_at_ms),
    endedAtMs: read.ended_at_ms === null ? undefined : Number(read.ended_at_ms),
    totals: read.totals,
  };
};

export const runInfo = (run: Run): RerateRun => ({
  rerateId: run.id,
  selection: run.selection,
  priceVersion: run.priceVersion,
  reason: run.reason,
  state: run.state,
  startedAt: run.startedAtMs,
  ...(run.endedAtMs === undefined ? {} : { endedAt: run.endedAtMs }),
  totals: totalsInfo(run.totals),
});

/** @param lock keeps everybody else from going on with it until the transaction ends */
export const findRun = async (runner: QueryRunner, id: string, lock = false): Promise<Run | undefined> => {
  const [found] = await queryRows<unknown>(
    runner,
    `select ${COLUMNS} from rerate where id = $1${lock ? ' for update' : ''}`,
    [id],
  );
  return found === undefined ? undefined : runOf(found);
};

export const mustFindRun = async (runner: QueryRunner, id: string, lock = false): Promise<Run> => {
  const run = await findRun(runner, id, lock);
  if (run === undefined) throw new WaystationError('not_found', `There is no re-rating ${id}.`);
  return run;
};

/** Whether a charge can be in both. */
export const overlap = (one: RerateSelection, other: RerateSelection): boolean => {
  const maySame = (a: string | undefined, b: string | undefined): boolean =>
    a === undefined || b === undefined || a === b;
  return (
    one.provider === other.provider &&
    one.from < other.to &&
    other.from < one.to &&
    maySame(one.model, other.model) &&
    maySame(one.endpointId, other.endpointId) &&
    maySame(one.workspaceId, other.workspaceId)
  );
};

const spelled = (selection: RerateSelection): string => JSON.stringify(Object.entries(selection).sort());

/** Whoever begins re-ratings takes turns until the end of its transaction: that is what keeps two from overlapping. */
export const takeTurn = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`select pg_advisory_xact_lock(hashtext('billing.rerate'))`);
};

/** The run of this id where it is there already and means the same. */
export const findSameRun = async (runner: QueryRunner, wanted: NewRun): Promise<Run | undefined> => {
  const known = await findRun(runner, wanted.id);
  if (known === undefined) return undefined;
  if (known.priceVersion === wanted.priceVersion && spelled(known.selection) === spelled(wanted.selection))
    return known;
  throw new WaystationError(
    'conflict',
    `The re-rating ${wanted.id} is there already, with another selection or price version. Take another id.`,
  );
};

export const insertRun = async (runner: QueryRunner, wanted: NewRun): Promise<Run> => {
  const running = (await queryRows<unknown>(runner, `select ${COLUMNS} from rerate where state = 'running'`)).map(
    runOf,
  );
  const other = running.find(({ selection }) => overlap(selection, wanted.selection));
  if (other !== undefined)
    throw new WaystationError(
      'conflict',
      `The re-rating ${other.id} is running and may mean the same charges. Let it finish, or stop it first.`,
    );
  await queryRows(
    runner,
    `insert into rerate (id, selection, price_version, reason, state, totals) values ($1, $2, $3, $4, 'running', $5)`,
    [wanted.id, JSON.stringify(wanted.selection), wanted.priceVersion, wanted.reason, totalsText(NO_TOTALS)],
  );
  return mustFindRun(runner, wanted.id);
};

const totalsText = (each: Totals): string =>
  JSON.stringify(each, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

/** Remembers how far it is. */
export const advanceRun = async (runner: QueryRunner, id: string, done: Place, reached: Totals): Promise<void> => {
  await queryRows(
    runner,
    `update rerate set done_generation_id = $2, done_attempt_id = $3, totals = $4 where id = $1`,
    [id, done.generationId, done.attemptId, totalsText(reached)],
  );
};

/** One that has ended stays as it ended. */
export const endRun = async (runner: QueryRunner, id: string, state: 'finished' | 'stopped'): Promise<void> => {
  await queryRows(runner, `update rerate set state = $2, ended_at = now() where id = $1 and state = 'running'`, [
    id,
    state,
  ]);
};
