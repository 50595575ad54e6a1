// What the two witnesses of an attempt, ingress and worker, say differently.
import { z } from 'zod';
import { OUTCOMES } from '@waystation/generation';
import { defineRpc } from './contract.js';
import { principal } from './management.js';
import {
  attemptId,
  count,
  generationId,
  picodollars,
  priceVersionId,
  serviceTier,
  unixMs,
  usage,
  workspaceId,
} from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const word = z.object({
  outcome: z.enum(OUTCOMES),
  /** Absent where the worker told no final usage. */
  usage: usage.optional(),
  usageSource: z.enum(['provider', 'estimated', 'clamped']).optional(),
  serviceTier: serviceTier.optional(),
});

/** Of all workspaces, newest first; `before` is the id of the last one of the page before. What the ingress said is what was charged from. */
export const BillingWitnessesDisagreements = defineRpc({
  name: 'billing.witnesses.disagreements',
  subject: SUBJECTS.management('billing', 'witnesses', 'disagreements'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'operator',
  idempotent: true,
  request: z.object({
    v: z.literal(1),
    principal,
    limit: z.number().int().min(1).max(500),
    before: count.optional(),
    /** Only of this one. */
    workspaceId: workspaceId.optional(),
    /** Only those that were found then or later. */
    since: unixMs.optional(),
  }),
  reply: z.object({
    disagreements: z
      .array(
        z.object({
          id: count,
          attemptId,
          generationId,
          workspaceId,
          kind: z.enum(['usage', 'outcome', 'usage-and-outcome']),
          ingress: word,
          worker: word,
          priceVersion: priceVersionId,
          /** Picodollars that the worker's count costs beyond the ingress's. */
          difference: picodollars,
          foundAt: unixMs,
        }),
      )
      .max(500),
  }),
});
