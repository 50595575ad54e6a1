// Against a real Postgres and a real NATS: redelivery, bad lines, partitions, and that a workspace sees its own rows only.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { connectBus, type Bus } from '@waystation/bus';
import {
  newGenerationId,
  attemptIdOf,
  type DecisionRecorded,
  type GenerationRecorded,
  type Principal,
} from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import { createHealth, createMetrics, type AppContext } from '@waystation/runtime';
import { natsServer, postgresDatabase, type TestDatabase } from '@waystation/testing';
import type { LoggingConfig } from './config.js';
import { migrations } from './app.js';
import { DecisionsHandler } from './decisions/decisions.handler.js';
import { listDecisions, readDecision } from './decisions/read-decisions.js';
import { listGenerations, readGeneration } from './generations/read-generations.js';
import { keepPartitions } from './partitions/keep-partitions.js';
import { sortLines } from './trail/sort-lines.js';
import { storeLines } from './trail/store-lines.js';
import { TrailConsumer } from './trail/trail.consumer.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const EMPTY = { providers: new Map(), models: new Map(), endpoints: new Map() };
const suffix = randomBytes(4).toString('hex');
const roles = ['owner', 'writer', 'reader'] as const;
let database: TestDatabase;
let writer: Database;
let reader: Database;

const roleUrl = (role: (typeof roles)[number]): string => {
  const url = new URL(database.adminUrl);
  [url.username, url.password] = [`logging_${role}_${suffix}`, 'secret'];
  return url.href;
};
const asAdmin = async <Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: database.adminUrl, options: '-c search_path=logging' });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
};
const open = (role: 'writer' | 'reader'): Promise<Database> =>
  openDatabase({
    url: roleUrl(role),
    schema: 'logging',
    applicationName: 'logging-itest',
    poolMax: 2,
    statementTimeoutMs: 60_000,
  });

const decision = (workspaceId = 'ws-a', at = NOW): DecisionRecorded => ({
  ...{ kind: 'decision.recorded', v: 1, generationId: newGenerationId(at, randomBytes), createdAt: at },
  ...{ identity: { workspaceId, keyHash: 'a'.repeat(64) }, because: 'asked', models: ['lab/one'], preferences: {} },
  features: {
    ...{ api: 'chat', dialect: 'openai-chat', stream: false, bodyBytes: 1, inputTokensEstimate: 1, parameters: [] },
    ...{ inputModalities: ['text'], outputModalities: ['text'], toolCount: 0, messageCount: 1 },
  },
  policyIds: [],
  plan: {
    attempts: [],
    excluded: [{ model: 'lab/one', rule: 'unknown_model' }],
    snapshotRevision: 7,
    strategy: 'weighted',
  },
  inputs: {
    ...{ nowMs: at, revision: 7, providers: [], models: [], endpoints: [] },
    policies: [],
    ownKeys: [],
    ...{ health: [], refused: [], full: [], overrides: [] },
  },
  tried: [],
});
const generation = (over: Partial<GenerationRecorded> = {}, at = NOW): GenerationRecorded => {
  const generationId = newGenerationId(at, randomBytes);
  return {
    kind: 'generation.recorded',
    v: 1,
    generationId,
    identity: { workspaceId: 'ws-a', keyHash: 'a'.repeat(64) },
    createdAt: at,
    api: 'chat',
    requestedModels: ['sandbox/echo'],
    model: 'sandbox/echo',
    provider: 'sandbox',
    stream: true,
    cancelled: false,
    outcome: 'completed',
    finishReason: 'stop',
    httpStatus: 200,
    usage: { input: 10, output: 20 },
    usageSource: 'provider',
    costPicodollars: '13500000',
    policyRow: 'completed',
    byok: false,
    generationTimeMs: 12.5,
    attempts: [0, 1].map((ordinal) => ({
      attemptId: attemptIdOf(generationId, ordinal),
      attempt: {
        endpointId: `sandbox:${ordinal}`,
        provider: 'sandbox',
        providerName: 'Sandbox',
        model: 'sandbox/echo',
      },
      outcome: ordinal === 0 ? ('failed-before-output' as const) : ('completed' as const),
      durationMs: 5,
    })),
    ...over,
  };
};
/** From before attempts were kept in the record of their generation. */
const OLD = generation({ identity: { workspaceId: 'ws-old', keyHash: 'd'.repeat(64) } }, Date.UTC(2026, 10, 20));
let positions = 0;
const deliver = async (lines: readonly unknown[]) => {
  positions += 1;
  const { good, bad } = sortLines(
    lines.map((line, index) => ({ line, position: `${positions}/${index}`, instance: 'ingress-1', deliveries: 1 })),
  );
  return storeLines(writer, good, bad);
};

