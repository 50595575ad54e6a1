// A system's life from outside, as a person lives it: `npm start -- --detach`, a request, a service that dies, a supervisor that is killed, `npm stop`,
// a second start on the same data.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import { deleteDataFolder } from '../../libs/testing/src/servers/cluster-folder.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { readLock } from './data-folder.ts';
import { markOf, runs } from './processes.ts';

const run = promisify(execFile);
let dataDir = '';

const command = async (script: string, ...args: string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, [path.join('tools/start', script), '--data-dir', dataDir, ...args], {
    cwd: repositoryRoot,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
  });
  return stdout;
};
const start = (): Promise<string> => command('main.ts', '--detach', '--fused', '--port', '0', '--not-durable');
const runFile = (): RunFile => JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as RunFile;
const pidOf = (name: string): number => runFile().services.find((service) => service.name === name)?.pid ?? 0;
const modeOf = (file: string): string => (statSync(path.join(dataDir, file)).mode & 0o777).toString(8);

async function complete(system: RunFile): Promise<{ status: number; body: string }> {
  const response = await fetch(`${system.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox/echo', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  return { status: response.status, body: await response.text() };
}

async function usage(system: RunFile): Promise<number> {
  const response = await fetch(`${system.url}/api/v1/credits`, {
    headers: { authorization: `Bearer ${system.managementKey}` },
  });
  return ((await response.json()) as { data: { total_usage: number } }).data.total_usage;
}

async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms`);
  }
}

beforeAll(async () => {
  dataDir = path.join(await mkdtemp(path.join(tmpdir(), 'waystation-test-life-')), 'data');
});
afterAll(async () => {
  await command('stop.main.ts');
  await deleteDataFolder(dataDir);
  await rm(path.dirname(dataDir), { recursive: true, force: true });
}, 120_000);

test('a detached start returns when a request can be served, and hides what is secret', async () => {
  const output = await start();
  const system = runFile();
  expect(output).toContain(`curl -N ${system.url}/api/v1/chat/completions`);
  expect(system).toMatchObject({ shape: 'fused', consoleUrl: `${system.url}/console` });
  expect(system.services.map(({ name }) => name).toSorted()).toEqual([
    'back-office',
    'data-plane',
    'nats',
    'postgres',
    'sandbox',
  ]);
  expect(['.', 'run.json', 'secrets.json', 'logs'].map(modeOf)).toEqual(['700', '600', '600', '700']);
  const { status, body } = await complete(system);
  expect([status, body.trimEnd().endsWith('data: [DONE]')]).toEqual([200, true]);
}, 240_000);

test('a service that dies is started again and run.json follows', async () => {
  const before = pidOf('data-plane');
  process.kill(before, 'SIGKILL');
  await until(() => pidOf('data-plane') !== before, 60_000);
  await until(async () => (await complete(runFile()).catch(() => undefined))?.status === 200, 60_000);
}, 180_000);

test('a start after the supervisor was killed ends what was left, and keys and balances are as before', async () => {
  const before = runFile();
  // What was just started again may not answer yet.
  await until(async () => (await usage(before).catch(() => 0)) > 0, 60_000);
  const used = await usage(before);
  const lock = readLock(dataDir);
  const leftover = before.services.map(({ name, pid }) => markOf(name, pid));
  process.kill(lock?.supervisor.pid ?? 0, 'SIGKILL');
  await start();
  const after = runFile();
  expect(leftover.filter(runs)).toEqual([]);
  expect([after.apiKey, after.managementKey]).toEqual([before.apiKey, before.managementKey]);
  expect(await usage(after)).toBeGreaterThanOrEqual(used);
  expect((await complete(after)).status).toBe(200);
}, 240_000);

test('npm stop ends every process and leaves the data', async () => {
  const marks = runFile().services.map(({ name, pid }) => markOf(name, pid));
  expect(marks.filter(runs)).toHaveLength(5);
  await command('stop.main.ts');
  expect(marks.filter(runs)).toEqual([]);
  expect(['run.json', 'supervisor.json', 'secrets.json'].map((file) => existsSync(path.join(dataDir, file)))).toEqual([
    false,
    false,
    true,
  ]);
  expect(await command('stop.main.ts')).toContain('nothing is running');
}, 120_000);
