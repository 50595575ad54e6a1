// Providers of the management API against a real Postgres and a real NATS: two replicas of control, a worker that finds what the test says, and a router that watches
// the catalog. What is refused changes nothing; what is stored is published by whichever replica, in the end the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, type Bus, type Subscription } from '@waystation/bus';
import { BillingPricesPut, ProbeRun, type Principal, type ProbeRequest, type ProbeResult } from '@waystation/contracts';
import {
  newWorkerKeyPair,
  openSealed,
  watchCatalog,
  watchCredentials,
  type AppContext,
  type CatalogSnapshot,
  type HeadSnapshot,
} from '@waystation/runtime';
import { natsServer, postgresDatabase, type TestNats } from '@waystation/testing';
import { pino } from 'pino';
import { verifyAudit } from '../audit/verify-audit.js';
import { openCatalogFiles } from '../catalog/catalog-files.js';
import { startCatalogKeeper, type CatalogKeeper } from '../catalog/catalog-keeper.js';
import { createChanges } from '../changes/changes.js';
import { controlConfig, type ControlConfig } from '../config.js';
import { parseConfigFile } from '../config-file/read-config-file.js';
import { startProjector, type Projector } from '../projection/projector.js';
import { startTestControl, type TestControl } from '../test-control.js';
import { PrivateProvidersHandler } from './private-providers.handler.js';

const KEY = 'sk-private-canary';
const keys = newWorkerKeyPair();
const operator: Principal = { kind: 'service', permissions: ['operator'] };
const ask = { v: 1 as const, principal: operator };

interface Replica {
  readonly handler: PrivateProvidersHandler;
  stop(): Promise<void>;
}

let test: TestControl;
let nats: TestNats;
let others: Bus;
let workerBus: Bus;
let worker: Subscription;
let replicas: [Replica, Replica];
let catalog: HeadSnapshot<CatalogSnapshot>;
const buses: Bus[] = [];
/** What the worker was asked, and what it finds. */
let probed: ProbeRequest[] = [];
let find: (request: ProbeRequest) => ProbeResult;
/** By endpoint, the versions that billing was told it is at. */
const billed = new Map<string, string[]>();

const passes: typeof find = () => ({ status: 'passing', latencyMs: 12, used: [{ input: 3, output: 2 }] });
const fails: typeof find = () => ({
  ...{ status: 'failing', latencyMs: 7, used: [] },
  problem: { step: 'credential', message: 'The credential is refused.', upstreamStatus: 401, answer: 'no such key' },
});

const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const endsAt = Date.now() + 15_000; !(await holds()); await sleep(20))
    if (Date.now() > endsAt) throw new Error(`not yet: ${what}`);
};
const busTo = async (service: string): Promise<Bus> => {
  const bus = await connectBus({ url: nats.url, service, services: [service], release: 'test' });
  buses.push(bus);
  return bus;
};

const startWorker = async (): Promise<void> => {
  worker = await workerBus.handle(ProbeRun, (request) => {
    probed.push(request);
    return find(request);
  });
};

/** Of the operator's file, under what the API says. */
const FILE = `providers:
  - slug: shared
    dialect: openai-chat
    baseUrl: http://127.0.0.1:1/v1
    endpoints: [{ model: shared/one, context: 1000, price: { input: "1", output: "1" } }]
`;

