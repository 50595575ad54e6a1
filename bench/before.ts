// What passing through costs now and at an older commit: both systems run at once and take turns, with the provider of `npm run bench`.
import { benchProviders, startWaystation, type Contestant } from './contestants.ts';
import type { LoadJob } from './load.ts';
import { median, meanRatio } from './median.ts';
import { cpuOf, startLoad, startUpstream } from './processes.ts';

/** Short requests that each system has served before anything counts: until then its code is still being compiled anew for what it sees. */
const WARM_REQUESTS = 60_000;
const WARM_ROUNDS = 3;
const ROUND_MS = 1_500;
const CONNECTIONS = 64;
const STREAM = { tokens: 200, intervalMs: 1, times: 256 } as const;
const STREAM_MS_MAX = 120_000;

const requestTo = (contestant: Contestant, body: Record<string, unknown>): string => {
  const text = JSON.stringify({
    messages: [{ role: 'user', content: 'lorem ipsum dolor '.repeat(56).slice(0, 1_000) }],
    ...body,
  });
  return [
    `POST ${contestant.path} HTTP/1.1`,
    `Host: 127.0.0.1:${contestant.port}`,
    'Content-Type: application/json',
    ...contestant.headers,
    `Content-Length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n');
};

const SCENARIOS: readonly { readonly name: string; job(contestant: Contestant): LoadJob }[] = [
  {
    name: '1 kB prompts, requests',
    job: (contestant) => ({
      kind: 'closed',
      port: contestant.port,
      request: requestTo(contestant, { model: contestant.model, max_tokens: 64 }),
      connections: CONNECTIONS,
      durationMs: ROUND_MS,
    }),
  },
  {
    name: `streams of ${STREAM.tokens} chunks`,
    job: (contestant) => ({
      kind: 'times',
      port: contestant.port,
      request: requestTo(contestant, {
        model: contestant.streamModel(STREAM.tokens, STREAM.intervalMs),
        stream: true,
        max_tokens: 512,
      }),
      connections: CONNECTIONS,
      times: STREAM.times,
      lastWords: 'data: [DONE]',
      durationMs: STREAM_MS_MAX,
    }),
  },
];

interface Sample {
  readonly rate: number;
  /** Of the data plane, and of everything that works for it. */
  readonly cpuUs: number;
  readonly allCpuUs: number;
}

/** @param folder a checkout of the older commit, installed and built */
export const compareBefore = async (
  shape: 'fused' | 'split',
  folder: string,
  rounds: number,
  say: (line?: string) => void,
): Promise<void> => {
  const upstream = await startUpstream();
  const load = startLoad();
  const systems: Contestant[] = [];
  const measure = async (system: Contestant, scenario: (typeof SCENARIOS)[number]): Promise<Sample> => {
    const [cpuBefore, allBefore] = [cpuOf(system.dataPlane), cpuOf(system.all)];
    const { requests, seconds, errors, firstError } = await load.run(scenario.job(system));
    if (errors > 0) throw new Error(`${scenario.name}: ${errors} errors, the first: ${firstError ?? 'unknown'}`);
    const cpuUs = (1e6 * (cpuOf(system.dataPlane) - cpuBefore)) / requests;
    // What it leaves to be settled is its own work, and no load of the other's turn.
    await system.books?.caughtUp();
    return {
      rate: requests / seconds,
      cpuUs,
      allCpuUs: (1e6 * (cpuOf(system.all) - allBefore)) / requests,
    };
  };
  try {
    for (const [name, root] of Object.entries({ before: folder, now: undefined })) {
      const providers = benchProviders(upstream.port, `sk-bench-${name}`, STREAM);
      systems.push(await startWaystation({ shape, providers, ...(root === undefined ? {} : { root }) }));
    }
    const [before, now] = systems;
    if (before === undefined || now === undefined) throw new Error('a system is missing');
    const [requests] = SCENARIOS;
    for (
      const served = { before: 0, now: 0 };
      requests !== undefined && Math.min(served.before, served.now) < WARM_REQUESTS;
    ) {
      served.before += (await load.run(requests.job(before))).requests;
      served.now += (await load.run(requests.job(now))).requests;
    }
    const samples = new Map(SCENARIOS.map(({ name }) => [name, { before: [] as Sample[], now: [] as Sample[] }]));
    for (let round = -WARM_ROUNDS; round < rounds; round += 1)
      for (const scenario of SCENARIOS) {
        // Who comes first changes: the one warms the machine for the other.
        const inTurn = round % 2 === 0 ? ([before, now] as const) : ([now, before] as const);
        for (const system of inTurn) {
          const sample = await measure(system, scenario);
          if (round >= 0) samples.get(scenario.name)?.[system === before ? 'before' : 'now'].push(sample);
        }
      }

    say();
    say(`## Passed through, before and now, ${shape}: ${rounds} rounds`);
    say();
    say(
      'Rates and CPU are medians; × is the geometric mean of the middle four fifths of the rounds’ ratios, ± its standard error.',
    );
    say();
    say('| | a second, before | now | × | data-plane CPU µs, before | now | × | all CPU µs, before | now | × |');
    say('|---|---|---|---|---|---|---|---|---|---|');
    for (const [name, { before, now }] of samples) {
      const cells = (pick: (sample: Sample) => number): string => {
        const [was, is] = [before.map(pick), now.map(pick)];
        const { ratio, error } = meanRatio(is, was);
        return `${median(was).toFixed(0)} | ${median(is).toFixed(0)} | ${ratio.toFixed(3)} ± ${error.toFixed(3)}`;
      };
      say(
        `| ${name} | ${cells(({ rate }) => rate)} | ${cells(({ cpuUs }) => cpuUs)} | ${cells(({ allCpuUs }) => allCpuUs)} |`,
      );
    }
  } finally {
    for (const system of systems) await system.close().catch((error: unknown) => console.error(error));
    load.stop();
    upstream.stop();
  }
};
