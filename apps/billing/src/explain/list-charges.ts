// Who bore what of a generation as one flat list: an item for each revision and account, for whoever adds amounts up.
import type { Payer } from '@waystation/ledger';
import type { QueryRunner } from 'typeorm';
import { readGeneration } from './read-generation.js';
import { tellGeneration, type ToldAttempt, type ToldRevision } from './tell-generation.js';

export interface ListedCharge {
  readonly attemptId: string;
  readonly revision: number;
  /** Of this revision: a difference to the one before. */
  readonly amount: bigint;
  readonly payer: Payer;
  readonly outcome: string;
  readonly policyRow: string;
  readonly priceVersion: string;
  readonly usage: Record<string, number>;
  readonly usageSource: string;
  readonly serviceTier?: string;
  /** The re-rating that made this revision. */
  readonly rerateId?: string;
  /** Whose word the outcome and the usage are. */
  readonly witness: string;
  readonly leaseId?: string;
  readonly hold: bigint;
  readonly settledAtMs: number;
}

/** Items that are told at most. */
const ITEMS_MAX = 64;

export const listCharges = (attempts: readonly ToldAttempt[]): ListedCharge[] =>
  attempts
    .flatMap(({ attemptId, revisions }) => revisions.flatMap((revision) => itemsOf(attemptId, revision)))
    .slice(0, ITEMS_MAX);

/** `runner` is a reader's, bound to the workspace. */
export const readCharges = async (
  runner: QueryRunner,
  workspaceId: string,
  generationId: string,
): Promise<ListedCharge[]> =>
  listCharges(tellGeneration(await readGeneration(runner, generationId, workspaceId)).attempts);

/** One item for each account that bore a part; an item of zero where there was nothing to bear. */
const itemsOf = (attemptId: string, told: ToldRevision): ListedCharge[] => {
  const parts: [Payer, bigint][] = [
    ['credits', told.credits],
    ['waste', told.waste],
    ['variance', told.variance],
    ['byok', told.byok],
  ];
  const borne = parts.filter(([, amount]) => amount !== 0n);
  return (borne.length === 0 ? parts.filter(([payer]) => payer === told.payer) : borne).map(([payer, amount]) => ({
    attemptId,
    revision: told.revision,
    amount,
    payer,
    outcome: told.outcome,
    policyRow: told.policyRow,
    priceVersion: told.priceVersion,
    usage: told.usage,
    usageSource: told.usageSource,
    witness: told.outcomeBy === told.usageBy ? told.outcomeBy : `${told.outcomeBy}, usage by ${told.usageBy}`,
    ...(told.serviceTier === undefined ? {} : { serviceTier: told.serviceTier }),
    ...(told.rerateId === undefined ? {} : { rerateId: told.rerateId }),
    ...(told.leaseId === undefined ? {} : { leaseId: told.leaseId }),
    hold: told.hold,
    settledAtMs: told.settledAtMs,
  }));
};