const startReplica = async (): Promise<Replica> => {
  const bus = await busTo('control');
  const log = pino({ level: 'silent' });
  const scaleMs = (ms: number): number => Math.max(1, Math.round(ms / 20));
  const config: ControlConfig = controlConfig.parse({
    ...{ WAYSTATION_CONTROL_WRITER_URL: 'postgres://x/y', WAYSTATION_CONTROL_READER_URL: 'postgres://x/y' },
    ...{ WAYSTATION_WORKER_PUBLIC_KEY: keys.publicKey, WAYSTATION_PRIVATE_HOSTS: 'vllm.lan' },
    ...{ WAYSTATION_PROVIDER_LAN_KEY: 'sk-of-the-environment', GROQ_API_KEY: 'sk-groq-of-the-environment' },
  });
  const changes = createChanges(test.writer);
  const projector: Projector = startProjector(test.writer, bus, { log, scaleMs });
  changes.onCommit(() => projector.wake());
  const files = await openCatalogFiles(config.catalogFolder);
  const context = { bus, log, config, scaleMs } as unknown as AppContext<ControlConfig>;
  const keeper: CatalogKeeper = startCatalogKeeper(
    context,
    changes,
    parseConfigFile('waystation.yaml', FILE, {}),
    files,
    test.writer,
  );
  return {
    handler: new PrivateProvidersHandler(context, test.writer, changes, files),
    async stop() {
      await keeper.stop();
      await projector.stop();
    },
  };
};

beforeAll(async () => {
  [test, nats] = await Promise.all([postgresDatabase().then(startTestControl), natsServer()]);
  others = await busTo('billing');
  await others.handle(BillingPricesPut, ({ prices, endpoints = [] }) => {
    for (const { endpointId, version } of endpoints)
      billed.set(endpointId, [...(billed.get(endpointId) ?? []), version]);
    return { stored: prices.length };
  });
  workerBus = await busTo('worker');
  await startWorker();
  const router = await busTo('router');
  replicas = [await startReplica(), await startReplica()];
  catalog = watchCatalog(router);
  await until('published', () => catalog.ready && catalog.current.endpoints.has('shared/one@shared'));
}, 120_000);
beforeEach(() => {
  probed = [];
  find = passes;
});
afterAll(async () => {
  catalog.stop();
  await Promise.all(replicas.map((replica) => replica.stop()));
  await Promise.all(buses.map((bus) => bus.close(1_000)));
  await Promise.all([test.stop(), nats.stop()]);
});

const ENDPOINT = {
  model: 'home/small',
  upstreamModel: 'm-1',
  context: 8_000,
  price: { input: '0.15', output: '0.60' },
};
const PROVIDER = {
  slug: 'home',
  dialect: 'openai-chat',
  baseUrl: 'https://vllm.example/v1',
  apiKey: KEY,
  endpoints: [ENDPOINT],
};
const served = (id = 'home/small@home') => catalog.current.endpoints.get(id);
/** All that a refused call must leave as it was. */
const state = async (): Promise<unknown> => [
  await test.writer.query('select * from private_providers order by slug'),
  await test.writer.query('select id, body from catalog order by kind, id'),
  await test.audited(),
];
const refused = async (work: Promise<unknown>, error: object): Promise<void> => {
  const before = await state();
  await expect(work).rejects.toMatchObject(error);
  expect(await state()).toEqual(before);
};

it('is tried with its key before it is stored, then served at its price by whichever replica, its key sealed to the workers', async () => {
  const { provider } = await replicas[0].handler.create({ ...ask, provider: PROVIDER });
  expect(provider).toMatchObject({
    ...{ slug: 'home', key: 'sealed', provider: { slug: 'home', baseUrl: 'https://vllm.example/v1' } },
    endpoints: [
      {
        ...{ id: 'home/small@home', serving: true },
        // Three tokens at 0.15 and two at 0.60 a million.
        probe: { status: 'passing', latencyMs: 12, costPicodollars: '1650000' },
      },
    ],
  });
  expect(JSON.stringify(provider)).not.toContain(KEY);
  const [request] = probed;
  expect(request).toMatchObject({
    provider: { baseUrl: 'https://vllm.example/v1', allowPrivateAddress: false },
    endpoint: { id: 'home/small@home', upstreamModel: 'm-1', enabled: true },
    credential: { id: 'operator-home', kind: 'bearer' },
  });
  expect(request?.credential.sealed && openSealed(keys.privateKey, request.credential.sealed, 'operator-home')).toBe(
    KEY,
  );
  await until('served', () => served()?.enabled === true);
  expect(served()?.price.perUnit).toEqual({ input: '150000', output: '600000' });
  expect(billed.get('home/small@home')).toContain(served()?.priceVersion);
  const credentials = watchCredentials(others);
  await until('sealed', () => credentials.current.has('operator-home'));
  const { sealed } = credentials.current.get('operator-home') ?? {};
  expect(sealed && openSealed(keys.privateKey, sealed, 'operator-home')).toBe(KEY);
  credentials.stop();
  expect(await test.audited()).toContain('provider.created home');
  const everything = await test.writer.query<{ text: string }>(
    'select to_jsonb(p)::text as text from private_providers p union all select to_jsonb(a)::text from audit a union all select to_jsonb(p)::text from endpoint_probes p',
  );
  for (const { text } of everything) expect(text).not.toContain('canary');
});

