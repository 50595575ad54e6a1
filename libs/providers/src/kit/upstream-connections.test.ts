// The client's connections against servers that speak in raw bytes: which are used again, which never, how many there are, and that every way out frees them.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { WaystationError } from '@waystation/contracts';
import { createUpstreamClient, type UpstreamCall, type UpstreamTarget } from './upstream-client.js';

const client = createUpstreamClient();
const servers: Server[] = [];
afterAll(async () => {
  await client.close();
  for (const server of servers) server.close();
});

interface Asked {
  readonly socket: Socket;
  /** Which connection, which request on it, and which of all; from 0. */
  readonly connection: number;
  readonly turn: number;
  readonly count: number;
  readonly head: string;
  readonly body: Buffer;
}

interface Lab {
  readonly url: string;
  readonly sockets: Socket[];
  readonly asked: Asked[];
}

/** Answers each whole request with the bytes that come back. */
const lab = async (answer: (asked: Asked) => string | undefined): Promise<Lab> => {
  const sockets: Socket[] = [];
  const asked: Asked[] = [];
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    let turn = 0;
    let pending: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      for (;;) {
        const headEnd = pending.indexOf('\r\n\r\n') + 4;
        const head = pending.toString('latin1', 0, headEnd);
        const end = headEnd + Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
        if (headEnd < 4 || pending.length < end) return;
        const body = pending.subarray(headEnd, end);
        pending = pending.subarray(end);
        const one = { socket, connection, turn, count: asked.length, head, body };
        asked.push(one);
        turn += 1;
        const bytes = answer(one);
        if (bytes !== undefined) socket.write(bytes, 'latin1');
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, asked };
};

const targetOf = (url: string, more: Partial<UpstreamTarget> = {}): UpstreamTarget => ({
  url: new URL(url),
  providerName: 'Lab',
  allowPrivateAddress: true,
  connectionsMax: 10,
  timeouts: { connectMs: 1_000, firstByteMs: 2_000, idleMs: 2_000 },
  ...more,
});

interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
  readonly error: WaystationError | undefined;
}

interface Sent {
  readonly call: UpstreamCall;
  readonly outcome: Promise<Outcome>;
  /** What was told, in order. */
  readonly told: string[];
}

interface More {
  readonly body?: Buffer;
  readonly headers?: readonly string[];
  readonly onHead?: (call: UpstreamCall) => void;
  readonly onData?: (call: UpstreamCall, chunk: Buffer) => void;
  readonly onEnd?: () => void;
}

const send = (target: UpstreamTarget, { body, headers, onHead, onData, onEnd }: More = {}, by = client): Sent => {
  const told: string[] = [];
  const chunks: Buffer[] = [];
  let status: number | undefined;
  let settle: (outcome: Outcome) => void = () => undefined;
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve));
  const result = (error?: WaystationError): void => settle({ status, body: Buffer.concat(chunks).toString(), error });
  const call: UpstreamCall = by.send(
    target,
    { path: '/chat', query: '', headers: headers ?? [], body: body ?? Buffer.from('{"a":1}') },
    {
      head: (head) => {
        told.push('head');
        status = head.status;
        onHead?.(call);
      },
      data: (chunk) => {
        told.push('data');
        chunks.push(chunk);
        onData?.(call, chunk);
      },
      end: () => {
        told.push('end');
        onEnd?.();
        result();
      },
      fail: (error) => {
        told.push('fail');
        result(error);
      },
    },
  );
  return { call, outcome, told };
};

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 10_000) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
};

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a request', () => {
  it.each([0, 1, 100, 20_000, 300_000])('with a body of %i bytes arrives as it was given', async (bytes) => {
    const { url, asked } = await lab(() => OK);
    const body = Buffer.alloc(bytes, 'waystation');
    expect((await send(targetOf(url), { body }).outcome).body).toBe('ok');
    expect(asked[0]?.body.equals(body)).toBe(true);
  });

  it('with a header that would end its line is refused in a later turn and sends nothing', async () => {
    const { url, sockets } = await lab(() => OK);
    const { call, outcome, told } = send(targetOf(url), { headers: ['x', 'a\r\nevil: 1'] });
    expect(told).toEqual([]);
    expect((await outcome).error).toMatchObject({
      code: 'provider_unavailable',
      details: { reason: 'HTTP_REQUEST_INVALID' },
    });
    expect(call.sent).toBe(false);
    expect(sockets).toHaveLength(0);
  });
});

