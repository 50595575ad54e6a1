// GET /models and what hangs below it, and who offers them, out of the catalog snapshot. Public.
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { WaystationError } from '@waystation/contracts';
import type { CatalogSnapshot } from '@waystation/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import {
  describeEndpoints,
  describeModel,
  listModels,
  listProviders,
  listZdrEndpoints,
  type ModelInfo,
} from '../models/model-info.js';
import { pageOf, selectModels } from '../models/select-models.js';
import { sendJson } from './send-json.js';

type ModelPath = { Params: { author: string; slug: string } };
type Filtered = { Querystring: Record<string, unknown> };

@Controller(['api/v1', 'v1'])
export class ModelsController {
  /** Made once per revision of the catalog. */
  #listed: { readonly catalog: CatalogSnapshot; readonly models: ModelInfo[] } | undefined;

  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('models')
  list(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    sendJson(reply, 200, pageOf(selectModels(this.#models(), request.query), request.query, '/api/v1/models'));
  }

  @Get('models/count')
  count(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: { count: selectModels(this.#models(), request.query).length } });
  }

  @Get('model/:author/:slug')
  describe(@Req() request: FastifyRequest<ModelPath>, @Res() reply: FastifyReply): void {
    const id = idOf(request);
    sendJson(reply, 200, { data: describeModel(this.#catalog(), id) ?? notFound(id) });
  }

  @Get('models/:author/:slug/endpoints')
  endpoints(@Req() request: FastifyRequest<ModelPath>, @Res() reply: FastifyReply): void {
    const id = idOf(request);
    sendJson(reply, 200, { data: describeEndpoints(this.#catalog(), id) ?? notFound(id) });
  }

  @Get('endpoints/zdr')
  zdrEndpoints(@Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: listZdrEndpoints(this.#catalog()) });
  }

  @Get('providers')
  providers(@Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: listProviders(this.#catalog()) });
  }

  #catalog(): CatalogSnapshot {
    const { catalog } = this.ingress;
    if (!catalog.ready)
      throw new WaystationError('snapshot_stale', 'The catalog has not been loaded yet; try again.', {
        retryAfterMs: 1000,
      });
    return catalog.current;
  }

  #models(): ModelInfo[] {
    const catalog = this.#catalog();
    if (this.#listed?.catalog !== catalog) this.#listed = { catalog, models: listModels(catalog) };
    return this.#listed.models;
  }
}

const idOf = ({ params }: FastifyRequest<ModelPath>): string => `${params.author}/${params.slug}`;

const notFound = (id: string): never => {
  throw new WaystationError('not_found', `Model ${JSON.stringify(id.slice(0, 128))} not found`);
};