it('whose probe fails is refused with what failed, and the old state goes on serving', async () => {
  find = fails;
  const told = {
    code: 'unprocessable',
    message: 'Nothing was changed: home/small@home does not pass its probe. credential: The credential is refused.',
    details: {
      problems: [{ endpointId: 'home/small@home', step: 'credential', upstreamStatus: 401, answer: 'no such key' }],
    },
  };
  await refused(replicas[1].handler.update({ ...ask, slug: 'home', changes: { apiKey: 'sk-wrong' } }), told);
  await refused(replicas[0].handler.create({ ...ask, provider: { ...PROVIDER, slug: 'second' } }), {
    code: 'unprocessable',
  });
  const endpoint = { ...ENDPOINT, upstreamModel: 'm-2' };
  await refused(replicas[0].handler.putEndpoint({ ...ask, slug: 'home', endpoint }), told);
  expect(served()?.enabled).toBe(true);
});

it.each<[string, object, string]>([
  ['a member that nobody knows', { colour: 'red' }, 'provider.colour: is not known here'],
  ['no address', { baseUrl: undefined }, 'provider.baseUrl: is missing'],
  [
    'a price that is none',
    { endpoints: [{ ...ENDPOINT, price: { input: '-1', output: '1' } }] },
    'provider.endpoints[0].price.input: ',
  ],
  ['a model twice', { endpoints: [ENDPOINT, ENDPOINT] }, 'provider.endpoints[1].model: the same model is there twice'],
  ['a dialect that nobody speaks', { dialect: 'morse' }, 'provider.dialect: must be one of'],
  [
    'a provider of the catalog that is not there',
    { extends: 'nobody', dialect: undefined, endpoints: undefined },
    'the catalog has no provider "nobody"',
  ],
  [
    "a variable of control that is no provider's",
    { apiKey: '${WAYSTATION_CONTROL_WRITER_URL}' },
    'provider.apiKey: may not name the variable WAYSTATION_CONTROL_WRITER_URL',
  ],
  [
    'a variable that is not set',
    { apiKey: '${WAYSTATION_PROVIDER_NONE_KEY}' },
    'provider.apiKey: the environment variable WAYSTATION_PROVIDER_NONE_KEY is not set in control',
  ],
  [
    'a variable elsewhere',
    { headers: { 'x-key': '${WAYSTATION_PROVIDER_LAN_KEY}' } },
    'provider.headers.x-key: may not hold a variable',
  ],
])('with %s is refused before anything is asked of anybody', async (_name, more, message) => {
  const provider = JSON.parse(JSON.stringify({ ...PROVIDER, slug: 'bad', ...more })) as Record<string, unknown>;
  await refused(replicas[0].handler.create({ ...ask, provider }), {
    ...{ code: 'invalid_request', message: expect.stringContaining(message) as string },
  });
  expect(probed).toEqual([]);
});

it('that is there already is not made again, and one that is not there is not found', async () => {
  await refused(replicas[1].handler.create({ ...ask, provider: PROVIDER }), { code: 'conflict' });
  await refused(replicas[1].handler.update({ ...ask, slug: 'shared', changes: { name: 'X' } }), {
    ...{ code: 'not_found', message: expect.stringContaining("of the operator's file are not changed here") as string },
  });
});

