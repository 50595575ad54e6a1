// Private providers and their probes as rows. What a provider means was read by the schema of the operator's file before it was stored.
import type { ProviderExtension, ProviderSource } from '@waystation/catalog';
import type { EndpointProbe, PrivateProvider, ProbeProblem } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { Change } from '../changes/changes.js';
import type { SealedSecret } from '../credentials/credential-rows.js';

/** A provider as the operator's file would describe it; JSON. */
export type Said = Readonly<Record<string, unknown>>;

export type Meaning =
  { readonly source: ProviderSource } | { readonly base: string; readonly extension: ProviderExtension };

export interface ProviderKey {
  readonly sealed?: SealedSecret;
  readonly variable?: string;
}

export const keyPlaceOf = ({ sealed, variable }: ProviderKey): PrivateProvider['key'] => {
  if (sealed !== undefined) return 'sealed';
  return variable === undefined ? 'none' : 'variable';
};

export interface StoredProvider {
  readonly slug: string;
  readonly said: Said;
  readonly meaning: Meaning;
  readonly key: ProviderKey;
  readonly changedBy?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deletedAt?: number;
  readonly version: number;
}

interface Row {
  readonly slug: string;
  readonly said: Said;
  readonly meaning: Meaning;
  readonly sealed: SealedSecret['text'] | null;
  readonly fingerprint: string | null;
  readonly key_variable: string | null;
  readonly changed_by: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly version: string;
}

const storedOf = (row: Row): StoredProvider => ({
  slug: row.slug,
  said: row.said,
  meaning: row.meaning,
  key: {
    ...(row.sealed === null || row.fingerprint === null
      ? {}
      : { sealed: { text: row.sealed, fingerprint: row.fingerprint } }),
    ...(row.key_variable === null ? {} : { variable: row.key_variable }),
  },
  ...(row.changed_by === null ? {} : { changedBy: row.changed_by }),
  createdAt: row.created_at.getTime(),
  updatedAt: row.updated_at.getTime(),
  ...(row.deleted_at === null ? {} : { deletedAt: row.deleted_at.getTime() }),
  version: Number(row.version),
});

/** @param slugs undefined: all, those that were deleted too */
export const readProviders = async (runner: QueryRunner, slugs?: readonly string[]): Promise<StoredProvider[]> =>
  (
    await queryRows<Row>(
      runner,
      'select * from private_providers where $1::text[] is null or slug = any($1) order by slug',
      [slugs ?? null],
    )
  ).map(storedOf);

/** Which changes are in what was read: any that is made later is above it. */
export const readRevision = async (runner: QueryRunner): Promise<number> => {
  const [row] = await queryRows<{ revision: string }>(
    runner,
    'select coalesce(max(version), 0) as revision from private_providers',
  );
  return Number(row?.revision);
};

/** In the place of one of the same slug that was deleted, or of itself. */
export const writeProvider = async (
  { runner, version }: Change,
  { slug, said, meaning, key }: Pick<StoredProvider, 'slug' | 'said' | 'meaning' | 'key'>,
  changedBy: string | undefined,
): Promise<void> => {
  await runner.query(
    `insert into private_providers as p (slug, said, meaning, sealed, fingerprint, key_variable, changed_by, version)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (slug) do update set
       said = excluded.said, meaning = excluded.meaning, sealed = excluded.sealed, fingerprint = excluded.fingerprint,
       key_variable = excluded.key_variable, changed_by = excluded.changed_by, version = excluded.version,
       created_at = case when p.deleted_at is null then p.created_at else now() end, updated_at = now(), deleted_at = null`,
    [
      slug,
      JSON.stringify(said),
      JSON.stringify(meaning),
      key.sealed === undefined ? null : JSON.stringify(key.sealed.text),
      key.sealed?.fingerprint ?? null,
      key.variable ?? null,
      changedBy ?? null,
      version,
    ],
  );
};

/** Its secret goes at once, the rest stays to say why it is not there. Answers when. */
export const markDeleted = async (
  { runner, version }: Change,
  slug: string,
  changedBy: string | undefined,
): Promise<number> => {
  const [row] = await queryRows<{ deleted_at: Date }>(
    runner,
    `update private_providers
        set deleted_at = now(), updated_at = now(), sealed = null, fingerprint = null, key_variable = null, changed_by = $2, version = $3
      where slug = $1 returning deleted_at`,
    [slug, changedBy ?? null, version],
  );
  return row?.deleted_at.getTime() ?? 0;
};

/** Says that its probes changed. */
export const touchProvider = async ({ runner, version }: Change, slug: string): Promise<void> => {
  await runner.query('update private_providers set version = $2 where slug = $1', [slug, version]);
};

/** What came of trying an endpoint. */
export interface NewProbe {
  readonly endpointId: string;
  readonly digest: string;
  readonly status: EndpointProbe['status'];
  readonly latencyMs: number;
  readonly costPicodollars: bigint;
  readonly problem?: ProbeProblem | undefined;
  readonly forced?: string | undefined;
}

export const addProbes = async ({ runner }: Change, provider: string, probes: readonly NewProbe[]): Promise<void> => {
  for (const probe of probes)
    await runner.query(
      `insert into endpoint_probes (provider, endpoint_id, digest, status, latency_ms, cost_picodollars, problem, forced)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        provider,
        probe.endpointId,
        probe.digest,
        probe.status,
        probe.latencyMs,
        probe.costPicodollars.toString(),
        probe.problem === undefined ? null : JSON.stringify(probe.problem),
        probe.forced ?? null,
      ],
    );
};

/** What is known of an endpoint as it was when it had this digest. */
export interface KnownProbe {
  readonly last: EndpointProbe;
  /** The reason why it serves all the same: as long as it was not seen to pass since. */
  readonly forced?: string;
}

export const probeName = (endpointId: string, digest: string): string => `${endpointId} ${digest}`;

/** By endpoint and digest. */
export const readProbes = async (
  runner: QueryRunner,
  providers: readonly string[],
): Promise<ReadonlyMap<string, KnownProbe>> => {
  const rows = await queryRows<{
    endpoint_id: string;
    digest: string;
    at: Date;
    status: EndpointProbe['status'];
    latency_ms: number;
    cost_picodollars: string;
    problem: ProbeProblem | null;
    forced: string | null;
  }>(
    runner,
    `select distinct on (endpoint_id, digest) endpoint_id, digest, at, status, latency_ms, cost_picodollars::text, problem,
            (select f.forced from endpoint_probes f
              where f.provider = p.provider and f.endpoint_id = p.endpoint_id and f.digest = p.digest
                and (f.forced is not null or f.status = 'passing')
              order by f.id desc limit 1) as forced
       from endpoint_probes p where provider = any($1) order by endpoint_id, digest, id desc`,
    [providers],
  );
  return new Map(
    rows.map((row) => [
      probeName(row.endpoint_id, row.digest),
      {
        last: {
          status: row.status,
          at: row.at.getTime(),
          latencyMs: row.latency_ms,
          costPicodollars: row.cost_picodollars,
          ...(row.problem === null ? {} : { problem: row.problem }),
        },
        ...(row.forced === null ? {} : { forced: row.forced }),
      },
    ]),
  );
};
