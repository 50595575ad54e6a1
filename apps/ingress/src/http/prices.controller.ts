// GET /prices: which price an endpoint had from when on. The record is billing's; GET /models tells what is in force.
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { BillingPricesList, WaystationError, type DatedPrice } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { pricing } from '../models/model-info.js';
import { callerOf } from './caller-of.js';
import { sendJson } from './send-json.js';

type Query = Readonly<Record<string, unknown>>;

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 500;
const OFFSET_MAX = 1_000_000;
const ID_CHARACTERS_MAX = 256;
const KNOWN: ReadonlySet<string> = new Set(['endpoint', 'model', 'limit', 'offset']);

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

const idOf = (query: Query, field: string): string | undefined => {
  const value = query[field];
  if (value === undefined) return undefined;
  return typeof value === 'string' && value !== '' && value.length <= ID_CHARACTERS_MAX
    ? value
    : refuse(field, `Expected one id of at most ${ID_CHARACTERS_MAX} characters`);
};

const wholeOf = (query: Query, field: string, min: number, max: number): number | undefined => {
  const value = query[field];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : refuse(field, `Expected a whole number from ${min} to ${max}`);
};

const priceInfo = ({ endpointId, version, price, effectiveAt, endedAt }: DatedPrice) => ({
  endpoint: endpointId,
  model: endpointId.slice(0, endpointId.lastIndexOf('@')),
  version,
  effective_at: new Date(effectiveAt).toISOString(),
  ended_at: endedAt === undefined ? null : new Date(endedAt).toISOString(),
  pricing: pricing(price),
});

@Controller(['api/v1', 'v1'])
export class PricesController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('prices')
  async list(@Req() request: FastifyRequest<{ Querystring: Query }>, @Res() reply: FastifyReply): Promise<void> {
    const { query } = request;
    const unknown = Object.keys(query).find((name) => !KNOWN.has(name));
    if (unknown !== undefined) refuse(unknown.slice(0, 64), 'Unknown parameter');
    const { principal } = callerOf(request);
    const [endpointId, model] = [idOf(query, 'endpoint'), idOf(query, 'model')];
    const { prices, total } = await this.ingress.context.bus.request(BillingPricesList, {
      ...{ v: 1, principal },
      ...(endpointId === undefined ? {} : { endpointId }),
      ...(model === undefined ? {} : { model }),
      limit: wholeOf(query, 'limit', 1, LIMIT_MAX) ?? LIMIT_DEFAULT,
      offset: wholeOf(query, 'offset', 0, OFFSET_MAX) ?? 0,
    });
    sendJson(reply, 200, { data: prices.map(priceInfo), total_count: total });
  }
}
