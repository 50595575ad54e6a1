// The whole app over a real bus and a real Postgres, with its times divided by fifty; where nothing is to run out, without those that run out.
import { setTimeout as sleep } from 'node:timers/promises';
import { Catch, Module, type ExceptionFilter, type INestMicroservice } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { connectBus, type Bus } from '@waystation/bus';
import { priceVersionOf } from '@waystation/catalog';
import {
  AttemptSettled,
  BillingCreditsGet,
  BillingCreditsGrant,
  BillingDeadLettersReplay,
  BillingFocusExport,
  BillingGenerationExplain,
  BillingGenerationStory,
  BillingKeyUsage,
  BillingLedgerRebuild,
  BillingLedgerVerify,
  BillingPricesPut,
  BillingWitnessesDisagreements,
  BillingReconcileReport,
  BillingStatementGet,
  BillingUsageQuery,
  BillingRerateApply,
  BillingReratePlan,
  BillingRerateReport,
  BillingRerateStop,
  LeaseGrant,
  LeaseRenew,
  LeaseReturn,
  attemptIdOf,
  type MoneyLine,
  type Principal,
} from '@waystation/contracts';
import { BusStrategy, createHealth, createMetrics, type AppContext, type Metrics } from '@waystation/runtime';
import { natsServer, postgresDatabase, type TestNats } from '@waystation/testing';
import { pino } from 'pino';
import { throwError, type Observable } from 'rxjs';
import { app } from './app.js';
import type { BillingConfig } from './config.js';
import { WITHOUT_PAYMENTS } from './topups/stripe-stand-in.js';
import {
  attemptFinished,
  attemptStarted,
  generationFinished,
  KEY_HASH,
  newGeneration,
  sha256hex,
  testLedger,
  type TestLedger,
} from './test-ledger.js';
import { leaseRequest } from './test-lease.js';

const SCALE = 0.02;
const scaled = (ms: number): number => ms * SCALE;
/** What is waited for comes soon, and what runs out does as late as ever: leases, and the waits for a witness. A machine that stands still for a moment ends none of them. */
const soonAndLasting = (ms: number): number => (ms < 15_000 ? scaled(ms) : ms);
const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };
const TIMES = { aliveEveryMs: 200, reconnectWaitMs: 50, journalAckTimeoutMs: 20_000, rpcTimeoutMs: 20_000 };

/** As the bootstrap does: what a handler threw reaches the bus as it is. */
@Catch()
class PassErrorsOn implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

let nats: TestNats;
let ledger: TestLedger;
let billingBus: Bus;
let ingress: Bus;
let nest: INestMicroservice;
let metrics: Metrics;
/** Of every billing that was started. */
const counted: Metrics[] = [];
let count = 0;

const connectTo = (service: string): Promise<Bus> =>
  connectBus({ url: nats.url, service, services: [service], release: 'test', times: TIMES });

const startBilling = async (scaleMs: (ms: number) => number): Promise<void> => {
  billingBus = await connectTo('billing');
  metrics = createMetrics();
  counted.push(metrics);
  const context: AppContext<BillingConfig> = {
    name: 'billing',
    config: { writerUrl: ledger.writerUrl, readerUrl: ledger.readerUrl, payments: WITHOUT_PAYMENTS },
    bus: billingBus,
    log: pino({ level: 'silent' }),
    metrics,
    health: createHealth(),
    release: 'test',
    mode: 'development',
    scaleMs,
    stopping: new AbortController().signal,
  };
  const strategy = new BusStrategy({ bus: billingBus });
  const root = {
    module: class Root {},
    imports: [DiscoveryModule, await app.module(context as AppContext<unknown> as never)],
  };
  Module({})(root.module);
  nest = await NestFactory.createMicroservice(root, { strategy, logger: false, abortOnError: false });
  nest.useGlobalFilters(new PassErrorsOn());
  strategy.bindControllers(nest);
  await nest.listen();
};
const stopBilling = async (): Promise<void> => {
  await nest?.close();
  await billingBus?.close(1_000);
};

beforeAll(async () => {
  nats = await natsServer();
  ledger = await testLedger(await postgresDatabase());
  ingress = await connectTo('ingress');
  await startBilling(soonAndLasting);
}, 120_000);

afterAll(async () => {
  await stopBilling();
  await ingress?.close(1_000);
  await ledger?.drop();
  await nats?.stop();
});

afterEach(async () => {
  expect(await ingress.request(BillingLedgerVerify, { v: 1, principal: OPERATOR })).toMatchObject({ problems: [] });
});

