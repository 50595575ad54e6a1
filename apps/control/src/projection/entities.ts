// What of Postgres goes where in KV: one row here per kind of entity. The only place that knows both the tables and the entries.
import {
  SNAPSHOT_KEYS,
  type BucketName,
  type KeyEntry,
  type TaskRule,
  type WorkspaceEntry,
} from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { GUARDRAIL_COLUMNS, policyOfGuardrail, type GuardrailRow } from '../guardrails/guardrail-rows.js';
import { OWN_KEY_COLUMNS, ownKeyEntryOf, type OwnKeyRow } from '../credentials/own-key-rows.js';
import { limitOf } from '../limits/limit-rows.js';
import { suspensionOf } from '../workspaces/suspension-rows.js';
import { presetEntryOf, PRESETS, type PresetRow } from '../presets/preset-rows.js';
import { KEY_COLUMNS, keyEntryOf, type KeyRow } from '../keys/key-rows.js';

export type EntityKind =
  | 'key'
  | 'workspace'
  | 'preset'
  | 'policy'
  | 'guardrail'
  | 'own-key'
  | 'credential'
  | 'provider'
  | 'model'
  | 'endpoint';
export type ProjectedBucket = Extract<BucketName, 'keys' | 'workspaces' | 'policies' | 'credentials' | 'catalog'>;

/** In the order of publication: what others refer to comes before what refers to it. */
export const PROJECTED_BUCKETS: readonly ProjectedBucket[] = [
  'credentials',
  'policies',
  'catalog',
  'workspaces',
  'keys',
];
/** Buckets whose entities only make sense together, and end in a head. */
export const HEAD_BUCKETS: readonly ProjectedBucket[] = ['policies', 'catalog'];

/** Deleted keys stay in KV for so long, marked as deleted, so that an ingress that was cut off learns of them when it is back. */
const TOMBSTONE_DAYS = 7;

export interface ProjectedEntity {
  readonly id: string;
  readonly version: number;
  readonly entry: unknown;
}

interface Projection {
  readonly bucket: ProjectedBucket;
  readonly table: string;
  readonly keyOf: (id: string) => string;
  /** All entities, or those of these ids that exist. */
  readonly read: (runner: QueryRunner, ids: readonly string[] | null) => Promise<ProjectedEntity[]>;
}

interface WorkspaceRow {
  id: string;
  slug: string;
  name: string;
  suspended: boolean;
  suspended_by: string | null;
  suspended_reason: string | null;
  suspended_at: Date | null;
  default_model: string | null;
  policy_id: string | null;
  default_max_output_tokens: string | null;
  stores_content: boolean;
  limits: Parameters<typeof limitOf>[0][];
  markup_ppm: number;
  byok_fee_ppm: number;
  task_rules: TaskRule[] | null;
  version: string;
}

const workspaceEntryOf = (row: WorkspaceRow): WorkspaceEntry => ({
  v: 1,
  version: Number(row.version),
  id: row.id,
  slug: row.slug,
  name: row.name,
  suspended: row.suspended,
  ...suspensionOf(row),
  ...(row.default_model === null ? {} : { defaultModel: row.default_model }),
  ...(row.policy_id === null ? {} : { policyId: row.policy_id }),
  ...(row.default_max_output_tokens === null ? {} : { defaultMaxOutputTokens: Number(row.default_max_output_tokens) }),
  storesContent: row.stores_content,
  ...(row.limits.length === 0 ? {} : { limits: row.limits.map(limitOf) }),
  ...(row.markup_ppm === 0 ? {} : { markupPpm: row.markup_ppm }),
  ...(row.byok_fee_ppm === 0 ? {} : { byokFeePpm: row.byok_fee_ppm }),
  ...(row.task_rules === null ? {} : { taskRules: row.task_rules }),
});

const entity = (id: string, entry: { readonly version: number }): ProjectedEntity => ({
  id,
  version: entry.version,
  entry,
});

const readKeys: Projection['read'] = async (runner, ids) => {
  const rows = await queryRows<KeyRow>(
    runner,
    `select ${KEY_COLUMNS} from keys where ($1::text[] is null or hash = any($1)) and (deleted_at is null or deleted_at > now() - make_interval(days => $2))`,
    [ids, TOMBSTONE_DAYS],
  );
  return rows.map(keyEntryOf).map((entry: KeyEntry) => entity(entry.hash, entry));
};

const readWorkspaces: Projection['read'] = async (runner, ids) =>
  (
    await queryRows<WorkspaceRow>(
      runner,
      `select *, (select coalesce(jsonb_agg(to_jsonb(l) order by scope, scope_id, metric, limit_window, free_only), '[]')
                    from (select scope, scope_id, metric, limit_window, free_only, amount::text as amount, include_byok
                            from limits where workspace_id = workspaces.id) as l) as limits
         from workspaces where $1::text[] is null or id = any($1)`,
      [ids],
    )
  )
    .map(workspaceEntryOf)
    .map((entry) => entity(entry.id, entry));

