// Row 15, second half: a budget's window rolls over while a stream is open. What the stream costs is booked to the window in which it was held for, and the
// new window is whole.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAccount } from '../support/account.ts';
import { ask, say } from '../support/ask.ts';
import { newKey, setLimit, usageOf } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const MINUTE_MS = 60_000;
/** Before the end of the minute: time enough to begin, and to set the limits. */
const BEGIN_MS = 4_000;
const STREAM_MS = 7_000;
const TOKENS = 70;
const LIMIT_USD = 0.001;
const SETTLED_WITHIN_MS = 20_000;

interface Use {
  readonly used: number;
  readonly in_flight: number;
  readonly remaining: number;
}

export const row15Rollover = (system: () => RunningSystem): void => {
  describe('row 15', () => {
    story('a stream over the end of a minute is booked to the minute in which it began', system, async () => {
      const account = await openAccount(system());
      const price = (await sandboxPrices(system())).get('sandbox/echo');
      if (price === undefined) throw new Error('echo has no price');
      const { key, hash } = await newKey(system());
      const limit = { scope: 'key', scope_id: hash, window: 'minute' };
      const removals = [
        await setLimit(system(), { ...limit, metric: 'usd', limit: LIMIT_USD }, key),
        await setLimit(system(), { ...limit, metric: 'requests', limit: 5 }, key),
      ];
      const useOf = async (metric: string): Promise<Use> => {
        const { json } = await ask(system(), 'GET', '/api/v1/key', undefined, { key });
        const limits = json.data.limits as (Use & { metric: string; window: string })[];
        const found = limits.find((each) => each.metric === metric && each.window === 'minute');
        if (found === undefined) throw new Error(`the key shows no limit of ${metric} a minute`);
        return found;
      };
      try {
        await sleep((2 * MINUTE_MS - BEGIN_MS - (Date.now() % MINUTE_MS)) % MINUTE_MS);
        const minute = Math.floor(Date.now() / MINUTE_MS);
        const body = {
          ...say('a long story'),
          max_tokens: TOKENS,
          sandbox: { outputTokens: TOKENS, tokenDelayMs: STREAM_MS / TOKENS },
        };
        const streaming = account.stream('row-15-over', body, { key });
        await until('it is held for', BEGIN_MS - 500, async () =>
          (await useOf('usd')).in_flight > 0 ? true : undefined,
        );
        expect(Math.floor(Date.now() / MINUTE_MS)).toBe(minute);

        const end = await streaming;
        expect({ done: end.done, error: end.error, minutes: Math.floor(Date.now() / MINUTE_MS) - minute }).toEqual({
          ...{ done: true, error: undefined, minutes: 1 },
        });
        const [call] = await account.callsOf('row-15-over');
        const cost = Number(call && billOf(call, price)) / 1e12;
        await until('it is booked', SETTLED_WITHIN_MS, async () =>
          Math.abs((await usageOf(system(), key)) - cost) < 1e-12 ? true : undefined,
        );
        expect(await useOf('usd')).toMatchObject({ used: 0, in_flight: 0, remaining: LIMIT_USD });
        expect(await useOf('requests')).toMatchObject({ used: 0, in_flight: 0, remaining: 5 });
        // One more counts in the new window, and only it.
        await account.complete('row-15-next', { ...say('another one'), max_tokens: TOKENS }, { key });
        await account.audit();
        expect(await useOf('requests')).toMatchObject({ used: 1, remaining: 4 });
      } finally {
        for (const remove of removals) await remove();
      }
    });
  });
};
