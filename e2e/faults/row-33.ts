// Row 33: SIGTERM to an ingress or a worker with 500 streams (150 with short times). Those that end within the grace are whole; longer ones get an error that says to try again, and are settled.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSystem } from '@waystation/testing';
import { timeScaleOfEnvironment } from '../config.ts';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { story, storyOfSplit, type Random } from '../support/story.ts';
import { until } from '../support/wait.ts';

/** With short times less is put on a machine that has other tests to run. */
const STREAMS = timeScaleOfEnvironment() === 1 ? 500 : 150;
const LONG = 6;
const WORDS = 60;
const TOKEN_DELAY_MS = 200;
/** Far longer than any grace of these tests. */
const LONG_TOKENS = 600;
const BEGUN_WITHIN_MS = 60_000;

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export const row33 = (system: () => RunningSystem): void => {
  describe('row 33', () => {
    const endUnderStreams = async (processes: readonly string[], random: Random): Promise<void> => {
      const account = await openAccount(system());
      const [name] = processes;
      let begun = 0;
      let ended = 0;
      const told = async (label: string, prompt: string, sandbox: Readonly<Record<string, unknown>>) => {
        let counted = false;
        const onText = (text: string): void => {
          if (counted || !text.includes('"content":"')) return;
          counted = true;
          begun += 1;
        };
        const end = await account.stream(label, { ...say(prompt), sandbox }, { onText });
        ended += 1;
        return { ...end, label, prompt };
      };
      const short = Promise.all(
        Array.from({ length: STREAMS - LONG }, async (_, index) => {
          await sleep(random.whole(0, 1_000));
          const label = `row-33-${name}-${index}`;
          const numbers = Array.from({ length: WORDS }, () => random.whole(100, 999)).join(' ');
          return told(label, `${label} ${numbers}`, { tokenDelayMs: TOKEN_DELAY_MS });
        }),
      );
      const long = Promise.all(
        Array.from({ length: LONG }, (_, index) =>
          told(`row-33-${name}-long-${index}`, 'a long story', {
            outputTokens: LONG_TOKENS,
            tokenDelayMs: TOKEN_DELAY_MS,
          }),
        ),
      );
      await until('all streams have begun', BEGUN_WITHIN_MS, () => (begun === STREAMS ? true : undefined));
      expect(ended).toBeLessThan(STREAMS / 2);
      for (const process of processes) await system().restartService(process);

      for (const { label, prompt, ...end } of await short)
        expect({ label, error: end.error, done: end.done, finish: end.finishReason, sha: sha(end.content) }).toEqual({
          ...{ label, error: undefined, done: true, finish: 'stop' },
          sha: sha(prompt),
        });
      for (const { error, done, content } of await long) {
        expect({ error, done }).toEqual({ error: expect.objectContaining({ code: 503 }), done: false });
        expect(content).not.toBe('');
      }
      await account.audit();
    };

    story('hundreds of streams, and their ingress is told to end', system, (random) =>
      endUnderStreams(['ingress'], random),
    );
    storyOfSplit('hundreds of streams, and their workers are told to end, one after the other', system, (random) =>
      endUnderStreams(['worker', 'worker-2'], random),
    );
  });
};
