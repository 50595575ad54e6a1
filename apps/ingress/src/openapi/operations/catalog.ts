// The catalog as the API shows it.
import { z } from 'zod';
import { count, data, instant, json, page, usd, type Operations } from '../operation.js';

const price = z.string().meta({ description: 'USD a token or unit, as decimal text, exact' });
const rates = z.looseObject({
  prompt: price,
  completion: price,
  request: price,
  image: price,
  overrides: z
    .array(z.looseObject({ min_prompt_tokens: count, prompt: price, completion: price }))
    .optional()
    .meta({ description: 'What holds above so many prompt tokens' }),
});
const pricing = rates
  .extend({
    service_tiers: z.record(z.string(), rates).optional().meta({ description: 'Prices of service tiers, by name' }),
  })
  .meta({ id: 'Pricing', description: 'Beside these, a price for each further class of usage that is charged.' });

const architecture = z
  .object({
    modality: z.string(),
    input_modalities: z.array(z.string()),
    output_modalities: z.array(z.string()),
    tokenizer: z.string(),
    instruct_type: z.string().nullable(),
  })
  .meta({ id: 'Architecture' });

const words = z.array(z.string());

const model = z
  .object({
    id: z.string().meta({ description: '`author/slug`' }),
    canonical_slug: z.string(),
    hugging_face_id: z.string().nullable(),
    name: z.string(),
    created: z.int().meta({ description: 'Unix seconds' }),
    description: z.string(),
    context_length: count,
    architecture,
    pricing: pricing.meta({ description: 'Of the cheapest endpoint' }),
    top_provider: z.object({
      context_length: count,
      max_completion_tokens: count.nullable(),
      is_moderated: z.boolean(),
    }),
    per_request_limits: z.null(),
    supported_parameters: words,
    default_parameters: z.null(),
    supported_voices: z.null(),
    knowledge_cutoff: z.null(),
    expiration_date: z.null(),
    links: z.object({ details: z.string() }),
  })
  .meta({ id: 'Model' });

const uptime = z.number().nullable().meta({
  description:
    'Percent of the requests that succeeded; rate-limited ones do not count. Null where there were fewer than ten',
});

const percentile = z.number();
const speed = z
  .object({ p50: percentile, p75: percentile, p90: percentile, p99: percentile })
  .nullable()
  .meta({ description: 'Null without a key, and where too little is known' });

const endpoint = z
  .object({
    name: z.string(),
    model_id: z.string(),
    model_name: z.string(),
    provider_name: z.string(),
    tag: z.string(),
    context_length: count,
    max_prompt_tokens: z.null(),
    max_completion_tokens: count.nullable(),
    quantization: z.string().nullable(),
    pricing,
    supported_parameters: words,
    supports_implicit_caching: z.boolean(),
    supports_voice_cloning: z.boolean(),
    supports_tool_choice: z.object({
      auto: z.boolean(),
      function: z.boolean(),
      none: z.boolean(),
      required: z.boolean(),
    }),
    status: z.int(),
    uptime_last_5m: uptime,
    uptime_last_30m: uptime,
    uptime_last_1d: uptime,
    latency_last_30m: speed,
    throughput_last_30m: speed,
  })
  .meta({ id: 'Endpoint' });

const modelEndpoints = z.object({
  id: z.string(),
  name: z.string(),
  created: z.int(),
  description: z.string(),
  architecture,
  endpoints: z.array(endpoint),
});

const provider = z
  .object({
    name: z.string(),
    slug: z.string(),
    privacy_policy_url: z.string().nullable(),
    terms_of_service_url: z.null(),
    status_page_url: z.null(),
    headquarters: z.null(),
    datacenters: z.null(),
  })
  .meta({ id: 'Provider' });

const datedPrice = z
  .object({
    endpoint: z.string(),
    model: z.string(),
    version: z.string(),
    effective_at: instant,
    ended_at: instant.nullable(),
    pricing,
  })
  .meta({ id: 'DatedPrice' });

const perMillion = z.number().nonnegative().optional().meta({ description: 'USD per million tokens' });
const commaSeparated = z.string().optional().meta({ description: 'Words, separated by commas' });
const days = count.optional();