it('keeps its key and what was proved where only its price changes: a new version, from now on', async () => {
  const before = served()?.priceVersion;
  await replicas[1].handler.putEndpoint({
    ...{ ...ask, slug: 'home' },
    endpoint: { ...ENDPOINT, price: { input: '0.30', output: '0.60' } },
  });
  expect(probed).toEqual([]);
  await until('repriced', () => served()?.price.perUnit['input'] === '300000');
  expect(served()?.enabled).toBe(true);
  const versions = billed.get('home/small@home') ?? [];
  expect(versions.indexOf(before ?? '')).toBeGreaterThanOrEqual(0);
  expect(versions.indexOf(served()?.priceVersion ?? '')).toBeGreaterThan(versions.indexOf(before ?? ''));
});

it('is tried again where what is asked of it changes, with the key that is kept, which goes to no other host', async () => {
  const home = { ...ask, slug: 'home' };
  await replicas[0].handler.update({ ...home, changes: { baseUrl: 'https://vllm.example/v2', name: 'At home' } });
  expect(probed).toMatchObject([{ provider: { name: 'At home' }, credential: { kind: 'bearer' } }]);
  const [{ credential } = {}] = probed;
  expect(credential?.sealed && openSealed(keys.privateKey, credential.sealed, 'operator-home')).toBe(KEY);
  await until('moved', () => catalog.current.providers.get('home')?.baseUrl === 'https://vllm.example/v2');
  const baseUrl = 'http://vllm.lan/v1';
  for (const changes of [{ baseUrl }, { auth: { kind: 'header', name: 'x-key' } }])
    await refused(replicas[0].handler.update({ ...home, changes }), {
      ...{ code: 'invalid_request', message: expect.stringContaining('provider.apiKey: give it again') as string },
    });
  await replicas[1].handler.update({ ...home, changes: { baseUrl, apiKey: KEY } });
  expect(probed.at(-1)?.provider.allowPrivateAddress).toBe(true);
  await until('moved', () => catalog.current.providers.get('home')?.baseUrl === baseUrl);
});

it('does not get the key of a provider of the catalog for another address than its own', async () => {
  const own = { extends: 'groq', models: ['openai/gpt-oss-20b'] };
  const provider = { ...own, slug: 'thief', baseUrl: 'https://thief.example/v1' };
  await replicas[0].handler.create({ ...ask, provider });
  expect(probed.map(({ credential }) => [credential.kind, credential.sealed])).toEqual([['none', undefined]]);
  await replicas[0].handler.delete({ ...ask, slug: 'thief' });
  await expect(
    replicas[0].handler.create({ ...ask, provider: { ...provider, apiKey: '${GROQ_API_KEY}' } }),
  ).rejects.toMatchObject({ code: 'invalid_request' });
  const { provider: made } = await replicas[0].handler.create({ ...ask, provider: { ...own, slug: 'groq-two' } });
  expect(made).toMatchObject({ key: 'variable', endpoints: [{ serving: true }] });
  await replicas[0].handler.delete({ ...ask, slug: 'groq-two' });
  expect(probed.map(({ credential }) => credential.kind)).toEqual(['none', 'bearer']);
});

it('of which an endpoint fails later serves there no more until it passes, and says why to whoever asks for it', async () => {
  find = fails;
  const { provider } = await replicas[0].handler.probe({ ...ask, slug: 'home' });
  expect(provider.endpoints).toMatchObject([
    {
      serving: false,
      note: 'it failed when it was last tried',
      probe: { status: 'failing', problem: { step: 'credential' } },
    },
  ]);
  await until('taken out', () => served()?.enabled === false);
  // What has nothing to do with that can be changed all the same; what is to be asked otherwise must pass.
  const home = { ...ask, slug: 'home' };
  const { provider: renamed } = await replicas[1].handler.update({ ...home, changes: { name: 'Still down' } });
  expect(renamed.endpoints).toMatchObject([{ serving: false }]);
  await until('renamed', () => catalog.current.providers.get('home')?.name === 'Still down');
  await refused(replicas[1].handler.update({ ...home, changes: { headers: { 'x-team': 'lab' } } }), {
    code: 'unprocessable',
  });
  expect(served()?.disabledBecause).toBe('it failed when it was last tried');
  find = passes;
  expect(
    (await replicas[1].handler.probe({ ...ask, slug: 'home', model: 'home/small' })).provider.endpoints,
  ).toMatchObject([{ serving: true }]);
  await until('served again', () => served()?.enabled === true);
  await refused(replicas[0].handler.probe({ ...ask, slug: 'home', model: 'home/large' }), { code: 'not_found' });
});

