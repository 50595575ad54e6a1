// A told generation as the contract carries it, for customers: money as decimal text, nothing of other workspaces.
import type { BillingGenerationExplain } from '@waystation/contracts';
import type { z } from 'zod';
import { listCharges } from './list-charges.js';
import type { Parts, ToldAttempt, ToldGeneration, ToldLease, ToldRevision } from './tell-generation.js';

type Reply = z.infer<typeof BillingGenerationExplain.reply>;
type Attempt = NonNullable<Reply['attempts']>[number];

const parts = ({ credits, waste, variance, byok }: Parts) => ({
  credits: credits.toString(),
  waste: waste.toString(),
  variance: variance.toString(),
  byok: byok.toString(),
});

const lease = ({ id, endsAtMs, closedAtMs }: ToldLease) => ({
  id,
  ...(endsAtMs === undefined ? {} : { endsAt: endsAtMs }),
  ...(closedAtMs === undefined ? {} : { closedAt: closedAtMs }),
});

const revision = (told: ToldRevision): Attempt['revisions'][number] => ({
  revision: told.revision,
  reason: told.reason,
  ...parts(told),
  outcome: told.outcome,
  outcomeBy: told.outcomeBy,
  policyRow: told.policyRow,
  usage: told.usage,
  usageSource: told.usageSource,
  usageBy: told.usageBy,
  priceVersion: told.priceVersion,
  ...(told.surcharge === 0n ? {} : { surcharge: told.surcharge.toString() }),
  ...(told.rerateId === undefined ? {} : { rerateId: told.rerateId }),
  settledAt: told.settledAtMs,
});

const attempt = ({ last, ...told }: ToldAttempt): Attempt => ({
  attemptId: told.attemptId,
  provider: told.provider,
  endpointId: told.endpointId,
  model: told.model,
  priceVersion: last.priceVersion,
  ...(last.serviceTier === undefined ? {} : { serviceTier: last.serviceTier }),
  lines: (last.lines ?? []).map(({ unitPicodollars, amountPicodollars, ...line }) => ({
    ...line,
    unitPicodollars: unitPicodollars.toString(),
    amountPicodollars: amountPicodollars.toString(),
  })),
  cost: told.cost.toString(),
  ...(last.onTop === undefined ? {} : { surcharge: { ...last.onTop, amountPicodollars: told.surcharge.toString() } }),
  policyRow: last.policyRow,
  ...(last.bearer === undefined ? {} : { bearer: last.bearer }),
  ...(last.why === undefined ? {} : { why: last.why }),
  ...parts(told),
  unbilled: told.unbilled.toString(),
  hold: last.hold.toString(),
  ...(told.lease === undefined ? {} : { lease: lease(told.lease) }),
  quotas: [...told.quotas],
  revisions: told.revisions.map(revision),
});

export const renderWire = ({ attempts, waiting }: ToldGeneration): Reply => ({
  charges: listCharges(attempts).map(({ amount, hold, settledAtMs, ...rest }) => ({
    ...rest,
    amount: amount.toString(),
    holdPicodollars: hold.toString(),
    settledAt: settledAtMs,
  })),
  attempts: attempts.map(attempt),
  waiting: waiting.map(({ attemptId, dueAtMs }) => ({ attemptId, dueAt: dueAtMs })),
});
