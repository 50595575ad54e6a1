// The sandbox as a provider. What it offers is asked from it, so that its models are written down once; two more make fallback and the choice by price testable.
import type { EndpointSource, ProviderSource } from '@waystation/catalog';
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
        supported_parameters: z.array(z.string()),
        bills_after_cancel: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(500),
});
type SandboxModel = z.infer<typeof modelList>['data'][number];

/** The model that answers at a dearer price, and the one that always fails. */
const DEARER = 'sandbox/echo-b';
const FAILING = 'sandbox/fail-500';

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
  supportedParameters: model.supported_parameters,
  billsAfterCancel: model.bills_after_cancel,
  showsOutput: true,
});

const provider = (slug: string, name: string, url: string, endpoints: readonly EndpointSource[]): ProviderSource => ({
  slug,
  name,
  dialect: 'openai-chat',
  baseUrl: `${url.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`,
  allowPrivateAddress: true,
  dataPolicy: { retains: false, trains: false, region: 'local' },
  billsAfterCancel: false,
  credential: { kind: 'none' },
  endpoints,
});

/**
 * Two providers at one address. `sandbox` offers every model but the dearer one; `sandbox-b` offers that. Both offer `sandbox/both`, which works at either,
 * and `sandbox/fallback`, which fails at `sandbox` and works at `sandbox-b`.
 */
export const sandboxSources = (url: string, models: readonly SandboxModel[]): ProviderSource[] => {
  const endpoints = models.map(endpointOf);
  const dearer = endpoints.find(({ model }) => model === DEARER);
  const failing = endpoints.find(({ model }) => model === FAILING);
  const echo = endpoints.find(({ model }) => model === 'sandbox/echo');
  const offered = (
    endpoint: EndpointSource | undefined,
    as: Pick<EndpointSource, 'model' | 'modelName' | 'description'>,
  ): EndpointSource[] => (endpoint === undefined ? [] : [{ ...endpoint, ...as }]);
  return [
    provider('sandbox', 'Sandbox', url, [
      ...endpoints.filter((endpoint) => endpoint !== dearer),
      ...offered(echo, BOTH),
      ...offered(failing, FALLBACK),
    ]),
    provider('sandbox-b', 'Sandbox B', url, [
      ...(dearer === undefined ? [] : [dearer]),
      ...offered(dearer, BOTH),
      ...offered(dearer, FALLBACK),
    ]),
  ];
};

/** Asks the sandbox what it offers. Rejects while it is away or says something else. */
export const readSandbox = async (url: string): Promise<ProviderSource[]> => {
  const address = `${url.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1/models`;
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  if (!response.ok) throw new Error(`the sandbox at ${address} answered ${response.status}`);
  const text = await response.text();
  if (text.length > BYTES_MAX) throw new Error(`the sandbox at ${address} answered more than ${BYTES_MAX} bytes`);
  return sandboxSources(url, modelList.parse(JSON.parse(text)).data);
};
