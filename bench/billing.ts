// `npm run bench:billing`: how fast billing settles a backlog and grants leases, against a durable embedded Postgres, through the product's own functions: those that
// stand behind the bus. Prints a table, and writes bench/BILLING.md when run whole. It judges nothing but the books: they must add up in the end, and an entry that
// is altered by hand then must be named.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConsumedLine } from '../libs/bus/src/index.ts';
import { chownForPostgres, startPostgres } from '../libs/testing/src/servers/postgres-server.ts';
import { build } from '../tools/start/build.ts';
import { loadBilling } from './billing-product.ts';
import { KEYS, PLENTY, WORKSPACES, grantFor, leaseOf, quotasOf, workspaceOf } from './billing-world.ts';
import { cpuOf } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    /** Of the backlog that is settled alone; four times as many again wait while leases are granted. */
    generations: { type: 'string', default: '60000' },
    /** Of granting leases, in each scenario. */
    seconds: { type: 'string', default: '6' },
    /** Grants in flight against the one hot wallet. */
    hot: { type: 'string', default: '64' },
    /** Grants a second that are asked for over 200 keys, where latency is measured at a rate. */
    rate: { type: 'string', default: '5000' },
    /** Settled before anything is measured, until the compiler is done. */
    warm: { type: 'string', default: '15000' },
    /** Settled at least before the books are verified, as far as the backlog goes. */
    verified: { type: 'string', default: '100000' },
    /** That each generation carries. */
    tags: { type: 'string', default: '0' },
  },
});
const generations = Number(options.generations);
const seconds = Number(options.seconds);
const warm = Number(options.warm);
const backlog = warm + 5 * generations;

const LINES_PER_GENERATION = 3;
/** Grants at a rate that may be unanswered; behind that, the rate is missed. */
const UNANSWERED_MAX = 5_000;
const TIMES = { witnessWaitMs: 15_000, graceMs: 30_000 };
const MIB = 1024 * 1024;
/** Of 16 MiB each: more than a run writes. */
const WAL_SEGMENTS = 60;
const LEASE_OPTIONS = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: Date.now };

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

await build();
const billing = await loadBilling();
const folder = await mkdtemp(path.join(tmpdir(), 'waystation-bench-billing-'));
await chmod(folder, 0o711);
await chownForPostgres(folder);
const backlogFile = path.join(folder, 'backlog.ndjson');
console.log(`a backlog of ${backlog} generations is written …`);
const maker = path.join(import.meta.dirname, 'billing-backlog.ts');
execFileSync(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', maker, backlogFile, `${backlog}`, options.tags],
  { stdio: 'inherit' },
);
const postgres = await startPostgres({
  dataDir: path.join(folder, 'postgres'),
  password: randomBytes(16).toString('hex'),
  logFile: path.join(folder, 'postgres.log'),
});

