// /byok as the reference has it: the customer's own keys at providers. A key goes in and is never told again.
// https://openrouter.ai/docs/api-reference/byok
import { Controller, Delete, Get, Inject, Patch, Post, Req, Res } from '@nestjs/common';
import {
  ControlOwnKeyCreate,
  ControlOwnKeyDelete,
  ControlOwnKeyGet,
  ControlOwnKeyList,
  ControlOwnKeyUpdate,
  WaystationError,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { ownKeyInfo } from '../management/own-key-info.js';
import { textOf } from '../management/read-json.js';
import { readNewOwnKey, readOwnKeyChanges } from '../management/read-own-key.js';
import { readPage } from '../management/read-page.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneKey = FastifyRequest<{ Params: { id: string } }>;

const OWN_KEY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

@Controller(['api/v1/byok', 'v1/byok'])
export class ByokController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(
    @Req() request: FastifyRequest<{ Querystring: Record<string, unknown> }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { workspace_id: workspaceId, provider } = request.query;
    ownWorkspace(callerOf(request), workspaceId);
    const { ownKeys, total } = await this.#bus.request(ControlOwnKeyList, {
      ...aboutOf(request),
      ...readPage(request.query),
      ...(provider === undefined ? {} : { provider: textOf('provider', provider, 128) }),
    });
    sendJson(reply, 200, { data: ownKeys.map(ownKeyInfo), total_count: total });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { workspaceId, ...asked } = readNewOwnKey(request.body);
    ownWorkspace(callerOf(request), workspaceId);
    const { ownKey } = await this.#bus.request(ControlOwnKeyCreate, { ...aboutOf(request), ...asked });
    sendJson(reply, 201, { data: ownKeyInfo(ownKey) });
  }

  @Get(':id')
  async read(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    const { ownKey } = await this.#bus.request(ControlOwnKeyGet, aboutOne(request));
    sendJson(reply, 200, { data: ownKeyInfo(ownKey) });
  }

  @Patch(':id')
  async update(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOne(request);
    const { ownKey } = await this.#bus.request(ControlOwnKeyUpdate, { ...about, ...readOwnKeyChanges(request.body) });
    sendJson(reply, 200, { data: ownKeyInfo(ownKey) });
  }

  @Delete(':id')
  async delete(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    await this.#bus.request(ControlOwnKeyDelete, aboutOne(request));
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

/** @throws WaystationError `not_found` where it cannot be an id of one */
const aboutOne = (request: OneKey) => {
  const { id } = request.params;
  if (!OWN_KEY_ID.test(id))
    throw new WaystationError('not_found', `Provider key ${JSON.stringify(id.slice(0, 64))} not found`);
  return { ...aboutOf(request), id };
};
