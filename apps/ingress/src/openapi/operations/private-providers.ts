// Private providers: what operators add while the station runs.
import { FORCE_CHARACTERS_MAX, PROBE_STATUSES, PROBE_STEPS } from '@waystation/contracts';
import { z } from 'zod';
import { count, data, deleted, instant, json, page, pageQuery, usd, type Operations } from '../operation.js';

const probe = z.object({
  at: instant,
  latency_ms: count,
  cost_usd: usd,
  problem: z
    .object({
      step: z.enum(PROBE_STEPS),
      message: z.string(),
      api: z.string().nullable(),
      streamed: z.boolean().nullable(),
      upstream_status: z.int().nullable(),
      answer: z.string().nullable().meta({ description: 'How the answer began, without secrets and addresses' }),
    })
    .nullable(),
});

const endpoint = z
  .object({
    id: z.string(),
    model: z.string(),
    tag: z.string(),
    upstream_model: z.string(),
    serving: z.boolean(),
    note: z.string().nullable().meta({ description: 'Why it does not serve' }),
    status: z.enum(PROBE_STATUSES),
    forced: z.string().nullable().meta({ description: 'Why it serves although no probe passed' }),
    probe: probe.nullable(),
  })
  .meta({ id: 'PrivateEndpoint' });

const provider = z
  .object({
    slug: z.string(),
    provider: z.record(z.string(), z.unknown()).meta({ description: 'As it was said, without any secret' }),
    key: z.enum(['sealed', 'variable', 'none']),
    endpoints: z.array(endpoint),
    fault: z.string().nullable(),
    created_at: instant,
    updated_at: instant,
    changed_by: z.string().nullable(),
  })
  .meta({ id: 'PrivateProvider' });

const force = z
  .string()
  .min(1)
  .max(FORCE_CHARACTERS_MAX)
  .nullable()
  .optional()
  .meta({ description: 'Why endpoints that do not pass their probe are to serve all the same' });

const endpointMembers = {
  model: z.string().min(1).max(256).meta({ description: 'Our id, `author/slug`' }),
  upstreamModel: z.string().max(256).optional(),
  tag: z.string().max(64).optional(),
  context: count.optional(),
  price: z.record(z.string(), z.string()).optional().meta({ description: 'USD per million tokens, as text' }),
  apis: z.array(z.string()).optional(),
};

const members = {
  name: z.string().max(128).optional(),
  dialect: z.string().optional(),
  extends: z.string().optional().meta({ description: 'A provider of the catalog that it stands on' }),
  baseUrl: z.string().optional(),
  apiKey: z
    .string()
    .optional()
    .meta({ description: 'The key, or `${NAME}` of a variable of control. Sealed to the workers, never shown' }),
  endpoints: z.array(z.looseObject(endpointMembers)).optional(),
};

const WORDS = "In the words of the operator's file, each member of which is taken.";
const OPERATORS = "Takes a key of the station's operator.";
const TRIED =
  'What has to be proved is tried by a worker first; where it does not pass, nothing is changed, and the answer (422) says at which step it failed.';

const tag = 'Providers';
const one = data(provider);

export const PRIVATE_PROVIDERS: Operations = {
  'GET /private/providers': {
    ...{ id: 'listPrivateProviders', tag, summary: 'Providers that operators added here', description: OPERATORS },
    ...{ query: pageQuery, answer: page(provider) },
  },
  'POST /private/providers': {
    ...{
      id: 'createPrivateProvider',
      tag,
      summary: 'Adds a provider, over one of the catalog or of the file where its slug is the same',
    },
    description: `${OPERATORS} ${WORDS} ${TRIED}`,
    ...{ body: z.looseObject({ slug: z.string().max(48).optional(), ...members, force }), answer: data(provider, 201) },
  },
  'GET /private/providers/:slug': {
    ...{ id: 'getPrivateProvider', tag, summary: 'One of them, with what came of trying its endpoints' },
    ...{ description: OPERATORS, answer: one },
  },
  'PATCH /private/providers/:slug': {
    ...{ id: 'updatePrivateProvider', tag, summary: 'Changes what is named; null takes a member away' },
    description: `${OPERATORS} ${WORDS} ${TRIED} The key stays unless another is given.`,
    ...{ body: z.looseObject({ ...members, force }), answer: one },
  },
  'DELETE /private/providers/:slug': {
    ...{ id: 'deletePrivateProvider', tag, summary: 'Takes it out of service, and uncovers what it lay over' },
    ...{ description: OPERATORS, answer: json(deleted) },
  },
  'POST /private/providers/:slug/probe': {
    ...{ id: 'probePrivateProvider', tag, summary: 'Tries its endpoints again, and keeps what comes of it' },
    description: `${OPERATORS} An endpoint that fails serves no more until it passes. What a probe costs is charged to nobody.`,
    ...{ body: z.strictObject({ model: endpointMembers.model.optional(), force }), answer: one },
  },
  'GET /private/providers/:slug/endpoints': {
    ...{ id: 'listPrivateEndpoints', tag, summary: 'Its endpoints', description: OPERATORS },
    answer: data(z.array(endpoint)),
  },
  'PUT /private/providers/:slug/endpoints': {
    ...{ id: 'putPrivateEndpoint', tag, summary: 'Adds an endpoint, or replaces the one of the same model and tag' },
    description: `${OPERATORS} ${WORDS} ${TRIED} A new price holds from now on, or as \`priceChanges\` say; what was charged stays.`,
    ...{ body: z.looseObject({ ...endpointMembers, force }), answer: one },
  },
  'DELETE /private/providers/:slug/endpoints': {
    ...{
      id: 'deletePrivateEndpoint',
      tag,
      summary: 'Takes away the endpoint that the query names',
      description: OPERATORS,
    },
    query: z.object({ model: endpointMembers.model, tag: endpointMembers.tag }),
    answer: json(deleted),
  },
};
