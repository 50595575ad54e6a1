// /guardrails as the reference has them: budgets and restrictions for keys, members, or everybody in the workspace (the guardrail `default`).
// https://openrouter.ai/docs/api-reference/guardrails
import { Controller, Delete, Get, Inject, Patch, Post, Req, Res } from '@nestjs/common';
import {
  ControlGuardrailCreate,
  ControlGuardrailDelete,
  ControlGuardrailGet,
  ControlGuardrailList,
  ControlGuardrailUpdate,
  WaystationError,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { guardrailInfo } from '../management/guardrail-info.js';
import { readGuardrailChanges, readNewGuardrail } from '../management/read-guardrail.js';
import { readPage } from '../management/read-page.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneGuardrail = FastifyRequest<{ Params: { id: string } }>;

const GUARDRAIL_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|default)$/;

/** @throws WaystationError `not_found` where it cannot be an id of one */
export const guardrailIdOf = (id: string): string => {
  if (!GUARDRAIL_ID.test(id))
    throw new WaystationError('not_found', `Guardrail ${JSON.stringify(id.slice(0, 64))} not found`);
  return id;
};

@Controller(['api/v1/guardrails', 'v1/guardrails'])
export class GuardrailsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(
    @Req() request: FastifyRequest<{ Querystring: Record<string, unknown> }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    ownWorkspace(callerOf(request), request.query['workspace_id']);
    const about = { ...aboutOf(request), ...readPage(request.query) };
    const { guardrails, total } = await this.#bus.request(ControlGuardrailList, about);
    sendJson(reply, 200, { data: guardrails.map(guardrailInfo), total_count: total });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { workspaceId, settings } = readNewGuardrail(request.body);
    ownWorkspace(callerOf(request), workspaceId);
    const { guardrail } = await this.#bus.request(ControlGuardrailCreate, { ...aboutOf(request), ...settings });
    sendJson(reply, 201, { data: guardrailInfo(guardrail) });
  }

  @Get(':id')
  async read(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    const { guardrail } = await this.#bus.request(ControlGuardrailGet, aboutOne(request));
    sendJson(reply, 200, { data: guardrailInfo(guardrail) });
  }

  @Patch(':id')
  async update(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOne(request);
    const changes = readGuardrailChanges(request.body);
    const { guardrail } = await this.#bus.request(ControlGuardrailUpdate, { ...about, changes });
    sendJson(reply, 200, { data: guardrailInfo(guardrail) });
  }

  @Delete(':id')
  async delete(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    await this.#bus.request(ControlGuardrailDelete, aboutOne(request));
    sendJson(reply, 200, { deleted: true });
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}

const aboutOf = (request: Pick<FastifyRequest, 'caller'>) => {
  const { principal, workspace } = callerOf(request);
  return { v: 1 as const, principal, workspaceId: workspace.id };
};
const aboutOne = (request: OneGuardrail) => ({ ...aboutOf(request), guardrailId: guardrailIdOf(request.params.id) });
