// The bootstrap as operators meet it: real processes against a real NATS. Boot, faults, readiness, calls, shutdown under load, crashes.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { connectBus, type Bus, type StreamCall } from '@waystation/bus';
import type { WaystationError } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import { Rename, Repeat, Shout } from './test-app/contracts.js';

const folder = path.join(import.meta.dirname, 'test-app');
const DEVELOPMENT = {
  WAYSTATION_MODE: 'development',
  WAYSTATION_TEST_PORT: '0',
  WAYSTATION_SHUTDOWN_GRACE_MS: '60000',
};

jest.setTimeout(60_000);

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}
interface TestProcess {
  readonly child: ChildProcess;
  readonly lines: Line[];
  /** All that came on stdout and stderr. */
  readonly output: { stdout: string; stderr: string };
  readonly exited: Promise<number | null>;
}

const processes: TestProcess[] = [];
const start = (environment: Record<string, string>, main = 'main.ts', imports: readonly string[] = []): TestProcess => {
  const loaders = ['source-loader.mjs', ...imports].flatMap((file) => ['--import', path.join(folder, file)]);
  const child = spawn(process.execPath, [...loaders, path.join(folder, main)], {
    env: { PATH: process.env['PATH'] ?? '', ...DEVELOPMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const own: TestProcess = {
    child,
    lines: [],
    output: { stdout: '', stderr: '' },
    exited: once(child, 'close').then(([code]) => code as number | null),
  };
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    own.output.stdout += chunk.toString();
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    own.lines.push(...parts.map((part) => JSON.parse(part) as Line));
  });
  child.stderr.on('data', (chunk: Buffer) => (own.output.stderr += chunk.toString()));
  processes.push(own);
  return own;
};

const until = async <Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 25_000,
): Promise<Value> => {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end)
      throw new Error(
        `not within ${withinMs} ms: ${what}\n${processes.at(-1)?.output.stdout}${processes.at(-1)?.output.stderr}`,
      );
    await sleep(20);
  }
};
const lineWith = (own: TestProcess, text: string): Promise<Line> =>
  until(`a line with "${text}"`, () => own.lines.find(({ msg }) => msg.includes(text)));

interface Running extends TestProcess {
  readonly port: number;
  readonly internalPort: number;
}
const ready = async (own: TestProcess): Promise<Running> => {
  const line = await until('the ready line', () => own.lines.find(({ msg }) => msg === 'ready'));
  return { ...own, port: line['port'] as number, internalPort: line['internalPort'] as number };
};

const get = async (
  port: number,
  target: string,
  agent = new http.Agent(),
): Promise<{ status: number; body: string }> => {
  const request = http.get({ host: '127.0.0.1', port, path: target, agent });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
};
const readiness = async (own: Running): Promise<number> => (await get(own.internalPort, '/readyz')).status;
/** The line that a process shuts down is there before its ports are closed. */
const refuses = (port: number): Promise<boolean> =>
  until(`port ${port} refuses connections`, () =>
    get(port, '/slow?ms=1').then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    ),
  );
/** Lines of work that waits to be told (SIGUSR2) that it may end. */
const holding = (own: TestProcess, count: number): Promise<boolean> =>
  until(`${count} are held`, () => own.lines.filter(({ msg }) => msg === 'holding').length === count);

let nats: TestNats;
let bus: Bus;
const callers: Bus[] = [];
const caller = async (url: string): Promise<Bus> => {
  // A process that stands still for a while must neither be given up by us nor give us up.
  const times = { acceptTimeoutMs: 20_000, rpcTimeoutMs: 20_000, lostAfterMs: 30_000, aliveEveryMs: 200 };
  const each = await connectBus({ url, service: 'ingress', services: ['ingress'], release: 'test', times });
  callers.push(each);
  return each;
};

beforeAll(async () => {
  nats = await natsServer();
  bus = await caller(nats.url);
}, 120_000);

