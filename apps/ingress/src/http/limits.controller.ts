// /workspaces/{id}/limits: every limit of a workspace, of money, requests and tokens, by whom and by window. Ours; the reference has budgets only.
import { Controller, Delete, Get, Inject, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { isSameLimit, limitDesk } from '../management/limit-desk.js';
import { limitInfo } from '../management/limit-info.js';
import { readLimit, readLimitName } from '../management/read-limit.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneWorkspace = FastifyRequest<{ Params: { id: string }; Querystring: Record<string, unknown> }>;

@Controller(['api/v1/workspaces/:id/limits', 'v1/workspaces/:id/limits'])
export class LimitsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const desk = this.#deskFor(request);
    const limits = await desk.list();
    const useOf = await desk.usesOf(limits);
    sendJson(reply, 200, { data: limits.map((limit) => limitInfo(limit, useOf(limit))) });
  }

  /** Sets one limit, in the place of the one of its name. */
  @Put()
  async put(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const desk = this.#deskFor(request);
    const limit = readLimit(request.body);
    const limits = await desk.put([limit], 'limit');
    const useOf = await desk.usesOf([limit]);
    const set = limits.find((each) => isSameLimit(each, limit)) ?? limit;
    sendJson(reply, 200, { data: limitInfo(set, useOf(set)) });
  }

  @Delete()
  async remove(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    await this.#deskFor(request).remove(readLimitName(request.query));
    sendJson(reply, 200, { deleted: true });
  }

  #deskFor(request: OneWorkspace) {
    const caller = callerOf(request);
    ownWorkspace(caller, request.params.id);
    return limitDesk(this.ingress.context.bus, caller, Date.now());
  }
}
