// Row 12's moments, forced: a billing process ends between the last answer of a settlement and its commit, with which its last statements go, and between the commit and the ack. What Postgres and NATS see
// of a killed process is that its connections end; here both are cut at that very point. Whoever takes over finds the facts settled not at all, or once.
import { connectBus, type Bus, type Consumer } from '@waystation/bus';
import { openDatabase, type Database } from '@waystation/postgres';
import { natsServer, postgresDatabase, tcpBalancer, type TestNats } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { grantCredits, readCredits } from '../credits/credits.js';
import { runLeaseCommands } from '../leases/lease-lane.js';
import { closeLeases } from '../sweep/sweep.js';
import {
  attemptFinished,
  generationFinished,
  KEY_HASH,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { PriceBook } from './price-book.js';
import { settleLines } from './settle-lines.js';

type Moment = 'before the commit' | 'after the commit and before the ack';

const BUS_TIMES = {
  aliveEveryMs: 200,
  reconnectWaitMs: 50,
  journalAckTimeoutMs: 20_000,
  ackWaitMs: 1_000,
  durableCheckEveryMs: 200,
};
const SETTLE_TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const CONSUME = { batchLines: 1_000, maxInFlight: 100 };
const GENERATIONS = 5;
/** By the lines of `test-ledger.ts`: 30 picodollars of a completed one, 15 of a cancelled one whose usage its worker tells. */
const SPENT = BigInt((GENERATIONS - 1) * 30 + 15);

let nats: TestNats;
let ledger: TestLedger;
let ingress: Bus;
let count = 0;

beforeAll(async () => {
  nats = await natsServer();
  ledger = await testLedger(await postgresDatabase());
  ingress = await connectTo(nats.url, 'ingress');
}, 120_000);
afterAll(async () => {
  await ingress?.close(1_000);
  await ledger?.drop();
  await nats?.stop();
});

const connectTo = (url: string, service: string): Promise<Bus> =>
  connectBus({ url, service, services: [service], release: 'test', times: BUS_TIMES });

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 25_000; !(await holds()); await sleep(25))
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
};

/** A billing process of which nothing is left after this moment of its first settlement. */
const startDoomed = async (moment: Moment): Promise<{ readonly dead: Promise<void>; bury(): Promise<void> }> => {
  const [toNats, toPostgres] = await Promise.all([
    tcpBalancer([{ port: nats.port }]),
    tcpBalancer([{ port: Number(new URL(ledger.writerUrl).port) }]),
  ]);
  const url = new URL(ledger.writerUrl);
  [url.hostname, url.port] = ['127.0.0.1', String(toPostgres.port)];
  const bus = await connectTo(`nats://127.0.0.1:${toNats.port}`, 'billing');
  const own = await openDatabase({
    ...{ url: url.href, schema: 'billing', applicationName: 'doomed', poolMax: 2, statementTimeoutMs: 10_000 },
  });
  const { promise: dead, resolve: died } = Promise.withResolvers<undefined>();
  const die = async (): Promise<void> => {
    await Promise.all([toNats.close(), toPostgres.close()]);
    died(undefined);
  };
  const database: Database = {
    ...own,
    transaction: (work) =>
      own.transaction(async (runner) => {
        const result = await work(runner);
        if (moment === 'before the commit') await die();
        return result;
      }),
  };
  const prices = new PriceBook();
  await bus.consume('FACTS', CONSUME, async (lines) => {
    await settleLines(database, prices, lines, SETTLE_TIMES);
    if (moment === 'after the commit and before the ack') await die();
  });
  return {
    dead,
    async bury() {
      await Promise.allSettled([bus.close(100), own.close()]);
    },
  };
};

/** Takes over, and is done with all that the stream holds. Answers how often the lines had been delivered. */
const takeOver = async (): Promise<number> => {
  const bus = await connectTo(nats.url, 'billing');
  const prices = new PriceBook();
  let deliveries = 0;
  const consumer: Consumer = await bus.consume('FACTS', CONSUME, async (lines) => {
    for (const line of lines) deliveries = Math.max(deliveries, line.deliveries);
    await settleLines(ledger.writer, prices, lines, SETTLE_TIMES);
  });
  await until('everything is settled', async () => (await consumer.pending()) === 0);
  await consumer.drain();
  await bus.close(1_000);
  return deliveries;
};

/** Credits, and a lease that holds 1 000 picodollars of them. */
const newWorkspace = async (): Promise<{ readonly workspaceId: string; readonly leaseId: string }> => {
  count += 1;
  const [workspaceId, leaseId] = [`ws-${count}`, `lease-0000000${count}`];
  await grantCredits(ledger.writer, { grantId: `grant-${count}-1`, workspaceId, amount: 10_000n, reason: 'test' });
  const id = `wallet:${workspaceId}`;
  const wallet = {
    id,
    scope: 'wallet',
    scopeId: workspaceId,
    metric: 'usd',
    window: 'lifetime',
    windowStart: 0,
  } as const;
  const amounts = { usd: '1000', requests: 0, tokens: 0 };
  const grant = {
    v: 1,
    leaseId,
    instance: ingress.instance,
    workspaceId,
    keyHash: KEY_HASH,
    quotas: [wallet],
  } as const;
  const [answer] = await runLeaseCommands(
    ledger.writer,
    [{ kind: 'grant', ...grant, quotas: [...grant.quotas], need: amounts, want: amounts }],
    { takeForMsMax: 60_000, retryAfterMs: 1_000, now: Date.now },
  );
  expect(answer).toMatchObject({ granted: { granted: { usd: '1000' } } });
  return { workspaceId, leaseId };
};
const creditsOf = (workspaceId: string) =>
  ledger.reader.asWorkspace(workspaceId, (runner) => readCredits(runner, workspaceId));
const chargesOf = (workspaceId: string) =>
  ledger.asAdmin<{ revision: number }>(`select revision from charge where workspace_id = $1`, [workspaceId]);

test.each<[Moment, number]>([
  ['before the commit', 0],
  ['after the commit and before the ack', GENERATIONS],
])(
  'killed %s, %d attempts are settled, and what comes again is settled once',
  async (moment, settled) => {
    const { workspaceId, leaseId } = await newWorkspace();
    const doomed = await startDoomed(moment);
    await until('the journal knows of the consumer', () => Promise.resolve(ingress.facts.healthy));
    const left = { workspaceId, leaseId, generationId: newGeneration() };
    await Promise.all(
      [
        ...Array.from({ length: GENERATIONS - 1 }, () => generationFinished({ workspaceId, leaseId })),
        generationFinished(left, { outcome: 'cancelled', usage: 'pending' }),
        attemptFinished(left, { outcome: 'cancelled', usage: { input: 10, output: 5 } }),
      ].map((line) => ingress.facts.append(line)),
    );
    await doomed.dead;
    await doomed.bury();

    expect(await chargesOf(workspaceId)).toHaveLength(settled);
    expect(await takeOver()).toBeGreaterThan(1);
    expect(await chargesOf(workspaceId)).toEqual(Array.from({ length: GENERATIONS }, () => ({ revision: 0 })));
    expect(await creditsOf(workspaceId)).toEqual({
      ...{ purchased: 10_000n, used: SPENT, balance: 10_000n - SPENT, held: 1_000n - SPENT },
    });
    await closeLeases(ledger.writer, Date.now() + 3_600_000);
    expect(await creditsOf(workspaceId)).toMatchObject({ used: SPENT, held: 0n });
    expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  },
  60_000,
);
