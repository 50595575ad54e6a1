// What an operator says of a provider → what it means, by the one schema of the operator's file. Pure but for the sealing of keys. Faults are told all at once, each by
// its place. Invariants: a secret leaves by `key` alone, and nothing that is kept or shown holds it; a key goes to no other host than the one that it was given for.
import { credentialIdOf } from '@waystation/catalog';
import { usualCredential } from '@waystation/providers';
import { nameOf, problemsOf, type Problem } from '../config-file/name-problems.js';
import { readProvider, repeats, type ConfiguredProvider } from '../config-file/read-config-file.js';
import { sealNow } from '../credentials/credential-rows.js';
import type { Meaning, ProviderKey, Said, StoredProvider } from './provider-rows.js';
import { locateIn } from './overlay.js';

export interface SaidOptions {
  /** Seals to the workers. */
  readonly publicKey: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that hold the key of a provider of the catalog, by its slug. */
  readonly keyVariables: ReadonlyMap<string, readonly string[]>;
}

/** Others of control's environment hold what no provider is to be told. */
const KEY_VARIABLE = /^WAYSTATION_PROVIDER_\w+_KEY$/;

export type Reading =
  Pick<StoredProvider, 'slug' | 'said' | 'meaning' | 'key'> | { readonly faults: readonly string[] };

const VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;
const ANY_VARIABLE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/;

