// `npm run bench`: all contestants side by side in one run, rounds interleaved so that a drifting machine hurts all alike.
// Prints ratios and writes bench/RESULTS.md. It judges nothing: DESIGN section 10 has the aims.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatUsd } from '../libs/contracts/src/money-text.ts';
import type { BookedRow, Books } from './books.ts';
import { type Contestant, STREAM, direct, nginx, portkey, waystation } from './contestants.ts';
import type { LoadJob, LoadResult } from './load.ts';
import { median } from './median.ts';
import { cpuOf, residentMiB, startLoad, startUpstream } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    /** Of warming, for everybody alike: Waystation's code takes some 30 000 requests until all of it is compiled. */
    warm: { type: 'string', default: '15' },
    /** Of the scenario `sustained`. */
    sustained: { type: 'string', default: '15' },
    only: { type: 'string' },
    scenario: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const durationMs = Number(options.seconds) * 1000;
const wanted = (name: string): boolean =>
  options.only === undefined || options.only.split(',').some((part) => name.includes(part)) || name === 'direct';

interface Sample extends LoadResult {
  readonly dataPlaneCpuMs: number;
  readonly allCpuMs: number;
  readonly facts?: FactsPending;
}

/** Facts that were stored and not settled, in messages. */
interface FactsPending {
  readonly start: number;
  readonly max: number;
  /** When the last answer came. */
  readonly end: number;
  /** From then until no more were pending than at the start. */
  readonly drainSeconds: number;
}

const requestTo = (contestant: Contestant, promptBytes: number, extra: Record<string, unknown>): string => {
  const body = JSON.stringify({
    model: contestant.model,
    messages: [
      { role: 'user', content: 'lorem ipsum dolor '.repeat(Math.ceil(promptBytes / 18)).slice(0, promptBytes) },
    ],
    ...extra,
  });
  return [
    `POST ${contestant.path} HTTP/1.1`,
    `Host: 127.0.0.1:${contestant.port}`,
    'Content-Type: application/json',
    ...contestant.headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
};

interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Rounds, where not as many as were asked for. */
  readonly rounds?: number;
  job(contestant: Contestant, portkeyRate: number): LoadJob;
}
const scenarios: readonly Scenario[] = [
  {
    name: 'small',
    title: '1 kB prompts, 64 connections, as fast as it goes',
    job: (contestant) => ({
      kind: 'closed',
      port: contestant.port,
      request: requestTo(contestant, 1_000, { max_tokens: 64 }),
      connections: 64,
      durationMs,
    }),
  },
  {
    name: 'sustained',
    title: `1 kB prompts, 64 connections for ${options.sustained} s and until no more facts are pending than before`,
    rounds: 1,
    job: (contestant) => ({
      kind: 'closed',
      port: contestant.port,
      request: requestTo(contestant, 1_000, { max_tokens: 64 }),
      connections: 64,
      durationMs: Number(options.sustained) * 1000,
    }),
  },
  {
    name: 'large',
    title: '33 kB prompts, 64 connections, as fast as it goes',
    job: (contestant) => ({
      kind: 'closed',
      port: contestant.port,
      request: requestTo(contestant, 33_000, { max_tokens: 64 }),
      connections: 64,
      durationMs,
    }),
  },
  {
    name: 'paced',
    title: '1 kB prompts at half of what Portkey can do, 32 connections: latency at equal load',
    job: (contestant, portkeyRate) => ({
      kind: 'paced',
      port: contestant.port,
      request: requestTo(contestant, 1_000, { max_tokens: 64 }),
      connections: 32,
      durationMs,
      rate: Math.max(50, portkeyRate / 2),
    }),
  },
  {
    name: 'streams',
    title: `${STREAM.count} streams × ${1000 / STREAM.intervalMs} tokens/s`,
    job: (contestant) => ({
      kind: 'streams',
      port: contestant.port,
      request: requestTo(contestant, 1_000, {
        model: contestant.streamModel(STREAM.tokens, STREAM.intervalMs),
        stream: true,
        max_tokens: 512,
      }),
      connections: STREAM.count,
      durationMs: STREAM.tokens * STREAM.intervalMs,
      tokens: STREAM.tokens,
    }),
  },
];

const upstream = await startUpstream();
const load = startLoad();
const contestants: Contestant[] = [];
const closing: (() => Promise<void>)[] = [];
const add = async (make: () => Promise<Contestant | undefined> | Contestant | undefined): Promise<void> => {
  const contestant = await make();
  if (contestant === undefined) return;
  contestants.push(contestant);
  closing.push(() => contestant.close());
};

const samples = new Map<string, Sample[]>();
const samplesOf = (scenario: string, contestant: string): Sample[] => {
  const key = `${scenario}/${contestant}`;
  const list = samples.get(key) ?? [];
  samples.set(key, list);
  return list;
};