const rows: string[] = [];
try {
  const ledger = await billing.testLedger({ adminUrl: postgres.adminUrl, drop: () => Promise.resolve() });
  const database = ledger.writer;
  for (let each = 0; each < WORKSPACES; each += 1)
    await billing.grantCredits(database, {
      grantId: `bench-grant-${each}`,
      workspaceId: workspaceOf(each),
      amount: PLENTY,
      reason: 'bench',
    });
  const keys = Array.from({ length: KEYS }, (_, key) => key);
  await billing.runLeaseCommands(
    database,
    keys.map((key) => grantFor(key, leaseOf(key), quotasOf(key, Date.now()), PLENTY / 1_000_000n)),
    LEASE_OPTIONS,
  );

  await runIn(ledger.admin);

  const prices = new billing.PriceBook();
  const load = new billing.LaneLoad();
  // Settlement gives way as the service's does: settle.handler.ts.
  const pace = new billing.SettlePace(load);
  const batches = batchesOf(backlogFile, () => pace.lines);
  let settled = 0;
  /** Settles until so many generations are, or `stop` says so. Answers how many lines were. */
  const settle = async (count: number, stop: () => boolean = () => false): Promise<number> => {
    let lines = 0;
    while (lines < count * LINES_PER_GENERATION && !stop()) {
      const batch = (await batches.next()).value;
      if (batch === undefined) break;
      const { bad } = await pace.settle(() => billing.settleLines(database, prices, batch, TIMES));
      if (bad.length > 0) throw new Error(`a line of the backlog is bad: ${bad[0]?.reason}`);
      lines += batch.length;
      settled += batch.length / LINES_PER_GENERATION;
    }
    return lines / LINES_PER_GENERATION;
  };

  await settle(warm);
  const [liveBefore, residentBefore] = [liveMiB(), residentMiB()];
  const alone = await measured(() => settle(generations));
  const residentAfter = residentMiB();
  row(
    'settle a backlog, alone',
    `${perSecond(alone.result, alone.seconds)} generations/s`,
    `${alone.result} generations in ${alone.seconds.toFixed(1)} s; CPU a generation: ${cpuText(alone, alone.result)}; billing's memory after a collection ${liveBefore} → ${liveMiB()} MiB, resident ${residentBefore} → ${residentAfter} MiB`,
  );

  let ordinal = 0;
  const lane = new billing.LeaseLane(
    (commands) => load.during(() => billing.runLeaseCommands(database, commands, LEASE_OPTIONS)),
    { recall: () => undefined, waitMs: 300, now: () => performance.now() },
  );
  const quotas = keys.map((key) => quotasOf(key, Date.now()));
  const grant = async (key: number): Promise<void> => {
    ordinal += 1;
    const leaseId = `lease-bench-${String(ordinal).padStart(9, '0')}`;
    const answer = await lane.submit(grantFor(key, leaseId, quotas[key] ?? [], 1_000n));
    if (!('granted' in answer)) throw new Error(`a grant was not given: ${JSON.stringify(answer)}`);
  };
  /** So many callers, each asking again as soon as it is answered. Answers latencies in ms. */
  const asFastAsAnswered = async (callers: number, keyOf: (caller: number) => number): Promise<number[]> => {
    const latencies: number[] = [];
    const until = performance.now() + seconds * 1_000;
    await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let began = performance.now(); began < until; began = performance.now()) {
          await grant(keyOf(caller));
          latencies.push(performance.now() - began);
        }
      }),
    );
    return latencies;
  };
  /** So many a second over all keys, whether answered or not. Latencies in ms, each from when it was due. */
  const atRate = async (perSecond: number): Promise<number[]> => {
    const latencies: number[] = [];
    const pending: Promise<unknown>[] = [];
    const began = performance.now();
    for (let passed = 0; passed < seconds * 1_000; passed = performance.now() - began) {
      for (; pending.length < (passed * perSecond) / 1_000 && pending.length - latencies.length < UNANSWERED_MAX;) {
        const dueAt = began + (pending.length * 1_000) / perSecond;
        pending.push(grant(pending.length % KEYS).then(() => latencies.push(performance.now() - dueAt)));
      }
      await sleep(1);
    }
    await Promise.all(pending);
    return latencies;
  };
  const leases = async (what: string, how: string, ask: () => Promise<number[]>, settling: boolean): Promise<void> => {
    let over = false;
    const beside = settling ? settle(4 * generations, () => over) : Promise.resolve(0);
    const asked = await measured(ask);
    over = true;
    const besides = await beside;
    const latencies = asked.result.sort((a, b) => a - b);
    const at = (part: number): string => (latencies[Math.floor(latencies.length * part)] ?? Number.NaN).toFixed(1);
    row(
      `${what}${settling ? ', while settling' : ''}`,
      `${perSecond(latencies.length, asked.seconds)} grants/s`,
      `${how}; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${settling ? `settled meanwhile ${perSecond(besides, asked.seconds)} generations/s` : `CPU a grant: ${cpuText(asked, latencies.length)}`}`,
    );
  };
  const hot = Number(options.hot);
  const rate = Number(options.rate);
  for (const settling of [false, true]) {
    // Keys 0, 20, 40 … share one wallet.
    const keyOfHot = (caller: number): number => (caller * WORKSPACES) % KEYS;
    await leases('grants on one hot wallet', `${hot} callers`, () => asFastAsAnswered(hot, keyOfHot), settling);
    await leases('grants over 200 keys', '200 callers', () => asFastAsAnswered(KEYS, (caller) => caller), settling);
    await leases('grants over 200 keys, at a rate', `asked for ${rate} a second`, () => atRate(rate), settling);
  }

  await settle(Number(options.verified) - settled);
  const verify = async (what: string, judge: (problems: readonly string[]) => string | undefined): Promise<void> => {
    const { result, seconds: took } = await measured(() => billing.verifyLedger(ledger.admin));
    const good = judge(result.problems);
    const found = good ?? `PROBLEMS: ${result.problems[0] ?? 'none is named'}`;
    row(what, found, `${Math.round(settled)} settled generations, ${result.entries} entries in ${took.toFixed(1)} s`);
    if (good === undefined) process.exitCode = 1;
  };
  await verify('verify', ({ length }) => (length === 0 ? 'the books add up' : undefined));
  const entry = await alterOneEntry(ledger);
  await verify('verify, after one entry was altered by hand', ([first = '']) =>
    first.startsWith(`an entry is as it was booked: entry ${entry} `) ? `names entry ${entry} first` : undefined,
  );
  await Promise.all([ledger.writer.close(), ledger.reader.close(), ledger.admin.close()]);
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
if (process.argv.length === 2)
  await writeFile(path.join(import.meta.dirname, 'BILLING.md'), `${heading()}\n\n${table()}\n`);

