// GET /models and what hangs below it, and who offers them, out of the catalog snapshot. Public, but for what a key may use.
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { WaystationError } from '@waystation/contracts';
import { indexOwnKeys } from '@waystation/routing';
import type { CatalogSnapshot } from '@waystation/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { knownPolicy } from '../auth/caller.js';
import { credentialsOf } from '../auth/credentials.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { admitModels } from '../models/admit-models.js';
import { statisticsInfo } from '../models/endpoint-statistics.js';
import { describeImageEndpoints, listImageModels } from '../models/image-model-info.js';
import {
  describeEndpoints,
  describeModel,
  listModels,
  listProviders,
  listZdrEndpoints,
  type ListedModel,
  type LiveInfo,
} from '../models/model-info.js';
import { pageOf, selectModels, type Query } from '../models/select-models.js';
import { callerOf } from './caller-of.js';
import { sendJson } from './send-json.js';

type ModelPath = { Params: { author: string; slug: string } };
type Filtered = { Querystring: Record<string, unknown> };

@Controller(['api/v1', 'v1'])
export class ModelsController {
  /** Made once per revision of the catalog. */
  #listed: { readonly catalog: CatalogSnapshot; readonly models: ListedModel[] } | undefined;

  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('models')
  list(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    sendPage(reply, this.#models(), request.query, '/api/v1/models');
  }

  /** What the workspace, the guardrails and the key admit. */
  @Get('models/user')
  listUsable(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    const { policies, ownKeys } = this.ingress.policies.current;
    const { policyIds, key } = callerOf(request);
    const layers = policyIds.map((id) => knownPolicy(policies, id));
    const user = {
      identity: { keyHash: key.hash, memberId: key.memberId },
      ownKeys: indexOwnKeys(ownKeys).of(key.workspaceId),
    };
    sendPage(reply, admitModels(this.#models(), layers, user), request.query, '/api/v1/models/user');
  }

  @Get('embeddings/models')
  listEmbedding(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    const models = this.#models().filter(({ info }) => info.architecture.output_modalities.includes('embeddings'));
    sendPage(reply, models, { ...request.query, output_modalities: 'all' }, '/api/v1/embeddings/models');
  }

  @Get('images/models')
  listImage(@Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: listImageModels(this.#catalog(), this.#models()) });
  }

  @Get('images/models/:author/:slug/endpoints')
  imageEndpoints(@Req() request: FastifyRequest<ModelPath>, @Res() reply: FastifyReply): void {
    const id = idOf(request);
    sendJson(reply, 200, describeImageEndpoints(this.#catalog(), id) ?? notFound(id));
  }

  @Get('models/count')
  count(@Req() request: FastifyRequest<Filtered>, @Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: { count: selectModels(this.#models(), request.query, Date.now()).length } });
  }

  @Get('model/:author/:slug')
  describe(@Req() request: FastifyRequest<ModelPath>, @Res() reply: FastifyReply): void {
    const id = idOf(request);
    sendJson(reply, 200, { data: describeModel(this.#catalog(), id) ?? notFound(id) });
  }

  @Get('models/:author/:slug/endpoints')
  endpoints(@Req() request: FastifyRequest<ModelPath>, @Res() reply: FastifyReply): void {
    const id = idOf(request);
    sendJson(reply, 200, { data: describeEndpoints(this.#catalog(), id, this.#liveFor(request)) ?? notFound(id) });
  }

  @Get('endpoints/zdr')
  zdrEndpoints(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: listZdrEndpoints(this.#catalog(), this.#liveFor(request)) });
  }

  @Get('providers')
  providers(@Res() reply: FastifyReply): void {
    sendJson(reply, 200, { data: listProviders(this.#catalog()) });
  }

  #liveFor({ headers }: FastifyRequest): LiveInfo {
    const withSpeed = this.#isKnown(headers);
    return (endpointId) => statisticsInfo(this.ingress.statistics.of(endpointId), withSpeed);
  }

  /** These routes are open to anybody, but not all that they tell. */
  #isKnown(headers: FastifyRequest['headers']): boolean {
    try {
      this.ingress.authenticator.authenticate(credentialsOf(headers));
      return true;
    } catch {
      return false;
    }
  }

  #catalog(): CatalogSnapshot {
    const { catalog } = this.ingress;
    if (!catalog.ready)
      throw new WaystationError('snapshot_stale', 'The catalog has not been loaded yet; try again.', {
        retryAfterMs: 1000,
      });
    return catalog.current;
  }

  #models(): ListedModel[] {
    const catalog = this.#catalog();
    if (this.#listed?.catalog !== catalog) this.#listed = { catalog, models: listModels(catalog) };
    return this.#listed.models;
  }
}

const sendPage = (reply: FastifyReply, models: readonly ListedModel[], query: Query, path: string): void =>
  sendJson(reply, 200, pageOf(selectModels(models, query, Date.now()), query, path));

const idOf = ({ params }: FastifyRequest<ModelPath>): string => `${params.author}/${params.slug}`;

const notFound = (id: string): never => {
  throw new WaystationError('not_found', `Model ${JSON.stringify(id.slice(0, 128))} not found`);
};