/** Picodollars a token: what the bench models cost. */
const PRICE = { input: 150_000n, output: 600_000n };
/** What the provider would have billed a contestant, in picodollars, and for how many calls. */
const truthOf = async (contestant: Contestant): Promise<{ calls: number; pico: bigint }> => {
  const all = (await (await fetch(`http://127.0.0.1:${upstream.port}/truth`)).json()) as Record<
    string,
    { requests: number; promptTokens: number; completionTokens: number }
  >;
  const none = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const { requests, promptTokens, completionTokens } = all[contestant.upstreamKey] ?? none;
  return { calls: requests, pico: BigInt(promptTokens) * PRICE.input + BigInt(completionTokens) * PRICE.output };
};

/** Facts are always on their way while requests are: so many messages are no backlog. */
const PENDING_SLACK = 200;
const DRAINED_WITHIN_MS = 300_000;
const LOOK_EVERY_MS = 200;

/** Runs the load with an eye on the facts pending, and goes on until they are back where they were. */
async function sustain(
  books: Books,
  run: () => Promise<LoadResult>,
): Promise<{ result: LoadResult; facts: FactsPending }> {
  const start = await books.factsPending();
  let max = start;
  let running = true;
  const watching = (async () => {
    for (; running; await sleep(LOOK_EVERY_MS)) max = Math.max(max, await books.factsPending());
  })();
  const result = await run();
  running = false;
  const ended = performance.now();
  const end = await books.factsPending();
  await watching;
  let drainSeconds = 0;
  for (let pending = end; pending > start + PENDING_SLACK; pending = await books.factsPending()) {
    await sleep(LOOK_EVERY_MS);
    drainSeconds = (performance.now() - ended) / 1000;
    if (drainSeconds * 1000 > DRAINED_WITHIN_MS)
      throw new Error(`${pending} facts are pending after ${drainSeconds} s`);
  }
  return { result, facts: { start, max: Math.max(max, end), end, drainSeconds } };
}

async function measure(scenario: Scenario, contestant: Contestant, portkeyRate: number): Promise<Sample> {
  const dataBefore = cpuOf(contestant.dataPlane);
  const allBefore = cpuOf(contestant.all);
  const run = (): Promise<LoadResult> => load.run(scenario.job(contestant, portkeyRate));
  const { books } = contestant;
  const { result, facts } =
    scenario.name === 'sustained' && books !== undefined
      ? await sustain(books, run)
      : { result: await run(), facts: undefined };
  return {
    ...result,
    seconds: result.seconds + (facts?.drainSeconds ?? 0),
    dataPlaneCpuMs: (1000 * (cpuOf(contestant.dataPlane) - dataBefore)) / Math.max(1, result.requests),
    allCpuMs: (1000 * (cpuOf(contestant.all) - allBefore)) / Math.max(1, result.requests),
    ...(facts === undefined ? {} : { facts }),
  };
}

const lines: string[] = [];
const say = (line = ''): void => {
  console.log(line);
  lines.push(line);
};

