// The catalog as files that are good to review: a line for each model and each endpoint, members in one order, everything sorted.
import type {
  CatalogEndpoint,
  CatalogModel,
  CatalogProvider,
  CatalogProviderHead,
} from '../../libs/catalog/src/catalog-file.ts';

export interface WrittenCatalog {
  readonly providers: readonly CatalogProvider[];
  readonly models: readonly CatalogModel[];
}

const headOf = ({
  slug,
  name,
  dialect,
  keyVariables,
  addressVariables,
  onRequest,
}: CatalogProvider): CatalogProviderHead => ({
  ...{ slug, name, dialect, keyVariables },
  ...(addressVariables === undefined ? {} : { addressVariables }),
  ...(onRequest === undefined ? {} : { onRequest }),
});

const lines = (items: readonly object[]): string =>
  items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;

const listOf = (name: string, items: readonly object[]): string => `{\n  "${name}": ${lines(items)}\n}\n`;

const providerText = ({ endpoints, ...rest }: CatalogProvider): string => {
  const members = Object.entries(rest).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${members.join(',\n')},\n  "endpoints": ${lines(endpoints satisfies readonly CatalogEndpoint[])}\n}\n`;
};

/** Texts by file, relative to the folder of the catalog. */
export const writeTexts = ({ providers, models }: WrittenCatalog): ReadonlyMap<string, string> =>
  new Map([
    ['providers.json', listOf('providers', providers.map(headOf))],
    ['models.json', listOf('models', models)],
    ...providers.map((provider) => [`providers/${provider.slug}.json`, providerText(provider)] as const),
  ]);
