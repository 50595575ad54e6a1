// The catalog's own files: a table of contents, the models, and one file for each provider. What they say becomes a source like any other, so that all that
// holds for the operator's file holds for them. Written by tools/import-catalog, never by hand.
import type { DataPolicySource, EndpointSource, PriceSource, ProviderSource } from './provider-source.js';

/** What an endpoint can do, in groups: which parameters of a request that means depends on the dialect. */
export const ABILITIES = ['tools', 'reasoning', 'structured', 'sampling'] as const;
export type Ability = (typeof ABILITIES)[number];

export interface CatalogModel {
  /** `author/slug`, perhaps with a variant behind a colon. */
  readonly id: string;
  readonly name: string;
  /** Day of publication, `2026-04-23`. */
  readonly published?: string;
}

export interface CatalogEndpoint extends PriceSource {
  readonly model: string;
  readonly tagSuffix?: string;
  readonly upstreamModel: string;
  readonly context: number;
  readonly maxOutput?: number;
  /** Absent: text. */
  readonly inputModalities?: readonly string[];
  readonly outputModalities?: readonly string[];
  readonly abilities?: readonly Ability[];
  /** Absent: chat. */
  readonly apis?: readonly string[];
  readonly quantization?: string;
  /** Of this model there, over the provider's. */
  readonly quirks?: Readonly<Record<string, string | number | boolean>>;
  /** Where it is not the provider's. */
  readonly dataPolicy?: DataPolicySource;
}

/** What has to be known of a provider before its file is read. */
export interface CatalogProviderHead {
  readonly slug: string;
  readonly name: string;
  readonly dialect: string;
  /** Environment variables that may hold its key: the first that is set is used. */
  readonly keyVariables: readonly string[];
  /** Variables named in its base URL, as `${NAME}`. */
  readonly addressVariables?: readonly string[];
  /** Why it is not offered by its key alone, but only where the operator's file extends it. */
  readonly onRequest?: string;
}

