// Who says what about the market, put together: the catalog where a key is set, the operator's file over it, the sandbox. Faults are told by their place.
import {
  credentialIdOf,
  extendProvider,
  keyAmong,
  normaliseCatalog,
  offerByKeys,
  sourceOfCatalog,
  type LocatedSource,
  type ProviderSource,
} from '@waystation/catalog';
import { PROVIDER_DIALECTS } from '@waystation/providers';
import type { ConfigFile, ConfiguredProvider } from '../config-file/read-config-file.js';
import type { CredentialSource } from '../credentials/credential-rows.js';
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
}

interface Offered {
  readonly source: ProviderSource;
  readonly secret: string | undefined;
  readonly locate: LocatedSource['locate'];
}

type Environment = Readonly<Record<string, string>>;

const credentialOf = ({ source, secret }: Offered): CredentialSource => ({
  id: credentialIdOf(source.slug),
  provider: source.slug,
  kind: source.credential.kind,
  ...(source.credential.name === undefined ? {} : { name: source.credential.name }),
  ...(secret === undefined ? {} : { secret }),
});

const catalogSource = async (slug: string, catalog: CatalogFiles, environment: Environment): Promise<ProviderSource> =>
  sourceOfCatalog(await catalog.provider(slug), await catalog.models(), environment);

/** A provider of the file, which may stand on one of the catalog. */
const resolve = async (
  configured: ConfiguredProvider,
  catalog: CatalogFiles,
  environment: Environment,
): Promise<Offered | { readonly faults: readonly string[] }> => {
  const { locate, secret: own } = configured;
  if (configured.source !== undefined) return { source: configured.source, secret: own, locate };
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
  const secret = own ?? keyAmong(head, environment);
  // A server of one's own may ask for no key; an API of the world never does.
  if (secret === undefined && !extended.source.allowPrivateAddress)
    return { faults: [fault(['apiKey'], `has no key: give apiKey, or set ${head.keyVariables.join(' or ')}`)] };
  return {
    source: secret === undefined ? { ...extended.source, credential: { kind: 'none' } } : extended.source,
    ...{ secret, locate },
  };
};

/** Providers of the file replace those of the catalog that have the same slug. */
export const gatherSources = async (
  file: ConfigFile,
  catalog: CatalogFiles,
  environment: Environment,
  sandbox: readonly ProviderSource[],
): Promise<Sources> => {
  const own = new Set(file.providers.map(({ slug }) => slug));
  const heads = catalog.heads.filter(({ slug }) => !own.has(slug));
  const { offered, leftOut } = offerByKeys(heads, environment, PROVIDER_DIALECTS);
  const fromCatalog = await Promise.all(
    offered.map(async (head): Promise<Offered> => ({
      source: await catalogSource(head.slug, catalog, environment),
      secret: keyAmong(head, environment),
      locate: () => `the catalog's provider ${head.slug}`,
    })),
  );
  const fromFile = await Promise.all(file.providers.map((each) => resolve(each, catalog, environment)));
  const all: Offered[] = [
    ...sandbox.map((source) => ({
      source,
      secret: sandboxSecret(source.credential),
      locate: () => 'WAYSTATION_SANDBOX_URL',
    })),
    ...fromCatalog,
    ...fromFile.filter((each) => 'source' in each),
  ];
  return {
    located: all.map(({ source, locate }) => ({ source, locate })),
    credentials: all.map(credentialOf),
    offered: offered.map(({ slug }) => slug),
    leftOut: leftOut.map(({ slug, why }) => `${slug} (${why})`),
    faults: fromFile.flatMap((each) => ('faults' in each ? each.faults : [])),
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
  const { located, faults } = await gatherSources(file, catalog, environment, []);
  return [...faults, ...normaliseCatalog(located, sha256hex, Date.now()).faults];
};

/** The faults as one text for a person, a line each. */
export const describeFaults = (faults: readonly string[]): string =>
  `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