const filters = z.object({
  q: z.string().optional().meta({ description: 'Part of an id or a name' }),
  model_authors: commaSeparated,
  providers: commaSeparated.meta({ description: 'Slugs or names of providers, separated by commas: any of them' }),
  supported_parameters: commaSeparated,
  input_modalities: commaSeparated.meta({ description: '`text`, `image`, `file`, `audio`, `video`: all of them' }),
  output_modalities: commaSeparated.meta({
    description:
      '`text`, `image`, `embeddings`, `audio`, `video`, `rerank`, `speech`, `transcription`: any of them; or `all`; `text` if absent',
  }),
  context: z.int().positive().optional().meta({ description: 'At least so many tokens' }),
  zdr: z.literal('true').optional().meta({ description: 'Only with an endpoint that keeps nothing' }),
  region: z.enum(['eu', 'us']).optional().meta({ description: 'Only with an endpoint there' }),
  min_price: perMillion,
  max_price: perMillion,
  min_output_price: perMillion,
  max_output_price: perMillion,
  min_age_days: days,
  max_age_days: days,
  sort: z.enum(['newest', 'pricing-low-to-high', 'pricing-high-to-low', 'context-high-to-low']).optional(),
});
const part = { offset: count.optional(), limit: z.int().min(1).max(1_000).optional() };
const modelPage = json(
  z.object({ data: z.array(model), total_count: count, links: z.object({ next: z.string().nullable() }) }),
);

const capability = z.union([
  z.object({ type: z.literal('enum'), values: words }),
  z.object({ type: z.literal('range'), min: z.number(), max: z.number() }),
]);
const imageParameters = z.record(z.string(), capability);
const imageModel = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    created: z.int(),
    architecture: z.object({ input_modalities: words, output_modalities: words }),
    supported_parameters: imageParameters,
    supports_streaming: z.boolean(),
    endpoints: z.string(),
  })
  .meta({ id: 'ImageModel' });
const imageEndpoint = z
  .object({
    provider_name: z.string(),
    provider_slug: z.string(),
    provider_tag: z.string(),
    supported_parameters: imageParameters,
    allowed_passthrough_parameters: words,
    supports_streaming: z.boolean(),
    pricing: z.array(z.object({ billable: z.string(), unit: z.enum(['image', 'token']), cost_usd: usd })),
  })
  .meta({ id: 'ImageEndpoint' });

export const CATALOG: Operations = {
  'GET /models': {
    id: 'listModels',
    tag: 'Catalog',
    summary: 'Models that have an endpoint, newest first',
    description: 'All of them in one answer, unless `offset` or `limit` asks for a part.',
    query: filters.extend(part),
    answer: modelPage,
  },
  'GET /models/user': {
    id: 'listUsableModels',
    tag: 'Catalog',
    summary: 'Models that the key may use',
    description: 'Those with an endpoint that the workspace, its guardrails and the key admit.',
    query: filters.extend(part),
    answer: modelPage,
  },
  'GET /embeddings/models': {
    id: 'listEmbeddingModels',
    tag: 'Catalog',
    summary: 'Models that make embeddings',
    query: filters.omit({ output_modalities: true }).extend(part),
    answer: modelPage,
  },
  'GET /images/models': {
    id: 'listImageModels',
    tag: 'Catalog',
    summary: 'Models that `POST /images` can be asked for',
    answer: data(z.array(imageModel)),
  },
  'GET /images/models/:author/:slug/endpoints': {
    id: 'listImageEndpoints',
    tag: 'Catalog',
    summary: 'The endpoints of such a model, with the price of each',
    answer: json(z.object({ id: z.string(), endpoints: z.array(imageEndpoint) })),
  },
  'GET /models/count': {
    id: 'countModels',
    tag: 'Catalog',
    summary: 'How many models the same filters leave',
    query: filters,
    answer: data(z.object({ count })),
  },
  'GET /model/:author/:slug': { id: 'getModel', tag: 'Catalog', summary: 'One model', answer: data(model) },
  'GET /models/:author/:slug/endpoints': {
    id: 'listEndpoints',
    tag: 'Catalog',
    summary: 'The endpoints of a model, with the price of each',
    answer: data(modelEndpoints),
  },
  'GET /endpoints/zdr': {
    id: 'listZdrEndpoints',
    tag: 'Catalog',
    summary: 'Endpoints that keep nothing of what they are sent',
    answer: data(z.array(endpoint)),
  },
  'GET /providers': {
    id: 'listProviders',
    tag: 'Catalog',
    summary: 'Providers that offer something here',
    answer: data(z.array(provider)),
  },
  'GET /prices': {
    id: 'listPrices',
    tag: 'Catalog',
    summary: 'Every price that an endpoint had, with the days from which to which it held',
    query: z.object({
      endpoint: z.string().max(256).optional(),
      model: z.string().max(256).optional(),
      limit: z.int().min(1).max(500).default(100).optional(),
      offset: z.int().nonnegative().max(1_000_000).optional(),
    }),
    answer: page(datedPrice),
  },
};