export interface CatalogProvider extends CatalogProviderHead {
  readonly documentation?: string;
  readonly baseUrl: string;
  readonly credential: { readonly kind: 'bearer' | 'header' | 'query'; readonly name?: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly quirks?: Readonly<Record<string, string | number | boolean>>;
  /** Absent: the strictest reading. */
  readonly dataPolicy?: DataPolicySource;
  readonly billsAfterCancel: boolean;
  readonly endpoints: readonly CatalogEndpoint[];
}

type Variables = Readonly<Record<string, string | undefined>>;

const CAPS = ['max_tokens', 'max_completion_tokens'];
const TOOLS = ['tools', 'tool_choice', 'parallel_tool_calls'];
const REASONING = ['reasoning', 'include_reasoning', 'reasoning_effort'];
const STRUCTURED = ['response_format', 'structured_outputs'];

type ParameterTable = Readonly<Record<'always' | Ability, readonly string[]>>;

const OPENAI_PARAMETERS: ParameterTable = {
  always: [...CAPS, 'seed'],
  tools: TOOLS,
  reasoning: REASONING,
  structured: STRUCTURED,
  sampling: ['temperature', 'top_p', 'stop', 'frequency_penalty', 'presence_penalty'],
};

/** Where a dialect has less, or more, than OpenAI's chat completions. */
const PARAMETERS_OF_DIALECT: Readonly<Record<string, ParameterTable>> = {
  // https://docs.anthropic.com/en/api/messages
  'anthropic-messages': { ...OPENAI_PARAMETERS, always: CAPS, sampling: ['temperature', 'top_p', 'top_k', 'stop'] },
  // https://ai.google.dev/api/generate-content#generationconfig
  gemini: {
    ...OPENAI_PARAMETERS,
    sampling: ['temperature', 'top_p', 'top_k', 'stop', 'frequency_penalty', 'presence_penalty'],
  },
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html
  'bedrock-converse': { ...OPENAI_PARAMETERS, always: CAPS, sampling: ['temperature', 'top_p', 'stop'] },
  // https://platform.openai.com/docs/api-reference/responses/create
  'openai-responses': { ...OPENAI_PARAMETERS, always: CAPS, sampling: ['temperature', 'top_p'] },
  // https://docs.cohere.com/reference/chat
  cohere: {
    ...OPENAI_PARAMETERS,
    sampling: ['temperature', 'top_p', 'top_k', 'stop', 'frequency_penalty', 'presence_penalty'],
  },
};

const parametersOf = (dialect: string, abilities: readonly Ability[]): string[] => {
  const table = PARAMETERS_OF_DIALECT[dialect] ?? OPENAI_PARAMETERS;
  return [...table.always, ...ABILITIES.filter((each) => abilities.includes(each)).flatMap((each) => table[each])];
};

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

/** The key among these variables, if any holds one. */
export const keyAmong = (
  { keyVariables }: Pick<CatalogProviderHead, 'keyVariables'>,
  variables: Variables,
): string | undefined => keyVariables.map((name) => variables[name]).find(isSet);

export interface Offer {
  /** Providers that are offered by what is in the environment. */
  readonly offered: readonly CatalogProviderHead[];
  /** Providers that have a key and are not offered, each with why. */
  readonly leftOut: readonly { readonly slug: string; readonly why: string }[];
}

/**
 * What the environment offers: providers with a key, an address and a dialect that somebody here speaks.
 * @param dialects those that the workers know
 */
export const offerByKeys = (
  heads: readonly CatalogProviderHead[],
  variables: Variables,
  dialects: readonly string[],
): Offer => {
  const offered: CatalogProviderHead[] = [];
  const leftOut: { slug: string; why: string }[] = [];
  for (const head of heads) {
    if (keyAmong(head, variables) === undefined) continue;
    const why = whyLeftOut(head, variables, dialects);
    if (why === undefined) offered.push(head);
    else leftOut.push({ slug: head.slug, why });
  }
  return { offered, leftOut };
};

const whyLeftOut = (
  { dialect, onRequest, addressVariables = [] }: CatalogProviderHead,
  variables: Variables,
  dialects: readonly string[],
): string | undefined => {
  if (!dialects.includes(dialect)) return `its dialect ${dialect} is not spoken here`;
  if (onRequest !== undefined) return `only where the file extends it: ${onRequest}`;
  const missing = addressVariables.find((name) => !isSet(variables[name]));
  return missing === undefined ? undefined : `its address needs ${missing}`;
};

/** The base URL with what the environment says; what is not set stays as it is written. */
const fillAddress = (baseUrl: string, variables: Variables): string =>
  baseUrl.replaceAll(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => {
    const value = variables[name];
    return isSet(value) ? value : whole;
  });

/** `http:` is for servers of one's own machine or network: nobody offers an API to the world that way. */
const isPrivateAddress = (baseUrl: string): boolean => baseUrl.startsWith('http:');

const createdOf = (published: string | undefined): { created?: number } => {
  const at = published === undefined ? NaN : Date.parse(published);
  return Number.isNaN(at) ? {} : { created: at / 1000 };
};

const endpointOf = (
  dialect: string,
  { abilities, ...endpoint }: CatalogEndpoint,
  model: CatalogModel | undefined,
): EndpointSource => ({
  ...endpoint,
  ...(model === undefined ? {} : { modelName: model.name, ...createdOf(model.published) }),
  supportedParameters: parametersOf(dialect, abilities ?? []),
});

/** A provider of the catalog as a source. Models that the catalog does not list keep their id as their name. */
export const sourceOfCatalog = (
  provider: CatalogProvider,
  models: ReadonlyMap<string, CatalogModel>,
  variables: Variables,
): ProviderSource => ({
  slug: provider.slug,
  name: provider.name,
  dialect: provider.dialect,
  baseUrl: fillAddress(provider.baseUrl, variables),
  allowPrivateAddress: isPrivateAddress(provider.baseUrl),
  ...(provider.headers === undefined ? {} : { headers: provider.headers }),
  ...(provider.dataPolicy === undefined ? {} : { dataPolicy: provider.dataPolicy }),
  ...(provider.quirks === undefined ? {} : { quirks: provider.quirks }),
  billsAfterCancel: provider.billsAfterCancel,
  credential: provider.credential,
  endpoints: provider.endpoints.map((endpoint) => endpointOf(provider.dialect, endpoint, models.get(endpoint.model))),
});
