// Reads the operator's file (WAYSTATION_CONFIG). All faults at once, each with file, line and column; nothing of a file with a fault is used.
import { open } from 'node:fs/promises';
import type {
  EndpointChange,
  EndpointSource,
  Locate,
  PriceChangeSource,
  PriceSource,
  ProviderExtension,
  ProviderSource,
} from '@waystation/catalog';
import { usualCredential } from '@waystation/providers';
import { LineCounter, parseDocument } from 'yaml';
import { memberOf, nameOf, problemsOf, type Issue, type Problem } from './name-problems.js';
import { placeNodes } from './place-nodes.js';
import { configFileSchema, extensionSchema, providerSchema, type FileExtension, type FileProvider } from './schema.js';

/** Described whole, or standing on a provider of the catalog. */
export type ConfiguredProvider = {
  readonly slug: string;
  readonly locate: Locate;
  /** The provider's key, in the clear: it is sealed next and goes nowhere else. */
  readonly secret: string | undefined;
} & (
  | { readonly source: ProviderSource }
  | {
      readonly source?: undefined;
      /** Slug of the catalog's provider. */
      readonly base: string;
      readonly extension: ProviderExtension;
    }
);

export interface ConfigFile {
  /** As it was read, to notice changes. */
  readonly text: string;
  readonly providers: readonly ConfiguredProvider[];
  readonly faults: readonly string[];
}

/** Where no file is configured. */
export const NO_FILE: ConfigFile = { text: '', providers: [], faults: [] };

const BYTES_MAX = 4 * 1024 * 1024;

/** @throws Error that names the file when it cannot be read at all. */
export const readConfigFile = async (
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ConfigFile> => parseConfigFile(path, await readText(path), environment);

const readText = async (path: string): Promise<string> => {
  const file = await open(path).catch((cause: unknown) => {
    throw new Error(
      `the configuration file ${path} cannot be read (${cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)}); unset WAYSTATION_CONFIG or put it there`,
      { cause },
    );
  });
  try {
    const { size } = await file.stat();
    if (size > BYTES_MAX) throw new Error(`the configuration file ${path} has ${size} bytes; ${BYTES_MAX} are allowed`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
};

export const parseConfigFile = (
  path: string,
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigFile => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return `${path}:${line}:${col}: ${error.message}`;
    });
    return { text, providers: [], faults };
  }
  const placed = placeNodes(document, lines, environment);
  const parsed = configFileSchema.safeParse(placed.value ?? {});
  const read = (parsed.data?.providers ?? []).map((provider, index) => {
    const at = ['providers', index];
    const result = readProvider(provider, (below) => `${path}:${placed.placeOf([...at, ...below])}`);
    if (!('issues' in result)) return result;
    return { issues: result.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] })) };
  });
  const issues = [...(parsed.error?.issues ?? []), ...read.flatMap((each) => ('issues' in each ? each.issues : []))];
  const faults = [
    ...placed.faults.map(({ path: at, problem }) => `${path}:${placed.placeOf(at)}: ${nameOf(at)}${problem}`),
    ...issues
      .flatMap((issue) => problemsOf(placed.value, issue))
      .map(({ at, key, problem }) => `${path}:${placed.placeOf(at, key)}: ${nameOf(at, key)}${problem}`),
    ...repeats(placed.value).map(({ at, problem }) => `${path}:${placed.placeOf(at)}: ${nameOf(at)}${problem}`),
  ];
  if (faults.length > 0) return { text, providers: [], faults };
  return { text, providers: read.filter((each) => 'slug' in each), faults };
};

/** By the schema that it needs: one that names what it extends says only what is otherwise. */
export const readProvider = (
  value: unknown,
  locate: Locate,
): ConfiguredProvider | { readonly issues: readonly Issue[] } => {
  if (memberOf(value, 'extends') === undefined) {
    const { data, error } = providerSchema.safeParse(value);
    if (data === undefined) return { issues: error.issues };
    return { slug: data.slug, source: sourceOf(data), secret: secretOf(data), locate };
  }
  const { data, error } = extensionSchema.safeParse(value);
  if (data === undefined) return { issues: error.issues };
  const extension = extensionOf(data);
  return { slug: extension.slug, base: data.extends, extension, secret: secretOf(data), locate };
};

const listAt = (value: unknown, member: string): unknown[] => {
  const list = memberOf(value, member);
  return Array.isArray(list) ? list : [];
};

/** What is there twice; found in the raw values, so that it is told together with everything else. */
export const repeats = (value: unknown): Problem[] => {
  const found: Problem[] = [];
  const slugs = new Set<unknown>();
  listAt(value, 'providers').forEach((provider, index) => {
    const slug = memberOf(provider, 'slug') ?? memberOf(provider, 'extends');
    if (slug !== undefined && slugs.has(slug))
      found.push({ at: ['providers', index, 'slug'], problem: `provider "${String(slug)}" is there twice` });
    slugs.add(slug);
    const offered = new Set<string>();
    listAt(provider, 'endpoints').forEach((endpoint, place) => {
      const name = JSON.stringify([memberOf(endpoint, 'model'), memberOf(endpoint, 'tag')]);
      if (offered.has(name))
        found.push({
          at: ['providers', index, 'endpoints', place, 'model'],
          problem: 'the same model is there twice; give one of them a tag',
        });
      offered.add(name);
    });
  });
  return found;
};

