// Questions that only the operator may ask, over the bus.
import { connectBus, type Bus } from '@waystation/bus';
import {
  BillingGenerationExplain,
  BillingWitnessesDisagreements,
  LoggingGenerationList,
  type GenerationRecorded,
} from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';

const principal = { kind: 'service', permissions: ['operator', 'generations:read'] } as const;
const PAGE = 500;
export const WORKSPACE = 'default';

export interface Charge {
  readonly attemptId: string;
  readonly amount: string;
  readonly payer: 'credits' | 'waste' | 'variance' | 'byok';
  readonly policyRow: string;
  readonly usage: Readonly<Record<string, number>>;
  readonly usageSource: string;
}

export interface Operator {
  /** All of the workspace, newest first. */
  generations(): Promise<GenerationRecorded[]>;
  charges(generationId: string): Promise<readonly Charge[]>;
  /** The newest of what witnesses said differently. */
  disagreements(): Promise<readonly { readonly generationId: string; readonly kind: string }[]>;
}

/** Connects, lets `work` ask, and closes. */
export const asOperator = async <Result>(
  system: RunningSystem,
  work: (operator: Operator, bus: Bus) => Promise<Result>,
): Promise<Result> => {
  const bus = await connectBus({ ...system.nats, service: 'operator', services: [], release: 'e2e' });
  const operator: Operator = {
    async generations() {
      const all: GenerationRecorded[] = [];
      for (;;) {
        const before = all.at(-1)?.generationId;
        const page = await bus.request(LoggingGenerationList, {
          v: 1,
          principal: { ...principal, permissions: [...principal.permissions] },
          workspaceId: WORKSPACE,
          limit: PAGE,
          ...(before === undefined ? {} : { before }),
        });
        all.push(...page.generations);
        if (page.generations.length < PAGE) return all;
      }
    },
    async charges(generationId) {
      const reply = await bus.request(BillingGenerationExplain, {
        v: 1,
        principal: { ...principal, permissions: [...principal.permissions] },
        workspaceId: WORKSPACE,
        generationId,
      });
      return reply.charges;
    },
    async disagreements() {
      const reply = await bus.request(BillingWitnessesDisagreements, {
        v: 1,
        principal: { ...principal, permissions: [...principal.permissions] },
        limit: PAGE,
      });
      return reply.disagreements;
    },
  };
  try {
    return await work(operator, bus);
  } finally {
    await bus.close(1_000);
  }
};
