// What a running Waystation has booked, exactly: read from the ledger's own tables and its self-check, and how far it is behind, from NATS itself.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { invariants } from '../libs/testing/src/invariants.ts';

/** Attempts of one row of the outcome policy, and what they came to, in picodollars. */
export interface BookedRow {
  readonly policyRow: string;
  readonly attempts: number;
  readonly charged: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
}

export interface Settled {
  /** Until every fact was settled. */
  readonly seconds: number;
  readonly rows: readonly BookedRow[];
  readonly problems: readonly string[];
}

export interface Books {
  /** Messages of the journal that are stored and not yet committed by billing. */
  factsPending(): Promise<number>;
  /** Waits until nothing is pending, for a minute at most. */
  caughtUp(): Promise<void>;
  /** Waits until nothing is pending and no attempt waits for its other witness; then adds up and has the ledger check itself. */
  settle(): Promise<Settled>;
  close(): Promise<void>;
}

const SETTLED_WITHIN_MS = 300_000;
const CAUGHT_UP_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 250;
/** What its last lines take from a process to the journal. */
const QUIET_LOOKS = 4;

export async function openBooks(run: { readonly natsUrl: string; readonly databaseUrl: string }): Promise<Books> {
  const url = new URL(run.natsUrl);
  const nats = {
    url: `nats://${url.host}`,
    ...(url.username === '' ? {} : { user: url.username, password: url.password }),
  };
  const connection = await connect({
    servers: nats.url,
    ...(url.username === '' ? {} : { user: url.username, pass: url.password }),
    inboxPrefix: '_INBOX.operator',
  });
  const manager = await jetstreamManager(connection);
  const database = new pg.Client({ connectionString: new URL('/waystation', run.databaseUrl).href });
  await database.connect();

  const factsPending = async (): Promise<number> => {
    const { num_pending, num_ack_pending } = await manager.consumers.info('FACTS', 'billing');
    return num_pending + num_ack_pending;
  };
  const attemptsWaiting = async (): Promise<number> => {
    const { rows } = await database.query<{ count: string }>('select count(*) from billing.witness');
    return Number(rows[0]?.count);
  };

  const drained = async (): Promise<{ seconds: number; problems: string[] }> => {
    const started = performance.now();
    let seconds = 0;
    for (let quiet = 0; quiet < QUIET_LOOKS; await sleep(LOOK_EVERY_MS)) {
      const pending = await factsPending();
      if (pending > 0) seconds = (performance.now() - started) / 1000;
      const waiting = await attemptsWaiting();
      quiet = pending + waiting > 0 ? 0 : quiet + 1;
      if (performance.now() - started > SETTLED_WITHIN_MS)
        return { seconds, problems: [`after 300 s ${pending} facts are pending and ${waiting} attempts wait`] };
    }
    return { seconds, problems: [] };
  };

  return {
    factsPending,
    async caughtUp() {
      for (const until = Date.now() + CAUGHT_UP_WITHIN_MS; (await factsPending()) > 0; await sleep(50))
        if (Date.now() > until) throw new Error(`billing has not caught up within ${CAUGHT_UP_WITHIN_MS} ms`);
    },
    async settle() {
      const { seconds, problems } = await drained();
      const { rows } = await database.query<
        Record<'policy_row' | 'attempts' | 'charged' | 'waste' | 'variance', string>
      >(
        `select policy_row, count(distinct attempt_id) as attempts, sum(charged) as charged, sum(waste) as waste, sum(variance) as variance
           from billing.charge group by policy_row order by policy_row`,
      );
      await invariants({ nats }, { withinMs: 1_000 }).catch((error: unknown) => problems.push(String(error)));
      return {
        seconds,
        rows: rows.map(({ policy_row, attempts, charged, waste, variance }) => ({
          policyRow: policy_row,
          attempts: Number(attempts),
          charged: BigInt(charged),
          waste: BigInt(waste),
          variance: BigInt(variance),
        })),
        problems,
      };
    },
    async close() {
      await Promise.all([database.end(), connection.close()]);
    },
  };
}
