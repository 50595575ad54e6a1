// Row 23: no worker; a full one; one that is wedged but still subscribed; a shared and a dedicated pool for one provider. A fallback or a 503 at once, and
// exactly one call of the provider.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { complete, say, stream, type Answer } from '../support/ask.ts';
import { audit, baseline, type Baseline, type Told } from '../support/audit.ts';
import { story, storyOfSplit } from '../support/story.ts';
import { forgetTruth, truth } from '../support/truth.ts';
import { warmUp } from '../support/use-system.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const WORKERS = ['worker', 'worker-2'] as const;

export const row23 = (system: () => RunningSystem): void => {
  describe('row 23', () => {
    let before: Baseline;
    let told: Told[] = [];
    /** Tried until it works: what an earlier story broke has come back. */
    const begin = async (): Promise<void> => {
      await warmUp(system());
      before = await baseline(system());
      told = [];
      await forgetTruth(system());
    };
    const completeTold = async (label: string): Promise<Answer> => {
      const answer = await complete(system(), { ...say('hello'), sandbox: { label } });
      const content: string = answer.json?.choices?.[0]?.message?.content ?? '';
      told.push({
        label,
        generationId: answer.headers.get('x-generation-id') ?? undefined,
        content,
        whole: answer.status === 200,
      });
      return answer;
    };
    const expectRefusedAtOnce = ({ status, json, ms }: Answer, figureMs: number): void => {
      expect({ status, code: json?.error?.code }).toEqual({ status: 503, code: 503 });
      expect(ms).toBeLessThan(deadline(figureMs));
    };

    storyOfSplit('without a worker, 503 at once', system, async () => {
      await begin();
      await Promise.all(WORKERS.map((name) => system().kill(name)));
      expectRefusedAtOnce(await completeTold('row-23-none-0'), 50);
      expectRefusedAtOnce(await completeTold('row-23-none-1'), 50);
      expect(await truth(system())).toEqual([]);
      await Promise.all(WORKERS.map((name) => system().restartService(name)));
      await until('it serves again', deadline(5_000), async () =>
        (await completeTold(`row-23-none-${told.length}`)).status === 200 ? true : undefined,
      );
      await audit(system(), told, before);
    });

    story('with full workers, 503 at once, and service as soon as one is free', system, async () => {
      const workers = system().shape === 'split' ? WORKERS : ['data-plane'];
      await Promise.all(workers.map((name) => system().restartService(name, { WAYSTATION_WORKER_ATTEMPTS_MAX: '1' })));
      await begin();
      const slow = workers.map(async (_, index) => {
        const label = `row-23-full-${index}`;
        const end = await stream(system(), { ...say('slow'), sandbox: { label, outputTokens: 40, tokenDelayMs: 50 } });
        told.push({
          label,
          generationId: end.generationId,
          content: end.content,
          whole: end.done && end.error === undefined,
        });
        return end;
      });
      await until('every worker has its hands full', 5_000, async () =>
        (await truth(system())).length === workers.length ? true : undefined,
      );
      expectRefusedAtOnce(await completeTold('row-23-refused-0'), 50);
      expectRefusedAtOnce(await completeTold('row-23-refused-1'), 50);
      for (const end of await Promise.all(slow))
        expect([end.done, end.error, end.content.length]).toEqual([true, undefined, 160]);
      expect((await completeTold('row-23-free')).status).toBe(200);
      expect(await truth(system())).toHaveLength(workers.length + 1);
      await audit(system(), told, before);
      await Promise.all(workers.map((name) => system().restartService(name)));
    });

    storyOfSplit(
      'a wedged worker is passed over within 600 ms, and calls nobody when it wakes up',
      system,
      async () => {
        const requests = 20;
        await begin();
        system().signal('worker', 'SIGSTOP');
        try {
          const answers = await Promise.all(
            Array.from({ length: requests }, (_, index) => completeTold(`row-23-wedged-${index}`)),
          );
          // NATS still gives the wedged one its share; who is asked again may meet it a second time and is then sent away.
          for (const { status, json, ms } of answers) {
            expect({ status, code: json?.error?.code }).toEqual(
              status === 200 ? { status } : { status: 503, code: 503 },
            );
            expect(ms).toBeLessThan(deadline(600));
          }
          const served = answers.filter(({ status }) => status === 200).length;
          const errors = answers.flatMap(({ json }) => json?.error ?? []);
          expect({ served: served > requests / 3, errors }).toEqual({ served: true, errors: expect.anything() });
        } finally {
          system().signal('worker', 'SIGCONT');
        }
        // Long enough for it to read what waited in its socket.
        await sleep(scaled(5_000) + 500);
        const calls = (await truth(system())).map(({ label }) => label);
        expect(calls.sort()).toEqual(
          told
            .filter(({ whole }) => whole)
            .map(({ label }) => label)
            .sort(),
        );
        await audit(system(), told, before);
      },
    );

    storyOfSplit('a shared and a dedicated pool together call the provider once', system, async () => {
      const requests = 60;
      await system().restartService('worker-2', { WAYSTATION_WORKER_PROVIDERS: 'sandbox' });
      // Both have run before: a process that has not is slow to accept.
      for (let turn = 0; turn < 20; turn += 1) await complete(system(), say('warm up'));
      await begin();
      const answers: Answer[] = [];
      let next = 0;
      const caller = async (): Promise<void> => {
        while (next < requests) answers.push(await completeTold(`row-23-pools-${next++}`));
      };
      await Promise.all(Array.from({ length: 6 }, caller));
      expect(answers.flatMap(({ json }) => json?.error ?? [])).toEqual([]);
      expect(await truth(system())).toHaveLength(requests);
      const { records } = await audit(system(), told, before);
      const workers = new Set(
        [...records.values()].flatMap((record) => record.attempts.map((attempt) => attempt.worker)),
      );
      expect(workers.size).toBe(2);
      await system().restartService('worker-2');
    });
  });
};