const newWorkspace = async (usd = '10000'): Promise<string> => {
  count += 1;
  const workspaceId = `ws-${count}`;
  const grant = {
    v: 1,
    principal: OPERATOR,
    workspaceId,
    grantId: `grant-${count}-1`,
    amount: usd,
    reason: 'test',
  } as const;
  expect(await ingress.request(BillingCreditsGrant, grant)).toEqual({ balance: usd });
  return workspaceId;
};
const key = (workspaceId: string, ...permissions: string[]): Principal => ({ kind: 'key', workspaceId, permissions });
const priceOf = (perToken: string) => ({ perUnit: { input: perToken, output: perToken } });
const versionOf = (price: ReturnType<typeof priceOf>): string => priceVersionOf(price, sha256hex);
const vector = (usd: number) => ({ usd: `${usd}`, requests: 0, tokens: 0 });
const leaseFor = async (workspaceId: string, usd: number, instance = 'ingress-1'): Promise<string> => {
  const leaseId = `lease-00000${String(count).padStart(4, '0')}`;
  const reply = await ingress.request(LeaseGrant, leaseRequest({ leaseId, workspaceId, usd: BigInt(usd), instance }));
  expect(reply).toMatchObject({ granted: { leaseId, granted: { usd: `${usd}` } } });
  return leaseId;
};
const creditsOf = (workspaceId: string) =>
  ingress.request(BillingCreditsGet, { v: 1, principal: OPERATOR, workspaceId });
const append = (...lines: MoneyLine[]) => Promise.all(lines.map((line) => ingress.facts.append(line)));
const until = async (condition: () => Promise<boolean>, withinMs = 25_000): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not so after ${withinMs} ms`);
    await sleep(25);
  }
};
/** A statement of settlement waits for a lock. */
const isHeldUp = async (): Promise<boolean> => {
  const waiting = await ledger.asAdmin(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into key_usage%'`,
  );
  return waiting.length > 0;
};
const used = (workspaceId: string, usd: string) => () => creditsOf(workspaceId).then((credits) => credits.used === usd);

test('a lease is granted, spent, settled from the journal, renewed and given back', async () => {
  const workspaceId = await newWorkspace();
  const leaseId = await leaseFor(workspaceId, 1_000);
  const generationId = newGeneration();
  await append(generationFinished({ workspaceId, leaseId, generationId }));
  await until(used(workspaceId, '30'));
  expect(await creditsOf(workspaceId)).toEqual({ purchased: '10000', used: '30', balance: '9970', held: '970' });
  const renewal = await ingress.request(LeaseRenew, { v: 1, leaseId, step: 1, need: vector(30), want: vector(30) });
  expect(renewal).toMatchObject({ granted: { granted: { usd: '1030' } } });
  const returned = await ingress.request(LeaseReturn, { v: 1, leaseId, step: 2, keep: vector(30), final: true });
  expect(returned).toEqual({ leaseId, released: vector(1_000) });
  expect(await creditsOf(workspaceId)).toEqual({ purchased: '10000', used: '30', balance: '9970', held: '0' });
  const explained = await ingress.request(BillingGenerationExplain, {
    v: 1,
    principal: OPERATOR,
    workspaceId,
    generationId,
  });
  expect(explained.charges).toMatchObject([
    { amount: '30', payer: 'credits', policyRow: 'completed', holdPicodollars: '1000', leaseId },
  ]);
  expect(explained.attempts).toMatchObject([
    {
      lines: [
        { unit: 'input', count: 10, unitPicodollars: '1', amountPicodollars: '10' },
        { unit: 'output', count: 20, unitPicodollars: '1', amountPicodollars: '20' },
      ],
      ...{ cost: '30', credits: '30', waste: '0', variance: '0', byok: '0', unbilled: '0', hold: '1000' },
      ...{ bearer: 'customer', why: 'The completion was delivered.', quotas: [`wallet:${workspaceId}`] },
      lease: { id: leaseId, endsAt: expect.any(Number) },
      revisions: [{ revision: 0, credits: '30', reason: 'Settled from what the ingress told.' }],
    },
  ]);
  const usage = await ingress.request(BillingKeyUsage, { v: 1, principal: OPERATOR, workspaceId, hashes: [KEY_HASH] });
  expect(usage.keys).toMatchObject([{ hash: KEY_HASH, usage: { total: '30', daily: '30' } }]);
});