afterEach(async () => {
  for (const { child, exited } of processes.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
});

afterAll(async () => {
  await Promise.all(callers.map((each) => each.close(1_000)));
  await nats.stop();
});

const environment = (): Record<string, string> => ({ WAYSTATION_NATS_URL: nats.url });

interface Told {
  bytes: number;
  end?: unknown;
  failure?: WaystationError;
}
const repeat = (
  key: string,
  request: { pieces: number; everyMs: number },
): { call: StreamCall; told: Told; over: Promise<Told> } => {
  const told: Told = { bytes: 0 };
  let finish: (told: Told) => void = () => undefined;
  const over = new Promise<Told>((resolve) => (finish = resolve));
  const call: StreamCall = bus.openStream(
    Repeat,
    key,
    request,
    Buffer.from('piece'),
    { deadlineAt: Date.now() + 60_000 },
    {
      accepted: () => undefined,
      data: (bytes) => {
        told.bytes += bytes.length;
        call.consumed(told.bytes);
      },
      end: (end) => finish(Object.assign(told, { end })),
      fail: (failure) => finish(Object.assign(told, { failure })),
    },
  );
  return { call, told, over };
};

const key = (...permissions: string[]): { v: 1; principal: { kind: 'key'; permissions: string[] } } => ({
  v: 1,
  principal: { kind: 'key', permissions },
});

describe('a process', () => {
  test('says once that it is ready, with its ports, and serves HTTP, rpc, management calls and streams', async () => {
    const own = await ready(start(environment()));
    expect(own.lines.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
    expect(own.lines.find(({ msg }) => msg === 'ready')).toMatchObject({
      service: 'worker',
      release: 'dev',
      instance: expect.stringMatching(/^worker-/),
      apps: ['worker'],
      pid: own.child.pid,
    });
    expect(await readiness(own)).toBe(200);
    expect(await get(own.port, '/slow?ms=1')).toEqual({ status: 200, body: '{"waited":"1"}' });
    expect(await bus.request(Shout, { text: 'hello' })).toEqual({ text: 'HELLO worker' });
    expect(await bus.request(Rename, { ...key('keys:write'), name: 'new' })).toEqual({
      name: 'new',
      by: 'key in time',
    });
    expect(await repeat('any-provider', { pieces: 3, everyMs: 1 }).over).toEqual({ bytes: 15, end: { pieces: 3 } });
    const { body } = await get(own.internalPort, '/metrics');
    expect(body).toContain('waystation_bus_connected{service="worker"} 1');
    expect(body).toMatch(
      /waystation_process_info\{name="worker-[^"]+",apps="worker",release="[^"]*",service="worker"\} 1/,
    );
  });

  test('refuses management calls without the permission before Nest or the handler sees them, and passes errors on with their code', async () => {
    await ready(start(environment()));
    await expect(bus.request(Rename, { ...key('keys:read'), name: 'conflict' })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await expect(bus.request(Rename, { ...key('keys:write'), name: 'conflict' })).rejects.toMatchObject({
      code: 'conflict',
      message: 'taken',
      details: { name: 'conflict' },
    });
    await expect(bus.request(Rename, { ...key('keys:write'), name: 'unprocessable' })).rejects.toMatchObject({
      code: 'unprocessable',
      message: 'refused by the guard',
    });
    await expect(bus.request(Shout, { text: 'fail' })).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 7 });
  });

  test('subscribes to the stream keys of its configuration only', async () => {
    await ready(start({ ...environment(), WAYSTATION_TEST_PROVIDERS: 'openai,Lab One' }));
    expect((await repeat('Lab One', { pieces: 1, everyMs: 1 }).over).end).toEqual({ pieces: 1 });
    expect((await repeat('mistral', { pieces: 1, everyMs: 1 }).over).failure).toMatchObject({ code: 'no_worker' });
  });

  test('writes what a client sends into one line, whatever it holds', async () => {
    const own = await ready(start(environment()));
    const evil = 'x\n{"level":"fatal","msg":"forged"} sk-way-v1-abcdefghijkl';
    await get(own.port, `/log?text=${encodeURIComponent(evil)}`);
    const line = await lineWith(own, 'forged');
    expect(line.level).toBe('info');
    expect(own.lines.some(({ msg }) => msg === 'forged')).toBe(false);
    expect(own.output.stdout).not.toContain('abcdefghijkl');
  });
});

test.each(['main.ts', 'plain.main.ts'])('every lifecycle hook of an app runs once (%s)', async (main) => {
  const own = start(environment(), main);
  await until('the ready line', () => own.lines.find(({ msg }) => msg === 'ready'));
  own.child.kill('SIGTERM');
  expect(await own.exited).toBe(0);
  expect(own.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('hook'))).toEqual([
    'hook onModuleInit',
    'hook onApplicationBootstrap',
    'hook beforeApplicationShutdown',
    'hook onApplicationShutdown',
  ]);
});

