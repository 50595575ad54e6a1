// Customers' own provider keys as planning wants them: by workspace and provider, and whom of a workspace each serves.
// Invariant: a key is only ever found under its own workspace, and serves nobody that its filters do not name.
import type { CapacityLimits, Identity, OwnKeyEntry } from '@waystation/contracts';

/** An own key, ready to be judged. */
export interface OwnKey {
  readonly id: string;
  readonly isFallback: boolean;
  /** Whom it serves the station's own capacity does not serve. */
  readonly alwaysUse: boolean;
  readonly models: ReadonlySet<string> | undefined;
  readonly keyHashes: ReadonlySet<string> | undefined;
  readonly memberIds: ReadonlySet<string> | undefined;
  readonly capacity: CapacityLimits | undefined;
}

/** By slug of the provider; each provider's in the order in which they are tried. */
export type OwnKeysOfWorkspace = ReadonlyMap<string, readonly OwnKey[]>;

export interface OwnKeysIndex {
  /** Undefined for a workspace that has none: most. */
  of(workspaceId: string): OwnKeysOfWorkspace | undefined;
}

const setOf = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list === undefined ? undefined : new Set(list);

const byPlace = (a: OwnKeyEntry, b: OwnKeyEntry): number => a.sortOrder - b.sortOrder || (a.id < b.id ? -1 : 1);

/** Disabled ones are as if they were not there. */
export const indexOwnKeys = (entries: readonly OwnKeyEntry[]): OwnKeysIndex => {
  const byWorkspace = new Map<string, Map<string, OwnKey[]>>();
  for (const entry of [...entries].sort(byPlace)) {
    if (entry.disabled) continue;
    const ofWorkspace = byWorkspace.get(entry.workspaceId) ?? new Map<string, OwnKey[]>();
    byWorkspace.set(entry.workspaceId, ofWorkspace);
    const key: OwnKey = {
      id: entry.id,
      isFallback: entry.isFallback,
      alwaysUse: entry.alwaysUse,
      models: setOf(entry.allowedModels),
      keyHashes: setOf(entry.allowedKeyHashes),
      memberIds: setOf(entry.allowedMemberIds),
      capacity: entry.capacity,
    };
    ofWorkspace.set(entry.provider, [...(ofWorkspace.get(entry.provider) ?? []), key]);
  }
  return { of: (workspaceId) => byWorkspace.get(workspaceId) };
};

export const NO_OWN_KEYS: OwnKeysIndex = { of: () => undefined };

/** The filter by which a key does not serve a call; undefined where it does. */
export const filteredBy = (
  { models, keyHashes, memberIds }: OwnKey,
  model: string,
  { keyHash, memberId }: Pick<Identity, 'keyHash' | 'memberId'>,
): string | undefined => {
  if (models?.has(model) === false) return 'allowed_models';
  if (keyHashes?.has(keyHash) === false) return 'allowed_api_key_hashes';
  if (memberIds !== undefined && (memberId === undefined || !memberIds.has(memberId))) return 'allowed_user_ids';
  return undefined;
};
