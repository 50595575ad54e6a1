// What models.dev lists → providers with endpoints that have no canonical name yet. Models inherit what their base model says and they do not.
import type { Ability, CatalogEndpoint, CatalogProvider } from '../../libs/catalog/src/catalog-file.ts';
import {
  CREDENTIAL_OF_DIALECT,
  DIALECT_OF_PACKAGE,
  FLAT_FEE,
  PROVIDERS,
  SLUG_SUFFIX_OF_DIALECT,
  type CuratedProvider,
} from './curated/providers.ts';
import { convertListedPrice, isFree } from './convert-prices.ts';
import type { ListedModel, ListedProvider, Listing } from './read-sources.ts';
import type { Report } from './report.ts';

export interface Draft {
  /** The source's slug of the provider. */
  readonly listedAs: string;
  readonly upstreamModel: string;
  readonly baseModel?: string;
  readonly name?: string;
  readonly published?: string;
  /** Reasoning is asked for by an effort, and not by a budget of tokens. */
  readonly byEffort?: true;
  readonly endpoint: Omit<CatalogEndpoint, 'model' | 'tagSuffix' | 'quantization' | 'dataPolicy'>;
}

export interface DraftProvider {
  readonly head: Omit<CatalogProvider, 'endpoints' | 'dataPolicy' | 'billsAfterCancel'>;
  readonly endpoints: readonly Draft[];
}

/** The prompt that is let through where nobody says how long it may be; for what is not chat. */
export const UNTOLD_CONTEXT = 32_768;

const API_OF_NAME: readonly (readonly [RegExp, string])[] = [
  [/embed|(?:^|\/)(?:bge-(?!reranker)|e5-|gte-|voyage-|all-mini|multi-qa)/, 'embeddings'],
  [/rerank/, 'rerank'],
  [/whisper|transcribe|(?:^|[-/])(?:asr|stt)(?:-|$)/, 'transcriptions'],
];
const BY_THE_MINUTE = /whisper/i;
const NOT_SERVED: readonly (readonly [RegExp, string])[] = [
  [/realtime|livetranslate|(?:^|-)live-|native-audio/, 'realtime'],
  [/ocr|moderation|prompt-guard/, 'a kind of call of its own'],
];

/** Which api answers for a model, by what it makes; undefined with why where none does. */
export const apiOf = (id: string, outputs: readonly string[]): { readonly api: string } | { readonly not: string } => {
  const name = id.toLowerCase();
  const not = NOT_SERVED.find(([pattern]) => pattern.test(name))?.[1];
  if (not !== undefined) return { not };
  const named = API_OF_NAME.find(([pattern]) => pattern.test(name))?.[1];
  if (named !== undefined) return { api: named };
  if (outputs.includes('text')) return { api: 'chat' };
  if (outputs.includes('image')) return { api: 'images' };
  if (outputs.includes('audio')) return { api: 'speech' };
  return { not: outputs.length === 0 ? 'nothing that is told' : outputs.join(' and ') };
};

const ourModalities = (words: readonly string[]): string[] =>
  [...new Set(words.map((word) => (word === 'pdf' ? 'file' : word)))].sort(
    (a, b) => ORDER.indexOf(a) - ORDER.indexOf(b),
  );
const ORDER = ['text', 'image', 'file', 'audio', 'video'];
const isText = (words: readonly string[]): boolean => words.length === 1 && words[0] === 'text';

const abilitiesOf = (model: ListedModel): Ability[] => [
  ...(model.tool_call === true ? (['tools'] as const) : []),
  ...(model.reasoning === true ? (['reasoning'] as const) : []),
  ...(model.structured_output === true ? (['structured'] as const) : []),
  ...(model.temperature === false ? [] : (['sampling'] as const)),
];

const inherit = (model: ListedModel, bases: Listing['models']): ListedModel => {
  const base = model.base_model === undefined ? undefined : bases[model.base_model];
  if (base === undefined) return model;
  const kept: Partial<ListedModel> = Object.fromEntries(
    Object.entries(base).filter(([name]) => model.base_model_omit?.includes(name) !== true),
  );
  return {
    ...{ ...kept, ...model },
    limit: { ...kept.limit, ...model.limit },
    modalities: { ...kept.modalities, ...model.modalities },
  };
};