describe('a further listener', () => {
  test('serves the same routes and knows its connections; the process is ready when both listen, and drains both', async () => {
    const own = await ready(start({ ...environment(), WAYSTATION_TEST_FURTHER_PORT: '0' }));
    const furtherPort = own.lines.find(({ msg }) => msg === 'ready')?.['furtherPort'] as number;
    expect(await readiness(own)).toBe(200);
    expect(await get(own.port, '/listener')).toEqual({ status: 200, body: '{}' });
    expect(await get(furtherPort, '/listener')).toEqual({ status: 200, body: '{"listener":"further"}' });
    const agent = new http.Agent({ keepAlive: true });
    await get(furtherPort, '/slow?ms=1', agent);
    const running = [get(furtherPort, '/slow?ms=1&held', agent), get(own.port, '/slow?ms=1&held')];
    await holding(own, 2);
    own.child.kill('SIGTERM');
    await lineWith(own, 'shutting down');
    await refuses(furtherPort);
    own.child.kill('SIGUSR2');
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await own.exited).toBe(0);
    agent.destroy();
  });

  test('whose port is taken is named', async () => {
    const other = net.createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as net.AddressInfo;
    const own = start({ ...environment(), WAYSTATION_TEST_FURTHER_PORT: String(port) });
    expect(await own.exited).toBe(1);
    other.close();
    expect(own.lines.filter(({ level }) => level === 'fatal').map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        new RegExp(`^worker cannot start: port ${port} on 127.0.0.1 for worker \\(further\\) is taken`),
      ),
    ]);
  });
});

describe('several apps in one process', () => {
  test('share the bus and the internal port, keep their own names in the log, and call each other', async () => {
    const own = await ready(start({ ...environment(), WAYSTATION_FRONT_PORT: '0' }, 'fused.main.ts'));
    expect(own.lines.find(({ msg }) => msg === 'ready')).toMatchObject({
      service: 'data-plane',
      instance: expect.stringMatching(/^data-plane-/),
      apps: ['worker', 'ingress'],
    });
    expect(await get(own.port, '/shout?text=hi')).toEqual({ status: 200, body: '{"text":"HI worker"}' });
    expect(await bus.request(Shout, { text: 'outside' })).toEqual({ text: 'OUTSIDE worker' });
    expect(await lineWith(own, 'shouting')).toMatchObject({ service: 'data-plane', app: 'ingress' });
    own.child.kill('SIGTERM');
    expect(await own.exited).toBe(0);
  });

  test('have all faults of all of them told at once', async () => {
    const own = start({ WAYSTATION_TEST_PORT: 'x', WAYSTATION_FRONT_PORT: 'y' }, 'fused.main.ts');
    expect(await own.exited).toBe(1);
    expect(own.output.stderr).toMatch(
      /^data-plane cannot start: 2 faults[^]*WAYSTATION_TEST_PORT[^]*WAYSTATION_FRONT_PORT/,
    );
  });
});

test('an app without a bus is ready without NATS, and using the bus after all is answered as the bug that it is', async () => {
  const own = await ready(
    start({ WAYSTATION_NATS_URL: 'nats://127.0.0.1:1', WAYSTATION_FRONT_PORT: '0' }, 'alone.main.ts'),
  );
  expect(await readiness(own)).toBe(200);
  expect((await get(own.port, '/shout?text=hi')).status).toBe(500);
  expect(await lineWith(own, 'sandbox runs without a bus')).toMatchObject({ level: 'error' });
  own.child.kill('SIGTERM');
  expect(await own.exited).toBe(0);
});

