// What a workspace is charged on top of prices: rates that only an operator sets. They travel with the workspace to the data plane; the rate that a plan was held
// with is the rate that is charged.
import { z } from 'zod';
import { defineRpc } from './contract.js';
import { principal } from './management.js';
import { surchargePpm, workspaceId } from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const call = { v: z.literal(1), principal, workspaceId };

/** Parts per million, zero for none. */
export const surcharges = z.object({
  /** Of what calls cost at their price. */
  markupPpm: surchargePpm,
  /** Of what calls with the customer's own provider keys would have cost. */
  byokFeePpm: surchargePpm,
});
export type Surcharges = z.infer<typeof surcharges>;

const define = <Request>(
  verb: 'put' | 'get',
  permission: 'operator' | 'workspaces:read',
  request: z.ZodType<Request>,
) =>
  defineRpc({
    name: `control.surcharges.${verb}`,
    subject: SUBJECTS.management('control', 'surcharges', verb),
    version: 1,
    queue: QUEUE_GROUPS.control,
    permission,
    idempotent: true,
    request,
    reply: surcharges,
  });

/** Sets both rates, for what is held from then on. Answers them. `not_found` where there is no such workspace. */
export const ControlSurchargesPut = define('put', 'operator', z.object({ ...call, surcharges }));
export const ControlSurchargesGet = define('get', 'workspaces:read', z.object(call));
