import { setTimeout as sleep } from 'node:timers/promises';
import { repeat } from './repeat.js';

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(5);
};

describe('work that is repeated', () => {
  const lines: string[] = [];
  const log = { warn: (_: unknown, text: string) => void lines.push(text) } as unknown as Parameters<typeof repeat>[2];
  beforeEach(() => void lines.splice(0));

  it('is told once for each outage, and goes on', async () => {
    const ends = ['fail', 'fail', 'fine', 'fail', 'fine'];
    let runs = 0;
    const repeated = repeat(
      1,
      async () => {
        runs += 1;
        if (ends[runs - 1] === 'fail') throw new Error('not now');
      },
      log,
      'it fails',
    );
    await until(() => runs >= ends.length);
    await repeated.stop();
    expect(lines).toEqual(['it fails', 'it fails']);
  });

  it('is not begun again before it has ended, and stopping waits for its end', async () => {
    let runs = 0;
    let atOnce = 0;
    let atOnceMax = 0;
    let end: () => void = () => undefined;
    const repeated = repeat(
      1,
      async () => {
        runs += 1;
        atOnce += 1;
        atOnceMax = Math.max(atOnceMax, atOnce);
        await new Promise<void>((resolve) => (end = resolve));
        atOnce -= 1;
      },
      log,
      'it fails',
    );
    await until(() => runs === 1);
    await sleep(150);
    expect(runs).toBe(1);
    end();
    await until(() => runs === 2);
    let stopped = false;
    const stopping = repeated.stop().then(() => (stopped = true));
    await sleep(20);
    expect(stopped).toBe(false);
    end();
    await stopping;
    expect([runs, atOnceMax, atOnce]).toEqual([2, 1, 0]);
  });
});