const readPresets: Projection['read'] = async (runner, ids) =>
  (await queryRows<PresetRow>(runner, `${PRESETS} where $1::text[] is null or p.id = any($1)`, [ids])).map((row) =>
    entity(row.id, presetEntryOf(row)),
  );

const readPolicies: Projection['read'] = async (runner, ids) =>
  (
    await queryRows<{ id: string; body: object; version: string }>(
      runner,
      'select id, body, version from policies where $1::text[] is null or id = any($1)',
      [ids],
    )
  ).map(({ id, body, version }) => entity(id, { ...body, v: 1, version: Number(version), id } as { version: number }));

/** Those that were deleted, too: calls that are on their way under one must find it. */
const readGuardrails: Projection['read'] = async (runner, ids) =>
  (
    await queryRows<GuardrailRow>(
      runner,
      `select ${GUARDRAIL_COLUMNS} from guardrails where $1::text[] is null or id = any($1)`,
      [ids],
    )
  ).map((row) => entity(row.id, policyOfGuardrail(row)));

const readOwnKeys: Projection['read'] = async (runner, ids) =>
  (
    await queryRows<OwnKeyRow>(
      runner,
      `select ${OWN_KEY_COLUMNS} from own_keys where $1::text[] is null or id = any($1)`,
      [ids],
    )
  ).map((row) => entity(row.id, ownKeyEntryOf(row)));

const readCredentials: Projection['read'] = async (runner, ids) =>
  (
    await queryRows<{
      id: string;
      provider: string;
      workspace_id: string | null;
      kind: string;
      name: string | null;
      base_url: string | null;
      origin: string | null;
      sealed: object | null;
      version: string;
    }>(
      runner,
      'select id, provider, workspace_id, kind, name, base_url, origin, sealed, version from credentials where $1::text[] is null or id = any($1)',
      [ids],
    )
  ).map(({ id, provider, workspace_id, kind, name, base_url, origin, sealed, version }) =>
    entity(id, {
      v: 1,
      version: Number(version),
      id,
      provider,
      ...(workspace_id === null ? {} : { workspaceId: workspace_id }),
      kind,
      ...(name === null ? {} : { name }),
      ...(base_url === null ? {} : { baseUrl: base_url }),
      ...(origin === null ? {} : { origin }),
      ...(sealed === null ? {} : { sealed }),
    } as { version: number }),
  );

const readCatalog =
  (kind: 'provider' | 'model' | 'endpoint'): Projection['read'] =>
  async (runner, ids) =>
    (
      await queryRows<{ id: string; body: object; version: string }>(
        runner,
        'select id, body, version from catalog where kind = $1 and ($2::text[] is null or id = any($2))',
        [kind, ids],
      )
    ).map(({ id, body, version }) => entity(id, { ...body, v: 1, version: Number(version) } as { version: number }));

export const PROJECTIONS: Readonly<Record<EntityKind, Projection>> = {
  key: { bucket: 'keys', table: 'keys', keyOf: SNAPSHOT_KEYS.key, read: readKeys },
  workspace: { bucket: 'workspaces', table: 'workspaces', keyOf: SNAPSHOT_KEYS.workspace, read: readWorkspaces },
  preset: { bucket: 'workspaces', table: 'presets', keyOf: SNAPSHOT_KEYS.preset, read: readPresets },
  policy: { bucket: 'policies', table: 'policies', keyOf: SNAPSHOT_KEYS.policy, read: readPolicies },
  guardrail: { bucket: 'policies', table: 'guardrails', keyOf: SNAPSHOT_KEYS.policy, read: readGuardrails },
  'own-key': { bucket: 'policies', table: 'own_keys', keyOf: SNAPSHOT_KEYS.ownKey, read: readOwnKeys },
  credential: { bucket: 'credentials', table: 'credentials', keyOf: SNAPSHOT_KEYS.credential, read: readCredentials },
  provider: { bucket: 'catalog', table: 'catalog', keyOf: SNAPSHOT_KEYS.provider, read: readCatalog('provider') },
  model: { bucket: 'catalog', table: 'catalog', keyOf: SNAPSHOT_KEYS.model, read: readCatalog('model') },
  endpoint: { bucket: 'catalog', table: 'catalog', keyOf: SNAPSHOT_KEYS.endpoint, read: readCatalog('endpoint') },
};

export const bucketOf = (kind: EntityKind): ProjectedBucket => PROJECTIONS[kind].bucket;
export const kindsOf = (bucket: ProjectedBucket): EntityKind[] =>
  (Object.keys(PROJECTIONS) as EntityKind[]).filter((kind) => bucketOf(kind) === bucket);
