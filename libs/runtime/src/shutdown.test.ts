import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { pino } from 'pino';
import { createShutdown, type Shutdown, type ShutdownStep } from './shutdown.js';

const started = (
  steps: ShutdownStep[],
  graceMs: number,
): { shutdown: Shutdown; exits: number[]; lines: string[]; endNow: AbortController } => {
  const exits: number[] = [];
  const lines: string[] = [];
  const endNow = new AbortController();
  const log = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  const shutdown = createShutdown({ graceMs, log, endNow, exit: (code) => exits.push(code), steps: () => steps });
  return { shutdown, exits, lines, endNow };
};

describe('shutdown', () => {
  // The grace is the test's own time: a process that stands still must not be what ends it.
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => void jest.useRealTimers());

  test('runs its steps one after the other, once, and exits with 0', async () => {
    const order: string[] = [];
    const slow = (name: string): ShutdownStep => ({
      name,
      run: async () => {
        order.push(`${name} begins`);
        await sleep(10);
        order.push(`${name} ends`);
      },
    });
    const { shutdown, exits, lines } = started([slow('http'), slow('bus')], 1_000);
    expect(shutdown.started).toBe(false);
    await Promise.all([shutdown.begin('SIGTERM'), shutdown.begin('SIGINT')]);
    expect(shutdown.started).toBe(true);
    expect(order).toEqual(['http begins', 'http ends', 'bus begins', 'bus ends']);
    expect(exits).toEqual([0]);
    expect(lines).toEqual(['shutting down', 'stopped']);
  });

  test('what a step leaves for the end of its turn is done before the next step', async () => {
    const order: string[] = [];
    const { shutdown } = started(
      [
        { name: 'subscriptions', run: () => void setImmediate(() => order.push('last frame')) },
        { name: 'bus', run: () => void order.push('closed') },
      ],
      1_000,
    );
    await shutdown.begin('SIGTERM');
    expect(order).toEqual(['last frame', 'closed']);
  });

  test('a step that fails does not keep the later ones from running; the exit code tells', async () => {
    let ran = false;
    const { shutdown, exits } = started(
      [
        { name: 'apps', run: () => Promise.reject(new Error('no')) },
        { name: 'bus', run: () => void (ran = true) },
      ],
      1_000,
    );
    await shutdown.begin('SIGTERM');
    expect(ran).toBe(true);
    expect(exits).toEqual([1]);
  });

  test('running work is told to end while a part of the grace is left', async () => {
    const { shutdown, exits, endNow } = started(
      [
        {
          name: 'subscriptions',
          run: () => new Promise((resolve) => endNow.signal.addEventListener('abort', () => resolve())),
        },
      ],
      300,
    );
    const over = shutdown.begin('SIGTERM');
    jest.advanceTimersByTime(209);
    expect(endNow.signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(endNow.signal.aborted).toBe(true);
    await over;
    jest.advanceTimersByTime(300);
    // One that the grace had cut would be 1.
    expect(exits).toEqual([0]);
  });

  test('a step that never ends is named when the grace is over, and the process ends with 1', async () => {
    const { shutdown, exits, lines } = started([{ name: 'journal', run: () => new Promise(() => undefined) }], 50);
    void shutdown.begin('SIGTERM');
    jest.advanceTimersByTime(49);
    expect(exits).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toBe('shutdown took longer than WAYSTATION_SHUTDOWN_GRACE_MS; giving up during: journal');
  });
});
