// /workspaces/{id}/surcharges: what a workspace pays on top of prices, in percent. Read by its management keys, set by an operator's only, for any workspace. Ours; the
// reference shows only what they come to.
import { Controller, Get, Inject, Put, Req, Res } from '@nestjs/common';
import {
  ControlSurchargesGet,
  ControlSurchargesPut,
  WaystationError,
  percentOf,
  type Surcharges,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { readSurcharges } from '../management/read-surcharges.js';
import { callerOf } from './caller-of.js';
import { isOperator, workspaceOf } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneWorkspace = FastifyRequest<{ Params: { id: string } }>;

const surchargesInfo = (workspaceId: string, { markupPpm, byokFeePpm }: Surcharges) => ({
  workspace_id: workspaceId,
  markup_percent: JSON.rawJSON(percentOf(markupPpm)),
  byok_fee_percent: JSON.rawJSON(percentOf(byokFeePpm)),
});

@Controller(['api/v1/workspaces/:id/surcharges', 'v1/workspaces/:id/surcharges'])
export class SurchargesController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async read(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const asked = this.#about(request);
    const rates = await this.ingress.context.bus.request(ControlSurchargesGet, asked);
    sendJson(reply, 200, { data: surchargesInfo(asked.workspaceId, rates) });
  }

  @Put()
  async put(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    if (!isOperator(callerOf(request)))
      throw new WaystationError(
        'permission_denied',
        'Only keys of an operator set what a workspace pays on top of prices',
      );
    const asked = this.#about(request);
    const surcharges = readSurcharges(request.body);
    const rates = await this.ingress.context.bus.request(ControlSurchargesPut, { ...asked, surcharges });
    sendJson(reply, 200, { data: surchargesInfo(asked.workspaceId, rates) });
  }

  #about(request: OneWorkspace) {
    const caller = callerOf(request);
    return {
      v: 1,
      principal: caller.principal,
      workspaceId: workspaceOf(this.ingress, caller, request.params.id),
    } as const;
  }
}
