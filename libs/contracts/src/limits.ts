// Management of limits, and what is spent of them.
import { z } from 'zod';
import { defineRpc } from './contract.js';
import { quotaRef } from './lease.js';
import { LIMITS_MAX, limitName, limitSpec } from './limit-spec.js';
import { principal } from './management.js';
import { picodollarsUnsigned, unixMs, workspaceId } from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const call = { v: z.literal(1), principal, workspaceId };
const listed = z.object({
  limits: z.array(limitSpec.extend({ createdAt: unixMs, updatedAt: unixMs })).max(LIMITS_MAX),
});
const define = <Request>(
  verb: 'put' | 'delete' | 'list',
  permission: 'workspaces:read' | 'workspaces:write',
  request: z.ZodType<Request>,
) =>
  defineRpc({
    name: `control.limit.${verb}`,
    subject: SUBJECTS.management('control', 'limit', verb),
    version: 1,
    queue: QUEUE_GROUPS.control,
    permission,
    idempotent: true,
    request,
    reply: listed,
  });

/** Sets limits, each in the place of the one of its name. All or none. Answers all limits of the workspace. */
export const ControlLimitPut = define(
  'put',
  'workspaces:write',
  z.object({ ...call, limits: z.array(limitSpec).min(1).max(LIMITS_MAX) }),
);
/** `not_found` where there is none of that name. */
export const ControlLimitDelete = define('delete', 'workspaces:write', z.object({ ...call, limit: limitName }));
export const ControlLimitList = define('list', 'workspaces:read', z.object(call));

/** What is spent and held of quotas in their windows, in the unit of their metrics, whether anything met them yet or not. */
export const BillingQuotaUse = defineRpc({
  name: 'billing.quota.use',
  subject: SUBJECTS.management('billing', 'quota', 'use'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  // As with the usage of keys: the edge asks on behalf of a key for its own quotas only.
  permission: 'inference',
  idempotent: true,
  request: z.object({ ...call, quotas: z.array(quotaRef).min(1).max(256) }),
  reply: z.object({
    quotas: z
      .array(
        z.object({
          id: z.string().max(128),
          /** Settled. */
          used: picodollarsUnsigned,
          /** Inside open leases. */
          held: picodollarsUnsigned,
        }),
      )
      .max(256),
  }),
});