beforeAll(async () => {
  database = await postgresDatabase();
  await provisionRoles({
    adminUrl: database.adminUrl,
    schema: 'logging',
    urls: { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') },
  });
  const upTo = (count: number) =>
    migrate({ ownerUrl: roleUrl('owner'), schema: 'logging', migrations: migrations.slice(0, count) });
  await upTo(1);
  await asAdmin(`insert into generation (day, workspace_id, id, created_at, key_hash, outcome, cost, record)
    values ('2026-11-20', 'ws-old', '${OLD.generationId}', now(), '', 'completed', 0, '${JSON.stringify({ ...OLD, attempts: undefined })}')`);
  for (const [index, attempt] of OLD.attempts.entries())
    await asAdmin(`insert into attempt (day, workspace_id, generation_id, ordinal, attempt_id, endpoint_id, provider, outcome, record)
      values ('2026-11-20', 'ws-old', '${OLD.generationId}', ${index + 1}, '', '', '', '', '${JSON.stringify(attempt)}')`);
  await upTo(migrations.length);
  [writer, reader] = await Promise.all([open('writer'), open('reader')]);
}, 120_000);

afterAll(async () => {
  await Promise.all([writer?.close(), reader?.close()]);
  for (const role of roles) await asAdmin(`drop owned by logging_${role}_${suffix} cascade`);
  for (const role of roles) await asAdmin(`drop role logging_${role}_${suffix}`);
  await database.drop();
});

test('partitions are made once, a week ahead', async () => {
  const made = await Promise.all([keepPartitions(writer, NOW), keepPartitions(writer, NOW)]);
  expect(made.sort()).toEqual([0, 18]);
  expect(await keepPartitions(writer, NOW + DAY_MS)).toBe(2);
});

test('what was recorded while attempts had rows of their own comes back whole', async () => {
  expect(await readGeneration(reader, 'ws-old', OLD.generationId)).toEqual(OLD);
});

test('a generation comes back as it was recorded, attempts in order', async () => {
  const lines = Array.from({ length: 50 }, () => generation());
  expect(await deliver(lines)).toEqual([]);
  for (const line of lines) expect(await readGeneration(reader, 'ws-a', line.generationId)).toEqual(line);
});

test('a redelivered line changes nothing, in a batch of others, in the default partition too', async () => {
  const lines = [generation(), generation({}, NOW - 40 * DAY_MS)];
  await deliver(lines);
  await deliver([...lines.map((line) => ({ ...line, costPicodollars: '1' })), generation()]);
  for (const line of lines) expect(await readGeneration(reader, 'ws-a', line.generationId)).toEqual(line);
  expect(await asAdmin(`select count(*)::int as count from generation_default where workspace_id = 'ws-a'`)).toEqual([
    { count: 1 },
  ]);
  // The day that already lives in the default partition stays there.
  expect(await keepPartitions(writer, NOW - 40 * DAY_MS)).toBe(17);
  expect(await readGeneration(reader, 'ws-a', lines[1]?.generationId ?? '')).toBeDefined();
});

test('bad lines go to the dead letters with their position, good ones of the same batch are stored', async () => {
  const endUserId = 'nul \0 and \ud800';
  const good = [
    generation(),
    generation({ userAgent: endUserId, identity: { workspaceId: 'ws-a', keyHash: 'a'.repeat(64), endUserId } }),
    generation(),
  ];
  // What the contract allows and the database does not: a count that no bigint holds.
  const refused = generation({ createdAt: 1e300 as number });
  const lines = [good[0], { kind: 'nonsense' }, good[1], undefined, refused, good[2]];
  const dead = await deliver(lines);
  expect(dead.map(({ position }) => position.split('/')[1])).toEqual(['1', '3', '4']);
  for (const line of good)
    expect(await readGeneration(reader, 'ws-a', line.generationId)).toMatchObject({ costPicodollars: '13500000' });
  positions -= 1;
  await deliver(lines);
  expect(await asAdmin('select position from dead_letter order by id')).toEqual(
    dead.map(({ position }) => ({ position })),
  );
});

test('a generation is read with the tags that it was called with', async () => {
  const tags = ['team/search', 'nightly'];
  const line = generation({ identity: { workspaceId: 'ws-tags', keyHash: 'a'.repeat(64), tags } });
  await deliver([line]);
  expect((await readGeneration(reader, 'ws-tags', line.generationId))?.identity.tags).toEqual(tags);
});

test('the list is newest first and goes on after an id', async () => {
  const workspace = { identity: { workspaceId: 'ws-list', keyHash: 'b'.repeat(64) } };
  const lines = Array.from({ length: 5 }, (_, index) => generation(workspace, NOW + (index - 2) * DAY_MS));
  await deliver(lines);
  const ids = lines.map((line) => line.generationId).reverse();
  const page = async (limit: number, before?: string) =>
    (await listGenerations(reader, 'ws-list', limit, before)).map((line) => line.generationId);
  expect(await page(2)).toEqual(ids.slice(0, 2));
  expect(await page(10, ids[1])).toEqual(ids.slice(2));
});

test('a workspace sees no row of another, not even past the queries', async () => {
  const line = generation({ identity: { workspaceId: 'ws-other', keyHash: 'c'.repeat(64) } });
  await deliver([line]);
  expect(await readGeneration(reader, 'ws-a', line.generationId)).toBeUndefined();
  expect(await reader.query('select * from generation')).toEqual([]);
  const seen = await reader.asWorkspace('ws-other', (runner) =>
    runner.query('select distinct workspace_id from generation'),
  );
  expect(seen).toEqual([{ workspace_id: 'ws-other' }]);
  for (const table of [
    'generation_20261122',
    'generation_default',
    'decision_20261122',
    'decision_default',
    'dead_letter',
  ]) {
    await expect(reader.query(`select * from ${table}`)).rejects.toThrow('permission denied');
  }
});

test('decisions are kept once beside generations, in their days, and come back oldest first and as they were', async () => {
  const kept = [-2, -1, 0].map((day) => decision('ws-why', NOW + day * DAY_MS));
  expect(await deliver([generation(), ...kept])).toEqual([]);
  await deliver([...kept.map((each) => ({ ...each, models: ['other'] })), decision('ws-other')]);
  for (const each of kept) expect(await readDecision(reader, 'ws-why', each.generationId)).toEqual(each);
  const [from, to] = [NOW - 2 * DAY_MS, NOW + 1000];
  const list = (over: object = {}) => listDecisions(reader, 'ws-why', { from, to, limit: 10, ...over });
  expect(await list()).toEqual(kept);
  expect(await list({ to: NOW })).toEqual(kept.slice(0, 2));
  expect(await list({ from: from + 1000, limit: 1 })).toEqual(kept.slice(1, 2));
  expect(await list({ after: kept[1]?.generationId })).toEqual(kept.slice(2));
});

test('a decision of another workspace is as unknown as one that was never kept, and is not planned again', async () => {
  const kept = decision('ws-mine');
  await deliver([kept]);
  const present = {
    world: () => ({ catalog: { ...EMPTY, revision: 9 }, policies: new Map(), ownKeys: [] }),
    close: () => undefined,
  };
  const handler = new DecisionsHandler(reader, present);
  const as = (workspaceId: string): Principal => ({ kind: 'key', workspaceId, permissions: ['generations:read'] });
  const asked = { v: 1 as const, workspaceId: 'ws-mine', generationId: kept.generationId };
  expect(await handler.get({ ...asked, principal: as('ws-mine') })).toEqual({ decision: kept });
  await expect(handler.get({ ...asked, principal: as('ws-a') })).rejects.toMatchObject({ code: 'not_found' });
  const replay = (over: object = {}, principal = as('ws-mine')) =>
    handler.replay({
      v: 1,
      principal,
      workspaceId: 'ws-mine',
      from: NOW,
      to: NOW + 1000,
      limit: 1,
      change: {},
      ...over,
    });
  expect(await replay()).toMatchObject({
    rows: [{ generationId: kept.generationId, result: 'same' }],
    next: kept.generationId,
  });
  expect(await replay({ after: kept.generationId })).toEqual({ rows: [] });
  expect(await replay({ change: { against: 'present' } })).toMatchObject({ revision: 9 });
  await expect(replay({}, as('ws-a'))).rejects.toMatchObject({ code: 'not_found' });
  await expect(replay({ to: NOW })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(replay({ change: { prices: { 'lab/one@a': { words: '1' } } } })).rejects.toThrow(
    /words price has no unit/,
  );
});

test('decisions are planned again in answers that fit into a message, each going on where the last one ended', async () => {
  const endUserId = 'é'.repeat(512);
  const models = Array.from({ length: 32 }, (_, each) => `lab/${String(each).padStart(250, 'é')}`);
  const kept = Array.from({ length: 90 }, () => {
    const { identity, ...rest } = decision('ws-many');
    return { ...rest, identity: { ...identity, endUserId }, models };
  });
  await deliver(kept);
  const world = { catalog: { ...EMPTY, revision: 9 }, policies: new Map(), ownKeys: [] };
  const handler = new DecisionsHandler(reader, { world: () => world, close: () => undefined });
  const principal: Principal = { kind: 'key', workspaceId: 'ws-many', permissions: ['generations:read'] };
  const asked = { v: 1 as const, principal, workspaceId: 'ws-many', from: NOW, to: NOW + 1000, change: {} };
  const told: string[] = [];
  let answers = 0;
  for (let after: string | undefined; answers === 0 || after !== undefined; answers += 1) {
    const { rows, next } = await handler.replay({ ...asked, limit: 500, ...(after === undefined ? {} : { after }) });
    expect(Buffer.byteLength(JSON.stringify(rows))).toBeLessThan(1_000_000);
    told.push(...rows.map(({ generationId }) => generationId));
    after = next;
  }
  expect(answers).toBeGreaterThan(1);
  expect(told).toEqual(kept.map(({ generationId }) => generationId).sort());
});

test('rows are never changed, not even by the writer', async () => {
  await expect(writer.query('update decision set created_at = now()')).rejects.toThrow('permission denied');
  await expect(writer.query("update generation set outcome = 'x'")).rejects.toThrow('permission denied');
  await expect(writer.query('delete from generation')).rejects.toThrow('permission denied');
});

test('what is appended to the trail is read from the database a moment later, bad batches aside', async () => {
  const nats = await natsServer();
  const connect = (service: string): Promise<Bus> =>
    connectBus({
      url: nats.url,
      service,
      services: [service],
      release: 'test',
      times: { journalAckTimeoutMs: 20_000 },
    });
  const [logging, ingress] = await Promise.all([connect('logging'), connect('ingress')]);
  const metrics = createMetrics();
  const context = {
    ...{
      name: 'logging',
      config: { writerUrl: '', readerUrl: '' },
      bus: logging,
      log: pino({ level: 'silent' }),
      metrics,
    },
    ...{
      health: createHealth(),
      release: 'test',
      mode: 'development',
      scaleMs: (ms: number) => ms / 10,
      stopping: new AbortController().signal,
    },
  } as AppContext<LoggingConfig>;
  const consumer = new TrailConsumer(context, writer);
  try {
    await consumer.onApplicationBootstrap();
    const lines = Array.from({ length: 300 }, () => generation());
    const appended = lines.map((line) => ingress.trail.append(line));
    await Promise.all([
      ...appended,
      ingress.trail.append({ kind: 'nonsense' } as never),
      ...lines.slice(0, 50).map((line) => ingress.trail.append(line)),
    ]);
    // What is in the database may come before the counts of it, and the last lines behind those that are looked for.
    const told = async () => (await metrics.registry.metrics()).split('\n');
    const all = ['waystation_logging_trail_dead_letters_total 1', 'waystation_logging_trail_lines_total 350'];
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50))
      if ((await told()).filter((line) => all.includes(line)).length === all.length) break;
    expect(await told()).toEqual(expect.arrayContaining(all));
    // One after the other: hundreds at once wait for two connections, and no longer than five seconds.
    for (const line of lines) expect(await readGeneration(reader, 'ws-a', line.generationId)).toEqual(line);
  } finally {
    await consumer.onApplicationShutdown();
    await Promise.all([logging.close(1_000), ingress.close(1_000)]);
    await nats.stop();
  }
}, 60_000);