it('may be forced to serve unproved, with a reason that is kept and audited', async () => {
  find = fails;
  const force = 'the server starts tomorrow';
  const endpoint = { ...ENDPOINT, model: 'home/late' };
  const { provider } = await replicas[0].handler.putEndpoint({ ...ask, slug: 'home', endpoint, force });
  expect(provider.endpoints.find(({ model }) => model === 'home/late')).toMatchObject({
    ...{ serving: true, forced: force, probe: { status: 'failing' } },
  });
  await until('served', () => served('home/late@home')?.enabled === true);
  const details = await test.writer.query<{ force: string | null }>(
    `select detail ->> 'force' as force from audit where action = 'provider.changed' order by id desc limit 1`,
  );
  expect(details).toEqual([{ force }]);
  const late = { ...ask, slug: 'home', model: 'home/late' };
  const shownAfterProbe = async () =>
    (await replicas[1].handler.probe(late)).provider.endpoints.find(({ model }) => model === 'home/late');
  expect(await shownAfterProbe()).toMatchObject({ serving: true, forced: force, probe: { status: 'failing' } });
  // The force is for as long as it was not seen to pass.
  find = passes;
  expect(await shownAfterProbe()).toMatchObject({ serving: true, probe: { status: 'passing' } });
  find = fails;
  expect(await shownAfterProbe()).toMatchObject({ serving: false });
  await replicas[1].handler.deleteEndpoint({ ...ask, slug: 'home', model: 'home/late' });
  await until('gone', () => served('home/late@home') === undefined);
  await refused(replicas[1].handler.deleteEndpoint({ ...ask, slug: 'home', model: 'home/late' }), {
    code: 'not_found',
  });
});

it('is not stored where no worker can be asked, and may be forced even then', async () => {
  await worker.drain();
  const provider = { ...PROVIDER, slug: 'later', endpoints: [{ ...ENDPOINT, model: 'later/small' }] };
  await refused(replicas[0].handler.create({ ...ask, provider }), { code: 'no_responder' });
  const forced = await replicas[0].handler.create({ ...ask, provider, force: 'workers come later' });
  expect(forced.provider.endpoints).toMatchObject([{ serving: true, probe: { problem: { step: 'worker' } } }]);
  await startWorker();
  await replicas[0].handler.delete({ ...ask, slug: 'later' });
});

it('may be changed by one caller at a time: who read an older one is told', async () => {
  let meanwhile: Promise<unknown> | undefined;
  find = (request) => {
    // While the first is being tried, another change comes in through the other replica.
    meanwhile ??= replicas[1].handler.update({ ...ask, slug: 'home', changes: { name: 'Faster' } });
    return passes(request);
  };
  const slow = replicas[0].handler.putEndpoint({ ...ask, slug: 'home', endpoint: { ...ENDPOINT, model: 'home/slow' } });
  const outcome = await slow.then(
    () => 'stored',
    (error: { code: string }) => error.code,
  );
  const other = await (meanwhile ?? Promise.resolve()).then(
    () => 'stored',
    (error: { code: string }) => error.code,
  );
  expect([outcome, other].sort()).toEqual(['conflict', 'stored']);
});

