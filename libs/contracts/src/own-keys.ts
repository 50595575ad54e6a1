// Customers' own provider keys (BYOK): a secret for one provider and one workspace, whom it serves, and when it is tried. The secret goes in and never comes out;
// what is shown of it is a label. To the data plane an own key is a sealed credential and, beside it, a rule of routing (see snapshot.ts), both under its id.
import { z } from 'zod';
import { call, define } from './management.js';
import { count, unixMs, workspaceId } from './scalars.js';
import { ownKeyEntry } from './snapshot.js';

/** Own keys of one page. */
export const OWN_KEYS_PER_CALL_MAX = 100;
export const OWN_KEY_SECRET_CHARACTERS_MAX = 16_384;
export const OWN_KEY_NAME_CHARACTERS_MAX = 255;

const { id, provider, disabled, isFallback, alwaysUse, sortOrder, capacity } = ownKeyEntry.shape;
const { allowedModels, allowedKeyHashes, allowedMemberIds } = ownKeyEntry.shape;

const name = z.string().max(OWN_KEY_NAME_CHARACTERS_MAX);
const secret = z.string().min(1).max(OWN_KEY_SECRET_CHARACTERS_MAX);

/** What is left out stays as it is, or as is usual; null removes. */
const ownKeySettings = z.object({
  name: name.nullable().optional(),
  disabled: disabled.optional(),
  isFallback: isFallback.optional(),
  alwaysUse: alwaysUse.optional(),
  sortOrder: sortOrder.optional(),
  allowedModels: allowedModels.nullable().optional(),
  allowedKeyHashes: allowedKeyHashes.nullable().optional(),
  allowedMemberIds: allowedMemberIds.nullable().optional(),
  /** Whole: what it does not name is not limited. */
  capacity: capacity.nullable().optional(),
});
export type OwnKeySettings = z.infer<typeof ownKeySettings>;

export const ownKey = z.object({
  id,
  workspaceId,
  provider,
  name: name.optional(),
  /** A few characters of the secret, or who it names: enough to tell one from another. */
  label: z.string().max(64),
  disabled,
  isFallback,
  alwaysUse,
  sortOrder,
  allowedModels,
  allowedKeyHashes,
  allowedMemberIds,
  capacity,
  createdAt: unixMs,
});
export type OwnKey = z.infer<typeof ownKey>;

const about = { ...call, workspaceId };
const one = { ...about, id };
const reply = z.object({ ownKey });

/** `invalid_request` where the secret is not what the provider takes, or the provider is none that is offered here. */
export const ControlOwnKeyCreate = define(
  'control',
  'own-key',
  'create',
  'keys:write',
  false,
  z.object({ ...about, provider, secret, settings: ownKeySettings }),
  reply,
);
/** With a secret: it takes the place of the one before, at once. */
export const ControlOwnKeyUpdate = define(
  'control',
  'own-key',
  'update',
  'keys:write',
  true,
  z.object({ ...one, secret: secret.optional(), settings: ownKeySettings }),
  reply,
);
export const ControlOwnKeyDelete = define(
  'control',
  'own-key',
  'delete',
  'keys:write',
  true,
  z.object(one),
  z.object({ deleted: z.literal(true) }),
);
export const ControlOwnKeyGet = define('control', 'own-key', 'get', 'keys:read', true, z.object(one), reply);
export const ControlOwnKeyList = define(
  'control',
  'own-key',
  'list',
  'keys:read',
  true,
  z.object({
    ...about,
    provider: provider.optional(),
    offset: count,
    limit: z.number().int().min(1).max(OWN_KEYS_PER_CALL_MAX),
  }),
  z.object({ ownKeys: z.array(ownKey).max(OWN_KEYS_PER_CALL_MAX), total: count }),
);
