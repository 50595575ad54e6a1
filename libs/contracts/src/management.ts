// Management calls between services: each carries the principal and is checked against the contract's permission.
import { z } from 'zod';
import { defineRpc, type Permission } from './contract.js';
import { decisionRecorded, decisionsAsked, decisionsPlannedAgain } from './decision.js';
import { explainedAttempt } from './explain.js';
import { generationRecorded } from './journal.js';
import {
  attemptId,
  count,
  endpointId,
  generationId,
  keyHash,
  memberId,
  picodollars,
  picodollarsUnsigned,
  priceVersionId,
  unixMs,
  workspaceId,
} from './scalars.js';
import { keyEntry } from './snapshot.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

/** Who is asking. `service` is one of our own processes or the operator's tool. */
export const principal = z.object({
  kind: z.enum(['key', 'service']),
  workspaceId: workspaceId.optional(),
  keyHash: keyHash.optional(),
  memberId: memberId.optional(),
  permissions: z.array(z.string().max(32)).max(32),
});
export type Principal = z.infer<typeof principal>;

/** What every management call carries. */
export const call = { v: z.literal(1), principal };

export const define = <Request, Reply>(
  service: 'control' | 'billing' | 'logging',
  noun: string,
  verb: string,
  permission: Permission,
  idempotent: boolean,
  request: z.ZodType<Request>,
  reply: z.ZodType<Reply>,
) =>
  defineRpc({
    name: `${service}.${noun}.${verb}`,
    subject: SUBJECTS.management(service, noun, verb),
    version: 1,
    queue: QUEUE_GROUPS[service],
    permission,
    idempotent,
    request,
    reply,
  });

const keySettings = {
  name: z.string().min(1).max(256),
  limit: picodollarsUnsigned.nullable().optional(),
  limitReset: z.enum(['daily', 'weekly', 'monthly']).nullable().optional(),
  includeByokInLimit: z.boolean().optional(),
  expiresAt: unixMs.nullable().optional(),
};

/** The plaintext key is returned once, here. Idempotent on `requestId`: the same id answers `conflict` instead of making a second key. */
export const ControlKeyCreate = define(
  'control',
  'key',
  'create',
  'keys:write',
  false,
  z.object({
    ...call,
    workspaceId,
    kind: z.enum(['inference', 'management']),
    memberId: memberId.optional(),
    ...keySettings,
  }),
  z.object({ key: z.string().max(256), entry: keyEntry }),
);
export const ControlKeyUpdate = define(
  'control',
  'key',
  'update',
  'keys:write',
  true,
  z.object({
    ...call,
    hash: keyHash,
    name: keySettings.name.optional(),
    disabled: z.boolean().optional(),
    limit: keySettings.limit,
    limitReset: keySettings.limitReset,
    includeByokInLimit: keySettings.includeByokInLimit,
  }),
  z.object({ entry: keyEntry }),
);
export const ControlKeyDelete = define(
  'control',
  'key',
  'delete',
  'keys:write',
  true,
  z.object({ ...call, hash: keyHash }),
  z.object({ deleted: z.literal(true) }),
);
export const ControlKeyList = define(
  'control',
  'key',
  'list',
  'keys:read',
  true,
  z.object({ ...call, workspaceId, includeDisabled: z.boolean().optional(), offset: count.optional() }),
  z.object({ keys: z.array(keyEntry).max(100) }),
);

/** Usage of one key in picodollars, by UTC window; weeks start on Monday. BYOK usage apart. */
const keyUsage = z.object({
  total: picodollarsUnsigned,
  daily: picodollarsUnsigned,
  weekly: picodollarsUnsigned,
  monthly: picodollarsUnsigned,
});
export const BillingKeyUsage = define(
  'billing',
  'key',
  'usage',
  'inference',
  true,
  z.object({ ...call, workspaceId, hashes: z.array(keyHash).min(1).max(100) }),
  z.object({
    keys: z
      .array(z.object({ hash: keyHash, usage: keyUsage, byokUsage: keyUsage, limitRemaining: picodollars.optional() }))
      .max(100),
  }),
);

