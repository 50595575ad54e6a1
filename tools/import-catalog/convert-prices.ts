// Prices of the two sources → ours: USD per million tokens, or per piece, as decimal text. Pure, on text alone.
import type { PriceSource, RatesSource } from '../../libs/catalog/src/provider-source.ts';
import { isAbove, isNegative, isZero, roundDecimal, shiftDecimal } from './decimal-text.ts';
import type { ListedModel, PriceMapEntry } from './read-sources.ts';

export interface ConvertedPrice {
  readonly price: PriceSource;
  /** What had more digits than whole picodollars. */
  readonly roundings: readonly string[];
}
export type PriceConversion = ConvertedPrice | { readonly unit: string };

type Rates = { price: Record<string, string>; tiers: Map<number, Record<string, string>> };

/** Picodollars per token are the sixth decimal of USD per million, picodollars per piece the twelfth of USD. */
const DECIMALS = { token: 6, piece: 12 } as const;

const rounded = (text: string, decimals: number, name: string, roundings: string[]): string => {
  const whole = roundDecimal(text, decimals);
  const exact = shiftDecimal(text, 0);
  if (whole !== exact) roundings.push(`${name}: ${exact} → ${whole}`);
  return whole;
};

/** `models.dev`'s names of classes; the rest of what it writes has no unit that is told. */
const LISTED_CLASSES: Readonly<Record<string, string>> = {
  input: 'input',
  output: 'output',
  cache_read: 'cacheRead',
  cached_input: 'cacheRead',
  cache_input: 'cacheRead',
  cache_write: 'cacheWrite',
  cached_write: 'cacheWrite',
  reasoning: 'reasoning',
  input_audio: 'audioInput',
  output_audio: 'audioOutput',
};
const NOT_PRICES: readonly string[] = ['tiers', 'tier'];

const ratesOfListed = (
  cost: Readonly<Record<string, unknown>>,
  roundings: string[],
): Record<string, string> | { unit: string } => {
  const price: Record<string, string> = {};
  for (const [name, amount] of Object.entries(cost)) {
    if (NOT_PRICES.includes(name)) continue;
    const unit = LISTED_CLASSES[name];
    if (unit === undefined || typeof amount !== 'string')
      return { unit: `a price of "${name}", whose unit is not told` };
    if (isNegative(amount)) return { unit: `a negative price of ${name}` };
    price[unit] = rounded(amount, DECIMALS.token, unit, roundings);
  }
  return price;
};

const finish = ({ price, tiers }: Rates): RatesSource => ({
  price,
  ...(tiers.size === 0
    ? {}
    : {
        tiers: [...tiers]
          .sort(([a], [b]) => a - b)
          .map(([aboveInputTokens, own]) => ({ aboveInputTokens, price: own })),
      }),
});

/** The price that models.dev lists, in USD per million tokens. */
export const convertListedPrice = (cost: NonNullable<ListedModel['cost']>): PriceConversion => {
  const roundings: string[] = [];
  const price = ratesOfListed(cost, roundings);
  if (typeof price['unit'] === 'string') return { unit: price['unit'] };
  const tiers = new Map<number, Record<string, string>>();
  for (const tier of cost.tiers ?? []) {
    const own = ratesOfListed(tier, roundings);
    if (typeof own['unit'] === 'string') return { unit: own['unit'] };
    tiers.set(Number(tier.tier.size), own as Record<string, string>);
  }
  return plausible({ price: finish({ price: price as Record<string, string>, tiers }), roundings });
};

/** LiteLLM's names, by what they price; USD per token. */
const MAPPED_CLASSES: Readonly<Record<string, string>> = {
  input_cost_per_token: 'input',
  output_cost_per_token: 'output',
  cache_read_input_token_cost: 'cacheRead',
  cache_creation_input_token_cost: 'cacheWrite',
  cache_creation_input_token_cost_above_1hr: 'cacheWrite1h',
  output_cost_per_reasoning_token: 'reasoning',
  input_cost_per_audio_token: 'audioInput',
  output_cost_per_audio_token: 'audioOutput',
  input_cost_per_image_token: 'imageInput',
  output_cost_per_image_token: 'imageOutput',
};
/** USD per piece. */
const MAPPED_PIECES: Readonly<Record<string, string>> = {
  input_cost_per_query: 'request',
  input_cost_per_request: 'request',
  output_cost_per_image: 'outputImages',
};
/** USD per second of sound, for what listens: `output_cost_per_second` repeats it, and is no price of its own. */
const SECOND = { price: 'input_cost_per_second', echo: 'output_cost_per_second' } as const;

