// Finds out which cells the running system has, and runs each client over its own in a process.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { RunningSystem } from '@waystation/testing';
import { ask } from '../support/ask.ts';
import { CLIENTS, MODEL_OF, upstreamsOf, type Client, type Feature, type Upstream } from './matrix.ts';
import type { Cell, Order, Outcome } from './run/asked.ts';

const MAIN = path.join(import.meta.dirname, 'run/main.ts');
const API = '/api/v1';

export type Cells = ReadonlyMap<string, Outcome>;

const keyOf = (client: string, feature: string, model: string): string => `${client}\n${feature}\n${model}`;

const modelOf = (feature: Feature, { author }: Upstream): string => `${author}/${MODEL_OF[feature.kind]}`;

/** A route that is there refuses an empty body, or the method, in its own words. */
const isThere = async (system: RunningSystem, route: string): Promise<boolean> => {
  const { status, json } = await ask(system, 'POST', `${API}${route}`, {});
  return status !== 404 || !/nothing at this path/.test(String(json?.error?.message));
};

const runClient = async (
  { url, apiKey, managementKey }: RunningSystem,
  client: Client,
  cells: readonly Cell[],
): Promise<Outcome[]> => {
  const order: Order = { file: client.file, connection: { url, apiKey, managementKey }, cells };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdin.end(JSON.stringify(order));
  const [out, complaints, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${client.file}.ts ended with ${code}:\n${complaints}`);
  return out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Outcome);
};

/** One client after another: a machine with two cores has enough to do. */
export const runClients = async (system: RunningSystem): Promise<Cells> => {
  const { json } = await ask(system, 'GET', `${API}/models?output_modalities=all`);
  const offered = new Set((json.data as { id: string }[]).map(({ id }) => id));
  const routes = new Set(CLIENTS.flatMap(({ features }) => features.map(({ route }) => route)));
  const there = new Set<string>();
  for (const route of routes) if (await isThere(system, route)) there.add(route);

  const cells = new Map<string, Outcome>();
  for (const client of CLIENTS) {
    const asked = client.features.flatMap((feature) =>
      upstreamsOf(feature)
        .map((upstream) => ({ feature: feature.name, model: modelOf(feature, upstream) }))
        .filter(({ model }) => there.has(feature.route) && offered.has(model)),
    );
    if (asked.length === 0) continue;
    for (const outcome of await runClient(system, client, asked))
      cells.set(keyOf(client.name, outcome.feature, outcome.model), outcome);
  }
  return cells;
};

/** Undefined where the system does not have it. */
export const cellOf = (cells: Cells, client: Client, feature: Feature, upstream: Upstream): Outcome | undefined =>
  cells.get(keyOf(client.name, feature.name, modelOf(feature, upstream)));