/**
 * Leaves the server with files for its log that it only has to use again, as one that has run for a while has them. A fresh one makes each of 16 MiB when it is
 * needed, and every commit waits meanwhile. https://www.postgresql.org/docs/current/wal-configuration.html
 */
async function runIn(admin: Awaited<ReturnType<typeof billing.testLedger>>['admin']): Promise<void> {
  await admin.query(`alter system set min_wal_size = '1GB'`);
  await admin.query('select pg_reload_conf()');
  for (let segment = 0; segment < WAL_SEGMENTS; segment += 1) {
    await admin.query(`select pg_logical_emit_message(false, 'bench', repeat('x', 15 * 1024 * 1024))`);
    await admin.query('select pg_switch_wal()');
  }
  await admin.query('checkpoint');
}

/** Adds a picodollar to an entry somewhere in the middle, past the trigger that forbids it. Answers its id. */
async function alterOneEntry({ admin }: Awaited<ReturnType<typeof billing.testLedger>>): Promise<string> {
  await admin.query('alter table entry disable trigger append_only');
  const [altered] = await admin.query<{ id: string }>(
    `update entry set amount = amount + 1 where id = (select id from entry where kind = 'settle' order by md5(id::text) limit 1) returning id`,
  );
  await admin.query('alter table entry enable trigger append_only');
  if (altered === undefined) throw new Error('no entry of a settlement is there to alter');
  return altered.id;
}

function heading(): string {
  const [cpu] = cpus();
  return `# Billing: benchmark results

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), Node ${process.version}, one run of \`npm run bench:billing\`. Postgres is durable and shares the cores; the load average beside each
row is the machine's, so that a row measured beside other work can be told. See [README.md](README.md).`;
}

function table(): string {
  return ['| | result | how | load |', '|---|---|---|---|', ...rows].join('\n');
}

function row(what: string, result: string, how: string): void {
  const line = `| ${what} | ${result} | ${how} | ${(loadavg()[0] ?? 0).toFixed(1)} |`;
  console.log(line);
  rows.push(line);
}

function perSecond(count: number, inSeconds: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: 0 }).format(count / inSeconds);
}

function cpuText({ ownCpu, postgresCpu }: { ownCpu: number; postgresCpu: number }, count: number): string {
  const microseconds = (cpu: number): string => `${((cpu * 1e6) / count).toFixed(0)} µs`;
  return `billing ${microseconds(ownCpu)}, Postgres ${microseconds(postgresCpu)}`;
}

function residentMiB(): number {
  return Math.round(process.memoryUsage.rss() / MIB);
}

/** What is still referred to: only this tells whether settlement keeps anything. */
function liveMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / MIB);
}

async function measured<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; seconds: number; ownCpu: number; postgresCpu: number }> {
  const [ownBefore, postgresBefore, began] = [cpuOf([process.pid]), cpuOf([postgres.pid]), performance.now()];
  const result = await work();
  const own = cpuOf([process.pid]) - ownBefore;
  const postgresCpu = cpuOf([postgres.pid]) - postgresBefore;
  return {
    result,
    seconds: (performance.now() - began) / 1_000,
    // Postgres is a child of this process.
    ownCpu: own - postgresCpu,
    postgresCpu,
  };
}

/** The lines of the file as the consumer hands them over: parsed, in batches of as many as are wanted by then. */
async function* batchesOf(file: string, wanted: () => number): AsyncGenerator<ConsumedLine[], undefined> {
  let batch: ConsumedLine[] = [];
  let sequence = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    sequence += 1;
    batch.push({
      line: JSON.parse(text) as unknown,
      position: `${sequence}/0`,
      instance: 'worker-bench',
      deliveries: 1,
    });
    if (batch.length >= wanted()) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
  return undefined;
}