describe('a process that cannot start', () => {
  test('lists all faults of its environment in one block, exits with 1 and has opened nothing', async () => {
    const own = start({
      ...environment(),
      WAYSTATION_TEST_PORT: 'http',
      WAYSTATION_LOG_LEVEL: 'loud',
      WAYSTATION_INTERNAL_PORT: '-1',
    });
    expect(await own.exited).toBe(1);
    expect(own.output.stdout).toBe('');
    expect(own.output.stderr.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual([
      'worker',
      'WAYSTATION_LOG_LEVEL',
      'WAYSTATION_INTERNAL_PORT',
      'WAYSTATION_TEST_PORT',
      '',
    ]);
    expect(own.output.stderr).toContain('worker cannot start: 3 faults in its environment');
  });

  test.each(['WAYSTATION_TEST_PORT', 'WAYSTATION_INTERNAL_PORT'])(
    'tells that the port of %s is taken',
    async (variable) => {
      const other = net.createServer();
      await once(other.listen(0, '127.0.0.1'), 'listening');
      const { port } = other.address() as net.AddressInfo;
      const own = start({ ...environment(), [variable]: String(port) });
      expect(await own.exited).toBe(1);
      other.close();
      const fatal = own.lines.filter(({ level }) => level === 'fatal');
      expect(fatal).toHaveLength(1);
      expect(fatal[0]?.msg).toMatch(
        new RegExp(`^worker cannot start: port ${port} on 127.0.0.1 for .* is taken by another process`),
      );
    },
  );

  test('tells that NATS refuses its credentials', async () => {
    const strict = await natsServer({ accounts: true });
    try {
      const own = start({
        WAYSTATION_NATS_URL: strict.url,
        WAYSTATION_NATS_USER: 'worker',
        WAYSTATION_NATS_PASSWORD: 'hunter2',
      });
      expect(await own.exited).toBe(1);
      const fatal = own.lines.filter(({ level }) => level === 'fatal');
      expect(fatal.map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/^worker cannot start: NATS at .* refused user worker/),
      ]);
      expect(own.output.stdout).not.toContain('hunter2');
    } finally {
      await strict.stop();
    }
  });

  test('tells that NATS is too old', async () => {
    const info = JSON.stringify({
      server_id: 'old',
      version: '2.9.25',
      proto: 1,
      max_payload: 1_048_576,
      headers: true,
    });
    const old = net.createServer((socket) => {
      socket.on('error', () => undefined).write(`INFO ${info}\r\n`);
      socket.on('data', (data) => String(data).includes('PING') && socket.write('PONG\r\n'));
    });
    await once(old.listen(0, '127.0.0.1'), 'listening');
    const own = start({ WAYSTATION_NATS_URL: `nats://127.0.0.1:${(old.address() as net.AddressInfo).port}` });
    expect(await own.exited).toBe(1);
    old.close();
    expect(own.lines.filter(({ level }) => level === 'fatal').map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^worker cannot start: NATS server 2\.9\.25 is too old.*2\.10/),
    ]);
  });
});

describe('NATS that goes away', () => {
  test('at boot is waited for: not ready but alive, and ready when it comes', async () => {
    const late = await natsServer();
    await late.kill();
    const own = start({ WAYSTATION_NATS_URL: late.url, WAYSTATION_TIME_SCALE: '0.2' });
    try {
      await lineWith(own, 'waiting for NATS at');
      expect(own.lines.some(({ level }) => level === 'fatal')).toBe(false);
      await late.restart();
      const running = await ready(own);
      await until('green readiness', async () => (await readiness(running)) === 200);
    } finally {
      await late.stop();
    }
  });

  test('can be waited for by a process that is told to stop', async () => {
    const late = await natsServer();
    await late.kill();
    const own = start({ WAYSTATION_NATS_URL: late.url, WAYSTATION_TIME_SCALE: '0.2' });
    await lineWith(own, 'waiting for NATS at');
    own.child.kill('SIGTERM');
    expect(await own.exited).toBe(0);
    await late.stop();
  });

  test('later turns readiness red while the process lives, and green again by itself', async () => {
    const own = await ready(start(environment()));
    await nats.kill();
    await until('red readiness', async () => (await readiness(own)) === 503);
    expect((await get(own.internalPort, '/healthz')).status).toBe(200);
    expect(JSON.parse((await get(own.internalPort, '/readyz')).body)).toMatchObject({
      ready: false,
      checks: { bus: { ok: false } },
    });
    await nats.restart();
    await until('green readiness', async () => (await readiness(own)) === 200);
    await until('an answer', () => bus.request(Shout, { text: 'back' }).catch(() => undefined));
  });
});

