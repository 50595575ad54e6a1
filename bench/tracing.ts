// `npm run bench:tracing`: what tracing costs the data plane for each request: off, on with nothing chosen, and on with every request traced to a collector in this process. Three systems, fused,
// with the sandbox as the provider, take turns; figures are medians over interleaved rounds, ratios the medians of the rounds' own ratios. It judges nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { runningSystem, type RunningSystem } from '../libs/testing/src/running-system.ts';
import { build } from '../tools/start/build.ts';
import { median, medianRatio } from './median.ts';
import { cpuSeconds, startLoad } from './processes.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    /** Of each round. */
    seconds: { type: 'string', default: '3' },
    warm: { type: 'string', default: '15' },
  },
});
const CONNECTIONS = 16;

await build();
let exportedBytes = 0;
/** Takes what comes and keeps nothing of it. */
const collector = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => (exportedBytes += chunk.length));
  request.on('end', () => response.end('{}'));
});
await once(collector.listen(0, '127.0.0.1'), 'listening');
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` };
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  off: {},
  'on, nothing chosen': { ...traced, OTEL_TRACES_SAMPLER_ARG: '0' },
  'on, every request': { ...traced, OTEL_TRACES_SAMPLER_ARG: '1' },
};

const load = startLoad();
const systems = new Map<string, RunningSystem>();
const samples = new Map<string, number[]>();

/** Milliseconds of CPU of the data plane for a request. */
const run = async (system: RunningSystem, seconds: number): Promise<number> => {
  const body = JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'Tell me of stations.' }] });
  const { port, host } = new URL(system.url);
  const pid = system.pid('ingress');
  const before = cpuSeconds(pid);
  const { requests, errors, firstError } = await load.run({
    kind: 'closed',
    port: Number(port),
    request: [
      'POST /api/v1/chat/completions HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${system.apiKey}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
    connections: CONNECTIONS,
    durationMs: seconds * 1000,
  });
  if (errors > 0) throw new Error(`${errors} errors, the first: ${firstError ?? ''}`);
  return (1000 * (cpuSeconds(pid) - before)) / requests;
};

try {
  for (const [kind, env] of Object.entries(KINDS))
    systems.set(kind, await runningSystem({ shape: 'fused', timeScale: 1, env }));
  for (const system of systems.values()) await run(system, Number(options.warm));
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const [kind, system] of systems)
      samples.set(kind, [...(samples.get(kind) ?? []), await run(system, Number(options.seconds))]);
  const off = samples.get('off') ?? [];
  console.log(`\n| tracing | ms of CPU a request | × |\n|---|---|---|`);
  for (const [kind, list] of samples)
    console.log(`| ${kind} | ${median(list).toFixed(3)} | ${medianRatio(list, off).toFixed(2)} |`);
  console.log(
    `\n${Math.round(exportedBytes / 1e6)} MB of spans came; load ${loadavg()[0]?.toFixed(1) ?? '?'} at the end.`,
  );
} finally {
  for (const system of systems.values()) await system.stop().catch((error: unknown) => console.error(error));
  load.stop();
  collector.closeAllConnections();
  collector.close();
}
