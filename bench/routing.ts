// `npm run bench:routing`: what a plan costs with 30 and with 3,000 endpoints of one model, and what the router keeps in memory for the whole catalog and for 100,000 policies. In this one
// process, through the product's own functions, on one core. Written to bench/ROUTING.md when run without options. It judges nothing.
import { hash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { normaliseCatalog, sourceOfCatalog, type CatalogModel, type CatalogProvider } from '@waystation/catalog';
import type { EndpointEntry, ModelEntry, PolicyEntry, ProviderEntry, RoutePlanRequest } from '@waystation/contracts';
import { mergeRules, rulesOfPolicy } from '@waystation/policy';
import {
  buildRoutingIndex,
  createCapacityBoard,
  createCapacityTally,
  createHealthBoard,
  createHealthTally,
  indexOwnKeys,
  planRoute,
} from '@waystation/routing';
import { build } from '../tools/start/build.ts';

const { values: options } = parseArgs({
  options: { plans: { type: 'string', default: '20000' }, policies: { type: 'string', default: '100000' } },
});
const isWhole = process.argv.length === 2;

const STAMP = { v: 1 as const, version: 1 };
const NOW_MS = 1_700_000_000_000;
const MODEL = 'lab/one';
/** Until the compiler is done. */
const WARM_SHARE = 0.25;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
/** What is in use when all that is not has been collected. */
const heapBytes = (): number => {
  if (typeof collect !== 'function') throw new Error('no collector');
  for (let each = 0; each < 3; each += 1) collect();
  return process.memoryUsage().heapUsed;
};

const lines: string[] = [];
const say = (line = ''): void => {
  console.log(line);
  lines.push(line);
};
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

// Plans

const provider = (slug: string): ProviderEntry => ({
  ...{ ...STAMP, slug, name: slug, dialect: 'openai-chat', baseUrl: 'https://example.com', allowPrivateAddress: false },
  ...{ credentialId: `operator-${slug}`, capacity: { requestsPerMinute: 100_000, inFlight: 1_000 } },
  ...{ dataPolicy: { retains: false, trains: false }, billsAfterCancel: false },
});
const endpoint = (slug: string, place: number): EndpointEntry => ({
  ...{ ...STAMP, id: `${MODEL}@${slug}`, model: MODEL, provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'] },
  ...{ context: 100_000, inputModalities: ['text'], outputModalities: ['text'] },
  ...{ supportedParameters: ['tools', 'temperature', 'max_tokens'], priceVersion: `price-${'0'.repeat(32)}` },
  ...{ price: { perUnit: { input: String(100 + place), output: '200' } }, enabled: true },
});

/** Endpoints of one model, with failures, speeds and use of their credentials of all kinds. */
const snapshotOf = (count: number) => {
  const slugs = Array.from({ length: count }, (_, place) => `p${place}`);
  const index = buildRoutingIndex({
    revision: 1,
    models: new Map(),
    providers: new Map(slugs.map((slug) => [slug, provider(slug)])),
    endpoints: new Map(slugs.map((slug, place) => [`${MODEL}@${slug}`, endpoint(slug, place)])),
  });
  const health = createHealthBoard();
  const capacity = createCapacityBoard();
  const tally = createHealthTally();
  const use = createCapacityTally();
  slugs.forEach((slug, place) => {
    for (let each = 0; each < 200; each += 1)
      tally.record(
        `${MODEL}@${slug}`,
        {
          verdict: each < place % 60 ? 'failed' : 'succeeded',
          timeToFirstTokenMs: each + place,
          tokensPerSecond: 20 + (place % 100),
        },
        each * 1_000,
      );
    use.begin(`operator-${slug}`, 100, 199_000);
  });
  health.hear({ instance: 'w', clockMs: 200_000, endpoints: tally.all(200_000), credentials: [] }, NOW_MS);
  capacity.hear({ instance: 'w', clockMs: 200_000, capacity: use.all(200_000) }, NOW_MS);
  return { index, health, capacity, ownKeys: indexOwnKeys([]), figuresOf: health.figuresOf, nowMs: NOW_MS };
};

const request = (preferences: RoutePlanRequest['preferences'], tools: boolean): RoutePlanRequest => ({
  ...{ v: 1, generationId: 'gen-1700000000-00000000000000000000', models: [MODEL], preferences },
  identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
  features: {
    ...{
      api: 'chat',
      dialect: 'openai-chat',
      stream: true,
      bodyBytes: 1_000,
      inputTokensEstimate: 200,
      messageCount: 3,
    },
    ...{
      parameters: tools ? ['tools', 'temperature'] : ['temperature'],
      inputModalities: ['text'],
      outputModalities: ['text'],
    },
    ...{ toolCount: tools ? 2 : 0, conversation: 'a-conversation' },
  },
});
const REQUESTS: readonly (readonly [string, RoutePlanRequest])[] = [
  ['the default order', request({}, false)],
  ['with tools', request({}, true)],
  [
    '`order`, `max_price`, zero retention',
    request({ order: ['p7'], maxPrice: { prompt: '100000' }, zdr: true }, false),
  ],
  [
    '`sort: throughput` with a preferred limit',
    request({ sort: { by: 'throughput' }, preferredMaxLatency: { p90: 1 } }, false),
  ],
];
const policy = mergeRules([rulesOfPolicy({ ...STAMP, id: 'p', ignoredProviders: ['p3'], dataCollection: 'deny' })]);

await build();
say('# Routing: benchmark results');
say();
say(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, load ${loadavg()[0]?.toFixed(1) ?? '?'} at the start. See [README.md](README.md#routing) for how it is measured.`,
);
say();
say('## A plan');
say();
say('| endpoints | request | median | p90 | p99 |');
say('|---|---|---|---|---|');
for (const count of [30, 3_000]) {
  const snapshot = snapshotOf(count);
  const plans = Math.max(200, Math.round((Number(options.plans) * 30) / count));
  for (const [name, asked] of REQUESTS) {
    const tookUs: number[] = [];
    for (let run = -Math.ceil(plans * WARM_SHARE); run < plans; run += 1) {
      const before = performance.now();
      const plan = planRoute(asked, policy, snapshot, Math.random);
      const took = performance.now() - before;
      if (plan.attempts.length + plan.excluded.length !== count)
        throw new Error(`a plan that tells of ${plan.attempts.length + plan.excluded.length} endpoints`);
      if (run >= 0) tookUs.push(took * 1_000);
    }
    tookUs.sort((a, b) => a - b);
    say(
      `| ${count} | ${name} | ${at(tookUs, 0.5).toFixed(1)} µs | ${at(tookUs, 0.9).toFixed(1)} µs | ${at(tookUs, 0.99).toFixed(1)} µs |`,
    );
  }
}

// Memory

const data = path.join(import.meta.dirname, '../libs/catalog/data');
const readData = <Content>(file: string): Content => JSON.parse(readFileSync(path.join(data, file), 'utf8')) as Content;
/** As from a bucket: each entity a text of its own. */
const parsed = <Entry>(entry: object): Entry => JSON.parse(JSON.stringify({ ...STAMP, ...entry })) as Entry;

const wholeCatalog = () => {
  const listed = readData<{ models: CatalogModel[] }>('models.json').models;
  const models = new Map(listed.map((each) => [each.id, each]));
  const sources = readdirSync(path.join(data, 'providers')).map((file) =>
    sourceOfCatalog(readData<CatalogProvider>(`providers/${file}`), models, {}),
  );
  const {
    providers,
    models: named,
    endpoints,
  } = normaliseCatalog(
    sources.map((source) => ({ source, locate: () => source.slug })),
    (text) => hash('sha256', text),
    NOW_MS,
  );
  return {
    revision: 1,
    providers: new Map(providers.map((each) => [each.slug, parsed<ProviderEntry>(each)])),
    models: new Map(named.map((each) => [each.id, parsed<ModelEntry>(each)])),
    endpoints: new Map(endpoints.map((each) => [each.id, parsed<EndpointEntry>(each)])),
  };
};
/** A list of providers, a budget, retention: what guardrails mostly say. */
const policyEntry = (place: number): PolicyEntry =>
  parsed<PolicyEntry>({
    ...{
      id: `guardrail-${place}`,
      ignoredProviders: ['one', 'two'],
      allowedProviders: ['openai', 'anthropic', `lab-${place % 50}`],
    },
    ...{ zdr: place % 3 === 0, budget: { limit: '5000000000000', window: 'day', includeByok: false } },
  });

const empty = heapBytes();
const catalog = wholeCatalog();
const withCatalog = heapBytes();
const builtAt = performance.now();
const index = buildRoutingIndex(catalog);
const builtMs = performance.now() - builtAt;
const withIndex = heapBytes();
const policies = new Map(
  Array.from({ length: Number(options.policies) }, (_, place) => [`guardrail-${place}`, policyEntry(place)]),
);
const withPolicies = heapBytes();
const ruledAt = performance.now();
const ruled = new Map([...policies].map(([id, each]) => [id, rulesOfPolicy(each)]));
const ruledMs = performance.now() - ruledAt;
const withRules = heapBytes();

say();
say('## Memory');
say();
say('| what a router keeps | how many | MiB | made in |');
say('|---|---|---|---|');
say(
  `| the whole catalog's entries | ${catalog.providers.size} providers, ${catalog.models.size} models, ${catalog.endpoints.size} endpoints | ${megabytes(withCatalog - empty)} | – |`,
);
say(
  `| their index | ${index.byModel.size} models | ${megabytes(withIndex - withCatalog)} | ${builtMs.toFixed(0)} ms |`,
);
say(`| policies' entries | ${policies.size.toLocaleString('en')} | ${megabytes(withPolicies - withIndex)} | – |`);
say(
  `| their rules | ${ruled.size.toLocaleString('en')} | ${megabytes(withRules - withPolicies)} | ${ruledMs.toFixed(0)} ms |`,
);
say(`| together | | ${megabytes(withRules - empty)} | |`);
if (isWhole) writeFileSync(path.join(import.meta.dirname, 'ROUTING.md'), `${lines.join('\n')}\n`);
