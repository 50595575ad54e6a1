// What the management API lays over the catalog and the operator's file: each provider that is stored, with what its probes say of its endpoints.
// Invariant: an endpoint serves only where its last probe passed, or where somebody forced it with a reason; what was proved is proved for what was asked then.
import { createHash } from 'node:crypto';
import { endpointIdOf, type EndpointChange, type EndpointSource } from '@waystation/catalog';
import type { QueryRunner } from 'typeorm';
import { canonicalJson } from '../audit/audit-chain.js';
import { nameOf } from '../config-file/name-problems.js';
import type { ConfiguredProvider } from '../config-file/read-config-file.js';
import type { SealedSecret } from '../credentials/credential-rows.js';
import {
  probeName,
  readProbes,
  readProviders,
  readRevision,
  type KnownProbe,
  type StoredProvider,
} from './provider-rows.js';

export interface OverlaidProvider {
  readonly configured: ConfiguredProvider;
  readonly sealed?: SealedSecret | undefined;
  /** Why it cannot be used as it is. */
  readonly fault?: string | undefined;
  readonly isDeleted: boolean;
  /** Why this endpoint may not serve; undefined where it may. */
  refusal(endpointId: string): string | undefined;
}

export interface Overlay {
  readonly revision: number;
  readonly providers: readonly OverlaidProvider[];
}

export const NO_OVERLAY: Overlay = { revision: 0, providers: [] };

/** Whoever still asks for what was deleted is told so for as long. */
const TOLD_FOR_MS = 7 * 24 * 60 * 60 * 1000;

type Environment = Readonly<Record<string, string>>;

/** What of an endpoint decides how it is asked, where the provider says it. */
const askedOf = ({ upstreamModel, apis, quirks }: Partial<EndpointSource>) => ({ upstreamModel, apis, quirks });

/**
 * Of all that decides what a probe asks, and with what: in what was said, so that a catalog that is brought up to date proves nothing wrong. What an endpoint costs
 * or is called is not in it.
 */
export const probeDigest = (
  { slug, meaning, key }: Pick<StoredProvider, 'slug' | 'meaning' | 'key'>,
  endpointId: string,
): string => {
  const own = 'source' in meaning ? meaning.source : meaning.extension;
  const { baseUrl, headers, quirks, credential } = own;
  const endpoints: readonly EndpointChange[] = own.endpoints ?? [];
  const endpoint = endpoints.find((each) => endpointIdOf(slug, each) === endpointId);
  return createHash('sha256')
    .update(
      canonicalJson({
        what: 'source' in meaning ? { dialect: meaning.source.dialect } : { base: meaning.base },
        provider: { baseUrl, headers, quirks, credential },
        key: [key.sealed?.fingerprint, key.variable],
        endpoint: [endpointId, endpoint === undefined ? {} : askedOf(endpoint)],
      }),
    )
    .digest('hex');
};

/** Where faults of a private provider are: in its own words. */
export const locateIn =
  (slug: string): ConfiguredProvider['locate'] =>
  (path) =>
    `the private provider ${slug}: ${nameOf(path).replace(/: $/, '')}`;

const refusalOf = (known: KnownProbe | undefined): string | undefined => {
  if (known?.last.status === 'passing' || known?.forced !== undefined) return undefined;
  return known?.last.status === 'failing' ? 'it failed when it was last tried' : 'it was not tried yet';
};

export const overlaidOf = (
  stored: StoredProvider,
  probes: ReadonlyMap<string, KnownProbe>,
  environment: Environment,
): OverlaidProvider => {
  const { slug, meaning, key, deletedAt } = stored;
  const secret = key.variable === undefined ? undefined : environment[key.variable];
  const isMissing = key.variable !== undefined && (secret ?? '') === '';
  return {
    configured: { slug, locate: locateIn(slug), secret, ...meaning },
    sealed: key.sealed,
    fault: isMissing ? `apiKey: the environment variable ${String(key.variable)} is not set in control` : undefined,
    isDeleted: deletedAt !== undefined,
    refusal: (endpointId) =>
      deletedAt === undefined
        ? refusalOf(probes.get(probeName(endpointId, probeDigest(stored, endpointId))))
        : `the provider ${slug} was deleted at ${new Date(deletedAt).toISOString()}`,
  };
};

/** As it is now; those that were deleted of late are in it, with endpoints that serve nobody. */
export const readOverlay = async (runner: QueryRunner, environment: Environment, nowMs: number): Promise<Overlay> => {
  // The revision first: what is committed in between is then read twice, never passed over.
  const revision = await readRevision(runner);
  const stored = (await readProviders(runner)).filter(
    ({ deletedAt }) => deletedAt === undefined || deletedAt > nowMs - TOLD_FOR_MS,
  );
  const probes = await readProbes(
    runner,
    stored.map(({ slug }) => slug),
  );
  return { revision, providers: stored.map((each) => overlaidOf(each, probes, environment)) };
};
