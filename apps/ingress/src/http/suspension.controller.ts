// /workspaces/{id}/suspension: why a workspace is not served, for its own management keys; set and lifted by operators. Control decides and audits.
import { Controller, Get, Inject, Put, Req, Res } from '@nestjs/common';
import { ControlSuspensionPut, WaystationError, type Suspension } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName } from '../management/read-json.js';
import { callerOf } from './caller-of.js';
import { isOperator, workspaceOf } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneWorkspace = FastifyRequest<{ Params: { id: string } }>;

const REASON_CHARACTERS_MAX = 256;

@Controller(['api/v1/workspaces/:id/suspension', 'v1/workspaces/:id/suspension'])
export class SuspensionController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  read(@Req() request: OneWorkspace, @Res() reply: FastifyReply): void {
    const workspaceId = workspaceOf(this.ingress, callerOf(request), request.params.id);
    const { suspended = false, suspension } = this.ingress.workspaces.current.get(workspaceId) ?? {};
    sendJson(reply, 200, { data: suspensionInfo(workspaceId, suspended, suspension) });
  }

  @Put()
  async put(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const workspaceId = workspaceOf(this.ingress, caller, request.params.id);
    if (!isOperator(caller))
      throw new WaystationError('permission_denied', 'Only keys of an operator suspend and resume workspaces');
    const { principal } = caller;
    const { suspended, reason } = readSuspension(request.body);
    const asked = { v: 1, principal, workspaceId, suspended, reason } as const;
    const { suspension } = await this.ingress.context.bus.request(ControlSuspensionPut, asked);
    sendJson(reply, 200, { data: suspensionInfo(workspaceId, suspended, suspension) });
  }
}

const readSuspension = (body: unknown): { readonly suspended: boolean; readonly reason: string } => {
  const object = readJsonObject(body);
  refuseUnknown(object, ['suspended', 'reason']);
  const { suspended, reason } = object;
  if (typeof suspended !== 'boolean')
    return refuseField('suspended', `Expected boolean, received ${typeName(suspended)}`);
  return { suspended, reason: textOf('reason', reason, REASON_CHARACTERS_MAX) };
};

const suspensionInfo = (workspaceId: string, suspended: boolean, suspension: Suspension | undefined) => ({
  workspace_id: workspaceId,
  suspended,
  by: suspension?.by ?? null,
  reason: suspension?.reason ?? null,
  since: suspension === undefined ? null : new Date(suspension.since).toISOString(),
});
