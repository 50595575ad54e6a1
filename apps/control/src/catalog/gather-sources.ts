// Who says what about the market, put together: the catalog where a key is set, the operator's file over it, the management API over both, the sandbox. Faults are
// told by their place.
import {
  credentialIdOf,
  extendProvider,
  keyAmong,
  normaliseCatalog,
  offerByKeys,
  sourceOfCatalog,
  endpointIdOf,
  type LocatedSource,
  type ProviderSource,
} from '@waystation/catalog';
import { PROVIDER_DIALECTS } from '@waystation/providers';
import type { ConfigFile, ConfiguredProvider } from '../config-file/read-config-file.js';
import type { CredentialSource, SealedSecret } from '../credentials/credential-rows.js';
import type { OverlaidProvider } from '../private-providers/overlay.js';
import { isPrivateHost } from '../private-providers/private-hosts.js';
import type { CatalogFiles } from './catalog-files.js';
import { sandboxSecret } from './sandbox-source.js';

export interface Sources {
  readonly located: readonly LocatedSource[];
  readonly credentials: readonly CredentialSource[];
  /** Providers of the catalog that are offered by a key of the environment. */
  readonly offered: readonly string[];
  /** Those that have a key there and are not offered, with why. */
  readonly leftOut: readonly string[];
  readonly faults: readonly string[];
  /** Of providers of the management API: each is left out alone. */
  readonly overlayFaults: readonly string[];
}

export interface Offered {
  readonly source: ProviderSource;
  readonly secret: string | undefined;
  readonly sealed?: SealedSecret | undefined;
  readonly locate: LocatedSource['locate'];
}

type Environment = Readonly<Record<string, string>>;

export const credentialOf = ({ source, secret, sealed }: Offered): CredentialSource => ({
  id: credentialIdOf(source.slug),
  provider: source.slug,
  kind: source.credential.kind,
  ...(source.credential.name === undefined ? {} : { name: source.credential.name }),
  ...(secret === undefined ? {} : { secret }),
  ...(sealed === undefined ? {} : { sealed }),
});

const catalogSource = async (slug: string, catalog: CatalogFiles, environment: Environment): Promise<ProviderSource> =>
  sourceOfCatalog(await catalog.provider(slug), await catalog.models(), environment);

/** A provider of the file, which may stand on one of the catalog. */
const resolve = async (
  configured: ConfiguredProvider,
  catalog: CatalogFiles,
  environment: Environment,
  {
    sealed,
    needsKey = true,
    borrowsKey = true,
  }: {
    readonly sealed?: SealedSecret | undefined;
    readonly needsKey?: boolean;
    /** Whether a key of the environment may stand in for one that is not given. */
    readonly borrowsKey?: boolean;
  } = {},
): Promise<Offered | { readonly faults: readonly string[] }> => {
  const { locate, secret: own } = configured;
  if (configured.source !== undefined) return { source: configured.source, secret: own, sealed, locate };
  const { base: slug, extension } = configured;
  const fault = (path: readonly (string | number)[], problem: string): string => `${locate(path)}: ${problem}`;
  const head = catalog.heads.find((each) => each.slug === slug);
  if (head === undefined) return { faults: [fault(['extends'], `the catalog has no provider "${slug}"`)] };
  if (!PROVIDER_DIALECTS.includes(head.dialect))
    return {
      faults: [
        fault(['extends'], `the provider "${slug}" speaks the dialect ${head.dialect}, which is not spoken here`),
      ],
    };
  const missing = head.addressVariables?.find((name) => (environment[name] ?? '') === '');
  if (missing !== undefined && extension.baseUrl === undefined)
    return {
      faults: [fault(['extends'], `the address of "${slug}" needs ${missing} in the environment, or a baseUrl`)],
    };
  const extended = extendProvider(await catalogSource(slug, catalog, environment), extension);
  if ('faults' in extended) return { faults: extended.faults.map(({ path, problem }) => fault(path, problem)) };
  const secret = own ?? (borrowsKey ? keyAmong(head, environment) : undefined);
  // A server of one's own may ask for no key; an API of the world never does.
  if (needsKey && secret === undefined && sealed === undefined && !extended.source.allowPrivateAddress)
    return { faults: [fault(['apiKey'], `has no key: give apiKey, or set ${head.keyVariables.join(' or ')}`)] };
  return {
    source:
      secret === undefined && sealed === undefined
        ? { ...extended.source, credential: { kind: 'none' } }
        : extended.source,
    ...{ secret: sealed === undefined ? secret : undefined, sealed, locate },
  };
};

