// The client against real sockets: what it sends, what it tells, and that nothing stays open.
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WaystationError } from '@waystation/contracts';
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { createUpstreamClient, type UpstreamCall, type UpstreamTarget } from './upstream-client.js';

const client = createUpstreamClient();
const upstreams: FakeUpstream[] = [];
const servers: Server[] = [];
afterAll(async () => {
  await client.close();
  await Promise.all(upstreams.map((each) => each.close()));
  for (const server of servers) server.close();
});

const upstream = async (...given: Parameters<typeof fakeUpstream>): Promise<FakeUpstream> => {
  const started = await fakeUpstream(...given);
  upstreams.push(started);
  return started;
};

/** A server that speaks in raw bytes. */
const rawServer = async (onSocket: (socket: Socket) => void): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => onSocket(socket));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
};

const targetOf = (url: string, more: Partial<UpstreamTarget> = {}): UpstreamTarget => ({
  url: new URL(url),
  providerName: 'Lab',
  allowPrivateAddress: true,
  connectionsMax: 10,
  timeouts: { connectMs: 1_000, firstByteMs: 1_000, idleMs: 1_000 },
  ...more,
});

interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
  readonly error: WaystationError | undefined;
}

interface Sent {
  readonly call: UpstreamCall;
  readonly chunks: Buffer[];
  readonly outcome: Promise<Outcome>;
}

const send = (
  target: UpstreamTarget,
  path = '/chat',
  onChunk: (call: UpstreamCall) => void = () => undefined,
  query = '',
): Sent => {
  const chunks: Buffer[] = [];
  let settle: (outcome: Outcome) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve));
  let status: number | undefined;
  const result = (error?: WaystationError): void => settle({ status, body: Buffer.concat(chunks).toString(), error });
  const call: UpstreamCall = client.send(
    target,
    {
      path,
      query,
      headers: ['content-type', 'application/json', 'authorization', 'Bearer s3cret'],
      body: Buffer.from('{"a":1}'),
    },
    {
      head: (head) => void (status = head.status),
      data: (chunk) => {
        chunks.push(chunk);
        onChunk(call);
      },
      end: () => result(),
      fail: (error) => result(error),
    },
  );
  return { call, chunks, outcome };
};

/** Polls a condition; the reason stands in the failure. */
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 15_000) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
};

describe('a request', () => {
  it('goes to the path behind the base URL, with headers, query and body, and comes back whole', async () => {
    const server = await upstream((_request, reply) => reply.json(200, { ok: true }));
    const { outcome } = send(targetOf(`${server.url}/v1/?api-version=1`), '/chat', undefined, 'key=k%20');
    expect(await outcome).toEqual({ status: 200, body: '{"ok":true}', error: undefined });
    const [request] = server.requests;
    expect(request?.path).toBe('/v1/chat?api-version=1&key=k%20');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'content-type': 'application/json',
      'content-length': '7',
    });
    expect(request?.json()).toEqual({ a: 1 });
  });

  it('uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    const server = await upstream((_request, reply) => {
      ports.add(reply.raw.socket?.remotePort);
      reply.json(200, {});
    });
    const target = targetOf(server.url);
    for (let times = 0; times < 5; times += 1) {
      await send(target).outcome;
      await sleep(5); // a connection is free in the turn after its answer
    }
    expect(ports.size).toBe(1);
  });

  it('is refused beyond the connections that a target may have', async () => {
    const server = await upstream(() => undefined);
    const target = targetOf(server.url, { connectionsMax: 2 });
    const calls = [send(target), send(target)];
    expect(client.hasRoom(target)).toBe(false);
    calls[0]?.call.abort();
    expect(client.hasRoom(target)).toBe(true);
    calls[1]?.call.abort();
  });

  it('is not redirected', async () => {
    const elsewhere = await upstream((_request, reply) => reply.json(200, {}));
    const server = await upstream((_request, reply) => reply.json(302, {}, { location: elsewhere.url }));
    expect((await send(targetOf(server.url)).outcome).status).toBe(302);
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe('an abort', () => {
  it('before the answer closes the socket, and nothing is told any more', async () => {
    const server = await upstream(() => undefined);
    const { call, outcome } = send(targetOf(server.url));
    await until('the request arrives', () => server.requests.length === 1);
    expect(call.sent).toBe(true);
    call.abort();
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
    expect(await Promise.race([outcome, sleep(50).then(() => 'silence')])).toBe('silence');
  });

  it.each([1, 2, 5, 9])('in the middle of a stream, at chunk %i, closes the socket', async (at) => {
    const server = await upstream((_request, reply) =>
      reply.sse(
        Array.from({ length: 50 }, (_, index) => ({ index })),
        { everyMs: 2 },
      ),
    );
    let seen = 0;
    const { chunks } = send(targetOf(server.url), '/chat', (call) => {
      seen += 1;
      if (seen === at) call.abort();
    });
    await until('the request arrives', () => server.requests.length === 1);
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
    expect(chunks).toHaveLength(at);
  });

  it('of a request that waits for its connection sends nothing', async () => {
    const server = await upstream((_request, reply) => reply.json(200, {}));
    const { call } = send(targetOf(server.url));
    call.abort();
    await sleep(50);
    expect(server.requests).toHaveLength(0);
  });
});

describe('a pause', () => {
  it('stops the reading, so that the provider has to wait', async () => {
    let written = 0;
    const server = await upstream((_request, { raw }) => {
      raw.writeHead(200);
      const write = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += 65_536;
          if (!raw.write(Buffer.alloc(65_536, 0x78))) return void raw.once('drain', write);
        }
        raw.end();
      };
      write();
    });
    const target = targetOf(server.url, { timeouts: { connectMs: 1_000, firstByteMs: 1_000, idleMs: 1_000 } });
    let paused = false;
    const { call, chunks, outcome } = send(target, '/chat', (each) => {
      if (paused) return;
      paused = true;
      each.pause();
    });
    // Longer than the idle timeout: who reads slowly does not make the provider late.
    await sleep(1_500);
    const readWhilePaused = chunks.reduce((total, chunk) => total + chunk.length, 0);
    expect(readWhilePaused).toBeLessThan(1024 * 1024);
    expect(written).toBeLessThan(32 * 1024 * 1024);
    call.resume();
    expect((await outcome).body.length).toBe(64 * 1024 * 1024);
  }, 120_000);
});

