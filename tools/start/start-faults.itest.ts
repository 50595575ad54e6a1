// A start that cannot go on says one line, exits with 1 and leaves nothing behind: no process, no lock, no run.json.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../libs/testing/src/servers/free-port.ts';
import { deleteDataFolder } from '../../libs/testing/src/servers/cluster-folder.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { explain } from './fault.ts';
import { markOf } from './processes.ts';

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

let dataDir = '';
beforeEach(async () => {
  dataDir = path.join(await mkdtemp(path.join(tmpdir(), 'waystation-test-start-')), 'data');
});
afterEach(async () => {
  await deleteDataFolder(dataDir);
  await rm(path.dirname(dataDir), { recursive: true, force: true });
});

async function start(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['tools/start/main.ts', '--data-dir', dataDir, '--not-durable', ...args], {
    cwd: repositoryRoot,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stderr };
}

const listening = async (server: Server, port = 0): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const refusedWith = (ended: Ended, line: string): void => {
  expect({ ...ended, stderr: ended.stderr.trim().split('\n') }).toEqual({
    code: 1,
    stderr: [expect.stringContaining(line)],
  });
  expect(['run.json', 'supervisor.json'].filter((file) => existsSync(path.join(dataDir, file)))).toEqual([]);
};

test('a taken port', async () => {
  const server = createServer();
  const port = await listening(server, await freePort());
  refusedWith(
    await start(['--port', String(port)]),
    `port ${port} is taken: end what listens there, or choose another with --port`,
  );
  server.close();
});

test('a configuration that is not YAML', async () => {
  await mkdir(dataDir);
  await writeFile(path.join(dataDir, 'waystation.yaml'), 'providers: [');
  const ended = await start(['--port', '0']);
  refusedWith(ended, 'waystation.yaml cannot be read');
  expect(ended.stderr).toMatch(/at line \d+, column \d+/);
});

test.each([
  [
    'is too old',
    'INFO {"version":"2.9.25","jetstream":true}\r\n',
    'is version 2.9.25: Waystation needs 2.10.0 or newer',
  ],
  ['has no JetStream', 'INFO {"version":"2.11.0"}\r\n', 'runs without JetStream: start it with -js'],
  ['is something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'does not speak the NATS protocol'],
])('a NATS server that %s', async (_, greeting, line) => {
  const server = createServer((socket) => void socket.end(greeting));
  const port = await listening(server);
  refusedWith(await start(['--port', '0'], { NATS_URL: `nats://127.0.0.1:${port}` }), line);
  server.close();
});

test('a NATS server and a Postgres that are not there', async () => {
  refusedWith(await start(['--port', '0'], { NATS_URL: 'nats://127.0.0.1:1' }), 'cannot be reached');
  refusedWith(
    await start(['--port', '0'], { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' }),
    'Postgres at 127.0.0.1:1 (DATABASE_URL) cannot be reached',
  );
});

test('a data folder that a running system uses', async () => {
  await mkdir(dataDir);
  const lock = path.join(dataDir, 'supervisor.json');
  await writeFile(lock, JSON.stringify({ supervisor: markOf('supervisor', process.pid), children: [] }));
  const ended = await start(['--port', '0']);
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('is in use by a running system')]);
  expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ supervisor: { pid: process.pid } });
});

test('a data folder that is a file', async () => {
  await writeFile(dataDir, '');
  const ended = await start(['--port', '0']);
  expect([ended.code, ended.stderr]).toEqual([
    1,
    expect.stringContaining('is not a folder: choose another with --data-dir'),
  ]);
  expect((await stat(dataDir)).isFile()).toBe(true);
});

test('a full disk is told as such, whoever noticed it', () => {
  const line = 'the disk of /data is full: free some space, or choose another folder with --data-dir';
  expect(explain(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), '/data')).toBe(
    line,
  );
  expect(
    explain(new Error('it failed', { cause: new Error('FATAL: could not write: No space left on device') }), '/data'),
  ).toBe(line);
});
