// Grants, renewals and returns of one event-loop turn, and all that come while a transaction runs, share the next transaction: one lock of the hot wallet, one
// commit. Commands are decided in the order in which they came. The lane is bounded; beyond that callers are told to come again.
import { WaystationError, type LeaseGrantRequest, type LeaseReply, type LeaseVector } from '@waystation/contracts';
import {
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  NOTHING,
  countedBy,
  mayComeBack,
  plus,
  refusalOf,
  type Amounts,
  type LeaseAnswer,
  type LeaseTimes,
  type Shortage,
  type Book,
} from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import {
  HOLDS_NOTHING,
  amountsOf,
  lockLeasesAndQuotas,
  openLedger,
  openQuotas,
  recountQuotas,
  type Ledger,
} from '../ledger/store.js';
import { Recalls, type Holder, type RecallOptions } from './recalls.js';

/** Commands that one transaction takes. */
const BATCH_MAX = 512;
/** Commands that may wait. */
const WAITING_MAX = 20_000;

export interface RenewLease {
  readonly leaseId: string;
  readonly step: number;
  readonly need: LeaseVector;
  readonly want: LeaseVector;
}
export interface ReturnLease {
  readonly leaseId: string;
  readonly step: number;
  readonly keep: LeaseVector;
  readonly final: boolean;
}

export type LeaseCommand =
  | ({ readonly kind: 'grant' } & LeaseGrantRequest)
  | ({ readonly kind: 'renew' } & RenewLease)
  | ({ readonly kind: 'return' } & ReturnLease);

/** What the lane answers; `rejected` is thrown to the caller by the handler. */
export type LaneAnswer = LeaseReply | { readonly released: LeaseVector } | { readonly rejected: WaystationError };

/** As the store decided it: a refusal names the leases that may give something back. */
export type StoreAnswer = LaneAnswer & { readonly holders?: readonly Holder[] };

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
): Promise<StoreAnswer[]> =>
  database.transaction(async (runner) => {
    const ledger = openLedger(runner);
    await loadFor(runner, ledger, commands);
    const times: LeaseTimes = { nowMs: options.now(), takeForMsMax: options.takeForMsMax };
    const answers = commands.map((command) => decide(ledger, command, times));
    const short = answers.flatMap((answer) => ('refused' in answer ? [answer.refused] : []));
    const unbooked = await unbookedOf(runner, ledger.book, short);
    const unbookedIn = ({ quota }: Shortage): bigint => unbooked.get(quota.id) ?? 0n;
    const passing = short.filter((shortage) => mayComeBack(shortage, unbookedIn(shortage)));
    const holders = await holdersOf(runner, passing, commands);
    ledger.flushAtCommit();
    return answers.map((answer) => {
      if ('refused' in answer)
        return {
          refused: refusalOf(answer.refused, unbookedIn(answer.refused), times.nowMs, options.retryAfterMs),
          holders: holders.get(answer.refused.quota.id) ?? [],
        };
      if ('granted' in answer) return { granted: wireTerms(answer.granted) };
      if ('released' in answer) return { released: toVector(answer.released) };
      return answer;
    });
  });

const loadFor = async (runner: QueryRunner, ledger: Ledger, commands: readonly LeaseCommand[]): Promise<void> => {
  const { book } = ledger;
  const grants = commands.filter((command) => command.kind === 'grant');
  await lockLeasesAndQuotas(
    runner,
    book,
    commands.map(({ leaseId }) => leaseId),
    grants.flatMap(({ quotas }) => quotas.map(({ id }) => id)),
  );
  await openQuotas(
    runner,
    book,
    grants.flatMap(({ quotas, workspaceId }) => quotas.map((ref) => ({ ref, workspaceId }))),
  );
  await recountQuotas(
    runner,
    book,
    grants.flatMap(({ quotas }) => quotas),
  );
};

type Decision = LeaseAnswer | { readonly released: Amounts };

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
        { ...command, need: fromVector(command.need), want: fromVector(command.want) },
        times,
      );
    case 'renew':
      return decideLeaseRenew(
        book,
        { ...command, need: fromVector(command.need), want: fromVector(command.want) },
        times,
      );
    case 'return':
      return decideLeaseReturn(book, { ...command, keep: fromVector(command.keep) });
    default: {
      const unreachable: never = command;
      return unreachable;
    }
  }
};

const fromVector = ({ usd, byok = '0', requests, tokens }: LeaseVector): Amounts => ({
  usd: BigInt(usd),
  byok: BigInt(byok),
  requests: BigInt(requests),
  tokens: BigInt(tokens),
});
export const toVector = ({ usd, byok, requests, tokens }: Amounts): LeaseVector => ({
  usd: usd.toString(),
  requests: Number(requests),
  tokens: Number(tokens),
  ...(byok === 0n ? {} : { byok: byok.toString() }),
});