describe('a connection', () => {
  it.each<[string, string]>([
    ['the server says that it closes', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'],
    ['the server speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    [
      'the server keeps it for less than a moment',
      'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok',
    ],
    ['bytes came behind the response', `${OK}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison`],
  ])('is not used again where %s', async (_, answer) => {
    const { url, asked } = await lab(() => answer);
    const target = targetOf(url);
    for (let times = 0; times < 3; times += 1) {
      expect(await send(target).outcome).toEqual({ status: 200, body: 'ok', error: undefined });
      await sleep(5);
    }
    expect(asked.map(({ connection }) => connection)).toEqual([0, 1, 2]);
  });

  it('is not used again where the request asked to close it', async () => {
    const { url, asked } = await lab(() => OK);
    const target = targetOf(url);
    for (let times = 0; times < 2; times += 1) {
      await send(target, { headers: ['connection', 'close'] }).outcome;
      await sleep(5);
    }
    expect(asked.map(({ connection }) => connection)).toEqual([0, 1]);
    expect(asked[0]?.head).toContain('connection: close\r\n');
  });

  it('that is spoken on while idle is closed, and what was said answers nobody', async () => {
    const { url, asked, sockets } = await lab(() => OK);
    const target = targetOf(url);
    await send(target).outcome;
    await sleep(5);
    sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison');
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
    expect((await send(target).outcome).body).toBe('ok');
    expect(asked.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['closes', (socket) => socket.end()],
    ['resets', (socket) => socket.resetAndDestroy()],
  ])('that the server %s while it is idle is noticed before the next request is written', async (_, close) => {
    const { url, asked, sockets } = await lab(() => OK);
    const target = targetOf(url);
    for (let times = 0; times < 20; times += 1) {
      expect(await send(target).outcome).toEqual({ status: 200, body: 'ok', error: undefined });
      await sleep(2);
      const last = sockets.at(-1);
      if (last !== undefined) close(last);
      await sleep(2);
    }
    expect(asked.every(({ turn }) => turn === 0)).toBe(true);
  });

  it('that dies with a request on it is an error, and the request is not sent again', async () => {
    const { url, asked } = await lab(({ socket, turn }) => {
      if (turn === 0) return OK;
      socket.resetAndDestroy();
      return undefined;
    });
    const target = targetOf(url);
    await send(target).outcome;
    await sleep(5);
    const { call, outcome } = send(target);
    expect((await outcome).error?.code).toBe('provider_unavailable');
    expect(call.sent).toBe(true);
    await sleep(50);
    expect(asked).toHaveLength(2);
  });

  it('that was idle for as long as the server keeps it is closed by us', async () => {
    const { url, sockets } = await lab(() => 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=3\r\ncontent-length: 2\r\n\r\nok');
    await send(targetOf(url)).outcome;
    const idleAt = performance.now();
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
    // Two seconds less than the server says.
    expect(performance.now() - idleAt).toBeGreaterThanOrEqual(1_000);
  });

  it('serves interim responses, chunks with trailers, no content, and an end by closing', async () => {
    const { url, asked } = await lab(({ socket, count }) => {
      if (count === 3) setImmediate(() => socket.end());
      return [
        `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`,
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nx: y\r\n\r\n',
        'HTTP/1.1 204 No Content\r\n\r\n',
        'HTTP/1.1 200 OK\r\n\r\nto the end',
      ][count];
    });
    const target = targetOf(url);
    const bodies: string[] = [];
    for (let times = 0; times < 4; times += 1) {
      const { body, error } = await send(target).outcome;
      expect(error).toBeUndefined();
      bodies.push(body);
      await sleep(5);
    }
    expect(bodies).toEqual(['ok', 'ok', '', 'to the end']);
    expect(asked.map(({ connection }) => connection)).toEqual([0, 0, 0, 0]);
  });

  it.each<[string, string, string]>([
    [
      'both a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP_FRAMING_INVALID',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok', 'HTTP_FRAMING_INVALID'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokay\r\n', 'HTTP_CHUNK_INVALID'],
    ['a switched protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'HTTP_UPGRADE_UNASKED'],
    ['other words', 'hello\r\n', 'HTTP_HEAD_INVALID'],
  ])('with %s is closed', async (_, answer, reason) => {
    const { url, sockets } = await lab(() => answer);
    const { error } = await send(targetOf(url)).outcome;
    expect(error).toMatchObject({ code: 'provider_invalid_response', details: { reason } });
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
  });

  it('gives what came before a broken chunk, then fails', async () => {
    const { url } = await lab(() => 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nx');
    const { outcome, told } = send(targetOf(url));
    expect(await outcome).toMatchObject({ body: 'ok', error: { code: 'provider_invalid_response' } });
    expect(told).toEqual(['head', 'data', 'fail']);
  });
});

describe('the connections of a target', () => {
  it('are never more than allowed, and who is too many waits for its turn', async () => {
    const { url, asked, sockets } = await lab(({ socket }) => {
      setTimeout(() => socket.write(OK), 10);
      return undefined;
    });
    const target = targetOf(url, { connectionsMax: 2 });
    const sent = Array.from({ length: 7 }, () => send(target));
    expect(client.hasRoom(target)).toBe(false);
    const outcomes = await Promise.all(sent.map(({ outcome }) => outcome));
    expect(outcomes.every(({ body }) => body === 'ok')).toBe(true);
    expect(asked).toHaveLength(7);
    expect(sockets).toHaveLength(2);
    expect(client.hasRoom(target)).toBe(true);
  });

  it('serve those who wait after one of them was aborted', async () => {
    const { url, sockets } = await lab(({ count }) => (count === 0 ? undefined : OK));
    const target = targetOf(url, { connectionsMax: 1 });
    const first = send(target);
    await until('the request arrives', () => sockets.length === 1 && first.call.sent);
    const second = send(target);
    await sleep(10);
    expect(second.call.sent).toBe(false);
    first.call.abort();
    expect((await second.outcome).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('fail one request each where they cannot be opened', async () => {
    const target = targetOf('http://127.0.0.1:1', { connectionsMax: 2 });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => send(target).outcome));
    expect(outcomes.map(({ error }) => error?.code)).toEqual(Array(5).fill('provider_unavailable'));
    expect(client.hasRoom(target)).toBe(true);
  });
});

describe('an abort', () => {
  it.each<[string, More & { readonly answer?: string; readonly now?: boolean }]>([
    ['at once', { now: true }],
    ['before an answer', {}],
    ['at the head', { answer: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', onHead: (call) => call.abort() }],
    ['in the body', { answer: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', onData: (call) => call.abort() }],
    ['at the last byte', { answer: OK, onData: (call) => call.abort() }],
    ['while paused', { answer: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', onData: (call) => call.pause() }],
  ])('%s frees the place and the socket, and is the last word', async (_, { answer, now, ...more }) => {
    const { url, sockets } = await lab(() => answer);
    const target = targetOf(url, { connectionsMax: 1 });
    const { call, told } = send(target, more);
    if (now !== true) {
      await until('the request arrives', () => sockets.length === 1);
      await sleep(20);
    }
    const before = [...told];
    call.abort();
    call.abort();
    call.resume();
    expect(client.hasRoom(target)).toBe(true);
    if (now !== true) await until('the socket is closed', () => sockets[0]?.destroyed === true);
    await sleep(30);
    expect(told).toEqual(before);
  });

  it('of many at random points leaves nothing behind', async () => {
    const { url, sockets } = await lab(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let piece = 0; piece < 5; piece += 1)
        setTimeout(() => socket.destroyed || socket.write('1\r\nx\r\n'), piece * 4);
      setTimeout(() => socket.destroyed || socket.write('0\r\n\r\n'), 24);
      return undefined;
    });
    const target = targetOf(url, { connectionsMax: 20 });
    for (let round = 0; round < 10; round += 1) {
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
    await until('aborted sockets are closed', () => sockets.filter((socket) => !socket.destroyed).length <= 20);
    expect((await send(target).outcome).body).toBe('xxxxx');
  });
});

describe('a listener', () => {
  it('that throws loses its connection and is told of the failure', async () => {
    const { url, sockets } = await lab(() => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
    const target = targetOf(url);
    const thrower = (): never => {
      throw new Error('a bug');
    };
    for (const more of [{ onHead: thrower }, { onData: thrower }]) {
      const { outcome, told } = send(target, more);
      expect((await outcome).error?.cause).toMatchObject({ message: 'a bug' });
      expect(told.at(-1)).toBe('fail');
      await until('the connection is closed', () => sockets.at(-1)?.destroyed === true);
    }
    expect(client.hasRoom(target)).toBe(true);
  });

  it('that throws at the end is told of it, and the connection goes on', async () => {
    const { url, asked } = await lab(() => OK);
    const target = targetOf(url);
    const { outcome } = send(target, {
      onEnd: () => {
        throw new Error('a bug');
      },
    });
    expect((await outcome).error?.cause).toMatchObject({ message: 'a bug' });
    await sleep(5);
    expect((await send(target).outcome).body).toBe('ok');
    expect(asked.map(({ connection }) => connection)).toEqual([0, 0]);
  });
});

describe('a pause', () => {
  it('before the answer lets the head through and holds the rest, with its end, until it is over', async () => {
    const { url, asked } = await lab(() => OK);
    const target = targetOf(url, { connectionsMax: 1 });
    const { call, outcome, told } = send(target);
    call.pause();
    await until('the head came', () => told.length > 0);
    await sleep(30);
    expect(told).toEqual(['head']);
    expect(client.hasRoom(target)).toBe(false);
    call.resume();
    expect(told).toEqual(['head']);
    expect((await outcome).body).toBe('ok');
    expect(told).toEqual(['head', 'data', 'end']);
    await send(target).outcome;
    expect(asked.map(({ connection }) => connection)).toEqual([0, 0]);
  });

  it('at every chunk loses nothing and changes no order', async () => {
    const pieces = Array.from({ length: 200 }, (_, index) => `${index},`);
    const { url } = await lab(({ socket }) => {
      void (async () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        for (const piece of pieces) {
          socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
          if (Number.parseInt(piece, 10) % 7 === 0) await sleep(1);
        }
        socket.write('0\r\n\r\n');
      })();
      return undefined;
    });
    const { outcome } = send(targetOf(url), {
      onData: (call) => {
        call.pause();
        setTimeout(() => call.resume(), 1);
      },
    });
    expect((await outcome).body).toBe(pieces.join(''));
  });

  it('keeps a failure behind what was read before it', async () => {
    const { url } = await lab(({ socket }) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
      return undefined;
    });
    const { call, outcome, told } = send(targetOf(url), { onHead: (each) => each.pause() });
    await until('the head came', () => told.length > 0);
    await sleep(30);
    expect(told).toEqual(['head']);
    call.resume();
    expect(await outcome).toMatchObject({ body: 'ok', error: { code: 'provider_stream_broken' } });
  });
});

describe('a release', () => {
  it('is not undone by a pause, and gives the place back in time', async () => {
    const { url, sockets } = await lab(() => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
    const target = targetOf(url, { connectionsMax: 1 });
    send(target, {
      onData: (call) => {
        call.release();
        call.pause();
        call.resume();
      },
    });
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
    expect(client.hasRoom(target)).toBe(true);
  });

  it('of a response that sends on and on closes it', async () => {
    const { url, sockets } = await lab(
      () => `HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${'x'.repeat(9_999_998)}`,
    );
    const own = createUpstreamClient();
    // The interval that is its clock never comes: no time that is over closes the connection, only what is sent can.
    const clock = jest.spyOn(globalThis, 'setInterval').mockImplementation(() => setTimeout(() => undefined));
    try {
      send(targetOf(url), { onData: (call) => call.release() }, own);
      await until('the connection is closed', () => sockets[0]?.destroyed === true);
      expect(clock).toHaveBeenCalledTimes(1);
    } finally {
      clock.mockRestore();
      await own.close();
    }
  });
});

describe('closing the client', () => {
  it('fails what is under way and what waits, and leaves no socket', async () => {
    const { url, sockets } = await lab(() => undefined);
    const own = createUpstreamClient();
    const target = targetOf(url, { connectionsMax: 1 });
    const sent = [send(target, {}, own), send(target, {}, own)];
    await until('the request arrives', () => sockets.length === 1);
    await own.close();
    for (const { outcome } of sent) expect((await outcome).error?.code).toBe('shutting_down');
    expect((await send(target, {}, own).outcome).error?.code).toBe('shutting_down');
    await until('the connection is closed', () => sockets[0]?.destroyed === true);
  });
});

describe('a thousand requests on one connection', () => {
  it('add no listener to it', async () => {
    const { url, sockets } = await lab(() => OK);
    const target = targetOf(url, { connectionsMax: 1 });
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    for (let times = 0; times < 1_000; times += 1) await send(target).outcome;
    process.off('warning', onWarning);
    expect(sockets).toHaveLength(1);
    expect(warnings).toEqual([]);
  });
});
