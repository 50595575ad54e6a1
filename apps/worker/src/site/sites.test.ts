// How a catalog entry becomes a target, as far as the network of the worker decides.
import type { ProviderEntry } from '@waystation/contracts';
import type { CatalogSnapshot, HeadSnapshot } from '@waystation/runtime';
import { workerConfig } from '../config.js';
import { createSites } from './sites.js';

const entry = (slug: string, baseUrl: string): ProviderEntry => ({
  v: 1,
  version: 1,
  slug,
  name: slug,
  dialect: 'openai-chat',
  baseUrl,
  allowPrivateAddress: false,
  dataPolicy: { retains: false, trains: false },
  billsAfterCancel: true,
});

it('a provider is called through the proxy of its address, unless it is exempt', () => {
  const providers = [
    entry('far', 'https://far.example/v1'),
    entry('plain', 'http://plain.example/v1'),
    entry('near', 'https://near.internal.example/v1'),
  ];
  const catalog: HeadSnapshot<Pick<CatalogSnapshot, 'providers'>> = {
    current: { providers: new Map(providers.map((each) => [each.slug, each])) },
    ready: true,
    onChange: () => () => undefined,
    silentMs: () => 0,
    stop: () => undefined,
  };
  const { proxies, proxiedNames, timeouts } = workerConfig.parse({
    WAYSTATION_WORKER_PRIVATE_KEY: 'A'.repeat(43),
    WAYSTATION_WORKER_PROXIED_NAMES: 'pin',
    HTTPS_PROXY: 'http://proxy.example:3128',
    NO_PROXY: '.internal.example',
  });
  const sites = createSites(catalog, { timeouts, connectionsMax: 1, tls: {}, proxies, proxiedNames });
  expect(sites.of('far').target.proxy).toEqual({ url: new URL('http://proxy.example:3128'), names: 'pin' });
  expect(sites.of('plain').target).not.toHaveProperty('proxy');
  expect(sites.of('near').target).not.toHaveProperty('proxy');
});
