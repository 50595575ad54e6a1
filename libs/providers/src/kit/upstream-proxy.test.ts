// The client through a proxy: tunnels for https, forwarded requests for http, what is told where the proxy refuses, what the guard lets through, and that no socket stays.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import type { WaystationError } from '@waystation/contracts';
import {
  createLabAuthority,
  fakeUpstream,
  startLabProxy,
  type FakeUpstream,
  type LabProxy,
  type LabProxyOptions,
} from '@waystation/testing';
import { ClientCertificate } from './client-certificate.js';
import { createUpstreamClient, type UpstreamCall, type UpstreamProxy, type UpstreamTarget } from './upstream-client.js';

const authority = createLabAuthority();
const own = authority.issue('worker.example');
const folder = mkdtempSync(path.join(tmpdir(), 'waystation-proxy-'));
const fileOf = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
const tls = {
  caFile: fileOf('authority.pem', authority.certificate),
  clientCertificates: new Map([
    [
      'https://lab.example',
      new ClientCertificate({ certFile: fileOf('worker.pem', own.cert), keyFile: fileOf('worker.key', own.key) }),
    ],
  ]),
};

const client = createUpstreamClient();
const servers: Server[] = [];
const upstreams: FakeUpstream[] = [];
const proxies: LabProxy[] = [];
afterAll(async () => {
  await client.close();
  for (const proxy of proxies) proxy.close();
  for (const server of servers) server.close();
  await Promise.all(upstreams.map((each) => each.close()));
  rmSync(folder, { recursive: true });
});

interface Lab {
  readonly port: number;
  readonly sockets: TLSSocket[];
  readonly read: string[];
  /** Names of the client certificates that it was shown, by connection. */
  readonly shown: (string | undefined)[];
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const identity = authority.issue('lab.example');

/** The provider behind the proxy, over TLS. */
const lab = async (answer: (socket: TLSSocket) => void = (socket) => socket.write(OK), as = identity): Promise<Lab> => {
  const sockets: TLSSocket[] = [];
  const read: string[] = [];
  const shown: Lab['shown'] = [];
  const server = createServer({ ...as, requestCert: true, rejectUnauthorized: false }, (socket) => {
    sockets.push(socket);
    shown.push(socket.getPeerCertificate().subjectaltname);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      read.push(bytes.toString('latin1'));
      answer(socket);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets, read, shown };
};

const proxyTo = async (port: number, more: Partial<LabProxyOptions> = {}): Promise<LabProxy> => {
  const proxy = await startLabProxy({ port, ...more });
  proxies.push(proxy);
  return proxy;
};

const through = (
  proxy: string | LabProxy,
  more: Partial<UpstreamTarget> = {},
  names: UpstreamProxy['names'] = 'check',
) => ({
  url: new URL('https://lab.example/v1'),
  providerName: 'Lab',
  allowPrivateAddress: true,
  connectionsMax: 10,
  // A tunnel takes many turns, and names are asked for: on a busy machine each may be long.
  timeouts: { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000 },
  tls,
  proxy: { url: new URL(typeof proxy === 'string' ? proxy : `http://127.0.0.1:${proxy.port}`), names },
  ...more,
});

interface Outcome {
  readonly status: number | undefined;
  readonly bytes: number;
  readonly error: WaystationError | undefined;
}

interface Sent {
  readonly call: UpstreamCall;
  readonly outcome: Promise<Outcome>;
}

const send = (
  target: UpstreamTarget,
  { headers = [], body = Buffer.from('{}') }: { headers?: readonly string[]; body?: Buffer } = {},
  onData: (call: UpstreamCall) => void = () => undefined,
): Sent => {
  let settle: (outcome: Outcome) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve));
  let status: number | undefined;
  let bytes = 0;
  const call: UpstreamCall = client.send(
    target,
    { path: '/chat', query: '', headers, body },
    {
      head: (head) => void (status = head.status),
      data: (chunk) => {
        bytes += chunk.length;
        onData(call);
      },
      end: () => settle({ status, bytes, error: undefined }),
      fail: (error) => settle({ status, bytes, error }),
    },
  );
  return { call, outcome };
};

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 20_000) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
};

