// Keys of a workspace, and what a key learns about itself.
import { z } from 'zod';
import { count, data, deleted, instant, json, usd, type Operations } from '../operation.js';
import { limit } from './limits.js';

const reset = z.enum(['daily', 'weekly', 'monthly']).nullable();

const spending = {
  limit: usd.nullable(),
  limit_remaining: usd.nullable(),
  limit_reset: reset,
  include_byok_in_limit: z.boolean(),
  usage: usd,
  usage_daily: usd,
  usage_weekly: usd,
  usage_monthly: usd,
  byok_usage: usd,
  byok_usage_daily: usd,
  byok_usage_weekly: usd,
  byok_usage_monthly: usd,
};

const key = z
  .object({
    hash: z.string().meta({ description: 'SHA-256 of the key, in hexadecimal: its name in this API' }),
    name: z.string(),
    label: z.string(),
    is_management_key: z.boolean(),
    disabled: z.boolean(),
    ...spending,
    created_at: instant,
    updated_at: instant.nullable(),
    expires_at: instant.nullable(),
    creator_user_id: z.string().nullable(),
    external_user: z.string().nullable(),
    workspace_id: z.string(),
  })
  .meta({ id: 'Key' });

const ownKey = z
  .object({
    label: z.string(),
    ...spending,
    is_free_tier: z.boolean(),
    is_management_key: z.boolean(),
    is_provisioning_key: z.boolean(),
    expires_at: instant.nullable(),
    creator_user_id: z.string().nullable(),
    workspace_id: z.string(),
    organization_id: z.string().nullable(),
    allowed_data_regions: z.array(z.string()),
    free_model_daily_requests: z.object({ limit: count, remaining: count, used: count }),
    rate_limit: z.object({ interval: z.string(), requests: count, note: z.string() }),
    limits: z.array(limit).meta({ description: 'Every limit and budget that calls of this key are held against' }),
  })
  .meta({ id: 'OwnKey' });

const settings = {
  name: z.string().min(1).max(256),
  limit: z.number().nonnegative().nullable().optional().meta({ description: 'USD; null: no limit of its own' }),
  limit_reset: reset.optional(),
  include_byok_in_limit: z.boolean().optional(),
};

const newKey = z.strictObject({
  ...settings,
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
  workspace_id: z.string().min(1).max(64).optional(),
  creator_user_id: z.string().min(1).max(64).nullable().optional(),
});
const keyChanges = z.strictObject({
  ...settings,
  name: settings.name.optional(),
  disabled: z.boolean().optional(),
});

const OWN_KEY = {
  tag: 'Account',
  summary: 'The key that asks: its limits, and what was spent with it',
  answer: data(ownKey),
} as const;

export const KEYS: Operations = {
  'GET /key': { id: 'getOwnKey', ...OWN_KEY },
  'GET /auth/key': { id: 'getOwnKeyByOldName', ...OWN_KEY, description: 'An older name of `GET /key`.' },
  'GET /keys': {
    id: 'listKeys',
    tag: 'Keys',
    summary: 'Keys of the workspace, newest first',
    query: z.object({
      include_disabled: z.enum(['true', 'false']).optional(),
      offset: count.optional(),
      workspace_id: z.string().optional(),
    }),
    answer: data(z.array(key)),
  },
  'POST /keys': {
    id: 'createKey',
    tag: 'Keys',
    summary: 'Makes a key for inference',
    description: 'The key itself is in this answer and nowhere else: only its hash is kept.',
    body: newKey,
    answer: json(z.object({ data: key, key: z.string() }), 201),
  },
  'GET /keys/:hash': { id: 'getKey', tag: 'Keys', summary: 'One key', answer: data(key) },
  'PATCH /keys/:hash': {
    id: 'updateKey',
    tag: 'Keys',
    summary: 'Changes what is named, and nothing else',
    description: 'A limit below what the key has used already is refused.',
    body: keyChanges,
    answer: data(key),
  },
  'DELETE /keys/:hash': {
    id: 'deleteKey',
    tag: 'Keys',
    summary: 'Ends a key for good',
    answer: json(deleted),
  },
};
