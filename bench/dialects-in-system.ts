// The CPU of a stream in the data plane of a running system, with the sandbox as the provider; then what was booked is held against what the sandbox would have billed.
import { formatUsd } from '../libs/contracts/src/money-text.ts';
import { startWaystation } from './contestants.ts';
import { CHUNKS, PAIRS, PASSTHROUGH, nameOf, requestOf, type Pair } from './dialect-pairs.ts';
import { median, medianRatio } from './median.ts';
import { cpuOf, startLoad, startSandbox } from './processes.ts';

/** A chunk each 5 ms, as models write them, and all as fast as they are taken. */
const PACES = [
  { name: 'paced', intervalMs: 5, connections: 16, times: 16 },
  { name: 'at once', intervalMs: 0, connections: 4, times: 128 },
] as const;
type Pace = (typeof PACES)[number];
const STREAM_MS_MAX = 120_000;
/** Picodollars a token. */
const PRICE = { input: 150_000n, output: 600_000n };

const modelOf = ({ upstream }: Pair, { intervalMs }: Pace): string => `bench-${upstream}/every-${intervalMs}`;

const providersAt = (port: number): string => {
  const upstreams = new Map(PAIRS.map((pair) => [pair.upstream, pair]));
  return `providers:\n${[...upstreams.values()]
    .map(
      (pair) => `  - slug: bench-${pair.upstream}
    dialect: ${pair.upstream}
    baseUrl: http://127.0.0.1:${port}${pair.basePath}
    apiKey: sk-bench
    auth: { kind: bearer }
    dataPolicy: { retains: false, trains: false, region: local }
    maxConnections: 1024
    endpoints:
${PACES.map(
  (pace) => `      - model: ${modelOf(pair, pace)}
        upstreamModel: m-${CHUNKS}-0-${pace.intervalMs}
        context: 128000
        maxOutput: 4096
        price: { input: "0.15", output: "0.60" }
`,
).join('')}`,
    )
    .join('')}`;
};

interface TruthTotals {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export const measureInSystem = async (
  shape: 'fused' | 'split',
  rounds: number,
  say: (line?: string) => void,
): Promise<void> => {
  const sandbox = await startSandbox();
  const load = startLoad();
  const system = await startWaystation({ shape, providers: providersAt(sandbox.port) });
  const samples = new Map<string, number[]>();
  const samplesOf = (pair: Pair, pace: Pace): number[] => {
    const key = `${nameOf(pair)} ${pace.name}`;
    const list = samples.get(key) ?? [];
    samples.set(key, list);
    return list;
  };
  const run = async (pair: Pair, pace: Pace): Promise<number> => {
    const { path, body } = requestOf(pair, modelOf(pair, pace));
    const before = cpuOf(system.dataPlane);
    const { requests, errors, firstError } = await load.run({
      kind: 'times',
      port: system.port,
      request: [
        `POST ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${system.port}`,
        'Content-Type: application/json',
        ...system.headers,
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
      connections: pace.connections,
      times: pace.times,
      lastWords: pair.client === 'anthropic-messages' ? 'message_stop' : 'data: [DONE]',
      durationMs: STREAM_MS_MAX,
    });
    if (errors > 0 || requests !== pace.times)
      throw new Error(`${nameOf(pair)}: ${requests} of ${pace.times} streams, ${firstError ?? 'no error'}`);
    return (1000 * (cpuOf(system.dataPlane) - before)) / requests;
  };

  try {
    for (let round = -1; round < rounds; round += 1)
      for (const pace of PACES)
        for (let turn = 0; turn < PAIRS.length; turn += 1) {
          // Another begins each round: what comes first has the most garbage of others to collect.
          const pair = PAIRS[(turn + round + PAIRS.length) % PAIRS.length] ?? PASSTHROUGH;
          // Warming is for the code, which does not wait.
          if (round < 0 && pace.intervalMs > 0) continue;
          const ms = await run(pair, pace);
          if (round >= 0) samplesOf(pair, pace).push(ms);
        }

    const cells = (pair: Pair, pace: Pace): string => {
      const ms = samplesOf(pair, pace);
      return `${median(ms).toFixed(1)} | ${medianRatio(ms, samplesOf(PASSTHROUGH, pace)).toFixed(2)}`;
    };
    say();
    say(`## Through the system, ${shape}: data plane, ${rounds} rounds`);
    say();
    say('| provider → client | ms a stream, a chunk each 5 ms | × | ms a stream, all at once | × |');
    say('|---|---|---|---|---|');
    for (const pair of PAIRS) say(`| ${nameOf(pair)} | ${PACES.map((pace) => cells(pair, pace)).join(' | ')} |`);

    const booked = await system.books?.settle();
    const { totals } = (await (await fetch(`http://127.0.0.1:${sandbox.port}/truth?limit=0`)).json()) as {
      totals: TruthTotals;
    };
    const billed = BigInt(totals.promptTokens) * PRICE.input + BigInt(totals.completionTokens) * PRICE.output;
    const charged = booked?.rows.reduce((sum, row) => sum + row.charged + row.waste + row.variance, 0n) ?? 0n;
    const problems = [
      ...(charged === billed ? [] : [`$${formatUsd(charged)} were booked`]),
      ...(booked?.problems ?? ['no books']),
    ];
    say();
    say(
      `The sandbox billed $${formatUsd(billed)} for ${totals.calls} calls: ${problems.length === 0 ? 'the same was booked, and the ledger verifies' : `PROBLEMS: ${problems.join('; ')}`}.`,
    );
  } finally {
    await system.close().catch((error: unknown) => console.error(error));
    load.stop();
    sandbox.stop();
  }
};