/** Says it to whoever asks for a tunnel, and waits until they leave. */
const saying =
  (words: string) =>
  (socket: Socket): void => {
    socket.on('end', () => socket.destroy()).resume();
    if (words !== '') socket.write(words);
  };

const allClosed = (proxy: LabProxy): boolean => [...proxy.clients, ...proxy.upstreams].every((each) => each.destroyed);

describe('a request to an https target', () => {
  it('goes through a tunnel, which is used again, and the proxy sees nothing but where to', async () => {
    const server = await lab();
    const proxy = await proxyTo(server.port);
    const target = through(proxy);
    for (let times = 0; times < 3; times += 1) {
      expect(await send(target, { headers: ['authorization', 'Bearer s3cret'] }).outcome).toEqual({
        status: 200,
        bytes: 2,
        error: undefined,
      });
      await sleep(5);
    }
    expect(proxy.asked).toEqual([{ line: 'CONNECT lab.example:443', headers: { host: 'lab.example:443' } }]);
    expect(server.sockets).toHaveLength(1);
    expect(server.read[2]).toMatch(/^POST \/v1\/chat HTTP\/1\.1\r\nhost: lab\.example\r\n/);
    expect(server.sockets[0]?.getPeerCertificate().subjectaltname).toBe('DNS:worker.example');
  });

  it.each([0, 20_000, 1_000_000])('arrives with a body of %i bytes', async (bytes) => {
    const body = Buffer.alloc(bytes, 'waystation');
    let answered = false;
    const server: Lab = await lab((socket) => {
      const [, arrived = ''] = server.read.join('').split(/\r\n\r\n(.*)/s);
      if (arrived !== body.toString() || answered) return;
      answered = true;
      socket.write(OK);
    });
    const proxy = await proxyTo(server.port);
    expect((await send(through(proxy), { body }).outcome).bytes).toBe(2);
  });

  it('shares its tunnel with no other origin', async () => {
    const server = await lab();
    const proxy = await proxyTo(server.port);
    for (const url of ['https://lab.example', 'https://lab.example:8443', 'https://lab.example/v2']) {
      expect((await send(through(proxy, { url: new URL(url) })).outcome).status).toBe(200);
      await sleep(5);
    }
    expect(proxy.asked.map(({ line }) => line)).toEqual(['CONNECT lab.example:443', 'CONNECT lab.example:8443']);
  });

  it('does not believe whom no authority vouches for, nor another name', async () => {
    const server = await lab();
    const proxy = await proxyTo(server.port);
    for (const target of [through(proxy, { tls: {} }), through(proxy, { url: new URL('https://other.example') })]) {
      const { error } = await send(target).outcome;
      expect(error?.message).toBe('Lab could not prove its identity (TLS).');
    }
    expect(server.read).toEqual([]);
    await until('the tunnels are closed', () => allClosed(proxy));
  });

  it('believes no certificate of the proxy’s host for an address', async () => {
    const server = await lab(undefined, authority.issue('localhost'));
    const proxy = await proxyTo(server.port);
    const target = through(`http://localhost:${proxy.port}`, { url: new URL('https://192.0.2.1') });
    expect((await send(target).outcome).error?.message).toBe('Lab could not prove its identity (TLS).');
    expect(server.read).toEqual([]);
  });

  it('opens its next tunnel with the TLS session of the last', async () => {
    const reused: boolean[] = [];
    const server = await lab((socket) => {
      reused.push(socket.isSessionReused());
      socket.write(OK.replace('\r\n', '\r\nconnection: close\r\n'));
    });
    const target = through(await proxyTo(server.port));
    for (let times = 0; times < 2; times += 1) {
      expect((await send(target).outcome).bytes).toBe(2);
      await sleep(20);
    }
    expect(reused).toEqual([false, true]);
  });

  it('is paused so that the server has to wait, and loses nothing', async () => {
    const total = 32 * 1024 * 1024;
    let written = 0;
    const server = await lab((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const write = (): void => {
        while (written < total) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536, 0x78))) return void socket.once('drain', write);
        }
      };
      write();
    });
    let paused = false;
    const { call, outcome } = send(through(await proxyTo(server.port)), {}, (grip) => {
      if (!paused) grip.pause();
      paused = true;
    });
    await until('it is paused', () => paused);
    await sleep(400);
    expect(written).toBeLessThan(total);
    call.resume();
    expect(await outcome).toEqual({ status: 200, bytes: total, error: undefined });
  }, 120_000);

  it('whose tunnel breaks in the middle of the answer is broken', async () => {
    const server = await lab((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'));
    const proxy = await proxyTo(server.port);
    const { outcome } = send(through(proxy), {}, () => proxy.clients[0]?.destroy());
    expect((await outcome).error?.code).toBe('provider_stream_broken');
  });

  it('goes through a proxy that speaks TLS, which sees no client certificate', async () => {
    const server = await lab();
    const proxy = await proxyTo(server.port, { identity: authority.issue('localhost') });
    const target = through(`https://localhost:${proxy.port}`);
    for (let times = 0; times < 2; times += 1) {
      expect((await send(target).outcome).bytes).toBe(2);
      await sleep(5);
    }
    expect(proxy.asked).toHaveLength(1);
    expect((proxy.clients[0] as TLSSocket).getPeerCertificate()).toEqual({});
    expect(server.sockets[0]?.getPeerCertificate().subjectaltname).toBe('DNS:worker.example');
    const { error } = await send(through(`https://127.0.0.1:${proxy.port}`)).outcome;
    expect(error?.details).toMatchObject({ reason: 'PROXY_FAILED' });
  });
});

