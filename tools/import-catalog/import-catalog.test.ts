// The import against the sources themselves, where they lie beside the repository: what is committed is what they give, to the last digit of a price.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readPrice } from '../../libs/catalog/src/price-text.ts';
import type { CatalogProvider } from '../../libs/catalog/src/catalog-file.ts';
import { PROVIDERS } from './curated/providers.ts';
import { importCatalog } from './import-catalog.ts';
import { readListing, readPriceMap, type Listing } from './read-sources.ts';
import { writeTexts } from './write-texts.ts';

const sources = path.resolve('../shared/data');
const committed = path.resolve('libs/catalog/data');
const areThere = existsSync(sources);
if (!areThere) console.log(`skipped: the sources of the catalog are not at ${sources}`);

const read = (file: string): string => readFileSync(path.join(sources, file), 'utf8');

const SAMPLES = 200;
/** Every so-manieth, so that all kinds of providers are among them. */
const sampleOf = <Item>(items: readonly Item[]): Item[] => {
  const step = Math.max(1, Math.floor(items.length / SAMPLES));
  return items.filter((_, index) => index % step === 0).slice(0, SAMPLES);
};

/** USD per million tokens as a fraction of whole numbers → picodollars per token, half up: another way to the same amount. */
const picodollars = (text: string): bigint => {
  const [, digits = '', fraction = '', exponent = '0'] = /^(\d+)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const scale = fraction.length - Number(exponent);
  const numerator = BigInt(digits + fraction) * 1_000_000n * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
  const denominator = scale > 0 ? 10n ** BigInt(scale) : 1n;
  return (2n * numerator + denominator) / (2n * denominator);
};

const pricesOf = (listing: Listing): { slug: string; upstream: string; unit: 'input' | 'output'; text: string }[] =>
  Object.entries(listing.providers).flatMap(([listedAs, { models }]) =>
    Object.entries(models).flatMap(([upstream, { cost }]) =>
      // Zero may mean unknown: then the other source's price may be the one that is taken.
      cost === undefined || (Number(cost.input) === 0 && Number(cost.output) === 0)
        ? []
        : (['input', 'output'] as const).map((unit) => ({
            ...{ slug: PROVIDERS[listedAs]?.slug ?? listedAs, upstream, unit, text: cost[unit] },
          })),
    ),
  );

const againstSources = (): void => {
  const listing = readListing(read('models-dev.json'));
  const { catalog, report } = importCatalog(listing, readPriceMap(read('litellm-model-prices.json')));
  const texts = writeTexts(catalog);

  it('gives the files that are committed', () => {
    for (const [file, text] of texts) expect(readFileSync(path.join(committed, file), 'utf8')).toBe(text);
    expect(readFileSync(path.join(committed, 'EXCEPTIONS.md'), 'utf8')).toBe(report.text());
  });

  it(`takes ${SAMPLES} prices exactly as they are written`, () => {
    const bySlug = new Map(catalog.providers.map((provider) => [provider.slug, provider]));
    const offered = pricesOf(listing).flatMap(({ slug, upstream, unit, text }) => {
      const endpoint = bySlug.get(slug)?.endpoints.find(({ upstreamModel }) => upstreamModel === upstream);
      return endpoint === undefined ? [] : [{ text, unit, taken: endpoint.price[unit] ?? '' }];
    });
    const samples = sampleOf(offered);
    expect(samples).toHaveLength(SAMPLES);
    for (const { text, unit, taken } of samples)
      expect(readPrice(unit, taken)).toEqual({ picodollars: picodollars(text), rounded: false });
  });

  it('lists every price that the sources disagree on, and keeps that of models.dev', () => {
    const conflict = /\| openrouter \| `([^`]+)` \| output: models\.dev ([\d.]+), LiteLLM ([\d.]+) \|/.exec(
      report.text(),
    );
    const [, upstream, listed, mapped] = conflict ?? [];
    expect(listed).not.toBe(mapped);
    const openrouter: CatalogProvider | undefined = catalog.providers.find(({ slug }) => slug === 'openrouter');
    expect(openrouter?.endpoints.find(({ upstreamModel }) => upstreamModel === upstream)?.price['output']).toBe(listed);
  });
};

describe('the import of the catalog', () => {
  it('keeps no folder of the sources in mind', () => {
    expect(readFileSync('tools/import-catalog/main.ts', 'utf8')).not.toContain('shared');
  });

  if (areThere) describe('from the sources', againstSources);
});