const whole = (text: string | undefined): number | undefined => {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value > 0 ? value : undefined;
};

const isByEffort = ({ reasoning_options: options = [] }: ListedModel): boolean =>
  options.some(({ type }) => type === 'effort') && options.every(({ type }) => type !== 'budget_tokens');

/** Of a month that is named without its day, the first. */
const dayOf = (text = ''): { published?: string } => {
  const [, month, day = '-01'] = /^(\d{4}-\d{2})(-\d{2})?$/.exec(text) ?? [];
  return month === undefined ? {} : { published: `${month}${day}` };
};

const draftOf = (
  listedAs: string,
  slug: string,
  upstreamModel: string,
  model: ListedModel,
  curated: CuratedProvider,
  report: Report,
): Draft | undefined => {
  const at = { provider: slug, model: upstreamModel };
  const outputs = ourModalities(model.modalities?.output ?? []);
  const served = apiOf(upstreamModel, outputs);
  if ('not' in served) return void report.note('api', { ...at, detail: served.not });
  if (model.cost === undefined) return void report.note('unpriced', { ...at, detail: '' });
  const converted = convertListedPrice(model.cost);
  if ('unit' in converted) return void report.note('unit', { ...at, detail: converted.unit });
  // Whisper counts no tokens: what is listed by the million of them is a price by the minute.
  if (served.api === 'transcriptions' && BY_THE_MINUTE.test(upstreamModel) && !isFree(converted.price))
    return void report.note('unit', { ...at, detail: 'a price by the token of what is sold by the minute' });
  const isGiven = curated.free === true || curated.onRequest === FLAT_FEE || /[:-]free$/.test(upstreamModel);
  if (isFree(converted.price) && !isGiven) return void report.note('free', { ...at, detail: '' });
  const context = whole(model.limit?.context) ?? (served.api === 'chat' ? undefined : UNTOLD_CONTEXT);
  if (context === undefined) return void report.note('limits', { ...at, detail: '' });
  for (const detail of converted.roundings) report.note('rounded', { ...at, detail });
  const inputs = ourModalities(model.modalities?.input ?? ['text']);
  const maxOutput = whole(model.limit?.output);
  const abilities = served.api === 'chat' ? abilitiesOf(model) : [];
  return {
    ...{ listedAs, upstreamModel },
    ...(model.base_model === undefined ? {} : { baseModel: model.base_model }),
    ...(model.name === undefined ? {} : { name: model.name }),
    ...dayOf(model.release_date),
    ...(isByEffort(model) ? { byEffort: true } : {}),
    endpoint: {
      ...{ upstreamModel, context },
      ...(maxOutput === undefined || served.api !== 'chat' ? {} : { maxOutput }),
      ...converted.price,
      ...(isText(inputs) ? {} : { inputModalities: inputs }),
      ...(isText(outputs) || outputs.length === 0 ? {} : { outputModalities: outputs }),
      ...(abilities.length === 0 ? {} : { abilities }),
      ...(served.api === 'chat' ? {} : { apis: [served.api] }),
    },
  };
};

/** How a model is spoken to: the provider's way unless the source says otherwise of it. */
const wayOf = (
  model: ListedModel,
  main: { readonly dialect: string; readonly baseUrl: string },
  oneDialect: boolean,
): { readonly dialect: string; readonly baseUrl: string } => {
  const { npm, api, shape } = model.provider ?? {};
  if (oneDialect) return main;
  const byPackage = npm === undefined ? main.dialect : (DIALECT_OF_PACKAGE[npm] ?? main.dialect);
  return {
    dialect: shape === 'responses' ? 'openai-responses' : shape === 'completions' ? 'openai-chat' : byPackage,
    baseUrl: (api ?? main.baseUrl).replace(/\/+$/, ''),
  };
};

