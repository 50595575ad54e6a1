// Our NATS client against a real server, with the official client as the other side, and against servers that misbehave.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as dial, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { jest } from '@jest/globals';
import { connect as connectRaw, headers as rawHeaders, type NatsConnection } from '@nats-io/transport-node';
import { SUBJECTS } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import { BUS_TIMES, type BusOptions, type BusTimes } from '../options.js';
import { patterned } from '../test-readers.js';
import { holdIntervals, holdTimeouts } from '../test-timeouts.js';
import type { CoreConnection, CoreMessage } from './core-connection.js';
import { connectNats } from './nats-connection.js';
import { TEST_CERTIFICATE, TEST_KEY } from './test-certificate.js';
import { createTurn } from './turn.js';

let nats: TestNats;
let raw: NatsConnection;
let open: CoreConnection[] = [];
let stops: (() => void)[] = [];
let errors: string[] = [];
beforeAll(async () => {
  nats = await natsServer();
  raw = await connectRaw({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});
afterEach(async () => {
  jest.useRealTimers();
  for (const stop of stops) stop();
  await Promise.all(open.map((connection) => connection.close()));
  open = [];
  stops = [];
  errors = [];
});
afterAll(async () => {
  await raw.close();
  await nats.stop();
});

const connect = async (options: Partial<BusOptions> = {}, times: Partial<BusTimes> = {}): Promise<CoreConnection> => {
  const turn = createTurn((error) => {
    throw error;
  });
  const connection = await connectNats(
    { url: nats.url, service: 'test', services: ['test'], release: 'test', ...options },
    { ...BUS_TIMES, reconnectWaitMs: 50, ...times },
    turn,
    (error, where) => void errors.push(`${where}: ${error instanceof Error ? error.message : String(error)}`),
  );
  open.push(connection);
  return connection;
};
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const giveUpAt = Date.now() + 25_000; !condition(); await sleep(5)) {
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}; errors: ${errors.join('; ')}`);
  }
};
/** Every state from now on. */
const statesOf = (connection: CoreConnection): string[] => {
  const states: string[] = [];
  connection.onState((state) => void states.push(state));
  return states;
};
const listening = async (server: ReturnType<typeof createServer>): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => server.close());
  return `nats://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A way to the server that can stand still. */
const way = async (): Promise<{
  url: string;
  freeze(): void;
  thaw(): void;
  cut(): void;
  /** What the server has said so far. */
  heardBytes(): number;
}> => {
  const sockets = new Set<Socket>();
  let heardBytes = 0;
  const server = createServer((client) => {
    const upstream = dial(nats.port, '127.0.0.1');
    upstream.on('data', ({ length }) => (heardBytes += length));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  stops.push(cut);
  return {
    url: await listening(server),
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw: cut,
    cut,
    heardBytes: () => heardBytes,
  };
};

const GREETING = 'INFO {"version":"2.11.8","max_payload":1048576,"headers":true}\r\n';
/** A server that says what it is told to a client that it has let in, as soon as that sends something: before, the words could come together with the answer to its introduction. */
const saying = (words: (connection: number) => string, letIn = (): void => undefined): Promise<string> => {
  let connections = 0;
  return listening(
    createServer((socket) => {
      const mine = connections++;
      socket.on('error', () => undefined);
      socket.write(GREETING);
      socket.once('data', () => {
        socket.write('PONG\r\n');
        letIn();
        socket.once('data', () => socket.write(words(mine)));
      });
      stops.push(() => socket.destroy());
    }),
  );
};

describe('messages', () => {
  test('carry subject, reply, headers and data both ways', async () => {
    const connection = await connect();
    const got: CoreMessage[] = [];
    connection.subscribe('t.in.*', undefined, (message) => void got.push(message));
    await connection.flush();
    const headers = rawHeaders();
    headers.append('Nats-Msg-Id', 'm-1');
    headers.append('Other', ' ü ');
    raw.publish('t.in.ü', 'with', { headers, reply: 'back.here' });
    raw.publish('t.in.plain', new Uint8Array());
    await until('they came', () => got.length === 2);
    expect(got[0]).toMatchObject({ subject: 't.in.ü', reply: 'back.here', status: 0, description: '' });
    expect(got[0]?.header('Nats-Msg-Id')).toBe('m-1');
    expect(got[0]?.header('Other')).toBe('ü');
    expect(got[0]?.header('other')).toBeUndefined();
    expect(Buffer.from(got[0]?.data ?? []).toString()).toBe('with');
    expect(got[1]).toMatchObject({ subject: 't.in.plain', reply: '' });
    expect(got[1]?.header('Other')).toBeUndefined();
    expect(got[1]?.data).toHaveLength(0);

    const subscription = raw.subscribe('t.out.>', { max: 2 });
    await raw.flush();
    connection.publish('t.out.ü', Buffer.from('one'), 'back.there', [
      ['A', 'x: y'],
      ['B', 'ü'],
    ]);
    connection.publish('t.out.b', Buffer.alloc(0));
    const seen = [];
    for await (const message of subscription)
      seen.push([
        message.subject,
        message.reply,
        message.headers?.get('A'),
        message.headers?.get('B'),
        message.string(),
      ]);
    expect(seen).toEqual([
      ['t.out.ü', 'back.there', 'x: y', 'ü', 'one'],
      ['t.out.b', '', undefined, undefined, ''],
    ]);
  });

  test('of every size arrive unchanged, up to what the server takes, and beyond it are refused', async () => {
    const connection = await connect();
    const sizes = [
      0,
      1,
      8_191,
      8_192,
      8_193,
      65_535,
      65_536,
      200_000,
      connection.maxPayload - 1,
      connection.maxPayload,
    ];
    const contents = sizes.map((size, index) => patterned(size, index + 1));
    const got: Uint8Array[] = [];
    connection.subscribe('t.size', undefined, ({ data }) => void got.push(data));
    for (const content of contents) connection.publish('t.size', content);
    connection.publish('t.size', Buffer.alloc(connection.maxPayload + 1));
    connection.publish('t.size', Buffer.alloc(connection.maxPayload), '', [['A', 'b']]);
    await connection.flush();
    expect(got.map((data) => data.length)).toEqual(sizes);
    expect(got.every((data, index) => Buffer.compare(data, contents[index] as Buffer) === 0)).toBe(true);
    expect(errors).toEqual([
      'publish t.size: a message of 1048577 bytes; the server takes 1048576',
      expect.stringContaining('publish t.size: a message of 10485'),
    ]);
  });

  test('come in order, ten thousand of them, small and large mixed', async () => {
    const connection = await connect();
    const got: number[] = [];
    connection.subscribe('t.order', undefined, ({ data }) => void got.push(Buffer.from(data).readUInt32BE(0)));
    for (let number = 0; number < 10_000; number += 1) {
      const payload = Buffer.alloc(number % 500 === 0 ? 20_000 : 4 + (number % 97));
      payload.writeUInt32BE(number);
      connection.publish('t.order', payload);
      if (number % 1_000 === 0) await sleep(1);
    }
    await connection.flush();
    expect(got).toEqual(Array.from({ length: 10_000 }, (_, number) => number));
  });

  test('that nobody waits for are answered with 503', async () => {
    const connection = await connect();
    const got: CoreMessage[] = [];
    connection.subscribe('t.reply', undefined, (message) => void got.push(message));
    connection.publish('t.nobody', Buffer.alloc(0), 't.reply');
    await until('it came', () => got.length === 1);
    expect(got[0]).toMatchObject({ status: 503, description: '', subject: 't.reply' });
  });

  test('go to one member of a queue group', async () => {
    const members = await Promise.all([connect(), connect()]);
    let count = 0;
    for (const member of members) member.subscribe('t.queue', 'group', () => (count += 1));
    await Promise.all(members.map((member) => member.flush()));
    for (let sent = 0; sent < 100; sent += 1) raw.publish('t.queue');
    await raw.flush();
    await Promise.all(members.map((member) => member.flush()));
    expect(count).toBe(100);
  });

  test.each([
    ['a space', 'a b'],
    ['a line break', 'a\r\nPUB b 0\r\n'],
    ['nothing', ''],
    ['a control character', 'a\u0000'],
    ['more than a control line', 'a'.repeat(5_000)],
  ])('never leave with %s in a subject, and say so', async (_what, subject) => {
    const connection = await connect();
    expect(connection.publish(subject, Buffer.from('x'))).toBe(true);
    expect(connection.publish('t.ok', Buffer.from('x'), subject === '' ? 'a b' : subject)).toBe(true);
    expect(connection.publish('t.ok', Buffer.from('x'), '', [[subject === '' ? 'a:b' : 'A', `x\r\n${subject}`]])).toBe(
      true,
    );
    await connection.flush();
    expect(errors).toHaveLength(3);
    expect(connection.state).toBe('connected');
  });

  test('of a handler that throws cost nobody else anything', async () => {
    const connection = await connect();
    let count = 0;
    connection.subscribe('t.throw', undefined, () => {
      count += 1;
      if (count === 1) throw new Error('oh');
    });
    for (let sent = 0; sent < 3; sent += 1) connection.publish('t.throw', Buffer.alloc(0));
    await connection.flush();
    expect(count).toBe(3);
    expect(errors).toEqual(['message on t.throw: oh']);
  });
});

test('a turn costs one packet, however many messages it has', async () => {
  let packets = 0;
  const url = await listening(
    createServer((socket) => {
      socket.on('error', () => undefined);
      stops.push(() => socket.destroy());
      socket.write(GREETING);
      socket.on('data', (bytes) => {
        packets += 1;
        socket.write('PONG\r\n'.repeat(bytes.toString('latin1').match(/^PING\r$/gm)?.length ?? 0));
      });
    }),
  );
  const connection = await connect({ url }, { pingEveryMs: 60_000 });
  await sleep(20);
  packets = 0;
  for (let sent = 0; sent < 100; sent += 1) connection.publish('t.turn', Buffer.alloc(100));
  connection.subscribe('t.turn', undefined, () => undefined);
  await connection.flush();
  expect(packets).toBe(1);
});

test('draining hands over what was sent, and nothing later', async () => {
  const connection = await connect();
  let count = 0;
  const subscription = connection.subscribe('t.drain', undefined, () => (count += 1));
  await connection.flush();
  for (let sent = 0; sent < 1_000; sent += 1) raw.publish('t.drain', 'x');
  await raw.flush();
  await Promise.all([subscription.drain(), subscription.drain()]);
  expect(count).toBe(1_000);
  raw.publish('t.drain', 'x');
  await raw.flush();
  await connection.flush();
  expect(count).toBe(1_000);
});

test('closing sends what was published, and ends everything', async () => {
  const connection = await connect();
  const states = statesOf(connection);
  let got = 0;
  raw.subscribe('t.close', { callback: () => void (got += 1) });
  await raw.flush();
  for (let sent = 0; sent < 50; sent += 1) connection.publish('t.close', Buffer.alloc(30_000));
  await Promise.all([connection.close(), connection.close()]);
  await raw.flush();
  expect(got).toBe(50);
  expect(states).toEqual(['closed']);
  expect(connection.publish('t.close', Buffer.alloc(0))).toBe(false);
  await expect(connection.flush()).rejects.toMatchObject({ code: 'bus_unavailable' });
});

describe('a lost connection', () => {
  test('comes back with its subscriptions, without those that were drained', async () => {
    const proxy = await way();
    const connection = await connect({ url: proxy.url });
    const states: string[] = [];
    const got: string[] = [];
    connection.onState((state) => {
      states.push(state);
      if (state === 'connected') connection.publish('t.again.a', Buffer.from('at once'));
      else expect(connection.publish('t.again.a', Buffer.from('lost'))).toBe(false);
    });
    const gone = connection.subscribe('t.again.gone', undefined, () => void got.push('gone'));
    connection.subscribe('t.again.a', 'group', ({ data }) => void got.push(Buffer.from(data).toString()));
    await gone.drain();
    const flushed = connection.flush();
    proxy.cut();
    await expect(flushed).rejects.toMatchObject({ code: 'bus_unavailable' });
    await until('it is lost', () => states.length === 1);
    const unwanted = connection.subscribe('t.again.b', undefined, () => void got.push('unwanted'));
    await unwanted.drain();
    connection.subscribe('t.again.b', undefined, () => void got.push('b'));
    await until('it is back', () => connection.state === 'connected');
    await connection.flush();
    for (const subject of ['gone', 'b', 'a']) raw.publish(`t.again.${subject}`, 'later');
    await raw.flush();
    await connection.flush();
    expect(states).toEqual(['reconnecting', 'connected']);
    expect(got).toEqual(['at once', 'b', 'later']);
  });

  test('is noticed by unanswered pings', async () => {
    const proxy = await way();
    // The pings are the test's own: what stood still for the time of two of them would be lost with right.
    const pingEveryMs = 60_000;
    holdIntervals();
    const connection = await connect({ url: proxy.url }, { pingEveryMs });
    const states = statesOf(connection);
    for (let answered = 0; answered < 4; answered += 1) {
      const heard = proxy.heardBytes();
      jest.advanceTimersByTime(pingEveryMs);
      await until('the ping is answered', () => proxy.heardBytes() > heard);
      await connection.flush();
    }
    expect(states).toEqual([]);
    proxy.freeze();
    for (let unanswered = 0; unanswered < 2; unanswered += 1) jest.advanceTimersByTime(pingEveryMs);
    expect(connection.publish('t.ping', Buffer.alloc(0))).toBe(true);
    jest.advanceTimersByTime(pingEveryMs);
    await until('it is noticed', () => states.includes('reconnecting'));
    expect(errors).toEqual(['connection: the server said nothing to 2 pings']);
    proxy.thaw();
    await until('it is back', () => states.includes('connected'));
  });

  test('is none while anything is heard, though the answers to pings are late', async () => {
    const url = await listening(
      createServer((socket) => {
        const talking = setInterval(() => socket.write('+OK\r\n'), 20);
        stops.push(() => socket.destroy());
        socket.on('error', () => undefined);
        socket.on('close', () => clearInterval(talking));
        socket.write(GREETING);
        socket.once('data', () => socket.write('PONG\r\n'));
      }),
    );
    const states = statesOf(await connect({ url }, { pingEveryMs: 100 }));
    await sleep(600);
    expect(states).toEqual([]);
  });

  test('is what a server is that takes nothing: what waits for it is bounded', async () => {
    const proxy = await way();
    const connection = await connect({ url: proxy.url }, { pingEveryMs: 60_000 });
    const states = statesOf(connection);
    proxy.freeze();
    const payload = Buffer.alloc(1024 * 1024);
    let sent = 0;
    for (; connection.publish('t.slow', payload) && sent < 200; sent += 1) await sleep(0);
    expect(sent).toBeLessThan(100);
    await until('it is lost', () => states.includes('reconnecting'));
    expect(errors).toEqual([expect.stringMatching(/the server did not take \d+ bytes/)]);
    proxy.thaw();
    await until('it is back', () => states.includes('connected'));
  });

  test('is what a client is that reads too slowly for the server, and it comes back', async () => {
    const proxy = await way();
    const connection = await connect({ url: proxy.url }, { pingEveryMs: 60_000 });
    const states = statesOf(connection);
    let got = 0;
    connection.subscribe('t.consumer', undefined, () => (got += 1));
    await connection.flush();
    proxy.freeze();
    const payload = new Uint8Array(1024 * 1024);
    // More than the 64 MiB that a server keeps for a client.
    for (let sent = 0; sent < 80; sent += 1) {
      raw.publish('t.consumer', payload);
      await raw.flush();
    }
    proxy.thaw();
    await until('it is lost', () => states.includes('reconnecting'));
    await until('it is back', () => states.includes('connected'));
    await connection.flush();
    const before = got;
    raw.publish('t.consumer', 'x');
    await until('it listens again', () => got === before + 1);
  });

  test.each([
    ['what is not the protocol', 'HELLO\r\n', /is not the NATS protocol/],
    ['a line without end', `MSG ${'a'.repeat(6_000)}`, /more than 5120 bytes/],
    ['a broken INFO', 'INFO {\r\n', /INFO that is not JSON/],
    ['that we are not welcome any longer', "-ERR 'User Authentication Expired'\r\n", /User Authentication Expired/],
  ])('follows %s, and is reported', async (_what, words, reported) => {
    const url = await saying((connection) => (connection === 0 ? words : ''));
    const connection = await connect({ url });
    const states = statesOf(connection);
    connection.publish('t.say', Buffer.alloc(0));
    await until('it is back', () => states.includes('connected'));
    expect(states).toEqual(['reconnecting', 'connected']);
    expect(errors).toEqual([expect.stringMatching(reported)]);
  });

  test.each([
    ['later', false],
    ['together with its first answer', true],
  ])(
    'follows a server that says %s that it is in lame duck mode, where there is another to go to',
    async (_when, together) => {
      let second = 0;
      const other = await saying(
        () => '',
        () => void (second += 1),
      );
      const url = await listening(
        createServer((socket) => {
          stops.push(() => socket.destroy());
          socket.on('error', () => undefined);
          socket.write(GREETING);
          let letIn = false;
          const host = other.slice('nats://'.length);
          const told = [`INFO {"version":"2.11.8","max_payload":2048,"connect_urls":["${host}"],"ldm":true}\r\n`];
          socket.on('data', (bytes) => {
            const pongs = 'PONG\r\n'.repeat(bytes.toString('latin1').match(/^PING\r$/gm)?.length ?? 0);
            socket.write(together || letIn ? pongs + told.splice(0).join('') : pongs);
            letIn = true;
          });
        }),
      );
      const connection = await connect({ url });
      connection.publish('t.say', Buffer.alloc(0));
      await until('it moved', () => second === 1 && connection.state === 'connected' && errors.length > 0);
      expect(errors).toEqual([expect.stringMatching(/sends its clients elsewhere/)]);
    },
  );

  test('is tried at each of the servers that are named', async () => {
    const proxy = await way();
    const connection = await connect({ url: `nats://127.0.0.1:1,${proxy.url}` });
    const states = statesOf(connection);
    proxy.cut();
    await until('it is lost', () => states.includes('reconnecting'));
    await until('it is back', () => states.includes('connected'));
  });
});

test('INFO that changes is followed', async () => {
  const url = await saying(() => 'INFO {"version":"2.11.8","max_payload":77}\r\n');
  const connection = await connect({ url });
  connection.publish('t.say', Buffer.alloc(0));
  await until('it changed', () => connection.maxPayload === 77);
});

describe('with users', () => {
  let strict: TestNats;
  beforeAll(async () => {
    strict = await natsServer({ accounts: true });
  });
  afterAll(() => strict.stop());
  const withLogin = (user: string, password: string): string =>
    strict.url.replace('//', `//${user}:${encodeURIComponent(password)}@`);

  test('a login may stand in the URL', async () => {
    const { user, password } = strict.credentials['ingress'] ?? { user: '', password: '' };
    const connection = await connect({ url: withLogin(user, password) });
    expect(connection.state).toBe('connected');
  });

  test('a wrong one is told at once, without the password', async () => {
    await expect(connect({ url: withLogin('ingress', 'gu ess') })).rejects.toMatchObject({
      code: 'bus_unavailable',
      message: `NATS at ${strict.url} refused user ingress: check the user and its password.`,
    });
    await expect(connect({ url: strict.url })).rejects.toMatchObject({
      message: expect.stringContaining('refused user (none)') as unknown,
    });
  });

  test('a refused subject is told to those who ask, and the connection goes on', async () => {
    const connection = await connect({ url: strict.url, ...strict.credentials['router'] });
    const refusals: unknown[] = [];
    connection.onRefusal((refusal) => void refusals.push(refusal));
    connection.publish('$KV.keys.a', Buffer.alloc(0));
    const refused = connection.subscribe(SUBJECTS.lease('grant'), 'billing', () => undefined);
    await connection.flush();
    expect(refusals).toEqual([
      { operation: 'publish', subject: '$KV.keys.a' },
      { operation: 'subscription', subject: SUBJECTS.lease('grant') },
    ]);
    await refused.drain();
    expect(connection.state).toBe('connected');
    expect(errors).toEqual([]);
  });
});

test('a server that is not there is told after the time it was given', async () => {
  await expect(connect({ url: 'nats://u:secret@127.0.0.1:1', connectTimeoutMs: 200 })).rejects.toMatchObject({
    code: 'bus_unavailable',
    message: 'NATS at nats://127.0.0.1:1 did not answer within 200 ms.',
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'waystation-test-tls-'));
  const caFile = path.join(folder, 'ca.pem');
  beforeAll(() => writeFileSync(caFile, TEST_CERTIFICATE));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The real server behind one that demands TLS after its greeting, as servers do. */
  const secured = (behindGreeting = ''): Promise<string> =>
    listening(
      createServer((client) => {
        const upstream = dial(nats.port, '127.0.0.1');
        stops.push(() => upstream.destroy());
        upstream.once('data', (greeting) => {
          client.write(greeting.toString().replace('{', '{"tls_required":true,') + behindGreeting);
          const secure = new TLSSocket(client, { isServer: true, cert: TEST_CERTIFICATE, key: TEST_KEY });
          secure.on('error', () => upstream.destroy());
          secure.pipe(upstream).pipe(secure);
          upstream.on('close', () => secure.destroy());
          secure.on('close', () => upstream.destroy());
        });
        client.on('error', () => upstream.destroy());
        upstream.on('error', () => client.destroy());
      }),
    );

  test('is spoken where the server demands it', async () => {
    const url = await secured();
    const content = patterned(700_000);
    for (const each of [url, url.replace('nats://127.0.0.1', 'tls://localhost')]) {
      const connection = await connect({ url: each, tls: { caFile } });
      const got: Uint8Array[] = [];
      connection.subscribe('t.tls', undefined, ({ data }) => void got.push(data));
      for (let sent = 0; sent < 100; sent += 1) connection.publish('t.tls', content.subarray(0, sent * 7));
      connection.publish('t.tls', content);
      await connection.flush();
      expect(got).toHaveLength(101);
      expect(Buffer.concat(got.slice(0, 100))).toEqual(
        Buffer.concat(Array.from({ length: 100 }, (_, sent) => content.subarray(0, sent * 7))),
      );
      expect(Buffer.compare(got[100] ?? Buffer.alloc(0), content)).toBe(0);
    }
  });

  test.each([
    ['a certificate that nobody vouches for', '', false, /self-signed/],
    ['words before the handshake', 'PONG\r\n', true, /spoke before the TLS handshake/],
  ])('refuses %s', async (_what, behind, known, reason) => {
    const url = await secured(behind);
    // However slow the handshake is, it tells why it failed.
    holdTimeouts();
    await expect(connect({ url, connectTimeoutMs: 100, ...(known ? { tls: { caFile } } : {}) })).rejects.toMatchObject({
      cause: { message: expect.stringMatching(reason) as unknown },
    });
  });

  test('that was asked for is not given up for a server without it', async () => {
    holdTimeouts();
    for (const options of [{ url: nats.url.replace('nats:', 'tls:') }, { tls: { caFile } }])
      await expect(connect({ ...options, connectTimeoutMs: 100 })).rejects.toMatchObject({
        cause: { message: 'the server does not offer TLS' },
      });
  });
});