describe('a release', () => {
  it('lets a response end that is all but over, so that its connection is used again', async () => {
    const ports = new Set<number | undefined>();
    const server = await upstream(async (_request, reply) => {
      ports.add(reply.raw.socket?.remotePort);
      await reply.sse(['[DONE]'], { end: false });
      await sleep(20);
      reply.raw.end();
    });
    const target = targetOf(server.url);
    for (let times = 0; times < 3; times += 1) {
      await new Promise<void>((resolve) => {
        send(target, '/chat', (call) => {
          call.release();
          resolve();
        });
      });
      await sleep(60);
    }
    expect(ports.size).toBe(1);
  });

  it('closes the connection of a response that does not end', async () => {
    const server = await upstream((_request, reply) => reply.sse(['[DONE]'], { end: false }));
    send(targetOf(server.url), '/chat', (call) => call.release());
    await until('the request arrives', () => server.requests.length === 1);
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
  });
});

describe('what goes wrong', () => {
  it('is told by a code, without the address', async () => {
    const closed = await rawServer((socket) => socket.destroy());
    const garbage = await rawServer((socket) => socket.end('NOT HTTP\r\n\r\n'));
    const half = await rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'));
    const wide = await rawServer((socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`));
    const silent = await rawServer(() => undefined);
    const stalled = await rawServer((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'));
    const quick = { connectMs: 500, firstByteMs: 100, idleMs: 100 };
    const codes = await Promise.all(
      [
        targetOf('http://127.0.0.1:1'),
        // Whoever is asked for names may be slow.
        targetOf('http://no-such-host.invalid', { timeouts: { ...quick, connectMs: 20_000 } }),
        targetOf(closed.replace('http:', 'https:')),
        targetOf(closed),
        targetOf(garbage),
        targetOf(half),
        targetOf(wide),
        targetOf(silent, { timeouts: quick }),
        targetOf(stalled, { timeouts: quick }),
      ].map(async (target) => {
        const { error } = await send(target).outcome;
        expect(error?.message).not.toMatch(/127\.0\.0\.1|invalid\b.*:\d/);
        return error?.code;
      }),
    );
    expect(codes).toEqual([
      'provider_unavailable',
      'provider_unavailable',
      'provider_unavailable',
      'provider_unavailable',
      'provider_invalid_response',
      'provider_stream_broken',
      'provider_invalid_response',
      'provider_timeout',
      'provider_timeout',
    ]);
  });
});

describe('a target that a tenant gave', () => {
  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://localhost',
  ])('is refused before anything connects to %s', async (address) => {
    const server = await upstream((_request, reply) => reply.json(200, {}));
    const { outcome } = send(targetOf(`${address}:${server.port}`, { allowPrivateAddress: false }));
    expect((await outcome).error).toMatchObject({
      code: 'provider_unavailable',
      details: { reason: 'private_address' },
    });
    expect(server.requests).toHaveLength(0);
  });
});