const addressVariablesOf = (baseUrl: string): string[] => [
  ...new Set([...baseUrl.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map((match) => match[1] ?? '')),
];

const headOf = (
  slug: string,
  suffix: string,
  listed: ListedProvider,
  curated: CuratedProvider,
  { dialect, baseUrl }: { readonly dialect: string; readonly baseUrl: string },
): DraftProvider['head'] => {
  const addressVariables = addressVariablesOf(baseUrl);
  const keyVariables =
    curated.keyVariables ??
    (listed.env.length === 1 ? listed.env : listed.env.filter((name) => !addressVariables.includes(name)));
  const { quirks, onRequest } = curated;
  return {
    slug: suffix === '' ? slug : `${slug}-${suffix}`,
    name: `${curated.name ?? listed.name}${suffix === '' ? '' : ` (${suffix})`}`,
    ...(listed.doc === undefined ? {} : { documentation: listed.doc }),
    ...{ dialect, baseUrl },
    credential: curated.credential ?? CREDENTIAL_OF_DIALECT[dialect] ?? { kind: 'bearer' },
    keyVariables,
    ...(addressVariables.length === 0 ? {} : { addressVariables }),
    ...(onRequest === undefined ? {} : { onRequest }),
    ...(quirks === undefined || suffix !== '' ? {} : { quirks }),
  };
};

/** Models of one provider that are spoken to alike. */
interface Group {
  readonly suffix: string;
  readonly way: { readonly dialect: string; readonly baseUrl: string };
  readonly endpoints: Draft[];
}

const providersOf = (listedAs: string, listed: ListedProvider, listing: Listing, report: Report): DraftProvider[] => {
  const curated: CuratedProvider = PROVIDERS[listedAs] ?? {};
  const slug = curated.slug ?? listedAs;
  const dialect = curated.dialect ?? DIALECT_OF_PACKAGE[listed.npm];
  const baseUrl = (curated.baseUrl ?? listed.api)?.replace(/\/+$/, '');
  const leftOut =
    curated.leftOut ??
    (dialect === undefined
      ? `nobody knows the dialect of ${listed.npm}`
      : baseUrl === undefined
        ? 'no address is told'
        : undefined);
  if (leftOut !== undefined || dialect === undefined || baseUrl === undefined) {
    report.note('provider', { provider: slug, model: '', detail: leftOut ?? '' });
    return [];
  }
  const groups = new Map<string, Group>();
  const main = { dialect, baseUrl };
  for (const [upstreamModel, own] of Object.entries(listed.models)) {
    const model = inherit(own, listing.models);
    if (model.status === 'deprecated') continue;
    const way = wayOf(own, main, curated.oneDialect === true);
    const isMain = way.dialect === dialect && way.baseUrl === baseUrl;
    const word = isMain ? '' : (SLUG_SUFFIX_OF_DIALECT[way.dialect] ?? way.dialect);
    const taken = [...groups.values()].filter(
      ({ suffix, way: known }) => suffix.startsWith(word) && suffix !== '' && known.baseUrl !== way.baseUrl,
    );
    const suffix = isMain || taken.length === 0 ? word : `${word}-${taken.length + 1}`;
    // A source that lists these models as a provider of their own is believed there.
    if (suffix !== '' && listing.providers[`${listedAs}-${suffix}`] !== undefined) continue;
    const key = `${way.dialect} ${way.baseUrl}`;
    const group: Group = groups.get(key) ?? { suffix, way, endpoints: [] };
    groups.set(key, group);
    const draft = draftOf(
      listedAs,
      suffix === '' ? slug : `${slug}-${group.suffix}`,
      upstreamModel,
      model,
      curated,
      report,
    );
    if (draft !== undefined) group.endpoints.push(draft);
  }
  if (!groups.has(`${dialect} ${baseUrl}`))
    groups.set(`${dialect} ${baseUrl}`, { suffix: '', way: main, endpoints: [] });
  return [...groups.values()].map(({ suffix, way, endpoints }) => ({
    head: headOf(slug, suffix, listed, curated, way),
    endpoints,
  }));
};

export const draftListed = (listing: Listing, report: Report): DraftProvider[] =>
  Object.entries(listing.providers).flatMap(([listedAs, listed]) => providersOf(listedAs, listed, listing, report));