const wireTerms = ({
  leaseId,
  granted,
  takeForMs,
  endsAtMs,
}: Extract<LeaseAnswer, { granted: unknown }>['granted']) => ({
  leaseId,
  granted: toVector(granted),
  takeForMs,
  endsAt: endsAtMs,
});

/**
 * What open leases have spent of the quotas that refused: only that tells whether waiting helps. Leases of the book are as these commands leave them, which the
 * database does not know yet: of one that was closed the quota has been told.
 */
const unbookedOf = async (
  runner: QueryRunner,
  book: Book,
  short: readonly Shortage[],
): Promise<Map<string, bigint>> => {
  if (short.length === 0) return new Map();
  const rows = await queryRows<Record<string, unknown> & { id: string }>(
    runner,
    `select quota_id as id, sum(unbooked) as unbooked, sum(unbooked_byok) as unbooked_byok, sum(unbooked_requests) as unbooked_requests,
            sum(unbooked_tokens) as unbooked_tokens
       from lease, unnest(lease.quota_ids) as quota_id
      where closed_at is null and quota_ids && $1::text[] and quota_id = any($1) and lease.id <> all($2) group by quota_id`,
    [[...new Set(short.map(({ quota }) => quota.id))], [...book.leases.keys()]],
  );
  const sums = new Map(rows.map((row) => [row.id, amountsOf(row, 'unbooked')]));
  const open = [...book.leases.values()].filter(({ closed }) => !closed);
  const inBook = (quotaId: string): Amounts =>
    open.reduce((sum, { quotaIds, unbooked }) => (quotaIds.includes(quotaId) ? plus(sum, unbooked) : sum), NOTHING);
  return new Map(
    short.map(({ quota }) => [quota.id, countedBy(quota, plus(inBook(quota.id), sums.get(quota.id) ?? NOTHING))]),
  );
};

/** Leases that are asked back for one quota. */
const HOLDERS_MAX = 256;

/** By quota: open leases that may hold more of it than is claimed. Those that take no more holds have given that back already. */
const holdersOf = async (
  runner: QueryRunner,
  short: readonly Shortage[],
  commands: readonly LeaseCommand[],
): Promise<Map<string, Holder[]>> => {
  const quotaIds = [...new Set(short.map(({ quota }) => quota.id))];
  if (quotaIds.length === 0) return new Map();
  const rows = await queryRows<{ id: string; instance: string; quota_ids: string[] }>(
    runner,
    `select id, instance, quota_ids from lease
      where closed_at is null and not final and not (${HOLDS_NOTHING}) and quota_ids && $1::text[] and id <> all($2) order by id limit ${HOLDERS_MAX}`,
    [quotaIds, commands.map(({ leaseId }) => leaseId)],
  );
  return new Map(
    quotaIds.map((quotaId) => [
      quotaId,
      rows
        .filter(({ quota_ids }) => quota_ids.includes(quotaId))
        .map(({ id: leaseId, instance }) => ({ leaseId, instance })),
    ]),
  );
};

interface Waiting {
  readonly command: LeaseCommand;
  readonly resolve: (answer: LaneAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** It has waited for leases that were called back. */
  readonly hasWaited: boolean;
}

export class LeaseLane {
  #waiting: Waiting[] = [];
  #isRunning = false;
  readonly #recalls: Recalls<Waiting>;

  constructor(
    private readonly run: (commands: readonly LeaseCommand[]) => Promise<StoreAnswer[]>,
    recall: RecallOptions,
  ) {
    this.#recalls = new Recalls(recall, (waiting) => this.#add(waiting));
  }

  submit(command: LeaseCommand): Promise<LaneAnswer> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(
        new WaystationError('overloaded', 'Too many lease requests wait; try again.', { retryAfterMs: 1_000 }),
      );
    }
    return new Promise((resolve, reject) => this.#add({ command, resolve, reject, hasWaited: false }));
  }

  #add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (!this.#isRunning) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    // What else this turn brings goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        const answers = await this.run(batch.map(({ command }) => command));
        batch.forEach((waiting, index) => this.#answer(waiting, answers[index]));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** A refusal first waits for what may be idle elsewhere, and is then decided again. */
  #answer(waiting: Waiting, answer: StoreAnswer | undefined): void {
    if (answer === undefined) {
      return waiting.resolve({ rejected: new WaystationError('internal', 'A lease command got no answer.') });
    }
    const { holders = [], ...told } = answer;
    if (waiting.command.kind === 'return') this.#recalls.returned(waiting.command.leaseId);
    const parked = !waiting.hasWaited && this.#recalls.park({ ...waiting, hasWaited: true }, holders);
    if (!parked) waiting.resolve(told);
  }
}
