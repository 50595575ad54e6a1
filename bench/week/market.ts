// What there is to choose from: six endpoints of one model at six providers, in two regions, at prices that change twice in the week. The catalog is made of it by the product's own
// reading of what operators write, so that a price changes as it does there: by its time, with the next revision.
import { createHash } from 'node:crypto';
import { normaliseCatalog, type ProviderSource } from '@waystation/catalog';
import type { RoutableCatalog } from '@waystation/routing';

export const MODEL = 'lab/large';
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
export const WEEK_BEGINS_MS = Date.UTC(2026, 10, 23);
export const WEEK_MS = 7 * DAY_MS;

/** Of the week, as people say it: `on(2, 14.5)` is Wednesday, half past two. */
export const on = (day: number, hour: number): number => WEEK_BEGINS_MS + day * DAY_MS + hour * HOUR_MS;

interface Offer {
  readonly slug: string;
  readonly region: 'us' | 'eu';
  /** USD per million tokens. */
  readonly price: readonly [input: string, output: string, cacheRead: string];
  readonly changes?: readonly (readonly [fromMs: number, ...price: Offer['price']])[];
  /** In the median. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
}

/** The dearer, the quicker, but for one. */
export const OFFERS: readonly Offer[] = [
  {
    ...{ slug: 'alder', region: 'us', price: ['0.60', '2.40', '0.15'], firstTokenMs: 480, tokensPerSecond: 60 },
    changes: [[on(2, 14), '1.30', '5.20', '0.32']],
  },
  { slug: 'birch', region: 'us', price: ['0.70', '2.80', '0.18'], firstTokenMs: 380, tokensPerSecond: 80 },
  { slug: 'cedar', region: 'eu', price: ['0.75', '3.00', '0.19'], firstTokenMs: 520, tokensPerSecond: 55 },
  { slug: 'dogwood', region: 'eu', price: ['0.90', '3.60', '0.22'], firstTokenMs: 360, tokensPerSecond: 90 },
  {
    ...{ slug: 'elm', region: 'us', price: ['1.20', '4.80', '0.30'], firstTokenMs: 300, tokensPerSecond: 120 },
    changes: [[on(4, 16), '0.55', '2.20', '0.14']],
  },
  { slug: 'fir', region: 'us', price: ['2.00', '8.00', '0.50'], firstTokenMs: 220, tokensPerSecond: 160 },
];

export const endpointIdOf = (slug: string): string => `${MODEL}@${slug}`;

const CONTEXT = 200_000;
const MAX_OUTPUT = 16_384;
/** Set by the operator: the default of five minutes is for models that think for long. */
export const FIRST_BYTE_TIMEOUT_MS = 30_000;

const priceOf = ([input, output, cacheRead]: Offer['price']): Record<string, string> => ({ input, output, cacheRead });

const sourceOf = ({ slug, region, price, changes = [] }: Offer): ProviderSource => ({
  slug,
  dialect: 'openai-chat',
  baseUrl: `https://${slug}.example.com/v1`,
  allowPrivateAddress: false,
  dataPolicy: { retains: false, trains: false, region },
  billsAfterCancel: false,
  credential: { kind: 'bearer' },
  timeouts: { firstByteMs: FIRST_BYTE_TIMEOUT_MS },
  endpoints: [
    {
      model: MODEL,
      upstreamModel: slug,
      context: CONTEXT,
      maxOutput: MAX_OUTPUT,
      price: priceOf(price),
      priceChanges: changes.map(([effectiveAtMs, ...changed]) => ({ effectiveAtMs, price: priceOf(changed) })),
    },
  ],
});

const byKey = <Entry>(entries: readonly Entry[], key: (entry: Entry) => string): Map<string, Entry> =>
  new Map(entries.map((entry) => [key(entry), entry]));

/** When the catalog has a new revision. */
export const REVISIONS_MS: readonly number[] = [
  WEEK_BEGINS_MS,
  ...OFFERS.flatMap(({ changes = [] }) => changes.map(([fromMs]) => fromMs)).sort((a, b) => a - b),
];

/** As control would publish it. */
export const catalogAt = (nowMs: number): RoutableCatalog => {
  const { providers, models, endpoints, faults } = normaliseCatalog(
    OFFERS.map((offer) => ({ source: sourceOf(offer), locate: (path) => path.join('.') })),
    (text) => createHash('sha256').update(text).digest('hex'),
    nowMs,
  );
  if (faults.length > 0) throw new Error(`the catalog of the simulation has faults: ${faults.join('; ')}`);
  const revision = REVISIONS_MS.filter((fromMs) => fromMs <= nowMs).length;
  const stamp = { v: 1 as const, version: revision };
  return {
    revision,
    providers: byKey(
      providers.map((each) => ({ ...each, ...stamp })),
      ({ slug }) => slug,
    ),
    models: byKey(
      models.map((each) => ({ ...each, ...stamp })),
      ({ id }) => id,
    ),
    endpoints: byKey(
      endpoints.map((each) => ({ ...each, ...stamp })),
      ({ id }) => id,
    ),
  };
};
