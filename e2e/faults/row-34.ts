// Row 34: Postgres restarted, and gone for 30 s. The data plane serves on its leases, then refuses and says so; facts wait; when it is back nothing was lost.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { factsPending } from '../support/jetstream.ts';
import { newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const CALLERS = 4;
const GONE_MS = 30_000;
const WARM_MS = 1_500;
const BACK_WITHIN_MS = 10_000;
const TOKENS = 20;
/** No lease serves for longer, however much of it is left. */
const LEASE_MS = 60_000;
/** A call that cannot be held for is told so in this time. */
const REFUSED_WITHIN_MS = 5_000;

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

export const row34 = (system: () => RunningSystem): void => {
  describe('row 34', () => {
    /** Callers that go on until they are told to stop; answers how each call ended, in order of its end. */
    const load = async (name: string) => {
      const account = await openAccount(system());
      const ends: { at: number; status: number; code: number | undefined; ms: number }[] = [];
      let going = true;
      const caller = async (caller: number): Promise<void> => {
        for (let turn = 0; going; turn += 1) {
          const label = `row-34-${name}-${caller}-${turn}`;
          const body = { ...say(label), max_tokens: TOKENS };
          const answer = await (turn % 2 === 0 ? account.complete(label, body) : account.stream(label, body));
          const error = answer === undefined ? undefined : 'json' in answer ? answer.json?.error : answer.error;
          ends.push({ at: performance.now(), status: answer?.status ?? 0, code: error?.code, ms: answer?.ms ?? 0 });
          if (answer?.status !== 200) await sleep(20);
        }
      };
      const callers = Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(index)));
      return {
        account,
        ends,
        async stop() {
          going = false;
          await callers;
        },
      };
    };
    const expectServedOrRefused = (ends: readonly { status: number; code: number | undefined; ms: number }[]): void => {
      for (const { status, code, ms } of ends) {
        expect({ status, code }).toEqual(status === 200 ? { status, code: undefined } : { status: 503, code: 503 });
        if (status !== 200) expect(ms).toBeLessThan(deadline(REFUSED_WITHIN_MS));
      }
    };

    story('restarted under load, nothing is lost', system, async () => {
      const { account, ends, stop } = await load('restart');
      await sleep(WARM_MS);
      await system().restartService('postgres');
      const backAt = performance.now();
      await until('it serves again', BACK_WITHIN_MS, () =>
        ends.some(({ at, status }) => at > backAt && status === 200) ? true : undefined,
      );
      await stop();
      expectServedOrRefused(ends);
      await account.audit();
    });

    story('gone for long, it serves on its leases, then refuses, and books all of it in the end', system, async () => {
      // With a limit of its own, and so with no part in the leases of the others.
      const { key: cold } = await newKey(system(), { limit: 1 });
      const { account, ends, stop } = await load('gone');
      await sleep(WARM_MS);
      const pid = system().pid('postgres');
      system().signal('postgres', 'SIGINT');
      await until('Postgres is gone', BACK_WITHIN_MS, () => (alive(pid) ? undefined : true));
      const goneAt = performance.now();
      await sleep(scaled(GONE_MS) / 2);
      const refused = await account.complete(
        'row-34-cold',
        { ...say('nothing is held'), max_tokens: TOKENS },
        { key: cold },
      );
      await sleep(scaled(GONE_MS) / 2);
      await until('leases are used up', scaled(LEASE_MS) + BACK_WITHIN_MS, () =>
        ends.at(-1)?.status === 503 ? true : undefined,
      );
      const meanwhile = ends.filter(({ at }) => at > goneAt);
      expect(await factsPending(system())).toBeGreaterThan(0);
      await system().restartService('postgres');
      const backAt = performance.now();
      await until('it serves again', BACK_WITHIN_MS, () =>
        ends.some(({ at, status }) => at > backAt && status === 200) ? true : undefined,
      );
      await stop();
      expect({ status: refused?.status, code: refused?.json?.error?.code }).toEqual({ status: 503, code: 503 });
      expect(meanwhile.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
      expect(meanwhile.at(-1)?.status).toBe(503);
      expectServedOrRefused(ends);
      await account.audit();
    });
  });
};
