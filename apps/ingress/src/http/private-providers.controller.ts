// /private/providers: providers and endpoints that operators add while the station runs, over the catalog and the operator's file, in the words of that file. Ours; the
// reference's station is nobody's own. Control reads, tries and keeps them.
import { Controller, Delete, Get, Inject, Patch, Post, Put, Req, Res } from '@nestjs/common';
import {
  ControlProviderCreate,
  ControlProviderDelete,
  ControlProviderDeleteEndpoint,
  ControlProviderGet,
  ControlProviderList,
  ControlProviderProbe,
  ControlProviderPutEndpoint,
  ControlProviderUpdate,
  PROBES_WAIT_MS_MAX,
  WaystationError,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { privateEndpointInfo, privateProviderInfo } from '../management/private-provider-info.js';
import { readEndpointName, readProbeOrder, readSaid } from '../management/read-private-provider.js';
import { readPage } from '../management/read-page.js';
import { callerOf } from './caller-of.js';
import { isOperator } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneProvider = FastifyRequest<{ Params: { slug: string }; Querystring: Record<string, unknown> }>;

const SLUG = /^[a-z0-9][a-z0-9-]{0,47}$/;
/** A change is answered when its endpoints were tried. */
const TRYING = { timeoutMs: PROBES_WAIT_MS_MAX };

@Controller(['api/v1/private/providers', 'v1/private/providers'])
export class PrivateProvidersController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(
    @Req() request: FastifyRequest<{ Querystring: Record<string, unknown> }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const asked = { ...asOperator(request), ...readPage(request.query) };
    const { providers, total } = await this.#bus.request(ControlProviderList, asked);
    sendJson(reply, 200, { data: providers.map(privateProviderInfo), total_count: total });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const asked = asOperator(request);
    const { said: provider, force } = readSaid(request.body);
    const created = await this.#bus.request(ControlProviderCreate, { ...asked, provider, ...force }, TRYING);
    sendJson(reply, 201, { data: privateProviderInfo(created.provider) });
  }

  @Get(':slug')
  async read(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const { provider } = await this.#bus.request(ControlProviderGet, aboutOne(request));
    sendJson(reply, 200, { data: privateProviderInfo(provider) });
  }

  @Patch(':slug')
  async update(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const asked = aboutOne(request);
    const { said: changes, force } = readSaid(request.body);
    const { provider } = await this.#bus.request(ControlProviderUpdate, { ...asked, changes, ...force }, TRYING);
    sendJson(reply, 200, { data: privateProviderInfo(provider) });
  }

  @Delete(':slug')
  async delete(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    await this.#bus.request(ControlProviderDelete, aboutOne(request));
    sendJson(reply, 200, { deleted: true });
  }

  @Post(':slug/probe')
  async probe(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const asked = { ...aboutOne(request), ...readProbeOrder(request.body) };
    const { provider } = await this.#bus.request(ControlProviderProbe, asked, TRYING);
    sendJson(reply, 200, { data: privateProviderInfo(provider) });
  }

  @Get(':slug/endpoints')
  async endpoints(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const { provider } = await this.#bus.request(ControlProviderGet, aboutOne(request));
    sendJson(reply, 200, { data: provider.endpoints.map(privateEndpointInfo) });
  }

  /** Adds one, or sets the one of its model and tag anew. */
  @Put(':slug/endpoints')
  async putEndpoint(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const asked = aboutOne(request);
    const { said: endpoint, force } = readSaid(request.body);
    const { provider } = await this.#bus.request(ControlProviderPutEndpoint, { ...asked, endpoint, ...force }, TRYING);
    sendJson(reply, 200, { data: privateProviderInfo(provider) });
  }

  @Delete(':slug/endpoints')
  async deleteEndpoint(@Req() request: OneProvider, @Res() reply: FastifyReply): Promise<void> {
    const asked = { ...aboutOne(request), ...readEndpointName(request.query) };
    await this.#bus.request(ControlProviderDeleteEndpoint, asked, TRYING);
    sendJson(reply, 200, { deleted: true });
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}

/** @throws WaystationError `permission_denied` */
const asOperator = (request: Pick<FastifyRequest, 'caller'>) => {
  const caller = callerOf(request);
  if (!isOperator(caller))
    throw new WaystationError('permission_denied', 'Only keys of an operator see and change private providers');
  return { v: 1 as const, principal: caller.principal };
};

const aboutOne = (request: OneProvider) => {
  const asked = asOperator(request);
  const { slug } = request.params;
  if (!SLUG.test(slug))
    throw new WaystationError('not_found', `There is no private provider ${JSON.stringify(slug.slice(0, 64))}.`);
  return { ...asked, slug };
};
