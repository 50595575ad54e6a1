// What must be there before anybody can ask for it: the workspace `default`, and in development the keys and credits of the demo.
import { apiKeyLabel, BillingCreditsGrant } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { AppContext } from '@waystation/runtime';
import { CONTROL_PRINCIPAL } from '../catalog/catalog-keeper.js';
import type { Changes } from '../changes/changes.js';
import type { ControlConfig } from '../config.js';
import { hashKey } from '../keys/keys.handler.js';

export const DEFAULT_WORKSPACE = 'default';
/** A grant is made once under its id, however often it is asked for. */
const GRANT_ID = 'seed-default-credits';
const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;

export const seedWorkspace = (changes: Changes): Promise<void> =>
  changes.commit(async ({ runner, version, touch }) => {
    const made = await queryRows(
      runner,
      `insert into workspaces (id, slug, name, version) values ($1, $1, 'Default', $2) on conflict (id) do nothing returning id`,
      [DEFAULT_WORKSPACE, version],
    );
    if (made.length === 0) return { result: undefined };
    touch('workspace', DEFAULT_WORKSPACE);
    return {
      result: undefined,
      fact: {
        workspaceId: DEFAULT_WORKSPACE,
        actor: { kind: 'service', reason: 'seed' },
        action: 'workspace.created',
        subject: DEFAULT_WORKSPACE,
        detail: { name: 'Default' },
      },
    };
  });

/** Makes the key if nobody ever did; one that was deleted or changed stays so. */
const seedKey = (changes: Changes, key: string, kind: 'inference' | 'management', name: string): Promise<void> =>
  changes.commit(async ({ runner, version, touch }) => {
    const hash = hashKey(key);
    const made = await queryRows(
      runner,
      'insert into keys (hash, workspace_id, label, name, kind, version) values ($1, $2, $3, $4, $5, $6) on conflict (hash) do nothing returning hash',
      [hash, DEFAULT_WORKSPACE, apiKeyLabel(key), name, kind, version],
    );
    if (made.length === 0) return { result: undefined };
    touch('key', hash);
    return {
      result: undefined,
      fact: {
        workspaceId: DEFAULT_WORKSPACE,
        actor: { kind: 'service', reason: 'seed' },
        action: 'key.created',
        subject: hash,
        detail: { name, kind, label: apiKeyLabel(key) },
      },
    };
  });

export const seedKeys = async (changes: Changes, { apiKey, managementKey }: ControlConfig['seeds']): Promise<void> => {
  if (apiKey !== undefined) await seedKey(changes, apiKey, 'inference', 'Demo key');
  if (managementKey !== undefined) await seedKey(changes, managementKey, 'management', 'Demo management key');
};

export interface CreditsSeeder {
  readonly ready: boolean;
  stop(): void;
}

/** Grants the demo's credits, as soon as billing answers. */
export const seedCredits = ({
  bus,
  log,
  config: { seeds },
  scaleMs,
}: Pick<AppContext<ControlConfig>, 'bus' | 'log' | 'config' | 'scaleMs'>): CreditsSeeder => {
  let ready = seeds.apiKey === undefined || seeds.credits === 0n;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const grant = async (retryMs: number): Promise<void> => {
    try {
      await bus.request(BillingCreditsGrant, {
        v: 1,
        principal: CONTROL_PRINCIPAL,
        workspaceId: DEFAULT_WORKSPACE,
        grantId: GRANT_ID,
        amount: seeds.credits.toString(),
        reason: 'Credits of the demo workspace',
      });
      ready = true;
    } catch (error) {
      if (stopped) return;
      log.debug({ err: error }, 'billing does not take the demo credits yet');
      timer = setTimeout(() => void grant(Math.min(retryMs * 2, RETRY_MS_MAX)), scaleMs(retryMs));
    }
  };
  if (!ready) void grant(RETRY_MS);
  return {
    get ready() {
      return ready;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