describe('SIGTERM', () => {
  test('under load lets every running request, call and stream finish, takes no new ones, and exits with 0', async () => {
    const own = await ready(start(environment()));
    const agent = new http.Agent({ keepAlive: true });
    await get(own.port, '/slow?ms=1', agent);
    const requests = Array.from({ length: 20 }, (_, i) => get(own.port, `/slow?ms=${i * 20}&held`, agent));
    const calls = Array.from({ length: 20 }, () => bus.request(Shout, { text: 'still', held: true }));
    const repeats = Array.from({ length: 20 }, () => repeat('p', { pieces: 40, everyMs: 25 }));
    const streams = repeats.map(({ over }) => over);
    await holding(own, 40);
    await until('the streams run', () => repeats.every(({ told }) => told.bytes > 0));
    own.child.kill('SIGTERM');
    await lineWith(own, 'shutting down');
    expect(await readiness(own)).toBe(503);
    await refuses(own.port);
    own.child.kill('SIGUSR2');
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, () => ({ text: 'STILL worker' })));
    expect(await Promise.all(streams)).toEqual(Array.from({ length: 20 }, () => ({ bytes: 200, end: { pieces: 40 } })));
    expect(await own.exited).toBe(0);
    expect(own.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    agent.destroy();
  });

  test('is given notice of: readiness is red at once, and requests are served until the notice is over', async () => {
    const own = await ready(start({ ...environment(), WAYSTATION_SHUTDOWN_NOTICE_MS: '30000' }));
    own.child.kill('SIGTERM');
    await until('red readiness', async () => (await readiness(own)) === 503);
    expect(await get(own.port, '/slow?ms=1')).toEqual({ status: 200, body: '{"waited":"1"}' });
    expect(await bus.request(Shout, { text: 'meanwhile' })).toEqual({ text: 'MEANWHILE worker' });
  });

  test('is carried out when the notice is over, and not before', async () => {
    const own = await ready(start({ ...environment(), WAYSTATION_SHUTDOWN_NOTICE_MS: '400' }));
    const from = performance.now();
    own.child.kill('SIGTERM');
    expect(await own.exited).toBe(0);
    expect(performance.now() - from).toBeGreaterThan(390);
  });

  test('ends what is longer than the grace with a retryable error, within the grace', async () => {
    const own = await ready(start(environment(), 'main.ts', ['long-timeouts.mjs']));
    const endless = repeat('p', { pieces: 100_000, everyMs: 20 });
    await until('the first bytes', () => endless.told.bytes > 0);
    own.child.kill('SIGTERM');
    await lineWith(own, 'shutting down');
    own.child.kill('SIGUSR2');
    expect((await endless.over).failure).toMatchObject({ code: 'shutting_down' });
    // One that the grace had cut would exit with 1.
    expect(await own.exited).toBe(0);
  });

  test('gets out the ends of streams that all end in the last turn', async () => {
    const own = await ready(start(environment(), 'main.ts', ['long-timeouts.mjs']));
    const waiting = Array.from({ length: 20 }, () => repeat('p', { pieces: 0, everyMs: 0 }));
    await until('the first bytes of all', () => waiting.every(({ told }) => told.bytes > 0));
    own.child.kill('SIGTERM');
    await lineWith(own, 'shutting down');
    own.child.kill('SIGUSR2');
    expect(await Promise.all(waiting.map(({ over }) => over))).toEqual(
      Array.from({ length: 20 }, () => ({ bytes: 5, end: { pieces: 0 } })),
    );
    expect(await own.exited).toBe(0);
  });

  test('of a process whose request never ends still exits, by cutting it', async () => {
    const own = await ready(start({ ...environment(), WAYSTATION_SHUTDOWN_GRACE_MS: '1500' }));
    const stuck = get(own.port, '/slow?ms=600000&held').then(
      () => 'answered',
      () => 'cut',
    );
    await holding(own, 1);
    own.child.kill('SIGTERM');
    own.child.kill('SIGINT');
    await own.exited;
    expect(await stuck).toBe('cut');
  });
});

test('an error that nobody caught ends the process with 1 and a line that holds its causes and no secret', async () => {
  const own = await ready(start(environment()));
  await get(own.port, '/crash').catch(() => undefined);
  expect(await own.exited).toBe(1);
  const fatal = own.lines.filter(({ level }) => level === 'fatal');
  expect(fatal).toHaveLength(1);
  expect(fatal[0]?.msg).toBe('ending after an error that nobody caught: a bug: its cause with [redacted]');
  expect(fatal[0]?.['err']).toMatchObject({ message: 'a bug', cause: { message: 'its cause with [redacted]' } });
});
