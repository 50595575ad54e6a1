// Customers' own keys at providers.
import { z } from 'zod';
import { data, deleted, instant, json, page, pageQuery, type Operations } from '../operation.js';

const list = z.array(z.string()).nullable();

const most = z.int().min(1).max(1_000_000_000).nullable();

const ownKey = z
  .object({
    id: z.guid(),
    workspace_id: z.string(),
    provider: z.string(),
    name: z.string().nullable(),
    label: z.string().meta({ description: 'A few characters of the key, or whom it names: all that is shown of it' }),
    disabled: z.boolean(),
    is_fallback: z.boolean(),
    always_use: z.boolean(),
    sort_order: z.int().nonnegative(),
    allowed_models: list,
    allowed_api_key_hashes: list,
    allowed_user_ids: list,
    capacity: z.object({ requests_per_minute: most, tokens_per_minute: most, in_flight: most }).nullable(),
    created_at: instant,
  })
  .meta({ id: 'ProviderKey' });

const filter = (entry: z.ZodType) => z.array(entry).max(100);
const key = z.string().min(1).max(16_384).meta({
  description:
    'The key, or JSON: {accessKeyId, secretAccessKey, region} of AWS; a Google service account, perhaps with region; {api_key, resource_name, resource_type} or {tenantId, clientId, clientSecret} of Azure. Sealed at once and never told again.',
});
const settings = {
  name: z.string().min(1).max(255).nullable().optional(),
  disabled: z.boolean().optional(),
  is_fallback: z.boolean().optional().meta({ description: "Tried after the station's own capacity instead of before" }),
  always_use: z
    .boolean()
    .optional()
    .meta({ description: "The station's own capacity at the provider is not used for whom the key serves" }),
  sort_order: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .meta({ description: 'Lower ones are tried first; behind the others where it is left out' }),
  allowed_models: filter(z.string().min(1).max(256)).nullable().optional().meta({ description: 'Null: all' }),
  allowed_api_key_hashes: filter(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .nullable()
    .optional(),
  allowed_user_ids: filter(z.string().min(1).max(64)).nullable().optional(),
  capacity: z
    .strictObject({
      requests_per_minute: most.optional(),
      tokens_per_minute: most.optional(),
      in_flight: most.optional(),
    })
    .nullable()
    .optional()
    .meta({
      description:
        'What the key can take: where it is used up, calls go to the next key or endpoint. Null: not limited',
    }),
};
const newOwnKey = z.strictObject({
  provider: z.string().min(1).max(128),
  key,
  ...settings,
  workspace_id: z.string().min(1).max(64).optional(),
});
const changes = z.strictObject({ key: key.optional(), ...settings });

export const BYOK: Operations = {
  'GET /byok': {
    id: 'listProviderKeys',
    tag: 'Provider keys',
    summary: 'Own provider keys of the workspace',
    query: pageQuery.extend({ provider: z.string().max(128).optional(), workspace_id: z.string().optional() }),
    answer: page(ownKey),
  },
  'POST /byok': {
    id: 'createProviderKey',
    tag: 'Provider keys',
    summary: 'Keeps an own key for a provider',
    description:
      'Calls that it serves are billed by the provider, not by the workspace’s credits: the cost is the fee of the station for it, if there is one. It is tried before the capacity of the station, or, as a fallback, after it.',
    body: newOwnKey,
    answer: data(ownKey, 201),
  },
  'GET /byok/:id': {
    id: 'getProviderKey',
    tag: 'Provider keys',
    summary: 'One own provider key, without the key',
    answer: data(ownKey),
  },
  'PATCH /byok/:id': {
    id: 'updateProviderKey',
    tag: 'Provider keys',
    summary: 'Changes an own provider key, or puts another in its place',
    description: 'What is left out stays. With `key` the one before is gone at once.',
    body: changes,
    answer: data(ownKey),
  },
  'DELETE /byok/:id': {
    id: 'deleteProviderKey',
    tag: 'Provider keys',
    summary: 'Forgets an own provider key',
    answer: json(deleted),
  },
};