test('an ingress that left a usage to its worker is told what was charged, so that the rest of the hold is free again long before a sweep', async () => {
  const workspaceId = await newWorkspace();
  const leaseId = await leaseFor(workspaceId, 1_000, ingress.instance);
  const about = { workspaceId, leaseId, generationId: newGeneration() };
  const heard: unknown[] = [];
  const told = await ingress.onSignal(AttemptSettled, ingress.instance, ({ attempts }) => heard.push(...attempts));
  await append(
    generationFinished({ workspaceId, leaseId }),
    generationFinished(about, { outcome: 'cancelled', usage: 'pending' }),
  );
  await append(attemptFinished(about, { outcome: 'cancelled', usage: { input: 10, output: 7 } }));
  await until(() => Promise.resolve(heard.length > 0));
  await told.drain();
  expect(heard).toEqual([{ attemptId: attemptIdOf(about.generationId, 0), charged: vector(17) }]);
  await ingress.request(LeaseReturn, { v: 1, leaseId, step: 1, keep: vector(30 + 17), final: true });
  expect(await creditsOf(workspaceId)).toEqual({ purchased: '10000', used: '47', balance: '9953', held: '0' });
});

test('witnesses that contradict each other are counted by kind and listed for the operator, and for nobody else', async () => {
  const workspaceId = await newWorkspace();
  const generationId = newGeneration();
  await append(
    generationFinished({ workspaceId, generationId }),
    attemptFinished({ workspaceId, generationId }, { usage: { input: 10, output: 23 } }),
  );
  const list = { v: 1, limit: 10 } as const;
  const listed = async () =>
    (await ingress.request(BillingWitnessesDisagreements, { ...list, principal: OPERATOR })).disagreements;
  await until(async () => (await listed()).length === 1);
  const [found] = await listed();
  expect(found).toMatchObject({ generationId, workspaceId, kind: 'usage', difference: '3' });
  expect(
    (await ingress.request(BillingWitnessesDisagreements, { ...list, principal: OPERATOR, before: found?.id ?? 0 }))
      .disagreements,
  ).toEqual([]);
  // Counted when the commit is known, which another connection may see before.
  await until(async () =>
    /\{kind="usage"\} 1$/m.test(
      await metrics.registry.getSingleMetricAsString('waystation_billing_witness_disagreements_total'),
    ),
  );
  await expect(
    ingress.request(BillingWitnessesDisagreements, { ...list, principal: key(workspaceId, 'generations:read') }),
  ).rejects.toMatchObject({ code: 'permission_denied' });
});

test('a bad fact becomes a dead letter, and what comes after it is settled', async () => {
  const workspaceId = await newWorkspace();
  const leaseId = await leaseFor(workspaceId, 1_000);
  const before = await ledger.asAdmin<{ count: string }>('select count(*) from dead_letter');
  const bad = { kind: 'attempt.imagined' } as unknown as MoneyLine;
  await append(bad, generationFinished({ workspaceId, leaseId }));
  await until(used(workspaceId, '30'));
  const after = await ledger.asAdmin<{ count: string }>('select count(*) from dead_letter');
  expect(Number(after[0]?.count) - Number(before[0]?.count)).toBe(1);
});

