// The snapshots that the data plane lives from. Each process opens those it needs, once; all survive restarts of NATS and of control.
import type { Bus } from '@waystation/bus';
import {
  credentialEntry,
  endpointEntry,
  keyEntry,
  modelEntry,
  ownKeyEntry,
  policyEntry,
  presetEntry,
  providerEntry,
  workspaceEntry,
  type CredentialEntry,
  type EndpointEntry,
  type KeyEntry,
  type ModelEntry,
  type OwnKeyEntry,
  type PolicyEntry,
  type PresetEntry,
  type ProviderEntry,
  type WorkspaceEntry,
} from '@waystation/contracts';
import { watchEntities, type EntitySnapshot } from './entity-snapshot.js';
import { watchHead, type HeadSnapshot } from './head-snapshot.js';
import type { WatchOptions } from './watch-bucket.js';

/** Everything that can be routed, of one revision. */
export interface CatalogSnapshot {
  readonly revision: number;
  readonly providers: ReadonlyMap<string, ProviderEntry>;
  readonly models: ReadonlyMap<string, ModelEntry>;
  readonly endpoints: ReadonlyMap<string, EndpointEntry>;
}

export interface PolicySnapshot {
  readonly revision: number;
  readonly policies: ReadonlyMap<string, PolicyEntry>;
  /** Customers' own provider keys, without their secrets: who may be asked for whom is a policy, too. */
  readonly ownKeys: readonly OwnKeyEntry[];
}

/** Api keys by hash. A deleted key stays for a while, marked `deleted`. */
export const watchKeys = (bus: Bus, options: WatchOptions = {}): EntitySnapshot<KeyEntry> =>
  watchEntities(bus, 'keys', 'key', keyEntry, (entry) => entry.hash, options);

/** Workspaces by id. */
export const watchWorkspaces = (bus: Bus, options: WatchOptions = {}): EntitySnapshot<WorkspaceEntry> =>
  watchEntities(bus, 'workspaces', 'workspace', workspaceEntry, (entry) => entry.id, options);

/** Presets by workspace and slug. */
export const presetKey = (workspaceId: string, slug: string): string => `${slug}@${workspaceId}`;
export const watchPresets = (bus: Bus, options: WatchOptions = {}): EntitySnapshot<PresetEntry> =>
  watchEntities(bus, 'workspaces', 'preset', presetEntry, (entry) => presetKey(entry.workspaceId, entry.slug), options);

/** Sealed provider credentials by id. */
export const watchCredentials = (bus: Bus, options: WatchOptions = {}): EntitySnapshot<CredentialEntry> =>
  watchEntities(bus, 'credentials', 'credential', credentialEntry, (entry) => entry.id, options);

/** Providers by slug, models and endpoints by id; only complete revisions. */
export const watchCatalog = (bus: Bus, options: WatchOptions = {}): HeadSnapshot<CatalogSnapshot> =>
  watchHead(
    bus,
    'catalog',
    { provider: providerEntry, model: modelEntry, endpoint: endpointEntry },
    (revision, entries) => {
      const providers = new Map<string, ProviderEntry>();
      const models = new Map<string, ModelEntry>();
      const endpoints = new Map<string, EndpointEntry>();
      // The kind of each entry names the schema that it passed.
      for (const { kind, entry } of entries) {
        if (kind === 'provider') providers.set((entry as ProviderEntry).slug, entry as ProviderEntry);
        else if (kind === 'model') models.set((entry as ModelEntry).id, entry as ModelEntry);
        else endpoints.set((entry as EndpointEntry).id, entry as EndpointEntry);
      }
      return Object.freeze({ revision, providers, models, endpoints });
    },
    options,
  );

/** Policies by id, and own keys; only complete revisions. */
export const watchPolicies = (bus: Bus, options: WatchOptions = {}): HeadSnapshot<PolicySnapshot> =>
  watchHead(
    bus,
    'policies',
    { policy: policyEntry, 'own-key': ownKeyEntry },
    (revision, entries) => {
      const policies = new Map<string, PolicyEntry>();
      const ownKeys: OwnKeyEntry[] = [];
      // The kind of each entry names the schema that it passed.
      for (const { kind, entry } of entries) {
        if (kind === 'own-key') ownKeys.push(entry as OwnKeyEntry);
        else policies.set((entry as PolicyEntry).id, entry as PolicyEntry);
      }
      return Object.freeze({ revision, policies, ownKeys });
    },
    options,
  );