try {
  await add(() => direct(upstream.port));
  if (wanted('nginx')) await add(() => nginx(upstream.port));
  if (wanted('portkey')) await add(() => portkey(upstream.port));
  if (wanted('waystation split')) await add(() => waystation('split', upstream.port));
  if (wanted('waystation fused')) await add(() => waystation('fused', upstream.port));

  console.log(`warming ${contestants.map((contestant) => contestant.name).join(', ')} …`);
  const small = scenarios[0] as Scenario;
  for (const contestant of contestants) {
    const job = small.job(contestant, 0);
    await load.run({ ...job, durationMs: Number(options.warm) * 1000 });
  }

  /** What Portkey can do, as measured so far in this run; a guess where it was left out. */
  const portkeyRate = (): number => {
    const measured = samplesOf('small', 'portkey').map((sample) => sample.requests / sample.seconds);
    return measured.length > 0 ? median(measured) : 1000;
  };
  for (const scenario of scenarios.filter(
    (each) => options.scenario === undefined || options.scenario.split(',').includes(each.name),
  )) {
    const roundsOfIt = scenario.rounds ?? rounds;
    for (let round = 0; round < roundsOfIt; round += 1) {
      for (const contestant of contestants) {
        const sample = await measure(scenario, contestant, portkeyRate());
        samplesOf(scenario.name, contestant.name).push(sample);
        if (sample.errors > 0)
          console.log(
            `  ${scenario.name} ${contestant.name}: ${sample.errors} errors, the first: ${sample.firstError}`,
          );
      }
      console.log(`${scenario.name}: round ${round + 1} of ${roundsOfIt} done`);
    }
  }

  say('# Benchmark results');
  say();
  say(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ${rounds} interleaved rounds of ${options.seconds} s, medians, after ${options.warm} s of warming each. Client, provider and gateway share the cores.`,
  );
  say(
    'Portkey 1.15.2 does no accounting; Waystation runs with everything on: keys, leases, durable journal, ledger, logs, metrics.',
  );
  for (const scenario of scenarios) {
    const reference = samples.get(`${scenario.name}/portkey`);
    const rows = contestants.flatMap((contestant) => {
      const list = samples.get(`${scenario.name}/${contestant.name}`);
      return list === undefined ? [] : [{ contestant, list }];
    });
    if (rows.length === 0) continue;
    const of = (list: readonly Sample[], pick: (sample: Sample) => number): number => median(list.map(pick));
    const baseline = samples.get(`${scenario.name}/direct`) ?? [];
    say();
    say(`## ${scenario.title}`);
    say();
    if (scenario.name === 'streams') {
      say(
        '| | carried | added time to first token p50, ms | chunk delay p50, ms | chunk delay p99, ms | data-plane CPU per stream, ms | errors |',
      );
      say('|---|---|---|---|---|---|---|');
      for (const { contestant, list } of rows)
        say(
          `| ${contestant.name} | ${(100 * of(list, (s) => s.carried ?? 0)).toFixed(1)} % | ${(of(list, (s) => s.firstTokenP50Ms ?? 0) - of(baseline, (s) => s.firstTokenP50Ms ?? 0)).toFixed(2)} | ${of(list, (s) => s.chunkDelayP50Ms ?? 0).toFixed(2)} | ${of(list, (s) => s.chunkDelayP99Ms ?? 0).toFixed(2)} | ${of(list, (s) => s.dataPlaneCpuMs).toFixed(2)} | ${list.reduce((t, s) => t + s.errors, 0)} |`,
        );
      continue;
    }
    const rate = (s: Sample): number => s.requests / s.seconds;
    const addedP50 = (list: readonly Sample[]): number => of(list, (s) => s.p50Ms) - of(baseline, (s) => s.p50Ms);
    say(
      '| | requests/s | × Portkey | p50 ms | added p50 ms | p99 ms | data-plane CPU µs/request | of Portkey | all CPU µs/request | errors |',
    );
    say('|---|---|---|---|---|---|---|---|---|---|');
    for (const { contestant, list } of rows) {
      const cpu = of(list, (s) => s.dataPlaneCpuMs);
      say(
        `| ${contestant.name} | ${of(list, rate).toFixed(0)} | ${reference ? (of(list, rate) / of(reference, rate)).toFixed(2) : '–'} | ${of(list, (s) => s.p50Ms).toFixed(2)} | ${addedP50(list).toFixed(2)} | ${of(list, (s) => s.p99Ms).toFixed(2)} | ${(1000 * cpu).toFixed(0)} | ${reference && cpu > 0 ? (cpu / of(reference, (s) => s.dataPlaneCpuMs)).toFixed(2) : '–'} | ${(1000 * of(list, (s) => s.allCpuMs)).toFixed(0)} | ${list.reduce((t, s) => t + s.errors, 0)} |`,
      );
    }
    for (const { contestant, list } of rows) {
      const facts = list.flatMap((sample) => sample.facts ?? []);
      if (facts.length === 0) continue;
      const most = (pick: (pending: FactsPending) => number): number => Math.max(...facts.map(pick));
      const drain = most((f) => f.drainSeconds);
      say();
      say(
        `${contestant.name}: facts pending ${most((f) => f.start)} messages at the start, ${most((f) => f.max)} at most, ${most((f) => f.end)} at the end; ${drain > 0 ? `they grew, and the rate counts the ${drain.toFixed(1)} s until they were settled` : 'they did not grow'}.`,
      );
    }
  }
  say();
  for (const contestant of contestants) {
    const { books } = contestant;
    if (books === undefined) continue;
    const { seconds, rows, problems } = await books.settle();
    const truth = await truthOf(contestant);
    const total = (of: (row: BookedRow) => bigint): bigint => rows.reduce((sum, row) => sum + of(row), 0n);
    const [charged, waste, variance] = [total((r) => r.charged), total((r) => r.waste), total((r) => r.variance)];
    const wasted = rows.filter((row) => row.waste > 0n).map((row) => `${row.policyRow} $${formatUsd(row.waste)}`);
    const unexplained = truth.pico - charged - waste - variance;
    const complaints = [
      ...(unexplained === 0n ? [] : [`the provider billed $${formatUsd(unexplained)} that nobody booked`]),
      ...problems,
    ];
    say(
      `${contestant.name}: all facts settled ${seconds.toFixed(1)} s after the last round. The provider billed $${formatUsd(truth.pico)} for ${truth.calls} calls = $${formatUsd(charged)} charged + $${formatUsd(waste)} waste${wasted.length > 0 ? ` (${wasted.join(', ')})` : ''} + $${formatUsd(variance)} variance; ${complaints.length > 0 ? `PROBLEMS: ${complaints.join('; ')}` : 'the ledger verifies'}; resident ${residentMiB(contestant.dataPlane).toFixed(0)} MiB data plane, ${residentMiB(contestant.all).toFixed(0)} MiB in all.`,
    );
  }
  if (options.only === undefined && options.scenario === undefined)
    writeFileSync(path.join(import.meta.dirname, 'RESULTS.md'), `${lines.join('\n')}\n`);
} finally {
  for (const close of closing.reverse()) await close().catch((error: unknown) => console.error(error));
  load.stop();
  upstream.stop();
}
