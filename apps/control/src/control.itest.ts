// Control against a real Postgres and a real NATS: what is committed is what is published, whatever happens in between.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectBus, type Bus } from '@waystation/bus';
import {
  BillingCreditsGrant,
  BillingPricesPut,
  credentialEntry,
  newApiKey,
  SNAPSHOT_KEYS,
  type LimitSpec,
  type Principal,
} from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import {
  newWorkerKeyPair,
  openSealed,
  watchCatalog,
  watchCredentials,
  watchKeys,
  watchPolicies,
  watchWorkspaces,
  type AppContext,
} from '@waystation/runtime';
import { PROVIDER_DIALECTS } from '@waystation/providers';
import { natsServer, postgresDatabase, type TestDatabase, type TestNats } from '@waystation/testing';
import pg from 'pg';
import { pino } from 'pino';
import { migrations } from './app.js';
import { verifyAudit } from './audit/verify-audit.js';
import { openCatalogFiles } from './catalog/catalog-files.js';
import { CONTROL_PRINCIPAL, sha256hex, startCatalogKeeper, type CatalogKeeper } from './catalog/catalog-keeper.js';
import { checkSources } from './catalog/gather-sources.js';
import { createChanges, type Changes } from './changes/changes.js';
import { controlConfig, type ControlConfig } from './config.js';
import { NO_FILE, readConfigFile } from './config-file/read-config-file.js';
import { GuardrailsHandler } from './guardrails/guardrails.handler.js';
import { hashKey, KeysHandler } from './keys/keys.handler.js';
import { LimitsHandler } from './limits/limits.handler.js';
import { PROJECTED_BUCKETS } from './projection/entities.js';
import { startProjector, type Projector } from './projection/projector.js';
import { seedCredits, seedKeys, seedWorkspace } from './seeds/seed.js';

const suffix = randomBytes(4).toString('hex');
type Role = 'owner' | 'writer' | 'reader';
const workerKeys = newWorkerKeyPair();
const seedApiKey = newApiKey(randomBytes);
const seedManagementKey = newApiKey(randomBytes);

let database: TestDatabase;
let nats: TestNats;
let writer: Database;
let reader: Database;
let folder: string;

const roleUrl = (role: Role): string => {
  const url = new URL(database.adminUrl);
  [url.username, url.password] = [`control_${role}_${suffix}`, 'secret'];
  return url.href;
};
const open = (role: 'writer' | 'reader'): Promise<Database> =>
  openDatabase({
    url: roleUrl(role),
    schema: 'control',
    applicationName: 'control-itest',
    poolMax: 3,
    statementTimeoutMs: 20_000,
  });
const asAdmin = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: database.adminUrl, options: '-c search_path=control' });
  await client.connect();
  await client.query(sql).finally(() => client.end());
};
const busTo = (url: string, service = 'control'): Promise<Bus> =>
  connectBus({
    url,
    service,
    services: [service],
    release: 'test',
    times: {
      aliveEveryMs: 200,
      reconnectWaitMs: 50,
      disconnectGraceMs: 200,
      journalAckTimeoutMs: 10_000,
      rpcTimeoutMs: 10_000,
    },
  });
const until = async (what: string, holds: () => boolean | Promise<boolean>, withinMs = 25_000): Promise<void> => {
  const endsAt = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endsAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
};
const configOf = (more: Record<string, string> = {}): ControlConfig =>
  controlConfig.parse({
    WAYSTATION_MODE: 'development',
    WAYSTATION_CONTROL_WRITER_URL: roleUrl('writer'),
    WAYSTATION_CONTROL_READER_URL: roleUrl('reader'),
    WAYSTATION_WORKER_PUBLIC_KEY: workerKeys.publicKey,
    ...more,
  });

/** One running control, without Nest around it. */
interface Control {
  readonly bus: Bus;
  readonly changes: Changes;
  readonly keys: KeysHandler;
  readonly limits: LimitsHandler;
  readonly projector: Projector;
  readonly logged: string[];
  keep(config: ControlConfig): Promise<CatalogKeeper>;
  stop(): Promise<void>;
}
const startControl = async (): Promise<Control> => {
  const bus = await busTo(nats.url);
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const scaleMs = (ms: number): number => Math.max(1, Math.round(ms / 20));
  const changes = createChanges(writer);
  const projector = startProjector(writer, bus, { log, scaleMs });
  changes.onCommit(() => projector.wake());
  const keepers: CatalogKeeper[] = [];
  return {
    bus,
    changes,
    keys: new KeysHandler(changes, reader),
    limits: new LimitsHandler(changes, reader),
    projector,
    logged,
    async keep(config) {
      const file =
        config.configFile === undefined ? NO_FILE : await readConfigFile(config.configFile, config.environment);
      const context = { bus, log, config, scaleMs } as unknown as AppContext<ControlConfig>;
      const keeper = startCatalogKeeper(context, changes, file, await openCatalogFiles(config.catalogFolder), writer);
      keepers.push(keeper);
      return keeper;
    },
    async stop() {
      await Promise.all(keepers.map((keeper) => keeper.stop()));
      await projector.stop();
      await bus.close(1_000);
    },
  };
};

