// What LiteLLM's price map adds: service tiers and one-hour caches where the two sources agree, every disagreement, models that are not chat, and the few
// providers that only it knows. Where both have a price, the listed one stays.
import { PRICE_MAP_PROVIDERS, SLUG_SUFFIX_OF_DIALECT, type PriceMapProvider } from './curated/providers.ts';
import { convertMappedPrice, type ConvertedPrice } from './convert-prices.ts';
import { differByMore } from './decimal-text.ts';
import { UNTOLD_CONTEXT, type Draft, type DraftProvider } from './draft-listed.ts';
import type { Ability } from '../../libs/catalog/src/catalog-file.ts';
import type { PriceMap, PriceMapEntry } from './read-sources.ts';
import type { Report } from './report.ts';

/** The state of the map: what it says to have ended before is over. */
const STATE = '2026-08-01';
const PERCENT = 1n;

const API_OF_MODE: Readonly<Record<string, string>> = {
  chat: 'chat',
  embedding: 'embeddings',
  rerank: 'rerank',
  image_generation: 'images',
  audio_transcription: 'transcriptions',
  audio_speech: 'speech',
};
const OUTPUT_OF_API: Readonly<Record<string, readonly string[]>> = { images: ['image'], speech: ['audio'] };
const INPUT_OF_API: Readonly<Record<string, readonly string[]>> = { transcriptions: ['audio'] };

/** Entries that price a size, a quality, a region or a class of sizes, and name no model that a provider would know. */
const NO_MODEL =
  /^bedrock\/|(^|\/)(\d+-x-\d+|max-x-max|\d+-steps|max-steps|low|medium|high|standard|hd|eu|us|global|global-standard|au|us-gov-\w+-\d)\/|(^|-)(up-to|above|realtime)-|\d+b-to-|\d+b-\d+b$|^ft:|^container$|\/$|^together-ai-|\*/;

interface Mapped {
  readonly upstreamModel: string;
  readonly entry: PriceMapEntry;
  readonly of: PriceMapProvider;
}

const mappedOf = (priceMap: PriceMap): Mapped[] =>
  Object.entries(priceMap).flatMap(([id, entry]) => {
    const of = PRICE_MAP_PROVIDERS[entry.litellm_provider ?? ''];
    if (of === undefined) return [];
    const upstreamModel = of.prefix !== undefined && id.startsWith(of.prefix) ? id.slice(of.prefix.length) : id;
    const ends = entry['deprecation_date'];
    if (NO_MODEL.test(upstreamModel) || (typeof ends === 'string' && ends < STATE)) return [];
    return [{ upstreamModel, entry, of }];
  });

const COMPARED = ['input', 'output', 'cacheRead', 'cacheWrite'] as const;

/** Adds to an endpoint that is listed what the map knows besides, unless they contradict each other. */
const enrich = (slug: string, draft: Draft, mapped: ConvertedPrice, report: Report): Draft => {
  const { price, tiers } = draft.endpoint;
  const own = mapped.price;
  const apart = COMPARED.filter((unit) => {
    const [one, other] = [price[unit], own.price[unit]];
    return one !== undefined && other !== undefined && differByMore(one, other, PERCENT);
  });
  for (const unit of apart)
    report.note('conflict', {
      ...{ provider: slug, model: draft.upstreamModel },
      detail: `${unit}: models.dev ${price[unit] ?? ''}, LiteLLM ${own.price[unit] ?? ''}`,
    });
  if (apart.length > 0) return draft;
  const hour = own.price['cacheWrite1h'];
  const withHour = (
    rates: Readonly<Record<string, string>>,
    at: string | undefined,
  ): Readonly<Record<string, string>> =>
    at === undefined || rates['cacheWrite'] === undefined ? rates : { ...rates, cacheWrite1h: at };
  return {
    ...draft,
    endpoint: {
      ...draft.endpoint,
      price: withHour(price, hour),
      ...(tiers === undefined
        ? {}
        : {
            tiers: tiers.map((tier) => ({
              ...tier,
              price: withHour(
                tier.price,
                own.tiers?.find(({ aboveInputTokens }) => aboveInputTokens === tier.aboveInputTokens)?.price[
                  'cacheWrite1h'
                ],
              ),
            })),
          }),
      ...(own.serviceTiers === undefined ? {} : { serviceTiers: own.serviceTiers }),
    },
  };
};

const count = (entry: PriceMapEntry, name: string): number | undefined => {
  const value = Number(entry[name]);
  return Number.isInteger(value) && value > 0 ? value : undefined;
};

const can = (entry: PriceMapEntry, name: string): boolean => entry[name] === true;