/** `purchased`: all credits ever put in; `used`: settled usage; `held`: open leases, which never count as used in what people see. */
export const BillingCreditsGet = define(
  'billing',
  'credits',
  'get',
  'credits:read',
  true,
  z.object({ ...call, workspaceId }),
  z.object({ purchased: picodollars, used: picodollars, balance: picodollars, held: picodollarsUnsigned }),
);

/** An admin's grant, without fee. Idempotent on `grantId`. With `expiresAt` it is promotional: spent first, and what is left of it then goes back. */
export const BillingCreditsGrant = define(
  'billing',
  'credits',
  'grant',
  'credits:write',
  true,
  z.object({
    ...call,
    workspaceId,
    grantId: z.string().min(8).max(64),
    amount: picodollarsUnsigned,
    reason: z.string().max(256),
    expiresAt: unixMs.optional(),
  }),
  z.object({ balance: picodollars }),
);

/**
 * Stores price versions before they may be routed, and which endpoints are routed at them from when on. Idempotent: a version is immutable, and an
 * endpoint that is at a version already stays there since when it was.
 */
export const BillingPricesPut = define(
  'billing',
  'prices',
  'put',
  'service',
  true,
  z.object({
    ...call,
    prices: z
      .array(z.object({ version: z.string().max(64), price: z.unknown(), effectiveAt: unixMs }))
      .min(1)
      .max(1000),
    endpoints: z
      .array(z.object({ endpointId, version: priceVersionId, effectiveAt: unixMs }))
      .max(1000)
      .optional(),
  }),
  z.object({ stored: count }),
);

/** Why a generation was charged: its charges, price versions and policy rows. */
export const BillingGenerationExplain = define(
  'billing',
  'generation',
  'explain',
  'generations:read',
  true,
  z.object({ ...call, workspaceId, generationId }),
  z.object({
    charges: z
      .array(
        z.object({
          attemptId: z.string(),
          revision: count,
          amount: picodollars,
          payer: z.enum(['credits', 'waste', 'variance', 'byok']),
          outcome: z.string(),
          policyRow: z.string(),
          priceVersion: z.string(),
          usage: z.record(z.string(), count),
          usageSource: z.string(),
          /** The tier that served, as far as anybody said. */
          serviceTier: z.string().optional(),
          witness: z.string(),
          /** The re-rating that made this revision, where one did. */
          rerateId: z.string().optional(),
          leaseId: z.string().optional(),
          holdPicodollars: picodollarsUnsigned,
          settledAt: unixMs,
        }),
      )
      .max(64),
    /** The same by attempt, with the lines of the bill and the words of the policy. */
    attempts: z.array(explainedAttempt).max(64).optional(),
    /** Attempts that began and are not settled, and when each is, from what is known by then. */
    waiting: z
      .array(z.object({ attemptId, dueAt: unixMs }))
      .max(64)
      .optional(),
  }),
);

/** Every invariant of the ledger over the whole database; empty `problems` is the only good answer. */
export const BillingLedgerVerify = define(
  'billing',
  'ledger',
  'verify',
  'operator',
  true,
  z.object({ ...call }),
  z.object({
    entries: count,
    debits: picodollars,
    credits: picodollars,
    openLeases: count,
    problems: z.array(z.string().max(512)).max(100),
  }),
);

export const LoggingGenerationGet = define(
  'logging',
  'generation',
  'get',
  'generations:read',
  true,
  z.object({ ...call, workspaceId, generationId }),
  z.object({ generation: generationRecorded }),
);
export const LoggingGenerationList = define(
  'logging',
  'generation',
  'list',
  'generations:read',
  true,
  z.object({ ...call, workspaceId, limit: z.number().int().min(1).max(1000), before: generationId.optional() }),
  z.object({ generations: z.array(generationRecorded).max(1000) }),
);

/** The decision that was kept with a generation. Plans that left nothing are among them, although such a generation has no record. */
export const LoggingDecisionGet = define(
  'logging',
  'decision',
  'get',
  'generations:read',
  true,
  z.object({ ...call, workspaceId, generationId }),
  z.object({ decision: decisionRecorded }),
);
/** Plans a workspace's kept decisions again, the oldest first. Changes nothing. */
export const LoggingDecisionReplay = define(
  'logging',
  'decision',
  'replay',
  'generations:read',
  true,
  z.object({ ...call, workspaceId, ...decisionsAsked }),
  decisionsPlannedAgain,
);
