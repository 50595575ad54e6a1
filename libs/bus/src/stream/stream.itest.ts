// The same suite twice: reader and writer in two processes' buses over a real server, and in one bus.
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { WaystationError } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, StreamHandler } from '../bus.js';
import { connectBus } from '../connect-bus.js';
import { BUS_TIMES } from '../options.js';
import { Pour } from '../test-contracts.js';
import { gather, hashOf, patterned } from '../test-readers.js';
import { holdTimeouts } from '../test-timeouts.js';

const soon = (): { deadlineAt: number } => ({ deadlineAt: Date.now() + 20_000 });
const EMPTY = Buffer.alloc(0);

let nats: TestNats;
beforeAll(async () => {
  nats = await natsServer();
});
afterAll(() => nats.stop());

// A busy machine must not decide who accepts in time and who is lost.
const times = { acceptTimeoutMs: 20_000, lostAfterMs: 30_000 };
const connect = (service: string): Promise<Bus> =>
  connectBus({ url: nats.url, service, services: [service], release: 'test', times });
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const giveUpAt = Date.now() + 25_000; !condition(); await sleep(5))
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}`);
};

describe.each(['over the wire', 'in one process'])('a stream %s', (way) => {
  let caller: Bus;
  let worker: Bus;
  let stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    worker = await connect('worker');
    caller = way === 'in one process' ? worker : await connect('ingress');
  });
  afterEach(async () => {
    jest.useRealTimers();
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
  });
  afterAll(async () => {
    await caller.close(1_000);
    if (worker !== caller) await worker.close(1_000);
  });

  const serve = async (
    handler: StreamHandler<
      { how: string; bytes?: number | undefined },
      { said: string; totalBytes?: number | undefined }
    >,
    keys?: readonly string[],
  ): Promise<void> => {
    const subscription = await worker.handleStream(Pour, keys, handler);
    stops.push(() => subscription.drain());
  };

  test('hands over bytes in order and ends with the end message', async () => {
    await serve((request, body, writer) => {
      writer.write(Buffer.from(`${request.how}:`));
      writer.write(body);
      setTimeout(() => {
        writer.write(Buffer.from('!'));
        writer.end({ said: 'bye', totalBytes: 12 });
      }, 20);
    });
    const chunks: string[] = [];
    const reader = gather((bytes) => chunks.push(bytes.toString()));
    caller.openStream(Pour, 'acme', { v: 1, how: 'hello' }, Buffer.from('world'), soon(), reader);
    const done = await reader.done;
    expect(chunks.join('')).toBe('hello:world!');
    expect(done).toMatchObject({ bytes: 12, end: { said: 'bye' }, worker: worker.instance });
  });

  test('sends what was written in one turn as one delivery', async () => {
    await serve((_request, _body, writer) => {
      for (let index = 0; index < 50; index += 1) writer.write(Buffer.from('x'));
      writer.end({ said: 'bye' });
    });
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'burst' }, EMPTY, soon(), reader);
    expect(await reader.done).toMatchObject({ bytes: 50, deliveries: 1 });
  });

  test('stops the writer of a slow reader and delivers all of 10 MB intact', async () => {
    const content = patterned(10 * 1024 * 1024);
    let falses = 0;
    let aheadMax = 0;
    const reader = gather();
    await serve((_request, _body, writer) => {
      let at = 0;
      const go = (): void => {
        while (at < content.length) {
          const more = writer.write(content.subarray(at, (at += 64 * 1024)));
          aheadMax = Math.max(aheadMax, at - consumed);
          if (!more) {
            falses += 1;
            return;
          }
        }
        writer.end({ said: 'done', totalBytes: content.length });
      };
      writer.drained(go);
      go();
    });
    let consumed = 0;
    const call = caller.openStream(Pour, 'acme', { v: 1, how: 'slow' }, EMPTY, soon(), reader);
    const slow = setInterval(() => {
      consumed = Math.min(reader.bytes, consumed + 256 * 1024);
      call.consumed(consumed);
    }, 5);
    const done = await reader.done;
    clearInterval(slow);
    expect(done.hash).toBe(hashOf(content));
    expect(falses).toBeGreaterThan(5);
    expect(aheadMax).toBeLessThanOrEqual(1024 * 1024 + 128 * 1024);
  });

  test('takes a single write larger than the window', async () => {
    const content = patterned(3_000_000, 7);
    await serve((_request, _body, writer) => {
      writer.write(content);
      writer.end({ said: 'done' });
    });
    const reader = gather();
    reader.follow(caller.openStream(Pour, 'acme', { v: 1, how: 'big' }, EMPTY, soon(), reader));
    expect((await reader.done).hash).toBe(hashOf(content));
  });

  test.each([8, 32])('carries a body of %i MB', async (megabytes) => {
    const content = patterned(megabytes * 1024 * 1024, megabytes);
    await serve((_request, body, writer) => writer.end({ said: hashOf(body) }));
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'upload' }, content, soon(), reader);
    expect(await reader.done).toMatchObject({ end: { said: hashOf(content) } });
    expect(reader.accepts).toEqual([worker.instance]);
  });

  test('tells that a worker is busy, and which', async () => {
    await serve((_request, _body, writer) => writer.busy());
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'full' }, EMPTY, soon(), reader);
    const { error } = await reader.done;
    expect(error).toMatchObject({ code: 'worker_busy', details: { worker: worker.instance } });
  });

  test('is answered busy by a worker on the skip list', async () => {
    await serve((_request, _body, writer) => writer.end({ said: 'no' }));
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'skip', skipInstances: [worker.instance] }, EMPTY, soon(), reader);
    expect((await reader.done).error?.code).toBe('worker_busy');
  });

  test('carries an error of the worker with code, message and details', async () => {
    await serve((_request, _body, writer) => {
      writer.write(Buffer.from('part'));
      writer.fail(
        new WaystationError('provider_rate_limited', 'Too many.', { details: { limit: 3 }, retryAfterMs: 1500 }),
      );
    });
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'fail' }, EMPTY, soon(), reader);
    const { error, bytes } = await reader.done;
    expect(bytes).toBe(4);
    expect(error?.toWire()).toEqual({
      code: 'provider_rate_limited',
      message: 'Too many.',
      details: { limit: 3 },
      retryAfterMs: 1500,
    });
  });

  test('hides what a handler threw', async () => {
    await serve(() => Promise.reject(new Error('secret path')));
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'throw' }, EMPTY, soon(), reader);
    const { error } = await reader.done;
    expect(error?.code).toBe('internal');
    expect(error?.message).not.toContain('secret');
  });

  test('accepts a silent handler in time, and aborts it when the caller cancels', async () => {
    let reason: unknown;
    const aborted = Promise.withResolvers<undefined>();
    await serve((_request, _body, writer) => {
      writer.signal.addEventListener('abort', () => {
        reason = writer.signal.reason;
        aborted.resolve(undefined);
      });
    });
    const reader = gather();
    const call = caller.openStream(Pour, 'acme', { v: 1, how: 'silent' }, EMPTY, soon(), reader);
    await until('it is accepted', () => reader.accepts.length > 0);
    expect(reader.accepts).toEqual([worker.instance]);
    // The caller here is patient; one with the times of operation must not have given up by then either.
    expect(BUS_TIMES.acceptAfterMs * 2).toBeLessThan(BUS_TIMES.acceptTimeoutMs);
    call.cancel('client-gone');
    await aborted.promise;
    expect(reason).toMatchObject({ code: 'client_closed_request' });
  });

  test('ends at its deadline on both sides', async () => {
    const aborted = Promise.withResolvers<unknown>();
    await serve((_request, _body, writer) => {
      writer.write(Buffer.from('x'));
      writer.signal.addEventListener('abort', () => aborted.resolve(writer.signal.reason));
    });
    const reader = gather();
    holdTimeouts();
    const { deadlineAt } = soon();
    caller.openStream(Pour, 'acme', { v: 1, how: 'late' }, EMPTY, { deadlineAt }, reader);
    await until('it has begun', () => reader.bytes === 1);
    jest.advanceTimersByTime(20_050);
    expect((await reader.done).error?.code).toBe('deadline_exceeded');
    expect(await aborted.promise).toMatchObject({ code: 'deadline_exceeded' });
  });

  test('refuses an end whose total is not what came', async () => {
    await serve((_request, _body, writer) => {
      writer.write(Buffer.from('12345'));
      writer.end({ said: 'bye', totalBytes: 6 });
    });
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'lie' }, EMPTY, soon(), reader);
    expect((await reader.done).error?.code).toBe('stream_gap');
  });

  test('fails at once where nobody serves the key', async () => {
    await serve((_request, _body, writer) => writer.end({ said: 'no' }), ['elsewhere']);
    const reader = gather();
    caller.openStream(Pour, 'acme', { v: 1, how: 'nobody' }, EMPTY, soon(), reader);
    expect((await reader.done).error?.code).toBe('no_worker');
  });
});
