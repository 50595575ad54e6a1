// Models that make images, as the reference lists them for `POST /images`. What an endpoint takes is what its dialect can say; of what a model alone can do nothing is known.
import { formatUsd, type EndpointEntry, type PriceVector } from '@waystation/contracts';
import type { CatalogSnapshot } from '@waystation/runtime';
import { endpointsOf, type ListedModel } from './model-info.js';

const IMAGE = 'image';

/** What `libs/providers` passes on to OpenAI's images and their followers. */
const PARAMETERS = {
  n: { type: 'range', min: 1, max: 10 },
  resolution: { type: 'enum', values: ['1K'] },
  aspect_ratio: { type: 'enum', values: ['1:1', '3:2', '2:3', 'auto'] },
  quality: { type: 'enum', values: ['auto', 'low', 'medium', 'high'] },
  output_format: { type: 'enum', values: ['png', 'jpeg', 'webp'] },
  output_compression: { type: 'range', min: 0, max: 100 },
  background: { type: 'enum', values: ['auto', 'transparent', 'opaque'] },
} as const;

const LINES: readonly (readonly [unit: string, billable: string, by: string])[] = [
  ['outputImages', 'output_image', 'image'],
  ['imageOutput', 'output_image', 'token'],
  ['inputImages', 'input_image', 'image'],
  ['imageInput', 'input_image', 'token'],
  ['input', 'input_text', 'token'],
];

/** What costs nothing has no line. */
const pricingOf = ({ perUnit }: PriceVector) =>
  LINES.flatMap(([name, billable, unit]) => {
    const amount = BigInt(perUnit[name] ?? 0);
    return amount === 0n ? [] : [{ billable, unit, cost_usd: JSON.rawJSON(formatUsd(amount)) }];
  });

const makesImages = ({ apis }: EndpointEntry): boolean => apis.includes('images');

const infoOf = ({ info }: ListedModel) => ({
  id: info.id,
  name: info.name,
  description: info.description,
  created: info.created,
  architecture: {
    input_modalities: info.architecture.input_modalities,
    output_modalities: info.architecture.output_modalities,
  },
  supported_parameters: PARAMETERS,
  supports_streaming: false,
  endpoints: `/api/v1/images/models/${info.id}/endpoints`,
});

/** Those that `POST /images` can be asked for. Models that draw in a conversation are not among them. */
export const listImageModels = (catalog: CatalogSnapshot, models: readonly ListedModel[]) =>
  models
    .filter(
      ({ info }) =>
        info.architecture.output_modalities.includes(IMAGE) && endpointsOf(catalog, info.id).some(makesImages),
    )
    .map(infoOf);

/** Undefined where no endpoint of it makes images. */
export const describeImageEndpoints = (catalog: CatalogSnapshot, id: string) => {
  const endpoints = endpointsOf(catalog, id).filter(makesImages);
  return endpoints.length === 0
    ? undefined
    : {
        id,
        endpoints: endpoints.map(({ provider, tag, price }) => ({
          provider_name: catalog.providers.get(provider)?.name ?? provider,
          provider_slug: provider,
          provider_tag: tag,
          supported_parameters: PARAMETERS,
          allowed_passthrough_parameters: [],
          supports_streaming: false,
          pricing: pricingOf(price),
        })),
      };
};