const draftMapped = ({ upstreamModel, entry }: Mapped, api: string, { price }: ConvertedPrice): Draft | undefined => {
  const isChat = api === 'chat';
  const context =
    count(entry, 'max_input_tokens') ?? count(entry, 'max_tokens') ?? (isChat ? undefined : UNTOLD_CONTEXT);
  if (context === undefined) return undefined;
  const maxOutput = isChat ? count(entry, 'max_output_tokens') : undefined;
  const abilities: Ability[] = [
    ...(can(entry, 'supports_function_calling') ? (['tools'] as const) : []),
    ...(can(entry, 'supports_reasoning') ? (['reasoning'] as const) : []),
    ...(can(entry, 'supports_response_schema') ? (['structured'] as const) : []),
    'sampling',
  ];
  const inputModalities = isChat && can(entry, 'supports_vision') ? ['text', 'image'] : INPUT_OF_API[api];
  const outputModalities = OUTPUT_OF_API[api];
  // A completion that is never written costs nothing, and a price for it would be one that nobody named.
  const priced = { ...price, price: { input: '0', output: '0', ...price.price } };
  return {
    ...{ listedAs: '', upstreamModel },
    endpoint: {
      ...{ upstreamModel, context },
      ...(maxOutput === undefined ? {} : { maxOutput }),
      ...priced,
      ...(inputModalities === undefined ? {} : { inputModalities }),
      ...(outputModalities === undefined ? {} : { outputModalities }),
      ...(isChat ? { abilities } : { apis: [api] }),
    },
  };
};

const aloneOf = ({ slug, alone }: PriceMapProvider): DraftProvider | undefined =>
  alone === undefined
    ? undefined
    : {
        head: {
          ...{
            slug,
            name: alone.name,
            documentation: alone.documentation,
            dialect: alone.dialect,
            baseUrl: alone.baseUrl,
          },
          ...{ credential: { kind: 'bearer' as const }, keyVariables: alone.keyVariables },
        },
        endpoints: [],
      };

export const addMapped = (listed: readonly DraftProvider[], priceMap: PriceMap, report: Report): DraftProvider[] => {
  const known = new Set(listed.map(({ head }) => head.slug));
  const alone = Object.values(PRICE_MAP_PROVIDERS)
    .filter(({ slug }) => !known.has(slug))
    .map(aloneOf)
    .filter((draft) => draft !== undefined);
  const bySlug = Map.groupBy(mappedOf(priceMap), ({ of }) => of.slug);
  return [...listed, ...alone].flatMap((provider) => addTo(provider, bySlug.get(provider.head.slug) ?? [], report));
};

const addTo = (provider: DraftProvider, mapped: readonly Mapped[], report: Report): DraftProvider[] => {
  const { slug } = provider.head;
  const endpoints = new Map(provider.endpoints.map((draft) => [draft.upstreamModel, draft]));
  const responses = new Set<string>();
  for (const each of mapped) {
    const { upstreamModel, entry, of } = each;
    if (entry.mode === 'responses') responses.add(upstreamModel);
    const listed = endpoints.get(upstreamModel);
    const converted = convertMappedPrice(entry);
    if (listed !== undefined) {
      if (!('unit' in converted)) endpoints.set(upstreamModel, enrich(slug, listed, converted, report));
      continue;
    }
    const api = API_OF_MODE[entry.mode ?? ''];
    if (api === undefined || (api === 'chat' && of.alone === undefined && of.alsoChat !== true)) continue;
    if ('unit' in converted) {
      report.note('unit', { provider: slug, model: upstreamModel, detail: converted.unit });
      continue;
    }
    const draft = draftMapped(each, api, converted);
    if (draft === undefined) {
      report.note('limits', { provider: slug, model: upstreamModel, detail: '' });
      continue;
    }
    for (const detail of converted.roundings) report.note('rounded', { provider: slug, model: upstreamModel, detail });
    endpoints.set(upstreamModel, draft);
  }
  return splitResponses(provider, [...endpoints.values()], responses);
};

/** Models that have nothing but the Responses API are at a provider of their own, at the same address. */
const splitResponses = (
  { head }: DraftProvider,
  endpoints: readonly Draft[],
  responses: ReadonlySet<string>,
): DraftProvider[] => {
  if (head.dialect !== 'openai-chat' || !endpoints.some(({ upstreamModel }) => responses.has(upstreamModel)))
    return [{ head, endpoints }];
  const suffix = SLUG_SUFFIX_OF_DIALECT['openai-responses'] ?? '';
  // Quirks are of the chat dialect.
  const { quirks, ...rest } = head;
  return [
    {
      head: quirks === undefined ? rest : { ...rest, quirks },
      endpoints: endpoints.filter(({ upstreamModel }) => !responses.has(upstreamModel)),
    },
    {
      head: { ...rest, slug: `${head.slug}-${suffix}`, name: `${head.name} (${suffix})`, dialect: 'openai-responses' },
      endpoints: endpoints.filter(({ upstreamModel }) => responses.has(upstreamModel)),
    },
  ];
};
