// What runs aside is bounded in time, memory and number, and its end is told; processes are real.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ASIDE_EXITS, exitOf } from './aside-process.js';
import { createAside, type AsideTask } from './run-aside.js';

const task = (source: string, changes: Partial<AsideTask> = {}): AsideTask => ({
  module: `data:text/javascript,${encodeURIComponent(`import { parentPort, workerData } from 'node:worker_threads';${source}`)}`,
  data: 'hello',
  timeoutMs: 20_000,
  bytesMax: 160 * 1024 * 1024,
  ...changes,
});

describe('work that runs aside', () => {
  it('has a result', async () => {
    expect(await createAside().run(task('parentPort.postMessage(workerData.length)'))).toEqual({ result: 5 });
  });

  it.each<[string, string, Partial<AsideTask>, string]>([
    ['never ends', 'for (;;);', { timeoutMs: 100 }, 'time'],
    ['fills the heap', 'const all = []; for (;;) all.push({ a: all.length })', {}, 'memory'],
    [
      'fills memory beside the heap',
      'const all = []; setInterval(() => all.push(new Uint8Array(4e6).fill(1)), 1)',
      {},
      'memory',
    ],
    ['throws', 'throw new Error("oh")', {}, 'crash'],
    ['says nothing', '', {}, 'crash'],
    ['ends itself', 'process.exit(1)', {}, 'crash'],
  ])('and %s is ended, and said to have failed', async (_, source, changes, failure) => {
    expect(await createAside().run(task(source, changes))).toEqual({ failure });
  });

  it('has its result however late that is read, although its thread is long over', async () => {
    const answer = createAside().run(
      task('parentPort.postMessage("x".repeat(8e6))', { timeoutMs: 60_000, bytesMax: 400 * 1024 * 1024 }),
    );
    // Begun, and then left alone: we read nothing.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const endsAt = performance.now() + 1_800; performance.now() < endsAt;);
    expect(await answer).toEqual({ result: 'x'.repeat(8e6) });
  }, 90_000);

  it('is told to have filled its heap where its thread ends of that before anybody sees it coming', async () => {
    const { href } = new URL(task('const all = []; for (;;) all.push({ a: all.length })').module);
    const thread = new Worker(new URL(href), { resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const [error] = (await once(thread, 'error')) as [Error];
    expect([exitOf(error), exitOf(new Error('oh'))]).toEqual([ASIDE_EXITS.memory, ASIDE_EXITS.crash]);
  });

  it('sees no environment', async () => {
    const aside = createAside();
    expect(await aside.run(task('parentPort.postMessage(Object.keys(process.env))'))).toEqual({ result: [] });
  });

  it('waits for its turn, and is declined where too many wait', async () => {
    const aside = createAside();
    const ends = await Promise.all(
      Array.from({ length: 36 }, (_, index) => aside.run(task('parentPort.postMessage(workerData)', { data: index }))),
    );
    expect(ends.filter((end) => 'failure' in end)).toEqual(Array(2).fill({ failure: 'busy' }));
    expect(ends.slice(0, 34)).toEqual(Array.from({ length: 34 }, (_, result) => ({ result })));
    expect(await aside.run(task('parentPort.postMessage(1)'))).toEqual({ result: 1 });
  }, 120_000);
});