it('lies over the provider of the same slug in the operator’s file, and uncovers it when it is deleted', async () => {
  const endpoints = [{ ...ENDPOINT, model: 'shared/two' }];
  await replicas[0].handler.create({
    ...ask,
    provider: { ...PROVIDER, slug: 'shared', endpoints, apiKey: '${WAYSTATION_PROVIDER_LAN_KEY}' },
  });
  expect((await replicas[1].handler.get({ ...ask, slug: 'shared' })).provider).toMatchObject({
    ...{ key: 'variable', provider: { apiKey: '${WAYSTATION_PROVIDER_LAN_KEY}' } },
  });
  await until(
    'covered',
    () => served('shared/two@shared')?.enabled === true && served('shared/one@shared') === undefined,
  );
  await replicas[1].handler.delete({ ...ask, slug: 'shared' });
  await until(
    'uncovered',
    () => served('shared/one@shared')?.enabled === true && served('shared/two@shared') === undefined,
  );
});

it('may stand on a provider of the catalog', async () => {
  await replicas[0].handler.create({
    ...ask,
    provider: { slug: 'my-groq', extends: 'groq', apiKey: 'sk-groq', models: ['openai/gpt-oss-20b'] },
  });
  expect(probed).toMatchObject([
    { provider: { slug: 'my-groq', dialect: 'openai-chat' }, endpoint: { model: 'openai/gpt-oss-20b' } },
  ]);
  await until('served', () => served('openai/gpt-oss-20b@my-groq')?.enabled === true);
  await replicas[0].handler.delete({ ...ask, slug: 'my-groq' });
});

it('with a fault that came later is left out alone, and says which', async () => {
  await replicas[0].handler.create({
    ...ask,
    provider: {
      ...PROVIDER,
      slug: 'late',
      endpoints: [{ ...ENDPOINT, model: 'late/small' }],
      apiKey: '${WAYSTATION_PROVIDER_LAN_KEY}',
    },
  });
  await until('served', () => served('late/small@late')?.enabled === true);
  // As after a start without the variable.
  await test.changes.commit(async ({ runner, version }) => {
    await runner.query(
      `update private_providers set key_variable = 'WAYSTATION_PROVIDER_GONE_KEY', version = $1 where slug = 'late'`,
      [version],
    );
    return { result: undefined };
  });
  await until('left out', () => served('late/small@late') === undefined);
  expect(served('shared/one@shared')?.enabled).toBe(true);
  expect((await replicas[0].handler.get({ ...ask, slug: 'late' })).provider).toMatchObject({
    ...{
      endpoints: [],
      fault: expect.stringContaining('WAYSTATION_PROVIDER_GONE_KEY is not set in control') as string,
    },
  });
  await replicas[0].handler.delete({ ...ask, slug: 'late' });
});

it('that was deleted serves nobody, says when it was deleted for a while, keeps no secret, and may be made again', async () => {
  const { deletedAt } = await replicas[0].handler.delete({ ...ask, slug: 'home' });
  await until('out of service', () => served()?.enabled === false);
  const at = new Date(deletedAt).toISOString();
  expect(served()?.disabledBecause).toBe(`the provider home was deleted at ${at}`);
  await expect(replicas[1].handler.get({ ...ask, slug: 'home' })).rejects.toMatchObject({
    ...{ code: 'not_found', message: `The private provider "home" was deleted at ${at}.` },
  });
  expect(await test.writer.query(`select sealed, fingerprint from private_providers where slug = 'home'`)).toEqual([
    { sealed: null, fingerprint: null },
  ]);
  expect((await replicas[1].handler.list({ ...ask, offset: 0, limit: 50 })).total).toBe(0);
  await replicas[1].handler.create({ ...ask, provider: PROVIDER });
  await until('back', () => served()?.enabled === true);
  expect((await replicas[0].handler.list({ ...ask, offset: 0, limit: 50 })).providers).toMatchObject([
    { slug: 'home' },
  ]);
});

it('leaves an audit that holds, and probes that nobody can rewrite', async () => {
  expect((await verifyAudit(test.writer)).fault).toBeUndefined();
  await expect(test.writer.query(`update endpoint_probes set status = 'passing'`)).rejects.toThrow(/permission denied/);
  await expect(test.reader.query('select * from private_providers')).rejects.toThrow(/permission denied/);
});
