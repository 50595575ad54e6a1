// Row 31: all providers of a model are down. 503 at once, at most one try a second and endpoint over all routers, service again within half a minute, and never much more
// calls than requests.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, complete, say, type Answer } from '../support/ask.ts';
import { LONELY, answerAs, type SteadyLabs } from '../support/steady-lab.ts';
import { story } from '../support/story.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const WATCHED_MS = 10_000;
const RECOVERED_WITHIN_MS = 30_000;
const EVERY_MS = 20;
const SERVED_IN_ROW = 20;

export const row31 = (system: () => RunningSystem, labs: () => SteadyLabs): void => {
  describe('row 31', () => {
    let requests = 0;
    const call = (): Promise<Answer> => {
      requests += 1;
      return complete(system(), { ...say('hello', LONELY), max_tokens: 10 });
    };
    const status = async (): Promise<unknown[]> => {
      const { json } = await ask(system(), 'GET', `/api/v1/models/${LONELY}/endpoints`);
      return (json.data.endpoints as { status: number }[]).map((endpoint) => endpoint.status);
    };

    story('all providers of a model are down, and come back', system, async () => {
      const { cheap, other } = labs();
      for (const lab of [cheap, other])
        lab.script((_request, reply) => reply.json(500, { error: { message: 'down' } }));
      const callsOf = (): number[] => [cheap.requests.length, other.requests.length];
      const before = callsOf();
      requests = 0;
      await until('it is refused before anybody is asked', deadline(10_000), async () => {
        const asked = callsOf();
        const { status: answered } = await call();
        return answered === 503 && callsOf().join() === asked.join() ? true : undefined;
      });
      // What was under way is over.
      await sleep(500);

      const [watchedFrom, endsAt] = [callsOf(), performance.now() + scaled(WATCHED_MS)];
      const times: number[] = [];
      while (performance.now() < endsAt) {
        const asked = callsOf();
        const { status: answered, ms } = await call();
        expect([502, 503]).toContain(answered);
        if (callsOf().join() === asked.join()) {
          expect(answered).toBe(503);
          times.push(ms);
        }
        await sleep(EVERY_MS);
      }
      const median = times.sort((a, b) => a - b)[times.length >> 1] ?? Infinity;
      expect(median).toBeLessThan(deadline(20));
      const seconds = WATCHED_MS / 1_000;
      callsOf().forEach((calls, at) => expect(calls - (watchedFrom[at] ?? 0)).toBeLessThanOrEqual(seconds + 1));
      expect(await status()).toEqual([-5, -5]);

      for (const lab of [cheap, other]) lab.script(answerAs('back'));
      let inRow = 0;
      await until('it serves again, whichever router plans', deadline(scaled(RECOVERED_WITHIN_MS)), async () => {
        inRow = (await call()).status === 200 ? inRow + 1 : 0;
        return inRow === SERVED_IN_ROW ? true : undefined;
      });
      const calls = callsOf().reduce((sum, each, at) => sum + each - (before[at] ?? 0), 0);
      expect(calls / requests).toBeLessThanOrEqual(1.2);
    });
  });
};
