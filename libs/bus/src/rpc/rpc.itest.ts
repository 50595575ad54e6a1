// The same suite twice: caller and handler in two processes' buses over a real server, and in one bus.
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { WaystationError } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, RpcHandler } from '../bus.js';
import { connectBus } from '../connect-bus.js';
import { Echo } from '../test-contracts.js';
import { holdTimeouts } from '../test-timeouts.js';

let nats: TestNats;
beforeAll(async () => {
  nats = await natsServer();
});
afterAll(() => nats.stop());

const connect = (service: string): Promise<Bus> =>
  connectBus({ url: nats.url, service, services: [service], release: 'test', times: { rpcTimeoutMs: 20_000 } });

describe.each(['over the wire', 'in one process'])('an rpc %s', (way) => {
  let caller: Bus;
  let server: Bus;
  let stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await connect('control');
    caller = way === 'in one process' ? server : await connect('ingress');
  });
  afterEach(async () => {
    jest.useRealTimers();
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
  });
  afterAll(async () => {
    await caller.close(1_000);
    if (server !== caller) await server.close(1_000);
  });

  const serve = async (handler: RpcHandler<{ v: 1; text: string }, { text: string; by: string }>): Promise<void> => {
    const subscription = await server.handle(Echo, handler);
    stops.push(() => subscription.drain());
  };

  test('is answered', async () => {
    await serve(({ text }) => ({ text: `${text}!`, by: server.instance }));
    expect(await caller.request(Echo, { v: 1, text: 'hello' })).toEqual({ text: 'hello!', by: server.instance });
  });

  test('fails at once where nobody serves it', async () => {
    await expect(caller.request(Echo, { v: 1, text: 'x' })).rejects.toMatchObject({ code: 'no_responder' });
  });

  test('carries an error with code, message, details and when to come back', async () => {
    await serve(() => {
      throw new WaystationError('limit_exceeded', 'No.', { details: { left: '0' }, retryAfterMs: 250 });
    });
    const error: unknown = await caller.request(Echo, { v: 1, text: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WaystationError);
    expect((error as WaystationError).toWire()).toEqual({
      code: 'limit_exceeded',
      message: 'No.',
      details: { left: '0' },
      retryAfterMs: 250,
    });
  });

  test('hides what a handler threw', async () => {
    await serve(() => Promise.reject(new Error('password=hunter2')));
    const error: unknown = await caller.request(Echo, { v: 1, text: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'internal' });
    expect(JSON.stringify((error as WaystationError).toWire())).not.toContain('hunter2');
  });

  test('gives up at its timeout, and the handler is told', async () => {
    const begun = Promise.withResolvers<undefined>();
    const told = Promise.withResolvers<unknown>();
    await serve(async (_request, context) => {
      context.signal.addEventListener('abort', () => told.resolve(context.signal.reason));
      begun.resolve(undefined);
      await told.promise;
      return { text: '', by: '' };
    });
    holdTimeouts();
    const timeoutMs = 60_000;
    const call = caller.request(Echo, { v: 1, text: 'x' }, { timeoutMs });
    call.catch(() => undefined);
    await begun.promise;
    jest.advanceTimersByTime(timeoutMs);
    await expect(call).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(await told.promise).toMatchObject({ code: 'deadline_exceeded' });
  });

  test('can be cancelled by the caller', async () => {
    await serve(() => sleep(300, { text: '', by: '' }));
    const abort = new AbortController();
    const call = caller.request(Echo, { v: 1, text: 'x' }, { signal: abort.signal });
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('drain lets running calls answer and takes no new ones', async () => {
    const begun = Promise.withResolvers<undefined>();
    const subscription = await server.handle(Echo, () => {
      begun.resolve(undefined);
      return sleep(150, { text: 'late', by: '' });
    });
    const call = caller.request(Echo, { v: 1, text: 'x' });
    await begun.promise;
    await subscription.drain();
    expect(await call).toMatchObject({ text: 'late' });
    await expect(caller.request(Echo, { v: 1, text: 'x' })).rejects.toMatchObject({ code: 'no_responder' });
  });

  test('a thousand at once are all answered, each with its own answer', async () => {
    await serve(async ({ text }) => {
      await sleep(Number(text) % 7);
      return { text, by: '' };
    });
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_each, n) => caller.request(Echo, { v: 1, text: String(n) })),
    );
    expect(answers.map(({ text }) => Number(text))).toEqual(Array.from({ length: 1_000 }, (_each, n) => n));
  });
});