const service: Principal = { kind: 'service', permissions: ['operator'] };
const wallet = { v: 1 as const, workspaceId: 'default', kind: 'inference' as const, principal: service };

beforeAll(async () => {
  [database, nats] = await Promise.all([postgresDatabase(), natsServer()]);
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-control-'));
  await provisionRoles({
    adminUrl: database.adminUrl,
    schema: 'control',
    urls: { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') },
  });
  await migrate({ ownerUrl: roleUrl('owner'), schema: 'control', migrations });
  [writer, reader] = await Promise.all([open('writer'), open('reader')]);
  const changes = createChanges(writer);
  await seedWorkspace(changes);
  await seedWorkspace(changes);
  await changes.commit(async ({ runner, version, touch }) => {
    await runner.query(`insert into workspaces (id, slug, name, version) values ('other', 'other', 'Other', $1)`, [
      version,
    ]);
    touch('workspace', 'other');
    return { result: undefined };
  });
}, 120_000);

afterAll(async () => {
  await Promise.allSettled([writer?.close(), reader?.close()]);
  await Promise.allSettled([nats?.stop(), database?.drop(), rm(folder, { recursive: true, force: true })]);
});

describe('api keys', () => {
  let control: Control;
  beforeAll(async () => {
    control = await startControl();
    await until('published', () => control.projector.settled);
  });
  afterAll(() => control.stop());

  it('reach a watching ingress at once, and so does a revocation', async () => {
    const ingress = await busTo(nats.url, 'ingress');
    const keys = watchKeys(ingress);
    await until('in sync', () => keys.ready);
    const { key, entry } = await control.keys.create({
      ...wallet,
      name: 'first',
      limit: '5000000000000',
      limitReset: 'daily',
    });
    expect(entry.hash).toBe(hashKey(key));
    await until('published', () => keys.current.has(entry.hash));
    expect(keys.current.get(entry.hash)).toEqual(entry);

    const { entry: disabled } = await control.keys.update({
      v: 1,
      principal: service,
      hash: entry.hash,
      disabled: true,
    });
    await until('disabled', () => keys.current.get(entry.hash)?.disabled === true);
    expect(disabled.version).toBeGreaterThan(entry.version);
    expect(disabled.limit).toBe('5000000000000');

    await control.keys.delete({ v: 1, principal: service, hash: entry.hash });
    await until('deleted', () => keys.current.get(entry.hash)?.deleted === true);
    await expect(
      control.keys.update({ v: 1, principal: service, hash: entry.hash, name: 'again' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    keys.stop();
    await ingress.close(500);
  });

  it('are stored as hashes: the key itself is nowhere in the database', async () => {
    const { key } = await control.keys.create({ ...wallet, name: 'secret' });
    const [{ rows }] = await Promise.all([
      writer
        .query<{ text: string }>(
          `select to_jsonb(k)::text as text from keys k union all select to_jsonb(a)::text from audit a union all select to_jsonb(o)::text from outbox o`,
        )
        .then((all) => ({ rows: all })),
    ]);
    expect(rows.length).toBeGreaterThan(1);
    for (const { text } of rows) expect(text).not.toContain(key);
  });

  it('of another workspace do not exist for a caller', async () => {
    const manager = await control.keys.create({ ...wallet, kind: 'management', name: 'manager' });
    const principal: Principal = {
      kind: 'key',
      workspaceId: 'default',
      keyHash: manager.entry.hash,
      permissions: ['keys:read', 'keys:write'],
    };
    const theirs = await control.keys.create({ ...wallet, workspaceId: 'other', name: 'theirs' });
    const refused = { code: 'not_found' };
    await expect(control.keys.create({ ...wallet, principal, workspaceId: 'other', name: 'x' })).rejects.toMatchObject(
      refused,
    );
    await expect(
      control.keys.update({ v: 1, principal, hash: theirs.entry.hash, disabled: true }),
    ).rejects.toMatchObject(refused);
    await expect(control.keys.delete({ v: 1, principal, hash: theirs.entry.hash })).rejects.toMatchObject(refused);
    await expect(control.keys.list({ v: 1, principal, workspaceId: 'other' })).rejects.toMatchObject(refused);
    await expect(control.keys.create({ ...wallet, workspaceId: 'nowhere', name: 'x' })).rejects.toMatchObject(refused);
    const { keys } = await control.keys.list({ v: 1, principal, workspaceId: 'default' });
    expect(keys.map(({ hash }) => hash)).toContain(manager.entry.hash);
    expect(keys.every(({ workspaceId }) => workspaceId === 'default')).toBe(true);
  });

  it('are hidden by the database itself when nobody names a workspace', async () => {
    expect(await reader.query('select * from keys')).toEqual([]);
    await expect(reader.query('select * from credentials')).rejects.toThrow(/permission denied/);
  });

  it('cannot mint something wider than themselves', async () => {
    const expiresAt = Date.now() + 60_000;
    const manager = await control.keys.create({
      ...wallet,
      kind: 'management',
      name: 'small',
      limit: '100',
      expiresAt,
    });
    const principal: Principal = {
      kind: 'key',
      workspaceId: 'default',
      keyHash: manager.entry.hash,
      permissions: ['keys:write'],
    };
    const fits = { ...wallet, principal, name: 'child', limit: '100', expiresAt };
    await expect(control.keys.create(fits)).resolves.toMatchObject({ entry: { limit: '100' } });
    const denied = { code: 'permission_denied' };
    await expect(control.keys.create({ ...fits, limit: '101' })).rejects.toMatchObject(denied);
    await expect(control.keys.create({ ...fits, limit: null })).rejects.toMatchObject(denied);
    await expect(control.keys.create({ ...fits, limitReset: 'daily' })).rejects.toMatchObject(denied);
    await expect(control.keys.create({ ...fits, expiresAt: expiresAt + 1 })).rejects.toMatchObject(denied);
    await expect(control.keys.create({ ...fits, expiresAt: null })).rejects.toMatchObject(denied);
    await expect(control.keys.update({ v: 1, principal, hash: manager.entry.hash, limit: null })).rejects.toMatchObject(
      denied,
    );
    const inference = await control.keys.create({ ...wallet, name: 'inference' });
    const asInference: Principal = { ...principal, keyHash: inference.entry.hash };
    await expect(control.keys.create({ ...wallet, principal: asInference, name: 'x' })).rejects.toMatchObject(denied);
    await expect(
      control.keys.delete({ v: 1, principal: asInference, hash: inference.entry.hash }),
    ).rejects.toMatchObject(denied);
  });

  it('live by the limits of their workspace, which travel with it', async () => {
    const ingress = await busTo(nats.url, 'ingress');
    const workspaces = watchWorkspaces(ingress);
    await until('in sync', () => workspaces.ready);
    const about = { v: 1 as const, principal: service, workspaceId: 'default' };
    const day: LimitSpec = {
      scope: 'workspace',
      metric: 'usd',
      window: 'day',
      limit: '5000000000000',
      includeByok: true,
    };
    const rate: LimitSpec = { scope: 'end-user', metric: 'requests', window: 'minute', limit: '20', freeOnly: true };
    const told = () => workspaces.current.get('default')?.limits;
    await control.limits.put({ ...about, limits: [day, rate] });
    await until('published', () => told()?.length === 2);
    expect(told()).toEqual([rate, day].sort((a, b) => (a.scope < b.scope ? -1 : 1)));

    await control.limits.put({ ...about, limits: [{ ...day, limit: '6000000000000' }] });
    await until('raised', () => told()?.some(({ limit }) => limit === '6000000000000') === true);
    expect(told()).toHaveLength(2);

    const refused = { code: 'invalid_request' };
    const week: LimitSpec = { ...day, window: 'week', limit: '6000000000000' };
    await expect(control.limits.put({ ...about, limits: [week] })).rejects.toMatchObject(refused);
    await expect(control.limits.put({ ...about, limits: [rate, rate] })).rejects.toMatchObject(refused);
    const nobody: LimitSpec = { scope: 'member', scopeId: 'nobody', metric: 'usd', window: 'day', limit: '1' };
    await expect(control.limits.put({ ...about, limits: [nobody] })).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      control.limits.put({ ...about, limits: [{ ...nobody, scope: 'key', scopeId: 'f'.repeat(64) }] }),
    ).rejects.toMatchObject({ code: 'not_found' });

    const manager = await control.keys.create({ ...wallet, kind: 'management', name: 'of limits' });
    const principal: Principal = {
      kind: 'key',
      workspaceId: 'default',
      keyHash: manager.entry.hash,
      permissions: ['workspaces:write'],
    };
    await expect(
      control.limits.put({ ...about, principal, workspaceId: 'other', limits: [day] }),
    ).rejects.toMatchObject({ code: 'not_found' });
    await expect(control.limits.list({ ...about, principal, workspaceId: 'other' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect((await control.limits.list({ ...about, principal })).limits).toHaveLength(2);
    expect((await control.limits.list({ ...about, workspaceId: 'other' })).limits).toEqual([]);

    await control.limits.delete({ ...about, principal, limit: rate });
    await expect(control.limits.delete({ ...about, limit: rate })).rejects.toMatchObject({ code: 'not_found' });
    await control.limits.delete({ ...about, limit: day });
    await until('gone', () => told() === undefined);
    workspaces.stop();
    await ingress.close(500);
  });

  it('live by their guardrails, which reach a watching ingress as one complete set, whatever is made and forgotten', async () => {
    const ingress = await busTo(nats.url, 'ingress');
    const policies = watchPolicies(ingress);
    await until('in sync', () => policies.ready);
    const guardrails = new GuardrailsHandler(control.changes, reader);
    const about = { v: 1 as const, principal: service, workspaceId: 'default' };
    const newGuardrail = async (limit: string): Promise<string> =>
      (await guardrails.create({ ...about, name: 'budget', limit, limitReset: 'weekly' })).guardrail.id;
    const [first, second] = [await newGuardrail('5'), await newGuardrail('6')];
    await until('published', () => policies.current.policies.has(second));
    expect(policies.current.policies.get(first)?.budget).toEqual({ limit: '5', window: 'week', includeByok: false });

    await guardrails.delete({ ...about, guardrailId: first });
    await until('emptied', () => policies.current.policies.get(first)?.budget === undefined);
    await writer.query(`update guardrails set deleted_at = now() - interval '30 days' where id = $1`, [first]);
    await guardrails.delete({ ...about, guardrailId: second });
    await until('forgotten', () => !policies.current.policies.has(first));
    expect(policies.current.policies.get(second)).not.toHaveProperty('budget');
    policies.stop();
    await ingress.close(500);
  });

  it('leave a record of every change in a chain that tells when it was touched', async () => {
    expect((await verifyAudit(writer)).fault).toBeUndefined();
    await expect(writer.query(`update audit set action = 'nothing.happened' where id = 2`)).rejects.toThrow(
      /permission denied/,
    );
    await asAdmin(`update audit set detail = '{"name":"forged"}' where id = 2`);
    expect((await verifyAudit(writer)).fault).toBe('record 2 was changed');
    await asAdmin('alter table audit disable row level security; delete from audit where id = 2');
    expect((await verifyAudit(writer)).fault).toBe('record 2 is missing');
    await asAdmin('delete from audit; alter table audit enable row level security');
  });
});

/** Nothing committed waits to be published any more. */
const isPublished = async (): Promise<boolean> => (await writer.query('select 1 from outbox')).length === 0;

describe('publishing', () => {
  it('waits while NATS is away and loses nothing', async () => {
    const control = await startControl();
    const ingress = await busTo(nats.url, 'ingress');
    const keys = watchKeys(ingress);
    await until('in sync', () => keys.ready && control.projector.settled);
    const { entry } = await control.keys.create({ ...wallet, name: 'while up' });
    await until('published', () => keys.current.has(entry.hash));

    await nats.kill();
    await control.keys.update({ v: 1, principal: service, hash: entry.hash, disabled: true });
    const { entry: made } = await control.keys.create({ ...wallet, name: 'while down' });
    await until('noticed', () => control.projector.fault !== undefined);
    expect(keys.current.get(entry.hash)?.disabled).toBe(false);
    await nats.restart();

    await until('converged', () => keys.current.get(entry.hash)?.disabled === true && keys.current.has(made.hash));
    await until('published', isPublished);
    // What it published is seen before it knows of it itself.
    await until('well again', () => control.projector.fault === undefined);
    keys.stop();
    await Promise.all([control.stop(), ingress.close(500)]);
  }, 60_000);

  it('writes anew what is missing, and removes what should not be there', async () => {
    let control = await startControl();
    const { entry } = await control.keys.create({ ...wallet, name: 'kept' });
    await until(
      'published',
      async () => (await (await control.bus.kv('keys')).get(SNAPSHOT_KEYS.key(entry.hash))) !== undefined,
    );
    const kv = await control.bus.kv('keys');
    await kv.delete(SNAPSHOT_KEYS.key(entry.hash));
    await kv.put('key.stale', { v: 1, version: 1 });
    await kv.put(SNAPSHOT_KEYS.key('0'.repeat(64)), { ...entry, hash: '0'.repeat(64) });
    await control.stop();

    control = await startControl();
    await until('published', () => control.projector.settled);
    const again = await control.bus.kv('keys');
    expect(await again.get(SNAPSHOT_KEYS.key(entry.hash))).toEqual(entry);
    expect(await again.get('key.stale')).toBeUndefined();
    expect(await again.get(SNAPSHOT_KEYS.key('0'.repeat(64)))).toBeUndefined();
    await control.stop();
  });

  it('brings back streams that the server lost, and the data plane goes on meanwhile', async () => {
    const control = await startControl();
    const ingress = await busTo(nats.url, 'ingress');
    const [keys, policies] = [watchKeys(ingress), watchPolicies(ingress)];
    const { entry } = await control.keys.create({ ...wallet, name: 'survivor' });
    await until('published', () => keys.current.has(entry.hash) && policies.ready);
    const operator = await connect({ servers: nats.url });
    const manager = await jetstreamManager(operator);
    for (const bucket of PROJECTED_BUCKETS) await manager.streams.delete(`KV_${bucket}`);
    await operator.close();
    await nats.restart();

    expect(keys.current.get(entry.hash)).toEqual(entry);
    await until(
      'published again',
      async () =>
        (await (await control.bus.kv('keys')).get(SNAPSHOT_KEYS.key(entry.hash)).catch(() => undefined)) !== undefined,
    );
    expect(keys.current.get(entry.hash)).toEqual(entry);
    const { entry: later } = await control.keys.create({ ...wallet, name: 'after the loss' });
    await until('followed again', () => keys.current.has(later.hash));
    for (const snapshot of [keys, policies]) snapshot.stop();
    await Promise.all([control.stop(), ingress.close(500)]);
  }, 60_000);

  it('writes nothing when nothing differs', async () => {
    const control = await startControl();
    await until('published', () => control.projector.settled);
    await control.stop();
    const second = await startControl();
    await until('published', () => second.projector.settled);
    expect(second.logged.filter((line) => line.includes('published what differed'))).toEqual([]);
    await second.stop();
  });

  it('outruns versions of KV that a restored database does not know', async () => {
    let control = await startControl();
    const { entry } = await control.keys.create({ ...wallet, name: 'restored' });
    await until('published', isPublished);
    await (
      await control.bus.kv('keys')
    ).put(SNAPSHOT_KEYS.key(entry.hash), { ...entry, disabled: true, version: 1_000_000 });
    await control.stop();

    control = await startControl();
    const keys = watchKeys(control.bus);
    await until('Postgres wins', () => (keys.current.get(entry.hash)?.version ?? 0) > 1_000_000);
    expect(keys.current.get(entry.hash)?.disabled).toBe(false);
    keys.stop();
    await control.stop();
  });

  it('is done by one replica at a time, and ends the same whoever does it', async () => {
    const [one, other] = await Promise.all([startControl(), startControl()]);
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, each) =>
        (each % 2 === 0 ? one : other).keys.create({ ...wallet, name: `key ${each}` }),
      ),
    );
    const versions = made.map(({ entry }) => entry.version);
    expect(new Set(versions).size).toBe(versions.length);
    const keys = watchKeys(one.bus);
    await until('all published', () =>
      made.every(({ entry }) => keys.current.get(entry.hash)?.version === entry.version),
    );
    keys.stop();
    await Promise.all([one.stop(), other.stop()]);
  });
});

describe('the catalog', () => {
  let control: Control;
  let billing: Bus;
  let stored: Map<string, unknown>;
  /** Which endpoint was said to be at which version from when on. */
  let told: { endpointId: string; version: string; effectiveAt: number }[];
  let sandbox: Server;
  let sandboxUrl: string;
  const model = (id: string, input: string) => ({
    id: `sandbox/${id}`,
    name: id,
    context_length: 1000,
    max_output_tokens: 100,
    price: { input, output: '0.60', cacheRead: '0.075' },
    input_modalities: ['text'],
    output_modalities: ['text'],
    supported_parameters: ['tools'],
    bills_after_cancel: id === 'bills',
  });

  beforeAll(async () => {
    billing = await busTo(nats.url, 'billing');
    sandbox = createServer((request, response) =>
      response.writeHead(request.url === '/v1/models' ? 200 : 404).end(
        JSON.stringify({
          data: [model('echo', '0.15'), model('echo-b', '0.30'), model('fail-500', '0.15'), model('bills', '0.15')],
        }),
      ),
    );
    await new Promise<void>((resolve) => sandbox.listen(0, '127.0.0.1', resolve));
    sandboxUrl = `http://127.0.0.1:${(sandbox.address() as AddressInfo).port}`;
    control = await startControl();
    await until('published', () => control.projector.settled);
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(async () => {
    sandbox?.close();
    await Promise.all([control?.stop(), billing?.close(500)]);
  });

  it('is published only when billing has stored its prices', async () => {
    const catalog = watchCatalog(control.bus);
    const keeper = await control.keep(
      configOf({ WAYSTATION_SANDBOX_URL: sandboxUrl, OPENAI_API_KEY: 'sk-openai-canary' }),
    );
    await until('billing was asked', () => keeper.fault !== undefined);
    expect(catalog.current.endpoints.size).toBe(0);

    [stored, told] = [new Map(), []];
    await billing.handle(BillingPricesPut, ({ prices, endpoints = [], principal }) => {
      expect(principal).toEqual(CONTROL_PRINCIPAL);
      for (const { version, price } of prices) stored.set(version, price);
      told.push(...endpoints);
      return { stored: prices.length };
    });
    await until('applied', () => keeper.ready);
    await until('published', () => catalog.current.endpoints.has('sandbox/echo@sandbox'));
    for (const { priceVersion, price } of catalog.current.endpoints.values())
      expect(stored.get(priceVersion)).toEqual(price);
    expect(told.map(({ endpointId, version }) => `${endpointId} ${version}`).sort()).toEqual(
      [...catalog.current.endpoints.values()].map(({ id, priceVersion }) => `${id} ${priceVersion}`).sort(),
    );
    expect(catalog.current.endpoints.get('sandbox/echo@sandbox')?.price.perUnit).toEqual({
      input: '150000',
      output: '600000',
      cacheRead: '75000',
    });
    expect(catalog.current.endpoints.get('sandbox/bills@sandbox')?.billsAfterCancel).toBe(true);
    expect([...catalog.current.endpoints.keys()].filter((id) => id.endsWith('@sandbox-b')).sort()).toEqual([
      'sandbox/both@sandbox-b',
      'sandbox/echo-b@sandbox-b',
      'sandbox/fallback@sandbox-b',
      'sandbox/unsteady@sandbox-b',
    ]);
    expect(catalog.current.endpoints.get('sandbox/fallback@sandbox')?.upstreamModel).toBe('sandbox/fail-500');
    expect(catalog.current.providers.get('sandbox')?.baseUrl).toBe(`${sandboxUrl}/v1`);
    expect(catalog.current.models.has('openai/gpt-4o-mini')).toBe(true);
    catalog.stop();
  });

  it('seals credentials so that only a worker can open them', async () => {
    const credentials = watchCredentials(control.bus);
    await until('published', () => credentials.current.has('operator-openai'));
    const entry = credentials.current.get('operator-openai');
    expect(entry?.sealed && openSealed(workerKeys.privateKey, entry.sealed, 'operator-openai')).toBe(
      'sk-openai-canary',
    );
    expect(credentials.current.get('operator-sandbox')).toMatchObject({ kind: 'none' });
    const everything = await writer.query<{ text: string }>(
      `select to_jsonb(c)::text as text from credentials c union all select to_jsonb(c)::text from catalog c union all select to_jsonb(a)::text from audit a`,
    );
    for (const { text } of everything) expect(text).not.toContain('canary');
    for (const bucket of PROJECTED_BUCKETS) {
      const kv = await control.bus.kv(bucket);
      for (const key of await kv.keys()) expect(JSON.stringify(await kv.get(key))).not.toContain('canary');
    }
    credentials.stop();
  });

  it('keeps credentials of every kind that the contract names', async () => {
    for (const kind of credentialEntry.shape.kind.options)
      await writer.query(
        `insert into credentials (id, provider, kind, fingerprint, version) values ($1, 'lab', $2, 'f', 0)`,
        [`kind-${kind}`, kind],
      );
    await expect(
      writer.query(
        `insert into credentials (id, provider, kind, fingerprint, version) values ('no', 'lab', 'No Kind', 'f', 0)`,
      ),
    ).rejects.toThrow(/credentials_kind_check/);
    await writer.query(`delete from credentials where id like 'kind-%'`);
  });

  it('follows the operator’s file, and keeps the old state while the file has a fault', async () => {
    const configFile = path.join(folder, 'waystation.yaml');
    const yaml = (price: string): string => `providers:
  - slug: lab
    dialect: openai-chat
    baseUrl: http://127.0.0.1:9100/v1
    apiKey: \${LAB_KEY}
    auth: { kind: azure-ad }
    endpoints:
      - model: lab/small
        context: 128000
        price: { input: ${price}, output: "0.60" }
`;
    const labKey = JSON.stringify({ tenantId: 't', clientId: 'c', clientSecret: 'lab-secret' });
    await writeFile(configFile, yaml('0.15'));
    const own = await startControl();
    const keeper = await own.keep(configOf({ WAYSTATION_CONFIG: configFile, LAB_KEY: labKey }));
    const catalog = watchCatalog(own.bus);
    const priceOf = (): string | undefined => catalog.current.endpoints.get('lab/small@lab')?.price.perUnit['input'];
    await until('published', () => priceOf() === '150000');
    expect(keeper.ready).toBe(true);
    const credentials = watchCredentials(own.bus);
    await until('told how to pay there', () => credentials.current.get('operator-lab')?.kind === 'azure-ad');
    credentials.stop();
    const before = catalog.current.revision;

    await writeFile(configFile, yaml('-1'));
    await until('told', () => own.logged.some((line) => line.includes('price.input: is negative')));
    expect(own.logged.filter((line) => line.includes('price.input: is negative'))).toHaveLength(1);
    expect(catalog.current.revision).toBe(before);

    await writeFile(configFile, yaml('"0.25"'));
    await until('changed', () => priceOf() === '250000');
    expect(stored.has(catalog.current.endpoints.get('lab/small@lab')?.priceVersion ?? '')).toBe(true);
    catalog.stop();
    await own.stop();
  });

  it('offers the catalog by the keys of the environment, says once what it leaves out, and lets the file change a part', async () => {
    const configFile = path.join(folder, 'extends.yaml');
    const yaml = (text: string): Promise<void> => writeFile(configFile, `providers:\n${text}`);
    await yaml('');
    const own = await startControl();
    const keeper = await own.keep(
      configOf({
        ...{ WAYSTATION_CONFIG: configFile, GROQ_API_KEY: 'groq-secret', CLOUDFLARE_API_KEY: 'k', GITHUB_TOKEN: 'ghp' },
        OPENAI_EU_KEY: 'eu-secret',
      }),
    );
    const catalog = watchCatalog(own.bus);
    const credentials = watchCredentials(own.bus);
    const secretOf = (id: string): string | undefined => {
      const sealed = credentials.current.get(id)?.sealed;
      return sealed && openSealed(workerKeys.privateKey, sealed, id);
    };
    const oss = (): string | undefined =>
      catalog.current.endpoints.get('openai/gpt-oss-120b@groq')?.price.perUnit['input'];
    await until('the provider whose key is set is offered', () => oss() === '150000');
    expect(catalog.current.models.get('openai/gpt-oss-120b')?.name).not.toBe('openai/gpt-oss-120b');
    expect([...catalog.current.providers.keys()]).toEqual(['groq']);
    await until('its key is sealed', () => secretOf('operator-groq') === 'groq-secret');
    const toldOnce = own.logged.filter((line) => line.includes('have a key and are not offered'));
    expect(toldOnce).toHaveLength(1);
    expect(toldOnce[0]).toContain('cloudflare (its address needs CLOUDFLARE_ACCOUNT_ID)');
    expect(toldOnce[0]).toContain('github-models (only where the file extends it: ');

    // A part of it otherwise, and another provider of the catalog at an address and with a key of one's own.
    await yaml(`  - extends: groq
    models: [openai/gpt-oss-120b]
    endpoints: [{ model: openai/gpt-oss-120b, price: { input: 0.14, output: 0.5 } }]
  - extends: openai
    slug: openai-eu
    baseUrl: https://eu.example/v1
    apiKey: \${OPENAI_EU_KEY}
    models: [openai/gpt-4o-mini]
`);
    await until('the price of the file holds', () => oss() === '140000');
    await until('the models of the file hold', () => catalog.current.providers.has('openai-eu'));
    expect([...catalog.current.endpoints.keys()].sort()).toEqual([
      'openai/gpt-4o-mini@openai-eu',
      'openai/gpt-oss-120b@groq',
    ]);
    expect(catalog.current.providers.get('openai-eu')).toMatchObject({
      ...{ baseUrl: 'https://eu.example/v1', dialect: 'openai-chat', dataPolicy: { trains: false } },
      quirks: { outputCapField: 'max_completion_tokens' },
    });
    await until('its key is sealed', () => secretOf('operator-openai-eu') === 'eu-secret');

    // A slip is told with its line, and nothing changes.
    await yaml(`  - extends: groq
    models: [openai/gpt-oss-120b, openai/gpt-17]
  - extends: grok
  - extends: deepseek
`);
    const said = (text: string): boolean => own.logged.some((line) => line.includes(text));
    await until('the fault is told', () => said('left aside'));
    expect(said(`${configFile}:3:35: \\"openai/gpt-17\\" is not offered by groq in the catalog`)).toBe(true);
    expect(said(`${configFile}:4:14: the catalog has no provider \\"grok\\"`)).toBe(true);
    expect(said(`${configFile}:5:5: has no key: give apiKey, or set DEEPSEEK_API_KEY`)).toBe(true);
    expect(oss()).toBe('140000');

    // Without the part the catalog's own is back.
    await yaml('');
    await until('the price of the catalog holds again', () => oss() === '150000');
    expect(keeper.fault).toBeUndefined();
    catalog.stop();
    credentials.stop();
    await own.stop();
  });

  it('row 15: routes a price from its day on, not a moment before, with billing knowing it long before', async () => {
    const configFile = path.join(folder, 'days.yaml');
    // A clock that stands still: neither is the day missed by a slow machine nor is it there before it is looked whether something comes too early.
    let nowMs = Date.now();
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    const [begun, soon, later] = [nowMs, nowMs + 1_500, nowMs + 3_600_000];
    const change = (at: number, input: string): string =>
      `          - { effectiveAt: "${new Date(at).toISOString()}", price: { input: "${input}", output: "1" } }\n`;
    await writeFile(
      configFile,
      `providers:
  - slug: days
    dialect: openai-chat
    baseUrl: http://127.0.0.1:9100/v1
    endpoints:
      - model: days/one
        context: 1000
        price: { input: "1", output: "1" }
        priceChanges:
${change(later, '4')}${change(begun - 60_000, '2')}${change(soon, '3')}`,
    );
    const own = await startControl();
    const catalog = watchCatalog(own.bus);
    const inputNow = (): string | undefined => catalog.current.endpoints.get('days/one@days')?.price.perUnit['input'];
    const seen: (string | undefined)[] = [];
    catalog.onChange(() => void (inputNow() !== seen.at(-1) && seen.push(inputNow())));
    await own.keep(configOf({ WAYSTATION_CONFIG: configFile }));
    await until('the price of today', () => inputNow() === '2000000');
    nowMs = soon - 1;
    await sleep(200);
    expect(seen).toEqual(['2000000']);
    nowMs = soon;
    await until('the change', () => inputNow() === '3000000');
    expect(seen).toEqual(['2000000', '3000000']);
    const inputs = [...stored.values()].map((price) => (price as { perUnit: { input: string } }).perUnit.input);
    expect(inputs).toContain('4000000');
    const days = told.filter(({ endpointId }) => endpointId === 'days/one@days');
    expect(days.map(({ version }) => stored.get(version))).toMatchObject([
      { perUnit: { input: '2000000' } },
      { perUnit: { input: '3000000' } },
    ]);
    // What came while it was watched is in force since it was to be; what was in force before, since it was first routed.
    expect(days.map(({ effectiveAt }) => effectiveAt)).toEqual([begun, soon]);
    catalog.stop();
    await own.stop();
  });

  it('refuses two providers of one name before anything starts', async () => {
    const configFile = path.join(folder, 'twice.yaml');
    const provider = `  - { slug: lab, dialect: openai-chat, baseUrl: "http://x/v1", endpoints: [{ model: a/b, context: 1, price: { input: "1", output: "1" } }] }\n`;
    await writeFile(configFile, `providers:\n${provider}${provider}`);
    const config = configOf({ WAYSTATION_CONFIG: configFile });
    const file = await readConfigFile(configFile, config.environment);
    const files = await openCatalogFiles(config.catalogFolder);
    expect(await checkSources(file, files, config.environment, sha256hex)).toEqual([
      `${configFile}:3:13: providers[1].slug: provider "lab" is there twice`,
    ]);
  });

  it('publishes the whole catalog that can be spoken to, when every key is there', async () => {
    const { heads } = await openCatalogFiles(configOf().catalogFolder);
    const everything = Object.fromEntries(
      heads.flatMap(({ keyVariables, addressVariables = [] }) =>
        [...keyVariables, ...addressVariables].map((name) => [name, `of-${name}`]),
      ),
    );
    const spoken = heads.filter(
      ({ dialect, onRequest }) => PROVIDER_DIALECTS.includes(dialect) && onRequest === undefined,
    );
    const own = await startControl();
    const catalog = watchCatalog(own.bus);
    const keeper = await own.keep(configOf(everything));
    await until('applied', () => keeper.ready, 60_000);
    await until('published', () => own.projector.settled && catalog.current.providers.size >= spoken.length, 60_000);
    expect([...catalog.current.providers.keys()].sort()).toEqual(
      expect.arrayContaining(spoken.map(({ slug }) => slug).sort()),
    );
    expect(catalog.current.endpoints.size).toBeGreaterThan(3_000);
    catalog.stop();
    await own.stop();
  }, 150_000);
});

describe('seeds', () => {
  it('are made once, and the credits as soon as billing answers', async () => {
    const control = await startControl();
    const config = configOf({
      WAYSTATION_SEED_API_KEY: seedApiKey,
      WAYSTATION_SEED_MANAGEMENT_KEY: seedManagementKey,
      WAYSTATION_SEED_CREDITS_USD: '12.5',
    });
    await seedKeys(control.changes, config.seeds);
    await seedKeys(control.changes, config.seeds);
    const [keys, workspaces, policies] = [
      watchKeys(control.bus),
      watchWorkspaces(control.bus),
      watchPolicies(control.bus),
    ];
    await until('published', () => keys.current.has(hashKey(seedManagementKey)) && policies.ready);
    expect(keys.current.get(hashKey(seedApiKey))).toMatchObject({ kind: 'inference', workspaceId: 'default' });
    expect(keys.current.get(hashKey(seedManagementKey))).toMatchObject({ kind: 'management' });
    expect(workspaces.current.get('default')).toMatchObject({ slug: 'default', suspended: false });

    const context = {
      bus: control.bus,
      log: pino({ level: 'silent' }),
      config,
      scaleMs: () => 50,
    } as unknown as AppContext<ControlConfig>;
    const credits = seedCredits(context);
    await sleep(150);
    expect(credits.ready).toBe(false);
    const billing = await busTo(nats.url, 'billing');
    const grants: unknown[] = [];
    await billing.handle(BillingCreditsGrant, ({ workspaceId, grantId, amount }) => {
      grants.push({ workspaceId, grantId, amount });
      return { balance: amount };
    });
    await until('granted', () => credits.ready);
    expect(grants).toEqual([{ workspaceId: 'default', grantId: 'seed-default-credits', amount: '12500000000000' }]);
    for (const snapshot of [keys, workspaces, policies]) snapshot.stop();
    await Promise.all([control.stop(), billing.close(500)]);
  });

  it('are refused in production, like the sandbox', () => {
    const production = {
      WAYSTATION_MODE: 'production',
      WAYSTATION_CONTROL_WRITER_URL: roleUrl('writer'),
      WAYSTATION_CONTROL_READER_URL: roleUrl('reader'),
      WAYSTATION_WORKER_PUBLIC_KEY: workerKeys.publicKey,
    };
    expect(controlConfig.safeParse(production).success).toBe(true);
    for (const seed of [
      { WAYSTATION_SANDBOX_URL: 'http://x' },
      { WAYSTATION_SEED_API_KEY: seedApiKey },
      { WAYSTATION_SEED_CREDITS_USD: '1' },
    ]) {
      expect(controlConfig.safeParse({ ...production, ...seed }).error?.issues[0]?.message).toContain(
        'refused in production',
      );
    }
    expect(
      controlConfig.safeParse({
        ...production,
        WAYSTATION_MODE: 'development',
        WAYSTATION_SEED_API_KEY: `${seedApiKey.slice(0, -1)}!`,
      }).success,
    ).toBe(false);
  });
});
