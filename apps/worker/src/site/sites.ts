// Providers as they are called: dialect, target, fixed headers. Built once per catalog entry, so that an attempt only looks it up.
import { WaystationError, type ProviderEntry } from '@waystation/contracts';
import {
  findProviderDialect,
  type ProviderDialect,
  type ProxiedNames,
  type Quirks,
  type UpstreamTarget,
  type UpstreamTls,
} from '@waystation/providers';
import { proxyFor, type CatalogSnapshot, type HeadSnapshot, type Proxies } from '@waystation/runtime';

export interface Site {
  readonly entry: ProviderEntry;
  readonly dialect: ProviderDialect;
  readonly target: UpstreamTarget;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  readonly quirks: Quirks;
}

export interface Sites {
  /** @throws WaystationError `provider_unavailable` where the catalog has no such provider or its entry cannot be used */
  of(provider: string): Site;
  /** The same with another address, which is never one of a private network, and is shown no client certificate. */
  at(provider: string, baseUrl: string): Site;
}

export interface SiteDefaults {
  readonly timeouts: UpstreamTarget['timeouts'];
  readonly connectionsMax: number;
  readonly tls: UpstreamTls;
  readonly proxies: Proxies;
  readonly proxiedNames: ProxiedNames;
}

const NO_QUIRKS: Quirks = Object.freeze({});

const unusable = (provider: string, why: string): WaystationError =>
  new WaystationError('provider_unavailable', `The provider ${provider} ${why}.`, {
    details: { provider_name: provider },
  });

/** Sites at addresses that own keys bring; the oldest is built again when it is needed. */
const ELSEWHERE_MAX = 10_000;

/** @throws WaystationError `provider_unavailable` where the entry cannot be used */
export const buildSite = (entry: ProviderEntry, defaults: SiteDefaults): Site => {
  const dialect = findProviderDialect(entry.dialect);
  if (dialect === undefined)
    throw unusable(entry.slug, `speaks the dialect ${entry.dialect}, which this worker does not know`);
  const url = URL.parse(entry.baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw unusable(entry.slug, 'has a base URL that is no http address');
  const proxy = proxyFor(url, defaults.proxies);
  const { connectMs, firstByteMs, idleMs } = entry.timeouts ?? {};
  return {
    entry,
    dialect,
    target: {
      url,
      providerName: entry.name,
      allowPrivateAddress: entry.allowPrivateAddress,
      connectionsMax: entry.maxConnections ?? defaults.connectionsMax,
      timeouts: {
        connectMs: connectMs ?? defaults.timeouts.connectMs,
        firstByteMs: firstByteMs ?? defaults.timeouts.firstByteMs,
        idleMs: idleMs ?? defaults.timeouts.idleMs,
      },
      tls: defaults.tls,
      ...(proxy === undefined ? {} : { proxy: { url: proxy, names: defaults.proxiedNames } }),
    },
    headers: Object.entries(entry.headers ?? {}).flat(),
    quirks: entry.quirks ?? NO_QUIRKS,
  };
};

/** An entry that is gone or new drops its sites. */
export const createSites = (
  catalog: HeadSnapshot<Pick<CatalogSnapshot, 'providers'>>,
  defaults: SiteDefaults,
): Sites => {
  const built = new Map<string, Site>();
  /** By provider and address, with the entry that they were made from. */
  const elsewhere = new Map<string, { readonly from: ProviderEntry; readonly site: Site }>();
  // A tenant says where these are, and must not come in by who the operator is.
  const { caFile } = defaults.tls;
  const defaultsElsewhere = { ...defaults, tls: caFile === undefined ? {} : { caFile } };
  const entryOf = (provider: string): ProviderEntry => {
    const entry = catalog.current.providers.get(provider);
    if (entry === undefined) throw unusable(provider, 'is not in the catalog');
    return entry;
  };
  catalog.onChange((current) => {
    for (const [slug, site] of built) if (current.providers.get(slug) !== site.entry) built.delete(slug);
    for (const [name, { from }] of elsewhere) if (current.providers.get(from.slug) !== from) elsewhere.delete(name);
  });
  return {
    of(provider) {
      const known = built.get(provider);
      if (known !== undefined) return known;
      const site = buildSite(entryOf(provider), defaults);
      built.set(provider, site);
      return site;
    },
    at(provider, baseUrl) {
      const name = `${provider} ${baseUrl}`;
      const known = elsewhere.get(name);
      if (known !== undefined) return known.site;
      const from = entryOf(provider);
      const site = buildSite({ ...from, baseUrl, allowPrivateAddress: false }, defaultsElsewhere);
      for (const oldest of elsewhere.keys()) {
        if (elsewhere.size < ELSEWHERE_MAX) break;
        elsewhere.delete(oldest);
      }
      elsewhere.set(name, { from, site });
      return site;
    },
  };
};
