// The sandbox as providers: of OpenAI's dialect, and of every other that both it and the workers speak. What it offers is asked from it, so that its models are
// written down once; two more make fallback and the choice by price testable.
import type { EndpointSource, ProviderSource } from '@waystation/catalog';
import { PROVIDER_DIALECTS } from '@waystation/providers';
import { z } from 'zod';

const BYTES_MAX = 1024 * 1024;
const TIMEOUT_MS = 2_000;

const modelList = z.object({
  data: z
    .array(
      z.object({
        id: z.string().startsWith('sandbox/').max(200),
        name: z.string().max(256),
        description: z.string().max(4096).optional(),
        created: z.number().int().min(0).optional(),
        context_length: z.number().int().positive(),
        max_output_tokens: z.number().int().positive(),
        price: z.record(z.string(), z.string()),
        input_modalities: z.array(z.string()),
        output_modalities: z.array(z.string()),
        apis: z.array(z.string()).min(1).default(['chat']),
        supported_parameters: z.array(z.string()),
        bills_after_cancel: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(500),
});
type SandboxModel = z.infer<typeof modelList>['data'][number];

const ECHO = 'sandbox/echo';
/** The model that answers at a dearer price, and the one that always fails. */
const DEARER = 'sandbox/echo-b';
const FAILING = 'sandbox/fail-500';
const BREAKING = 'sandbox/breaks-off';

const BOTH = {
  model: 'sandbox/both',
  modelName: 'Sandbox both',
  description: 'Repeats the last user message, at two providers of different price.',
};
const FALLBACK = {
  model: 'sandbox/fallback',
  modelName: 'Sandbox fallback',
  description: 'Fails at the provider sandbox and works at sandbox-b.',
};

const UNSTEADY = {
  model: 'sandbox/unsteady',
  modelName: 'Sandbox unsteady',
  description: 'Breaks off at the provider sandbox; sandbox-b goes on with what was said.',
};

const endpointOf = (model: SandboxModel): EndpointSource => ({
  model: model.id,
  upstreamModel: model.id,
  modelName: model.name,
  ...(model.description === undefined ? {} : { description: model.description }),
  ...(model.created === undefined ? {} : { created: model.created }),
  context: model.context_length,
  maxOutput: model.max_output_tokens,
  price: model.price,
  inputModalities: model.input_modalities,
  outputModalities: model.output_modalities,
  apis: model.apis,
  supportedParameters: model.supported_parameters,
  billsAfterCancel: model.bills_after_cancel,
  showsOutput: true,
  quirks: { continues: true },
});

const originOf = (url: string): string => url.replace(/\/+$/, '').replace(/\/v1$/, '');

interface Speaker {
  readonly slug: string;
  readonly name: string;
  readonly dialect: string;
  /** Of the base URL, as real providers of the dialect have it. */
  readonly path: string;
  /** Absent: none. The sandbox takes any, but misses it where its provider would be sure to. */
  readonly credential?: ProviderSource['credential'];
}

const provider = (
  { slug, name, dialect, path, credential = { kind: 'none' } }: Speaker,
  url: string,
  endpoints: readonly EndpointSource[],
): ProviderSource => ({
  slug,
  name,
  dialect,
  baseUrl: `${originOf(url)}${path}`,
  allowPrivateAddress: true,
  dataPolicy: { retains: false, trains: false, region: 'local' },
  billsAfterCancel: false,
  credential,
  endpoints,
});

const CHAT = { dialect: 'openai-chat', path: '/v1' };

/** For those that miss one. */
const SANDBOX_SECRET = 'any-secret-does-for-the-sandbox';
/** As they sign. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const SANDBOX_KEYS = JSON.stringify({
  accessKeyId: 'AKIDSANDBOX',
  secretAccessKey: SANDBOX_SECRET,
  region: 'us-east-1',
});

/** Undefined where none is wanted. */
export const sandboxSecret = ({ kind }: ProviderSource['credential']): string | undefined => {
  if (kind === 'none') return undefined;
  return kind === 'aws' ? SANDBOX_KEYS : SANDBOX_SECRET;
};

/** One provider for each further dialect. Their models are named after them. */
const SPEAKERS: readonly Speaker[] = [
  { slug: 'sandbox-messages', name: 'Sandbox Messages', dialect: 'anthropic-messages', path: '/v1' },
  { slug: 'sandbox-responses', name: 'Sandbox Responses', dialect: 'openai-responses', path: '/v1' },
  { slug: 'sandbox-gemini', name: 'Sandbox Gemini', dialect: 'gemini', path: '/v1beta' },
  {
    slug: 'sandbox-bedrock',
    name: 'Sandbox Bedrock',
    dialect: 'bedrock-converse',
    path: '',
    credential: { kind: 'aws' },
  },
  { slug: 'sandbox-cohere', name: 'Sandbox Cohere', dialect: 'cohere', path: '/v2' },
];

/** Enough of the models to try a dialect by. */
const SPOKEN: ReadonlySet<string> = new Set([
  ...['echo', 'tools', 'parallel', 'reason', 'reason-tools', 'cache', 'bills-after-cancel', 'no-usage', 'late-usage'],
  ...['fail-400', 'fail-401', 'fail-429', 'fail-500', 'fail-529', 'error-first', 'error-after-5'],
  ...['die-after-30', 'stall-after-30', 'no-finish', 'empty'],
]);
/** Of the generic form: tokens, milliseconds before the first, milliseconds between two. */
const PACED = ['m-100-0-0', 'm-1000-0-0', 'm-100-0-20'];

const plainId = (id: string): string => id.slice('sandbox/'.length);

const spokenBy = ({ slug, name }: Speaker, endpoints: readonly EndpointSource[]): EndpointSource[] => {
  const as = (endpoint: EndpointSource, id: string): EndpointSource => ({
    ...endpoint,
    model: `${slug}/${id}`,
    // Dialects with the model in the path take no slash.
    upstreamModel: id,
    modelName: `${name} ${id}`,
  });
  const echo = endpoints.find(({ model }) => model === ECHO);
  return [
    ...endpoints.flatMap((endpoint) =>
      SPOKEN.has(plainId(endpoint.model)) ? [as(endpoint, plainId(endpoint.model))] : [],
    ),
    ...(echo === undefined
      ? []
      : PACED.map((id) => ({ ...as(echo, id), description: 'A length at a pace: see the README of the sandbox.' }))),
  ];
};

/**
 * Two providers at one address. `sandbox` offers every model but the dearer one; `sandbox-b` offers that. Both offer `sandbox/both`, which works at either,
 * `sandbox/fallback`, which fails at `sandbox` and works at `sandbox-b`, and `sandbox/unsteady`, which breaks off at the one and is continued at the other.
 * Beside them one for each further dialect that is spoken here, with models of its own.
 */
export const sandboxSources = (url: string, models: readonly SandboxModel[]): ProviderSource[] => {
  const endpoints = models.map(endpointOf);
  const dearer = endpoints.find(({ model }) => model === DEARER);
  const failing = endpoints.find(({ model }) => model === FAILING);
  const breaking = endpoints.find(({ model }) => model === BREAKING);
  const echo = endpoints.find(({ model }) => model === ECHO);
  const offered = (
    endpoint: EndpointSource | undefined,
    as: Pick<EndpointSource, 'model' | 'modelName' | 'description'>,
  ): EndpointSource[] => (endpoint === undefined ? [] : [{ ...endpoint, ...as }]);
  return [
    provider({ ...CHAT, slug: 'sandbox', name: 'Sandbox' }, url, [
      ...endpoints.filter((endpoint) => endpoint !== dearer),
      ...offered(echo, BOTH),
      ...offered(failing, FALLBACK),
      ...offered(breaking, UNSTEADY),
    ]),
    provider({ ...CHAT, slug: 'sandbox-b', name: 'Sandbox B' }, url, [
      ...(dearer === undefined ? [] : [dearer]),
      ...offered(dearer, BOTH),
      ...offered(dearer, FALLBACK),
      ...offered(dearer, UNSTEADY),
    ]),
    ...SPEAKERS.filter(({ dialect }) => PROVIDER_DIALECTS.includes(dialect)).map((speaker) =>
      provider(speaker, url, spokenBy(speaker, endpoints)),
    ),
  ];
};

/** Asks the sandbox what it offers. Rejects while it is away or says something else. */
export const readSandbox = async (url: string): Promise<ProviderSource[]> => {
  const address = `${originOf(url)}/v1/models`;
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  if (!response.ok) throw new Error(`the sandbox at ${address} answered ${response.status}`);
  const text = await response.text();
  if (text.length > BYTES_MAX) throw new Error(`the sandbox at ${address} answered more than ${BYTES_MAX} bytes`);
  return sandboxSources(url, modelList.parse(JSON.parse(text)).data);
};