type Auth = NonNullable<FileProvider['auth']>;

/** One text, since that is what is sealed: the key, or what it takes to sign, as JSON. */
const secretOf = ({ apiKey, auth }: Pick<FileProvider, 'apiKey' | 'auth'>): string | undefined => {
  if (auth?.kind !== 'aws') return apiKey;
  const { accessKeyId, secretAccessKey, sessionToken, region } = auth;
  return JSON.stringify({ accessKeyId, secretAccessKey, sessionToken, region });
};

/** How the secret is presented, without any of it. */
const presentationOf = (auth: Auth): ProviderSource['credential'] => (auth.kind === 'aws' ? { kind: 'aws' } : auth);

const credentialOf = (provider: FileProvider): ProviderSource['credential'] => {
  if (secretOf(provider) === undefined) return { kind: 'none' };
  return provider.auth === undefined ? usualCredential(provider.dialect) : presentationOf(provider.auth);
};

const sourceOf = (provider: FileProvider): ProviderSource => ({
  slug: provider.slug,
  ...(provider.name === undefined ? {} : { name: provider.name }),
  dialect: provider.dialect,
  baseUrl: provider.baseUrl,
  // The operator's own file may name servers of the operator's own network; a tenant never may.
  allowPrivateAddress: true,
  ...(provider.headers === undefined ? {} : { headers: provider.headers }),
  ...(provider.dataPolicy === undefined ? {} : { dataPolicy: dataPolicyOf(provider.dataPolicy) }),
  ...(provider.quirks === undefined ? {} : { quirks: provider.quirks }),
  ...(provider.billsAfterCancel === undefined ? {} : { billsAfterCancel: provider.billsAfterCancel }),
  ...(provider.maxConnections === undefined ? {} : { maxConnections: provider.maxConnections }),
  ...(provider.capacity === undefined ? {} : { capacity: defined(provider.capacity) }),
  ...(provider.timeouts === undefined ? {} : { timeouts: defined(provider.timeouts) }),
  credential: credentialOf(provider),
  endpoints: provider.endpoints.map(endpointOf),
});

const extensionOf = (from: FileExtension): ProviderExtension => {
  const { name, baseUrl, headers, quirks, billsAfterCancel, maxConnections, models } = from;
  return {
    ...defined({ name, baseUrl, headers, quirks, billsAfterCancel, maxConnections, models }),
    slug: from.slug ?? from.extends,
    ...(baseUrl === undefined ? {} : { allowPrivateAddress: true }),
    ...(from.auth === undefined ? {} : { credential: presentationOf(from.auth) }),
    ...(from.dataPolicy === undefined ? {} : { dataPolicy: dataPolicyOf(from.dataPolicy) }),
    ...(from.capacity === undefined ? {} : { capacity: defined(from.capacity) }),
    ...(from.timeouts === undefined ? {} : { timeouts: defined(from.timeouts) }),
    ...(from.endpoints === undefined ? {} : { endpoints: from.endpoints.map(changeOf) }),
  };
};

type FilePrice = Pick<FileProvider['endpoints'][number], 'price' | 'tiers' | 'serviceTiers'>;

const priceOf = ({ price, tiers, serviceTiers }: FilePrice): PriceSource =>
  defined({
    price,
    tiers,
    serviceTiers:
      serviceTiers &&
      Object.fromEntries(Object.entries(serviceTiers).map(([name, each]) => [name, defined(each)] as const)),
  });

const changeOfPrice = ({
  effectiveAt,
  ...change
}: FilePrice & { readonly effectiveAt: number }): PriceChangeSource => ({
  ...priceOf(change),
  effectiveAtMs: effectiveAt,
});

const endpointOf = ({
  name,
  tag,
  price,
  tiers,
  serviceTiers,
  priceChanges,
  ...endpoint
}: FileProvider['endpoints'][number]): EndpointSource =>
  defined({
    ...endpoint,
    ...priceOf({ price, tiers, serviceTiers }),
    priceChanges: priceChanges?.map(changeOfPrice),
    upstreamModel: endpoint.upstreamModel ?? endpoint.model,
    modelName: name,
    tagSuffix: tag,
  });

const changeOf = ({
  name,
  tag,
  price,
  tiers,
  serviceTiers,
  priceChanges,
  ...endpoint
}: NonNullable<FileExtension['endpoints']>[number]): EndpointChange =>
  defined({
    ...endpoint,
    ...(price === undefined ? {} : priceOf({ price, tiers, serviceTiers })),
    priceChanges: priceChanges?.map(changeOfPrice),
    modelName: name,
    tagSuffix: tag,
  });

const dataPolicyOf = (policy: NonNullable<FileProvider['dataPolicy']>): NonNullable<ProviderSource['dataPolicy']> =>
  defined(policy);

/** Without members that are there and undefined. */
const defined = <Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Key in keyof Value]: Exclude<Value[Key], undefined>;
  };
