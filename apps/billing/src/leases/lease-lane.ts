// Grants, renewals and returns of one event-loop turn, and all that come while a transaction runs, share the next transaction: one lock of the hot wallet, one
// commit. Commands are decided in the order in which they came. The lane is bounded; beyond that callers are told to come again.
import { WaystationError, type LeaseGrantRequest, type LeaseReply } from '@waystation/contracts';
import {
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  refusalOf,
  type LeaseAnswer,
  type LeaseTimes,
  type Shortage,
} from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { lockLeases, lockQuotas, newPosting, openLedger, openQuotas, type Ledger } from '../ledger/store.js';

/** Commands that one transaction takes. */
const BATCH_MAX = 512;
/** Commands that may wait. */
const WAITING_MAX = 20_000;

export interface RenewLease {
  readonly leaseId: string;
  readonly step: number;
  readonly need: bigint;
  readonly want: bigint;
}
export interface ReturnLease {
  readonly leaseId: string;
  readonly step: number;
  readonly keep: bigint;
  readonly final: boolean;
}

export type LeaseCommand =
  | ({ readonly kind: 'grant' } & LeaseGrantRequest)
  | ({ readonly kind: 'renew' } & RenewLease)
  | ({ readonly kind: 'return' } & ReturnLease);

/** What the lane answers; `rejected` is thrown to the caller by the handler. */
export type LaneAnswer = LeaseReply | { readonly released: bigint } | { readonly rejected: WaystationError };

export interface LaneOptions {
  readonly takeForMsMax: number;
  /** What a caller is told to wait when slices in flight may come back. */
  readonly retryAfterMs: number;
  readonly now: () => number;
}

/** Decides and stores a batch in one transaction. Exported for tests; everybody else goes through the lane. */
export const runLeaseCommands = (
  database: Database,
  commands: readonly LeaseCommand[],
  options: LaneOptions,
): Promise<LaneAnswer[]> =>
  database.transaction(async (runner) => {
    const ledger = openLedger(runner);
    await loadFor(runner, ledger, commands);
    const times: LeaseTimes = { nowMs: options.now(), takeForMsMax: options.takeForMsMax };
    const answers = commands.map((command) => decide(ledger, command, times));
    const unbooked = await unbookedOf(runner, answers);
    await ledger.flush(await newPosting(runner));
    return answers.map((answer) => {
      if ('refused' in answer)
        return {
          refused: refusalOf(answer.refused, unbooked.get(answer.refused.quota.id) ?? 0n, options.retryAfterMs),
        };
      if ('granted' in answer) return { granted: wireTerms(answer.granted) };
      return answer;
    });
  });

const loadFor = async (runner: QueryRunner, ledger: Ledger, commands: readonly LeaseCommand[]): Promise<void> => {
  const { book } = ledger;
  const grants = commands.filter((command) => command.kind === 'grant');
  await lockLeases(
    runner,
    book,
    commands.map(({ leaseId }) => leaseId),
  );
  const ofLeases = [...book.leases.values()].flatMap(({ quotaIds }) => quotaIds);
  await lockQuotas(runner, book, [...ofLeases, ...grants.flatMap(({ quotas }) => quotas.map(({ id }) => id))]);
  await openQuotas(
    runner,
    book,
    grants.flatMap(({ quotas, workspaceId }) => quotas.map((ref) => ({ ref, workspaceId }))),
  );
};

type Decision = LeaseAnswer | { readonly released: bigint };

const decide = (ledger: Ledger, command: LeaseCommand, times: LeaseTimes): Decision => {
  const decided = decideOne(ledger, command, times);
  ledger.apply(decided.events);
  return decided.answer;
};

const decideOne = ({ book }: Ledger, command: LeaseCommand, times: LeaseTimes) => {
  switch (command.kind) {
    case 'grant':
      return decideLeaseGrant(
        book,
        { ...command, need: BigInt(command.need.usd), want: BigInt(command.want.usd) },
        times,
      );
    case 'renew':
      return decideLeaseRenew(book, command, times);
    case 'return':
      return decideLeaseReturn(book, command);
    default: {
      const unreachable: never = command;
      return unreachable;
    }
  }
};

const wireTerms = ({
  leaseId,
  granted,
  takeForMs,
  endsAtMs,
}: Extract<LeaseAnswer, { granted: unknown }>['granted']) => ({
  leaseId,
  granted: { usd: granted.toString(), requests: 0, tokens: 0 },
  takeForMs,
  endsAt: endsAtMs,
});

/** What open leases have spent of the quotas that refused: only that tells whether waiting helps. */
const unbookedOf = async (runner: QueryRunner, answers: readonly Decision[]): Promise<Map<string, bigint>> => {
  const short: Shortage[] = answers.flatMap((answer) => ('refused' in answer ? [answer.refused] : []));
  if (short.length === 0) return new Map();
  const rows = await queryRows<{ id: string; unbooked: string }>(
    runner,
    `select quota_id as id, sum(lease.unbooked) as unbooked
       from lease, unnest(lease.quota_ids) as quota_id
      where closed_at is null and workspace_id = any($1) and quota_id = any($2) group by quota_id`,
    [[...new Set(short.map(({ quota }) => quota.workspaceId))], [...new Set(short.map(({ quota }) => quota.id))]],
  );
  return new Map(rows.map(({ id, unbooked }) => [id, BigInt(unbooked)]));
};

interface Waiting {
  readonly command: LeaseCommand;
  readonly resolve: (answer: LaneAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class LeaseLane {
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(private readonly run: (commands: readonly LeaseCommand[]) => Promise<LaneAnswer[]>) {}

  submit(command: LeaseCommand): Promise<LaneAnswer> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(
        new WaystationError('overloaded', 'Too many lease requests wait; try again.', { retryAfterMs: 1_000 }),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    // What else this turn brings goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        const answers = await this.run(batch.map(({ command }) => command));
        batch.forEach(({ resolve }, index) =>
          resolve(answers[index] ?? { rejected: new WaystationError('internal', 'A lease command got no answer.') }),
        );
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