const isObject = (value: unknown): value is Said =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The file fills variables in everywhere; whoever holds a key of an operator shall not read control's environment. */
const strayVariables = (value: unknown, at: readonly (string | number)[] = []): Problem[] => {
  if (typeof value === 'string')
    return ANY_VARIABLE.test(value) ? [{ at, problem: 'may not hold a variable; only apiKey may, as a whole' }] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => strayVariables(item, [...at, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => strayVariables(member, [...at, name]));
};

/** A key of the catalog's provider is for its own address. */
const problemOfVariable = (
  name: string,
  said: Said,
  { environment, keyVariables }: SaidOptions,
): string | undefined => {
  const { extends: base, baseUrl } = said;
  const ofCatalog = typeof base === 'string' && baseUrl === undefined ? (keyVariables.get(base) ?? []) : [];
  if (!ofCatalog.includes(name) && !KEY_VARIABLE.test(name))
    return `may not name the variable ${name}: only WAYSTATION_PROVIDER_…_KEY, or that of a provider of the catalog which is extended at its own address`;
  return (environment[name] ?? '') === '' ? `the environment variable ${name} is not set in control` : undefined;
};

const without = (said: Said, ...names: readonly string[]): Said =>
  Object.fromEntries(Object.entries(said).filter(([name]) => !names.includes(name)));

/** What may be kept and shown: keys of AWS stand in `auth`. */
const shownOf = (said: Said, variable: string | undefined): Said => {
  const { auth } = said;
  return {
    ...without(said, 'apiKey'),
    ...(variable === undefined ? {} : { apiKey: `\${${variable}}` }),
    ...(isObject(auth) && auth['kind'] === 'aws' ? { auth: { kind: 'aws', region: auth['region'] } } : {}),
  };
};

const meaningOf = (configured: ConfiguredProvider): Meaning =>
  configured.source === undefined
    ? { base: configured.base, extension: configured.extension }
    : { source: configured.source };

/** A key that is kept is presented as it was, or as the dialect has it; it was not there when this was read. */
const presentedAsBefore = (meaning: Meaning, said: Said, before: Meaning): Meaning => {
  const known = 'source' in before ? before.source.credential : before.extension.credential;
  if ('source' in meaning) {
    const credential =
      said['auth'] === undefined ? usualCredential(meaning.source.dialect) : (known ?? meaning.source.credential);
    return { source: { ...meaning.source, credential } };
  }
  return said['auth'] === undefined || known === undefined
    ? meaning
    : { ...meaning, extension: { ...meaning.extension, credential: known } };
};

/** @param kept of a provider whose key stays as it is */
export const readSaid = (said: Said, options: SaidOptions, kept?: Pick<StoredProvider, 'meaning' | 'key'>): Reading => {
  const { apiKey } = said;
  const variable = typeof apiKey === 'string' ? VARIABLE.exec(apiKey)?.[1] : undefined;
  const keeps = kept?.key.sealed !== undefined && variable === undefined;
  const problems: Problem[] = strayVariables(variable === undefined ? said : without(said, 'apiKey'));
  const problem = variable === undefined ? undefined : problemOfVariable(variable, said, options);
  if (problem !== undefined) problems.push({ at: ['apiKey'], problem });
  // What cannot be filled in is found already, and would be found again.
  const filled =
    variable === undefined
      ? said
      : { ...said, apiKey: (problem === undefined && options.environment[variable]) || 'x' };
  const value = keeps ? without(said, 'auth') : filled;
  const slug = typeof said['slug'] === 'string' ? said['slug'] : String(said['extends'] ?? '');
  const read = readProvider(value, locateIn(slug));
  if ('issues' in read) problems.push(...read.issues.flatMap((issue) => problemsOf(value, issue)));
  problems.push(
    ...repeats({ providers: [said] }).map(({ at, problem: repeated }) => ({ at: at.slice(2), problem: repeated })),
  );
  if ('issues' in read || problems.length > 0)
    return { faults: problems.map(({ at, key, problem: what }) => `provider.${nameOf(at, key)}${what}`) };
  const key: ProviderKey =
    variable !== undefined
      ? { variable }
      : keeps
        ? kept.key
        : read.secret === undefined
          ? {}
          : { sealed: sealNow(options.publicKey, credentialIdOf(read.slug), read.secret) };
  const meaning = meaningOf(read);
  return {
    slug: read.slug,
    said: shownOf(said, variable),
    meaning: keeps ? presentedAsBefore(meaning, said, kept.meaning) : meaning,
    key,
  };
};

const KEY_MEMBERS = ['apiKey', 'auth'] as const;

const originOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? URL.parse(value)?.origin : undefined;

/** Whether both are asked at the same place, as far as what is said decides it. */
const isSamePlace = (one: Said, other: Said): boolean =>
  one['extends'] === other['extends'] && originOf(one['baseUrl']) === originOf(other['baseUrl']);

/** What is named replaces what was said; null takes it away. */
export const applyChanges = (stored: StoredProvider, changes: Said, options: SaidOptions): Reading => {
  if (changes['slug'] !== undefined && changes['slug'] !== stored.slug)
    return { faults: ['provider.slug: cannot be changed; make another provider and delete this one'] };
  const said = Object.fromEntries(
    Object.entries({ ...stored.said, ...changes }).filter(([, member]) => member !== null && member !== undefined),
  );
  const isSealed = stored.key.sealed !== undefined;
  if (!KEY_MEMBERS.some((name) => changes[name] !== undefined))
    return isSealed && !isSamePlace(said, stored.said)
      ? {
          faults: [
            'provider.apiKey: give it again where the host changes; a key is sent to no other host than its own',
          ],
        }
      : readSaid(said, options, stored);
  const isAws = isObject(changes['auth']) && changes['auth']['kind'] === 'aws';
  return isSealed && changes['apiKey'] === undefined && !isAws
    ? { faults: ['provider.apiKey: give it again where auth changes; a sealed key cannot be read back'] }
    : readSaid(said, options);
};

const placeOf = (endpoint: unknown): string =>
  isObject(endpoint) ? JSON.stringify([endpoint['model'], endpoint['tag']]) : '';

const endpointsOf = (said: Said): unknown[] =>
  Array.isArray(said['endpoints']) ? [...(said['endpoints'] as unknown[])] : [];

/** In the place of the endpoint of the same model and tag, or behind the others. */
export const putEndpoint = (stored: StoredProvider, endpoint: Said, options: SaidOptions): Reading => {
  const endpoints = endpointsOf(stored.said);
  const at = endpoints.findIndex((each) => placeOf(each) === placeOf(endpoint));
  endpoints.splice(at < 0 ? endpoints.length : at, at < 0 ? 0 : 1, endpoint);
  return readSaid({ ...stored.said, endpoints }, options, stored);
};

/** Undefined where it has none of this model and tag. */
export const removeEndpoint = (
  stored: StoredProvider,
  { model, tag }: { readonly model: string; readonly tag?: string | undefined },
  options: SaidOptions,
): Reading | undefined => {
  const { said } = stored;
  const endpoints = endpointsOf(said);
  const left = endpoints.filter((each) => placeOf(each) !== JSON.stringify([model, tag]));
  const models = Array.isArray(said['models']) ? (said['models'] as unknown[]) : undefined;
  const leftModels = tag === undefined ? models?.filter((each) => each !== model) : models;
  if (left.length === endpoints.length && leftModels?.length === models?.length) return undefined;
  return readSaid(
    {
      ...said,
      ...(said['endpoints'] === undefined ? {} : { endpoints: left }),
      ...(leftModels === undefined ? {} : { models: leftModels }),
    },
    options,
    stored,
  );
};