const isOfSound = ({ mode }: PriceMapEntry): boolean => mode === 'audio_transcription';

/** Units that no class of the ledger counts. */
const UNCOUNTED = /_per_(second|character|pixel|video_per_second|audio_per_second|page|credit|session)(_|$)/;
const NAME = /^(.*?)(?:_above_(\d+)k_tokens)?(?:_(flex|priority|batches))?$/;
const TIER_NAMES: Readonly<Record<string, string>> = { flex: 'flex', priority: 'priority', batches: 'batch' };

/** The price that LiteLLM's map tells, with its tiers by size and by service. */
export const convertMappedPrice = (entry: PriceMapEntry): PriceConversion => {
  const roundings: string[] = [];
  const byService = new Map<string, Rates>();
  const uncounted: string[] = [];
  const seconds: string[] = [];
  for (const [name, amount] of Object.entries(entry)) {
    if (typeof amount !== 'string' || !/cost/.test(name)) continue;
    if (isOfSound(entry) && (name === SECOND.price || (name === SECOND.echo && amount === entry[SECOND.price]))) {
      if (name === SECOND.price) seconds.push(rounded(shiftDecimal(amount, 0), DECIMALS.piece, name, roundings));
      continue;
    }
    if (UNCOUNTED.test(name)) {
      if (!isZero(amount)) uncounted.push(name);
      continue;
    }
    const [, base = '', size, service] = NAME.exec(name) ?? [];
    const unit = MAPPED_CLASSES[base] ?? MAPPED_PIECES[base];
    if (unit === undefined) continue;
    const tier = service === undefined ? '' : (TIER_NAMES[service] ?? service);
    const rates = byService.get(tier) ?? { price: {}, tiers: new Map<number, Record<string, string>>() };
    byService.set(tier, rates);
    const isToken = MAPPED_CLASSES[base] !== undefined;
    const text = rounded(
      shiftDecimal(amount, isToken ? 6 : 0),
      isToken ? DECIMALS.token : DECIMALS.piece,
      name,
      roundings,
    );
    if (size === undefined) rates.price[unit] = text;
    else {
      const above = Number(size) * 1_000;
      rates.tiers.set(above, { ...rates.tiers.get(above), [unit]: text });
    }
  }
  const [second] = seconds;
  if (second !== undefined && !isZero(second)) return plausible({ price: { price: { seconds: second } }, roundings });
  const base = byService.get('');
  const isPriced = base !== undefined && Object.values(base.price).some((text) => !isZero(text));
  if (!isPriced)
    return { unit: uncounted.length > 0 ? `a price by ${uncounted.join(', ')}` : 'no price that is not zero' };
  // One image has one price: by its tokens where they are priced.
  if (base.price['imageOutput'] !== undefined) delete base.price['outputImages'];
  const services = [...byService].filter(([tier, rates]) => tier !== '' && rates.price['input'] !== undefined);
  return plausible({
    price: {
      ...finish(base),
      ...(services.length === 0
        ? {}
        : { serviceTiers: Object.fromEntries(services.map(([tier, rates]) => [tier, finish(rates)] as const)) }),
    },
    roundings,
  });
};

/** Above it somebody mistook the unit: the catalog refuses it too. USD per million tokens; a piece is never so dear. */
const USD_MAX = 10_000n;

/** What no catalog would take, such as a price a million times too high. */
const implausible = (price: PriceSource): string | undefined => {
  const [unit, text] =
    [price, ...Object.values(price.serviceTiers ?? {})]
      .flatMap((rates) => [rates.price, ...(rates.tiers ?? []).map((tier) => tier.price)])
      .flatMap((prices) => Object.entries(prices))
      .find(([, amount]) => isAbove(amount, USD_MAX)) ?? [];
  return unit === undefined ? undefined : `${unit} for ${text ?? ''} USD per million tokens, which nobody asks`;
};

const plausible = (converted: ConvertedPrice): PriceConversion => {
  const fault = implausible(converted.price);
  return fault === undefined ? converted : { unit: fault };
};

/** Whether a price takes nothing from anybody. */
export const isFree = ({ price }: PriceSource): boolean => Object.values(price).every(isZero);