describe('a client certificate in a tunnel', () => {
  it('is shown to the origin that it is for, and to nobody else behind the same proxy', async () => {
    const server = await lab();
    const other = await lab(undefined, authority.issue('other.example'));
    const proxy = await proxyTo(server.port);
    const toOther = await proxyTo(other.port);
    expect((await send(through(proxy)).outcome).bytes).toBe(2);
    for (const url of ['https://other.example/v1', 'https://other.example:8443/v1'])
      expect((await send(through(toOther, { url: new URL(url) })).outcome).bytes).toBe(2);
    expect(server.shown).toEqual(['DNS:worker.example']);
    expect(other.shown).toEqual([undefined, undefined]);
  });

  it('does not follow a redirect', async () => {
    const other = await lab(undefined, authority.issue('other.example'));
    const server = await lab((socket) =>
      socket.write(
        `HTTP/1.1 307 Temporary Redirect\r\nlocation: https://127.0.0.1:${other.port}/\r\ncontent-length: 0\r\n\r\n`,
      ),
    );
    expect((await send(through(await proxyTo(server.port))).outcome).status).toBe(307);
    expect(other.sockets).toEqual([]);
  });
});

describe('the answer to CONNECT', () => {
  it.each<[string, string]>([
    ['HTTP/1.0', 'HTTP/1.0 200 Connection established\r\n\r\n'],
    ['a length of nothing', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['a length that means nothing', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'],
    ['another success', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['something before it', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nvia: x\r\n\r\n'],
  ])('may have %s, and come byte by byte', async (_, answer) => {
    const server = await lab();
    const proxy = await proxyTo(server.port, {
      answer: async (socket) => {
        for (const byte of answer) {
          socket.write(byte);
          await sleep(1);
        }
        const upstream = connect(server.port, '127.0.0.1');
        upstream.on('error', () => undefined).on('close', () => socket.destroy());
        socket.on('close', () => upstream.destroy());
        upstream.pipe(socket).pipe(upstream);
      },
    });
    expect((await send(through(proxy)).outcome).bytes).toBe(2);
  });

  it.each<[string, string, string, string]>([
    [
      'forbids it',
      'HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno!',
      'PROXY_REFUSED',
      'the proxy refused a tunnel to it',
    ],
    ['cannot reach it', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'PROXY_REFUSED', 'the proxy refused a tunnel to it'],
    [
      'redirects',
      'HTTP/1.1 302 Found\r\nlocation: http://login\r\n\r\n',
      'PROXY_REFUSED',
      'the proxy refused a tunnel to it',
    ],
    [
      'asks who we are',
      'HTTP/1.1 407 X\r\nproxy-authenticate: Basic\r\n\r\n',
      'PROXY_AUTHENTICATION',
      'other credentials',
    ],
    ['is not HTTP', 'SSH-2.0-x\r\n', 'PROXY_FAILED', 'the connection to the proxy failed'],
    [
      'switches protocols',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'PROXY_FAILED',
      'the connection to the proxy failed',
    ],
    ['has bytes behind it', 'HTTP/1.1 200 OK\r\n\r\nhello', 'PROXY_FAILED', 'the connection to the proxy failed'],
    [
      'does not end',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`,
      'PROXY_FAILED',
      'the connection to the proxy failed',
    ],
  ])('that %s fails the request, tells no credentials, and closes the connection', async (_, answer, reason, words) => {
    const proxy = await proxyTo(1, { answer: saying(answer) });
    const { call, outcome } = send(through(`http://waystation:s3cret@127.0.0.1:${proxy.port}`));
    const { error } = await outcome;
    expect(error).toMatchObject({ code: 'provider_unavailable', details: { provider_name: 'Lab', reason } });
    expect(error?.message).toMatch(new RegExp(`^Lab cannot be reached, since .*${words}\\.$`));
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/s3cret|d2F5c3RhdGlvbj|127\.0\.0\.1/);
    if (reason !== 'PROXY_FAILED') expect(answer).toContain(` ${String(error?.details?.['proxy_status'])} `);
    expect(call.sent).toBe(false);
    await until('the connection is closed', () => allClosed(proxy));
  });

  it.each<[string, (socket: Socket) => void]>([
    ['an end', (socket) => socket.end()],
    ['a reset', (socket) => socket.resetAndDestroy()],
  ])('that is %s is the proxy’s failure', async (_, answer) => {
    const proxy = await proxyTo(1, { answer });
    expect((await send(through(proxy)).outcome).error?.details).toMatchObject({ reason: 'PROXY_FAILED' });
  });

  it('that does not come in time is a timeout, as is a tunnel in which nobody speaks TLS, and both sockets go', async () => {
    for (const words of ['', 'HTTP/1.1 200 OK\r\n\r\n']) {
      const proxy = await proxyTo(1, { answer: saying(words) });
      const timeouts = { connectMs: 200, firstByteMs: 2_000, idleMs: 2_000 };
      const { error } = await send(through(proxy, { timeouts })).outcome;
      expect(error).toMatchObject({ code: 'provider_timeout', details: { reason: 'CONNECT_TIMEOUT' } });
      await until('the connection is closed', () => allClosed(proxy));
    }
  });

  it('cannot come from a proxy that is not there', async () => {
    const { error } = await send(through('http://127.0.0.1:1')).outcome;
    expect(error?.message).toBe('Lab cannot be reached, since the connection to the proxy failed.');
  });
});

describe('credentials', () => {
  it('go to the proxy with each tunnel, decoded, and never into it', async () => {
    const server = await lab();
    const proxy = await proxyTo(server.port);
    await send(through(`http://way%40lab:s%3A3cret@127.0.0.1:${proxy.port}`)).outcome;
    const basic = `Basic ${Buffer.from('way@lab:s:3cret').toString('base64')}`;
    expect(proxy.asked[0]?.headers['proxy-authorization']).toBe(basic);
    expect(server.read.join('')).not.toContain('proxy-');
  });
});

describe('a request to an http target', () => {
  const plain = { url: new URL('http://lab.example:8080/v1?api-version=1') };

  it('is read and passed on by the proxy, with credentials for it, on a connection that is used again', async () => {
    const server = await fakeUpstream((_request, reply) => reply.json(200, { ok: true }));
    upstreams.push(server);
    const proxy = await proxyTo(server.port);
    const target = through(`http://u:p@127.0.0.1:${proxy.port}`, plain);
    for (let times = 0; times < 3; times += 1) {
      expect((await send(target, { headers: ['x-one', '1'] }).outcome).status).toBe(200);
      await sleep(5);
    }
    expect(proxy.clients).toHaveLength(1);
    expect(proxy.asked).toHaveLength(3);
    expect(proxy.asked[2]).toMatchObject({
      line: 'POST http://lab.example:8080/v1/chat?api-version=1',
      headers: { host: 'lab.example:8080', 'x-one': '1', 'proxy-authorization': 'Basic dTpw', 'content-length': '2' },
    });
    expect(server.requests[0]?.path).toBe('/v1/chat?api-version=1');
    expect(server.requests[0]?.json()).toEqual({});
  });

  it('fails where the proxy asks for other credentials', async () => {
    const server = await fakeUpstream((_request, reply) => reply.json(407, {}));
    upstreams.push(server);
    const { error } = await send(through(await proxyTo(server.port), plain)).outcome;
    expect(error).toMatchObject({ code: 'provider_unavailable', details: { reason: 'PROXY_AUTHENTICATION' } });
  });

  it('cannot name another host, for a proxy would not pass it on', async () => {
    const proxy = await proxyTo(1);
    const { error } = await send(through(proxy, plain), { headers: ['host', 'inner.example'] }).outcome;
    expect(error?.details).toMatchObject({ reason: 'HTTP_REQUEST_INVALID' });
    expect(proxy.clients).toHaveLength(0);
  });
});

describe('a target that must not be private', () => {
  const guarded = (url: string): Partial<UpstreamTarget> => ({ url: new URL(url), allowPrivateAddress: false });

  it.each<[UpstreamProxy['names'], string, string]>([
    ['check', 'https://127.0.0.1', 'private_address'],
    ['pin', 'https://[::1]', 'private_address'],
    ['trust', 'https://169.254.169.254', 'private_address'],
    ['trust', 'http://2130706433', 'private_address'],
    ['check', 'https://localhost', 'private_address'],
    ['check', 'http://localhost', 'private_address'],
    ['pin', 'https://localhost', 'private_address'],
    ['pin', 'http://lab.example', 'proxy_cannot_pin'],
  ])('is refused under %s: %s, and the proxy is asked nothing', async (names, url, reason) => {
    const proxy = await proxyTo(1);
    const { error } = await send(through(proxy, guarded(url), names)).outcome;
    expect(error).toMatchObject({ code: 'provider_unavailable', details: { reason } });
    expect(proxy.asked).toEqual([]);
    await until('the connection is closed', () => allClosed(proxy));
  });

  it.each(['check', 'pin'] as const)('is refused under %s where its name cannot be checked', async (names) => {
    const proxy = await proxyTo(1);
    const { error } = await send(through(proxy, guarded('https://no-such-host.invalid'), names)).outcome;
    expect(error?.message).toContain('host name that does not resolve');
    expect(proxy.asked).toEqual([]);
  });

  it.each<[UpstreamProxy['names'], string, string]>([
    ['check', 'https://8.8.8.8', '8.8.8.8:443'],
    ['pin', 'https://[2606:4700::1]:8443', '[2606:4700::1]:8443'],
    ['trust', 'https://no-such-host.invalid', 'no-such-host.invalid:443'],
  ])('is left to the proxy under %s: %s', async (names, url, authority) => {
    const proxy = await proxyTo(1);
    await send(through(proxy, guarded(url), names)).outcome;
    expect(proxy.asked.map(({ line }) => line)).toEqual([`CONNECT ${authority}`]);
  });
});

describe('an abort', () => {
  const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

  it.each<
    [string, { answer?: string; tunnel?: string; identity?: boolean; until: (proxy: LabProxy, server: Lab) => boolean }]
  >([
    ['at once', { until: () => true }],
    ['while the proxy is silent', { tunnel: '', until: (proxy) => proxy.asked.length === 1 }],
    ['while the tunnel is silent', { tunnel: 'HTTP/1.1 200 OK\r\n\r\n', until: (proxy) => proxy.asked.length === 1 }],
    ['while the server is silent', { until: (_, server) => server.read.length === 1 }],
    [
      'while the server is silent behind a proxy with TLS',
      { identity: true, until: (_, server) => server.read.length === 1 },
    ],
    ['in the answer', { answer: `${CHUNKED}1\r\nx\r\n`, until: (_, server) => server.read.length === 1 }],
    [
      'in the answer behind a proxy with TLS',
      { answer: `${CHUNKED}1\r\nx\r\n`, identity: true, until: (_, server) => server.read.length === 1 },
    ],
  ])('%s frees the place and both sockets', async (_, moment) => {
    const { answer, tunnel, identity: speaksTls } = moment;
    const server = await lab((socket) => answer !== undefined && socket.write(answer));
    const proxy = await proxyTo(server.port, {
      ...(tunnel === undefined ? {} : { answer: saying(tunnel) }),
      ...(speaksTls === true ? { identity: authority.issue('localhost') } : {}),
    });
    const url = speaksTls === true ? `https://localhost:${proxy.port}` : `http://127.0.0.1:${proxy.port}`;
    const target = through(url);
    const { call, outcome } = send(target);
    await until('the moment has come', () => moment.until(proxy, server));
    if (tunnel !== undefined || answer !== undefined) await sleep(20);
    call.abort();
    expect(client.hasRoom(target)).toBe(true);
    await until('both sockets are closed', () => allClosed(proxy) && server.sockets.every((each) => each.destroyed));
    expect(await Promise.race([outcome, sleep(20).then(() => 'silence')])).toBe('silence');
  });

  it('of many at random moments leaves nothing behind', async () => {
    const server = await lab((socket) => {
      socket.write(CHUNKED);
      for (let piece = 0; piece < 5; piece += 1)
        setTimeout(() => socket.destroyed || socket.write('1\r\nx\r\n'), piece * 4);
      setTimeout(() => socket.destroyed || socket.write('0\r\n\r\n'), 24);
    });
    const proxy = await proxyTo(server.port);
    const target = through(proxy, { connectionsMax: 10 });
    for (let round = 0; round < 5; round += 1) {
      const sent = Array.from({ length: 20 }, () => send(target));
      await Promise.all(
        sent.map(async ({ call, outcome }, index) => {
          await sleep(index * 1.7);
          if (index % 4 === 0) return void (await outcome);
          call.abort();
        }),
      );
      expect(client.hasRoom(target)).toBe(true);
    }
    await until('aborted sockets are closed', () => proxy.clients.filter((each) => !each.destroyed).length <= 10);
    expect((await send(target).outcome).bytes).toBe(5);
  });
});

test('closing the client closes tunnels, also those that are not open yet', async () => {
  const server = await lab(() => undefined);
  const open = await proxyTo(server.port);
  const silent = await proxyTo(1, { answer: saying('') });
  const other = createUpstreamClient();
  const told: (string | undefined)[] = [];
  for (const proxy of [open, silent]) {
    other.send(
      through(proxy),
      { path: '/chat', query: '', headers: [], body: Buffer.from('{}') },
      { head: () => undefined, data: () => undefined, end: () => undefined, fail: (error) => told.push(error.code) },
    );
  }
  await until('both are under way', () => server.read.length === 1 && silent.asked.length === 1);
  await other.close();
  expect(told).toEqual(['shutting_down', 'shutting_down']);
  await until('all sockets are closed', () => allClosed(open) && allClosed(silent));
});
