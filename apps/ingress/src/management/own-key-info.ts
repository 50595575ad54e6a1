// An own key as the reference API shows it: everything but the key. `always_use` and `capacity` are ours.
import type { OwnKey } from '@waystation/contracts';

export const ownKeyInfo = (ownKey: OwnKey) => ({
  id: ownKey.id,
  workspace_id: ownKey.workspaceId,
  provider: ownKey.provider,
  name: ownKey.name ?? null,
  label: ownKey.label,
  disabled: ownKey.disabled,
  is_fallback: ownKey.isFallback,
  always_use: ownKey.alwaysUse,
  sort_order: ownKey.sortOrder,
  allowed_models: ownKey.allowedModels ?? null,
  allowed_api_key_hashes: ownKey.allowedKeyHashes ?? null,
  allowed_user_ids: ownKey.allowedMemberIds ?? null,
  capacity:
    ownKey.capacity === undefined
      ? null
      : {
          requests_per_minute: ownKey.capacity.requestsPerMinute ?? null,
          tokens_per_minute: ownKey.capacity.tokensPerMinute ?? null,
          in_flight: ownKey.capacity.inFlight ?? null,
        },
  created_at: new Date(ownKey.createdAt).toISOString(),
});
