// Raw `Authorization` header → caller. Verified headers are cached in a bounded map; entries go when their key, workspace or guardrail changes.
// Invariant: a snapshot that may be old admits nobody, so that a revoked key is refused everywhere within seconds.
import { hash } from 'node:crypto';
import { WaystationError, type KeyEntry, type WorkspaceEntry } from '@waystation/contracts';
import type { HeadSnapshot, PolicySnapshot } from '@waystation/runtime';
import { callerOf, type Caller } from './caller.js';
import { apiKeyOf, invalidKey } from './credentials.js';

/** What the authenticator needs of a snapshot of `libs/runtime`. */
export interface EntityView<Entry> {
  readonly current: ReadonlyMap<string, Entry>;
  readonly ready: boolean;
  onChange(listener: (id: string) => void): unknown;
  silentMs(): number;
}

export interface AuthenticatorDeps {
  readonly keys: EntityView<KeyEntry>;
  readonly workspaces: EntityView<WorkspaceEntry>;
  readonly policies: Pick<HeadSnapshot<PolicySnapshot>, 'current' | 'ready' | 'onChange' | 'silentMs'>;
  /** Silence of a snapshot after which nobody is admitted. */
  readonly staleAfterMs: number;
  readonly nowMs: () => number;
  /** Hashes of management keys whose holders run the station. */
  readonly operatorKeyHashes: ReadonlySet<string>;
}

export interface Authenticator {
  /** @throws WaystationError `missing_credentials`, `invalid_credentials`, `key_disabled`, `key_expired`, `snapshot_stale`. Whether its workspace is suspended is for the route to say. */
  authenticate(header: string | undefined): Caller;
  /** Undefined while the snapshots can be trusted. */
  staleness(): string | undefined;
}

const CACHE_MAX = 10_000;
export const createAuthenticator = (deps: AuthenticatorDeps): Authenticator => {
  const { keys, workspaces, policies, staleAfterMs, nowMs, operatorKeyHashes } = deps;
  const callers = new Map<string, Caller>();
  const headersOf = new Map<string, Set<string>>();

  const forget = (subject: string): void => {
    for (const header of headersOf.get(subject) ?? []) callers.delete(header);
    headersOf.delete(subject);
  };
  const forgetAll = (): void => {
    callers.clear();
    headersOf.clear();
  };
  const remember = (header: string, caller: Caller): void => {
    if (callers.size >= CACHE_MAX) forgetAll();
    callers.set(header, caller);
    for (const subject of [caller.key.hash, caller.workspace.id]) {
      const headers = headersOf.get(subject) ?? new Set();
      headersOf.set(subject, headers.add(header));
    }
  };
  keys.onChange(forget);
  workspaces.onChange(forget);
  // People change guardrails now and then; whose they are is not worth remembering here.
  policies.onChange(forgetAll);

  const staleness = (): string | undefined => {
    for (const [name, view] of [
      ['keys', keys],
      ['workspaces', workspaces],
      ['policies', policies],
    ] as const) {
      if (!view.ready) return `the ${name} have not been loaded yet`;
      const silentMs = view.silentMs();
      if (silentMs > staleAfterMs) return `nothing was heard of the ${name} for ${Math.round(silentMs)} ms`;
    }
    return undefined;
  };

  const lookUp = (header: string | undefined): Caller => {
    const key = keys.current.get(hash('sha256', apiKeyOf(header), 'hex'));
    if (key === undefined || key.deleted) throw invalidKey();
    const workspace = workspaces.current.get(key.workspaceId);
    if (workspace === undefined) throw invalidKey();
    return callerOf(key, workspace, operatorKeyHashes.has(key.hash), policies.current.policies);
  };

  return {
    staleness,
    authenticate(header) {
      const known = header === undefined ? undefined : callers.get(header);
      const caller = known ?? lookUp(header);
      const stale = staleness();
      if (stale !== undefined)
        throw new WaystationError('snapshot_stale', `Keys cannot be checked now (${stale}); try again.`, {
          retryAfterMs: 1000,
        });
      if (caller.key.disabled) throw new WaystationError('key_disabled', 'This API key is disabled');
      if (caller.key.expiresAt !== undefined && caller.key.expiresAt <= nowMs())
        throw new WaystationError('key_expired', 'This API key has expired');
      if (known === undefined && header !== undefined) remember(header, caller);
      return caller;
    },
  };
};