describe('who may ask', () => {
  test('a key sees the credits of its own workspace and of no other', async () => {
    const [mine, other] = [await newWorkspace('7'), await newWorkspace('8')];
    const principal = key(mine, 'credits:read');
    expect(await ingress.request(BillingCreditsGet, { v: 1, principal, workspaceId: mine })).toMatchObject({
      balance: '7',
    });
    await expect(ingress.request(BillingCreditsGet, { v: 1, principal, workspaceId: other })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('a generation of another workspace explains nothing', async () => {
    const [mine, other] = [await newWorkspace(), await newWorkspace()];
    const generationId = newGeneration();
    await append(generationFinished({ workspaceId: other, generationId }));
    await until(
      async () => (await ledger.asAdmin('select 1 from charge where generation_id = $1', [generationId])).length === 1,
    );
    const principal = key(mine, 'generations:read');
    expect(
      await ingress.request(BillingGenerationExplain, { v: 1, principal, workspaceId: mine, generationId }),
    ).toEqual({ charges: [], attempts: [], waiting: [] });
  });

  test('usage: its own workspace for a key, all of them for the operator alone', async () => {
    const [mine, other] = [await newWorkspace(), await newWorkspace()];
    const ask = (principal: Principal, workspaceId?: string) =>
      ingress.request(BillingUsageQuery, {
        ...{ v: 1, principal, from: Date.now() - 1_000, to: Date.now() + 1_000, groupBy: [], limit: 1 },
        ...(workspaceId === undefined ? {} : { workspaceId }),
      });
    const principal = key(mine, 'credits:read');
    expect(await ask(principal, mine)).toMatchObject({ truncated: false });
    await expect(ask(principal, other)).rejects.toMatchObject({ code: 'not_found' });
    await expect(ask(principal)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(await ask(OPERATOR)).toMatchObject({ truncated: false });
    await expect(ask(key(mine, 'inference'), mine)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  test.each(['statement', 'export'] as const)('another workspace has no %s for a key', async (what) => {
    const [mine, other] = [await newWorkspace(), await newWorkspace()];
    const asked = { v: 1, principal: key(mine, 'credits:read'), month: new Date().toISOString().slice(0, 7) } as const;
    const ask = (workspaceId: string): Promise<object> =>
      what === 'statement'
        ? ingress.request(BillingStatementGet, { ...asked, workspaceId, format: 'json' })
        : ingress.request(BillingFocusExport, { ...asked, workspaceId });
    expect(Object.keys(await ask(mine))).toContain(what === 'statement' ? 'hash' : 'header');
    await expect(ask(other)).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each<[string, (principal: Principal) => Promise<unknown>]>([
    ['verify', (principal) => ingress.request(BillingLedgerVerify, { v: 1, principal })],
    ['rebuild', (principal) => ingress.request(BillingLedgerRebuild, { v: 1, principal, repair: true })],
    ['replay', (principal) => ingress.request(BillingDeadLettersReplay, { v: 1, principal, limit: 1, dryRun: false })],
    [
      'the story of a generation',
      (principal) => ingress.request(BillingGenerationStory, { v: 1, principal, generationId: newGeneration() }),
    ],
    [
      'reconciliation',
      (principal) => {
        const range = { provider: 'p', from: '2026-01-01', to: '2026-01-02' };
        return ingress.request(BillingReconcileReport, { v: 1, principal, ...range, book: true });
      },
    ],
  ])("%s is the operator's", async (_what, ask) => {
    const principal = key(await newWorkspace(), 'credits:read', 'credits:write', 'generations:read', 'service');
    await expect(ask(principal)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  test('granting credits needs the permission', async () => {
    const workspaceId = await newWorkspace();
    const grant = {
      v: 1,
      principal: key(workspaceId, 'credits:read'),
      workspaceId,
      grantId: 'mine-12345',
      amount: '1',
      reason: 'x',
    } as const;
    await expect(ingress.request(BillingCreditsGrant, grant)).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('price versions', () => {
  const put = (version: string, price: unknown) =>
    ingress.request(BillingPricesPut, { v: 1, principal: OPERATOR, prices: [{ version, price, effectiveAt: 0 }] });
  const price = { perUnit: { input: '5', output: '6' } };
  const version = priceVersionOf(price, sha256hex);

  test('are stored once and never changed', async () => {
    expect(await put(version, price)).toEqual({ stored: 1 });
    expect(await put(version, price)).toEqual({ stored: 1 });
    expect(await ledger.asAdmin('select price from price_version where id = $1', [version])).toEqual([{ price }]);
  });

  test('are refused where the name is not the hash, or the price is none', async () => {
    await expect(put(version, { perUnit: { input: '7' } })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(put(version, { perUnit: { input: -1 } })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('re-rating', () => {
  const [wrong, right] = [priceOf('5'), priceOf('3')];
  const operate = { v: 1, principal: OPERATOR } as const;

  test('is planned, applied and reported over the bus, as JSON and as CSV', async () => {
    const workspaceId = await newWorkspace();
    await ingress.request(BillingPricesPut, {
      ...operate,
      prices: [{ version: versionOf(right), price: right, effectiveAt: 0 }],
    });
    const generationId = newGeneration(Date.now() - 60_000);
    await append(generationFinished({ workspaceId, generationId, price: wrong, provider: 'rerated' }));
    await until(async () => (await ledger.asAdmin(`select 1 from charge where provider = 'rerated'`)).length === 1);
    const meant = {
      selection: { provider: 'rerated', model: 'sandbox/echo', from: Date.now() - 3_600_000, to: Date.now() - 1_000 },
      priceVersion: versionOf(right),
    };
    const plan = await ingress.request(BillingReratePlan, { ...operate, ...meant });
    expect(plan).toMatchObject({
      totals: { attempts: 1, changed: 1, chargedDifference: '-60' },
      differences: [{ generationId, before: { charged: '150' }, after: { charged: '90' } }],
    });
    const { csv = '', differences } = await ingress.request(BillingReratePlan, { ...operate, ...meant, format: 'csv' });
    expect(differences).toEqual([]);
    expect(csv.split('\r\n')[1]).toContain(`,150,90,-60,0,0,-60`);

    const applying = { ...operate, ...meant, rerateId: 'rerate-bus-1', reason: 'the price list was misread' };
    // A call books for half a second and leaves the rest to the next one.
    let { run } = await ingress.request(BillingRerateApply, applying);
    for (let calls = 0; run.state === 'running' && calls < 10; calls += 1)
      ({ run } = await ingress.request(BillingRerateApply, applying));
    expect(run).toMatchObject({ state: 'finished', totals: { attempts: 1 }, reason: 'the price list was misread' });
    expect(await ingress.request(BillingRerateApply, applying)).toEqual({ run });
    expect(await ingress.request(BillingRerateStop, { ...operate, rerateId: 'rerate-bus-1' })).toEqual({ run });
    const report = await ingress.request(BillingRerateReport, { ...operate, rerateId: 'rerate-bus-1' });
    expect(report).toMatchObject({ run, differences: plan.differences });
    const principal = key(workspaceId, 'generations:read');
    const { charges } = await ingress.request(BillingGenerationExplain, { v: 1, principal, workspaceId, generationId });
    expect(charges).toMatchObject([
      { revision: 0, amount: '150', priceVersion: versionOf(wrong) },
      { revision: 1, amount: '-60', priceVersion: versionOf(right), rerateId: 'rerate-bus-1' },
    ]);
  });

  test('is for the operator only', async () => {
    const workspaceId = await newWorkspace();
    for (const contract of [BillingRerateReport, BillingRerateStop])
      await expect(
        ingress.request(contract, { v: 1, principal: key(workspaceId, 'credits:write'), rerateId: 'rerate-bus-1' }),
      ).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(ingress.request(BillingRerateStop, { ...operate, rerateId: 'rerate-none' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('when its times run out', () => {
  beforeAll(async () => {
    await stopBilling();
    await startBilling(scaled);
  }, 60_000);

  test('a lost ingress: the worker settles alone, and the lease is swept', async () => {
    const workspaceId = await newWorkspace();
    const leaseId = await leaseFor(workspaceId, 1_000);
    const generationId = newGeneration();
    const about = { workspaceId, leaseId, generationId };
    await append(
      attemptStarted(about),
      attemptFinished(about, { outcome: 'cancelled', usage: { input: 10, output: 7 } }),
    );
    await until(used(workspaceId, '17'));
    await until(async () => (await creditsOf(workspaceId)).held === '0');
    expect(await creditsOf(workspaceId)).toEqual({ purchased: '10000', used: '17', balance: '9983', held: '0' });
  });

  test('the sweeper waits for facts that are stored and not yet settled, however old the lease', async () => {
    const other = await newWorkspace();
    const workspaceId = await newWorkspace();
    const block = ledger.writer.dataSource.createQueryRunner();
    await block.startTransaction();
    // Holds up settlement and nothing else.
    await block.query(`lock table key_usage in exclusive mode`);
    try {
      // The first is being settled while the second is only stored: nobody has a lock on its lease or wallet that a sweep would meet. And the lease is younger
      // than what holds up settlement: no sweep may come between it and its fact.
      await append(generationFinished({ workspaceId: other }));
      await until(isHeldUp);
      const leaseId = await leaseFor(workspaceId, 1_000);
      await append(generationFinished({ workspaceId, leaseId, hold: 1_000n }, { usage: { input: 900 } }));
      await sleep(scaled(60_000) + scaled(30_000) + 1_000);
      expect(await creditsOf(workspaceId)).toMatchObject({ used: '0', held: '1000' });
    } finally {
      await block.rollbackTransaction();
      await block.release();
    }
    await until(used(workspaceId, '900'));
    await until(async () => (await creditsOf(workspaceId)).held === '0');
    expect(
      await ledger.asAdmin(`select 1 from charge where workspace_id = $1 and variance <> 0`, [workspaceId]),
    ).toEqual([]);
  }, 60_000);
});

test('settlement, leases and sweeps are counted', async () => {
  const text = (await Promise.all(counted.map(({ registry }) => registry.metrics()))).join('\n');
  for (const name of [
    'waystation_billing_settled_attempts_total',
    'waystation_billing_lease_grants_total',
    'waystation_billing_dead_letters_total',
    'waystation_billing_leases_swept_total',
  ])
    expect(text).toMatch(new RegExp(`^${name} [1-9]`, 'm'));
  expect(text).toMatch(/^waystation_billing_facts_pending \d/m);
});
