// Leases: a slice of every quota of a quota set, granted to one ingress. See docs and DESIGN section 6.
import { z } from 'zod';
import { defineRpc } from './contract.js';
import {
  count,
  instanceId,
  keyHash,
  leaseId,
  leaseVector,
  picodollarsUnsigned,
  unixMs,
  workspaceId,
} from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

/** What a quota counts, for whom, in which window. `wallet:<workspace>` is the credit balance itself. */
export const quotaRef = z.object({
  id: z.string().min(1).max(128),
  scope: z.enum(['wallet', 'workspace', 'member', 'key', 'guardrail', 'end-user', 'tag', 'credential']),
  scopeId: z.string().min(1).max(512),
  metric: z.enum(['usd', 'requests', 'tokens', 'in-flight']),
  window: z.enum(['minute', 'day', 'week', 'month', 'lifetime']),
  /** Start of the window (Unix ms, UTC); 0 for lifetime. */
  windowStart: unixMs,
  /** The limit in the metric's unit (picodollars for usd) as decimal text; absent for the wallet, whose limit is its balance. */
  limit: picodollarsUnsigned.optional(),
  includeByok: z.boolean().optional(),
  /** Only calls that cost nothing meet it: of those before it, no charge tells which they were. */
  freeOnly: z.boolean().optional(),
  /** Of a guardrail, which `scopeId` names: whose use this quota of it counts. */
  subject: z.object({ scope: z.enum(['key', 'member']), id: z.string().min(1).max(64) }).optional(),
});
export type QuotaRef = z.infer<typeof quotaRef>;

/** Sorted by id, at most 16. */
export const quotaSet = z.array(quotaRef).min(1).max(16);

export const leaseTerms = z.object({
  leaseId,
  /**
   * What is now held in total by this lease: all it was ever granted, less what it gave back. What its holders have spent is still in it, so that the
   * figure does not depend on how far settlement has come: the ingress subtracts its own open holds and its own charges.
   */
  granted: leaseVector,
  /** New holds may be taken for this long, counted by the ingress on its monotonic clock from before it asked. At most 60 000. */
  takeForMs: z.number().int().min(0).max(60_000),
  /** When billing may sweep it at the earliest. */
  endsAt: unixMs,
});

/** A refusal is a value: which quota, what was asked, what is left, and whether waiting helps. */
export const leaseRefusal = z.object({
  code: z.enum(['limit_exceeded', 'insufficient_credits', 'in_flight', 'rate_limited', 'workspace_suspended']),
  quotaId: z.string().max(128),
  scope: z.string().max(32),
  /** Of a guardrail: its id. */
  guardrailId: z.string().max(64).optional(),
  metric: z.string().max(32),
  window: z.string().max(32),
  asked: picodollarsUnsigned,
  left: picodollarsUnsigned,
  limit: picodollarsUnsigned.optional(),
  resetsAt: unixMs.optional(),
  retryAfterMs: count.optional(),
});
export type LeaseRefusal = z.infer<typeof leaseRefusal>;

const leaseReply = z.union([z.object({ granted: leaseTerms }), z.object({ refused: leaseRefusal })]);
export type LeaseReply = z.infer<typeof leaseReply>;

const grantRequest = z.object({
  v: z.literal(1),
  /** Chosen by the ingress; a grant with the same id answers the same again. */
  leaseId,
  instance: instanceId,
  workspaceId,
  keyHash,
  quotas: quotaSet,
  /** What waiting generations need now; without it the grant is refused. */
  need: leaseVector,
  /** What the recent rate suggests; granted in part or not at all near a limit. Never less than `need`. */
  want: leaseVector,
});
export type LeaseGrantRequest = z.infer<typeof grantRequest>;

const common = { version: 1, queue: QUEUE_GROUPS.billing, permission: 'service', idempotent: true } as const;

export const LeaseGrant = defineRpc({
  ...common,
  name: 'lease.grant',
  subject: SUBJECTS.lease('grant'),
  request: grantRequest,
  reply: leaseReply,
});

const renewRequest = z.object({
  v: z.literal(1),
  leaseId,
  /** Distinguishes two renewals of one lease; the same step answers the same again. */
  step: count,
  need: leaseVector,
  want: leaseVector,
});
export const LeaseRenew = defineRpc({
  ...common,
  name: 'lease.renew',
  subject: SUBJECTS.lease('renew'),
  request: renewRequest,
  reply: leaseReply,
});

/**
 * Gives back what no hold claims. `keep` counts like `granted`: the holds still open on it plus all that was charged on it so far (settlement may not have
 * come that far). Never less. `final` says that no new hold will be taken.
 */
const returnRequest = z.object({ v: z.literal(1), leaseId, step: count, keep: leaseVector, final: z.boolean() });
export const LeaseReturn = defineRpc({
  ...common,
  name: 'lease.return',
  subject: SUBJECTS.lease('return'),
  request: returnRequest,
  reply: z.object({ leaseId, released: leaseVector }),
});