/** A provider of the management API: private addresses are for the configuration to allow, and only what was proved serves. */
export const resolveOverlaid = async (
  { configured, sealed, fault, isDeleted, refusal }: OverlaidProvider,
  catalog: CatalogFiles,
  environment: Environment,
  privateHosts: readonly string[],
): Promise<Offered | { readonly faults: readonly string[] }> => {
  if (fault !== undefined) return { faults: [`${configured.locate([])}${fault}`] };
  const resolved = await resolve(configured, catalog, environment, {
    ...{ sealed, needsKey: !isDeleted },
    // The operator's key of the catalog's provider is for its own address.
    borrowsKey: configured.source === undefined && configured.extension.baseUrl === undefined,
  });
  if ('faults' in resolved) return resolved;
  const { source } = resolved;
  const gated = source.endpoints.map((endpoint) => {
    const reason = endpoint.enabled === false ? undefined : refusal(endpointIdOf(source.slug, endpoint));
    return reason === undefined ? endpoint : { ...endpoint, enabled: false, disabledBecause: reason };
  });
  return {
    ...resolved,
    source: {
      ...source,
      ...(isDeleted ? { credential: { kind: 'none' } } : {}),
      allowPrivateAddress: isPrivateHost(source.baseUrl, privateHosts),
      endpoints: gated,
    },
  };
};

export interface GatherOptions {
  readonly sandbox?: readonly ProviderSource[];
  readonly overlay?: readonly OverlaidProvider[];
  readonly privateHosts?: readonly string[];
}

/** What can be said against a provider by itself; the ids of its prices do not matter here. */
const withoutFaults = (each: Offered | { readonly faults: readonly string[] }): typeof each => {
  if ('faults' in each) return each;
  const { faults } = normaliseCatalog([each], () => '', Date.now());
  return faults.length === 0 ? each : { faults };
};

/** Providers of the file replace those of the catalog that have the same slug, and those of the management API both; what was deleted there replaces nothing. */
export const gatherSources = async (
  file: ConfigFile,
  catalog: CatalogFiles,
  environment: Environment,
  { sandbox = [], overlay = [], privateHosts = [] }: GatherOptions = {},
): Promise<Sources> => {
  const live = overlay.filter(({ isDeleted }) => !isDeleted);
  const over = new Set(live.map(({ configured }) => configured.slug));
  const ofFile = file.providers.filter(({ slug }) => !over.has(slug));
  const own = new Set([...over, ...ofFile.map(({ slug }) => slug)]);
  const heads = catalog.heads.filter(({ slug }) => !own.has(slug));
  const { offered, leftOut } = offerByKeys(heads, environment, PROVIDER_DIALECTS);
  const fromCatalog = await Promise.all(
    offered.map(async (head): Promise<Offered> => ({
      source: await catalogSource(head.slug, catalog, environment),
      secret: keyAmong(head, environment),
      locate: () => `the catalog's provider ${head.slug}`,
    })),
  );
  const fromFile = await Promise.all(ofFile.map((each) => resolve(each, catalog, environment)));
  const taken = new Set([...own, ...offered.map(({ slug }) => slug), ...sandbox.map(({ slug }) => slug)]);
  const gone = overlay.filter(({ isDeleted, configured }) => isDeleted && !taken.has(configured.slug));
  const resolveEach = async (each: OverlaidProvider) =>
    withoutFaults(await resolveOverlaid(each, catalog, environment, privateHosts));
  const fromOverlay = await Promise.all(live.map(resolveEach));
  const fromDeleted = await Promise.all(gone.map(resolveEach));
  const all: Offered[] = [
    ...sandbox
      .filter(({ slug }) => !over.has(slug))
      .map((source) => ({
        source,
        secret: sandboxSecret(source.credential),
        locate: () => 'WAYSTATION_SANDBOX_URL',
      })),
    ...fromCatalog,
    ...fromFile.filter((each) => 'source' in each),
    ...[...fromOverlay, ...fromDeleted].filter((each) => 'source' in each),
  ];
  return {
    located: all.map(({ source, locate }) => ({ source, locate })),
    credentials: all.map(credentialOf),
    offered: offered.map(({ slug }) => slug),
    leftOut: leftOut.map(({ slug, why }) => `${slug} (${why})`),
    faults: fromFile.flatMap((each) => ('faults' in each ? each.faults : [])),
    overlayFaults: fromOverlay.flatMap((each) => ('faults' in each ? each.faults : [])),
  };
};

/** All faults of the file, and of what it says together with the other sources. */
export const checkSources = async (
  file: ConfigFile,
  catalog: CatalogFiles,
  environment: Environment,
  sha256hex: (text: string) => string,
): Promise<string[]> => {
  if (file.faults.length > 0) return [...file.faults];
  const { located, faults } = await gatherSources(file, catalog, environment);
  return [...faults, ...normaliseCatalog(located, sha256hex, Date.now()).faults];
};

/** The faults as one text for a person, a line each. */
export const describeFaults = (faults: readonly string[]): string =>
  `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
