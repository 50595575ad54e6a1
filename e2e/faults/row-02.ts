// Row 2: the same against so many requests and so many tokens a minute: exact, and 429 with the time to wait.
import type { FakeUpstream, RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeScaleOfEnvironment } from '../config.ts';
import type { Answer } from '../support/ask.ts';
import { dime, FREE_MODEL, MODEL, newKey, OUTPUT_TOKENS, PROMPT_TOKENS, setLimit } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';

const REQUESTS = 400;
const FIT = 30;
const TOKENS_EACH = PROMPT_TOKENS + OUTPUT_TOKENS;
const MINUTE_MS = 60_000;
const RUNS = timeScaleOfEnvironment() === 1 ? 20 : 3;
/** A run must not meet the end of its minute. */
const RUN_MS_MAX = 30_000;
/** Told where something may come back soon; longer waits are for the end of the minute. */
const SOON_SECONDS = 2;

const intoTheMinute = async (): Promise<void> => {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS);
  if (left < RUN_MS_MAX) await sleep(left + 50);
};

export const row02 = (system: () => RunningSystem, lab: () => FakeUpstream): void => {
  describe('row 2', () => {
    const expectRefused = ({ status, headers, json }: Answer, metric: string, limit: number): void => {
      expect({ status, quota: json?.error?.metadata?.quota }).toMatchObject({
        status: 429,
        quota: { scope: 'key', metric, window: 'minute' },
      });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(headers.get('x-ratelimit-limit')).toBe(String(limit));
      expect(Number(headers.get('x-ratelimit-remaining'))).toBeLessThanOrEqual(limit);
      expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() - MINUTE_MS);
    };

    /** Answers how many of `REQUESTS` at once were admitted, of those that were refused how many when they came back, and what the last was told. */
    const run = async (
      metric: 'requests' | 'tokens',
      limit: number,
      model: string,
    ): Promise<{ atOnce: number; later: number; last: Answer }> => {
      const { key, hash } = await newKey(system());
      const remove = await setLimit(system(), { scope: 'key', scope_id: hash, metric, window: 'minute', limit }, key);
      try {
        await intoTheMinute();
        const called = lab().requests.length;
        const answers = await Promise.all(
          Array.from({ length: REQUESTS }, (_, ordinal) => dime(system(), ordinal, { key, model })),
        );
        for (const answer of answers) if (answer.status !== 200) expectRefused(answer, metric, limit);
        const atOnce = answers.filter(({ status }) => status === 200).length;
        for (let later = 0, ordinal = 0; ; ordinal += 1) {
          const answer = await dime(system(), ordinal, { key, model });
          if (answer.status === 200) later += 1;
          else {
            expectRefused(answer, metric, limit);
            if (Number(answer.headers.get('retry-after')) > SOON_SECONDS) {
              expect(lab().requests.length - called).toBe(atOnce + later);
              return { atOnce, later, last: answer };
            }
            await sleep(100);
          }
        }
      } finally {
        await remove();
      }
    };

    story('so many requests a minute, and not one more', system, async () => {
      for (let turn = 0; turn < RUNS; turn += 1)
        expect(await run('requests', FIT, MODEL)).toMatchObject({ atOnce: FIT, later: 0 });
    });

    story('of free models as well', system, async () => {
      expect(await run('requests', FIT, FREE_MODEL)).toMatchObject({ atOnce: FIT, later: 0 });
    });

    story('so many tokens a minute: what is held is the bound, what counts is what was used', system, async () => {
      for (let turn = 0; turn < RUNS; turn += 1) {
        const limit = FIT * TOKENS_EACH;
        const { atOnce, later, last } = await run('tokens', limit, MODEL);
        const used = (atOnce + later) * TOKENS_EACH;
        const { asked, left } = last.json.error.metadata.quota as { asked: string; left: string };
        expect(used).toBeLessThanOrEqual(limit);
        // What other holds and slices have in hand at that moment counts as taken.
        expect(Number(left)).toBeLessThanOrEqual(limit - used);
        // One more did not fit, and nothing was kept from it.
        expect(limit - used).toBeLessThan(Number(asked));
      }
    });
  });
};
