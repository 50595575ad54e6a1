// Row 21: NATS killed and restarted in the middle of 200 streams. Each is complete and equal, or ends in an explicit error within 5 s; no gap is ever
// delivered as a success.
import type { RunningSystem } from '@waystation/testing';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { complete, say, stream } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { story } from '../support/story.ts';
import { forgetTruth } from '../support/truth.ts';
import { deadline, until } from '../support/wait.ts';

const STREAMS = 200;
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export const row21 = (system: () => RunningSystem): void => {
  describe('row 21', () => {
    story(
      '200 streams, NATS killed in their middle: each is whole or ends in an error in time',
      system,
      async (random) => {
        const before = await baseline(system());
        await forgetTruth(system());
        let begun = 0;
        let ended = 0;
        let killedAt = 0;
        const streams = Promise.all(
          Array.from({ length: STREAMS }, async (_, index) => {
            await sleep(random.whole(0, 1_000));
            const label = `row-21-${index}`;
            const prompt = `${label} ${Array.from({ length: 60 }, () => random.whole(100, 999)).join(' ')}`;
            let begunAt = Infinity;
            const onText = (text: string): void => {
              if (begunAt < Infinity || !text.includes('"content":"row')) return;
              begunAt = performance.now();
              begun += 1;
            };
            const end = await stream(
              system(),
              { ...say(prompt), sandbox: { label, tokenDelayMs: random.whole(40, 80) } },
              { onText },
            );
            ended += 1;
            return { ...end, label, prompt, begunAt, whole: end.done && end.error === undefined };
          }),
        );
        await until('most streams have begun', 15_000, () => (begun + ended >= STREAMS * 0.95 ? true : undefined));
        expect(begun - ended).toBeGreaterThan(STREAMS * 0.75);
        killedAt = performance.now();
        await system().kill('nats');
        await sleep(random.whole(0, 300));
        await system().restartService('nats');
        const ends = await streams;

        for (const end of ends) {
          if (end.whole) {
            expect({ label: end.label, finish: end.finishReason, sha: sha(end.content) }).toEqual({
              label: end.label,
              finish: 'stop',
              sha: sha(end.prompt),
            });
            continue;
          }
          expect({ ...end, text: end.text.slice(-300) }).toMatchObject({
            error: { code: expect.any(Number), message: expect.stringMatching(/./) },
            done: false,
          });
          // What came before the error is a prefix of the truth.
          expect(end.prompt.startsWith(end.content)).toBe(true);
          expect(end.endedAt - killedAt).toBeLessThan(5_000);
        }
        // In one process the frames do not travel over NATS: what had begun goes on.
        if (system().shape === 'fused') {
          expect(ends.filter(({ begunAt, whole }) => begunAt < killedAt && !whole)).toEqual([]);
        }
        const after: Told[] = [];
        await until('it serves again', deadline(5_000), async () => {
          const label = `row-21-after-${after.length}`;
          const { status, headers } = await complete(system(), { ...say(label), sandbox: { label } });
          const whole = status === 200;
          after.push({
            label,
            generationId: headers.get('x-generation-id') ?? undefined,
            content: whole ? label : '',
            whole,
          });
          return whole ? true : undefined;
        });
        await audit(system(), [...ends, ...after], before);
      },
    );
  });
};
