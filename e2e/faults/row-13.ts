// Row 13: a worker is killed before it calls the provider, in the middle of a stream, and around its end. The client gets an error within 5 s; what is charged lies
// between what was delivered and what the provider billed; no attempt calls a provider twice.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAccount, type Account } from '../support/account.ts';
import { ask, say, type StreamEnd } from '../support/ask.ts';
import type { Audit } from '../support/audit.ts';
import { storyOfSplit } from '../support/story.ts';
import { billOf, sandboxPrices, truth } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const ERROR_WITHIN_MS = 5_000;
const TOKENS = 100;
const STREAMS = 6;
const KILLS = 3;
const BEGUN_WITHIN_MS = 10_000;

export const row13 = (system: () => RunningSystem): void => {
  describe('row 13', () => {
    const expectToldInTime = ({ done, error, content, endedAt }: StreamEnd, killedAt: number): void => {
      expect({ done, error, content }).toMatchObject({
        done: false,
        error: { code: expect.any(Number), message: expect.stringMatching(/./) },
      });
      expect(endedAt - killedAt).toBeLessThan(ERROR_WITHIN_MS);
    };
    /** Delivered ≤ charged ≤ billed, and one call at most for each attempt. */
    const expectFair = async (account: Account, { charges, records }: Audit): Promise<void> => {
      const price = (await sandboxPrices(system())).get('sandbox/echo');
      if (price === undefined) throw new Error('echo has no price');
      for (const { label, generationId, content } of account.told) {
        const calls = (await truth(system())).filter((call) => call.label === label);
        const attempts = records.get(generationId ?? '')?.attempts.length ?? 0;
        expect({ label, calls, few: calls.length <= attempts }).toEqual({ label, calls, few: true });
        const its = charges.get(generationId ?? '') ?? [];
        const paid = its
          .filter(({ payer }) => payer === 'credits')
          .reduce((sum, { amount }) => sum + BigInt(amount), 0n);
        const billed = calls.reduce((sum, call) => sum + billOf(call, price), 0n);
        const delivered = BigInt(Math.ceil(content.length / 4)) * price.output;
        const fair = delivered <= paid && paid <= billed;
        expect({ label, delivered, paid, billed, its, fair }).toEqual({
          ...{ label, delivered, paid, billed, its, fair: true },
        });
      }
    };

    storyOfSplit('before it called the provider: nothing is charged', system, async () => {
      const account = await openAccount(system());
      // It has the request, and reads it no more.
      system().signal('worker', 'SIGSTOP');
      const asking = Array.from({ length: STREAMS }, (_, index) =>
        account.stream(`row-13-before-${index}`, say('never sent')),
      );
      await sleep(100);
      const killedAt = performance.now();
      await system().kill('worker');
      for (const end of await Promise.all(asking)) expectToldInTime(end, killedAt);
      await system().restartService('worker');
      expect(await truth(system())).toEqual([]);
      await expectFair(account, await account.audit());
    });

    storyOfSplit('at chunk 40 of 100: what was delivered is charged, and marked', system, async () => {
      const account = await openAccount(system());
      let at40 = 0;
      const streams = Array.from({ length: STREAMS }, (_, index) => {
        let counted = false;
        const onText = (text: string): void => {
          if (counted || text.split('"content":"').length <= 41) return;
          counted = true;
          at40 += 1;
        };
        const sandbox = { outputTokens: TOKENS, tokenDelayMs: 25 };
        return account.stream(`row-13-middle-${index}`, { ...say('a story'), sandbox }, { onText });
      });
      await until('all are at chunk 40', BEGUN_WITHIN_MS, () => (at40 === STREAMS ? true : undefined));
      const killedAt = performance.now();
      await system().kill('worker');
      for (const end of await Promise.all(streams)) {
        expectToldInTime(end, killedAt);
        expect(Math.ceil(end.content.length / 4)).toBeGreaterThanOrEqual(40);
      }
      await system().restartService('worker');
      const audit = await account.audit();
      expect(await truth(system())).toHaveLength(STREAMS);
      await expectFair(account, audit);
      for (const { generationId } of account.told) {
        expect(audit.charges.get(generationId ?? '')).toMatchObject([{ payer: 'credits', usageSource: 'estimated' }]);
        const { json } = await ask(system(), 'GET', `/api/v1/generation?id=${generationId}`);
        expect(json.data).toMatchObject({ outcome: 'failed-after-output', usage_source: 'estimated' });
      }
    });

    storyOfSplit('at any moment, the end of a stream and its fact among them', system, async (random) => {
      const account = await openAccount(system());
      for (let kill = 0; kill < KILLS; kill += 1) {
        let ended = 0;
        const streams = Array.from({ length: 3 * STREAMS }, async (_, index) => {
          const tokens = random.whole(1, 60);
          await sleep(random.whole(0, 400));
          const sandbox = { outputTokens: tokens, tokenDelayMs: random.whole(0, 12) };
          const end = await account.stream(`row-13-any-${kill}-${index}`, { ...say('a story'), sandbox });
          ended += 1;
          return end;
        });
        // Right where one has ended.
        const enough = random.whole(1, STREAMS);
        await until('some have ended', BEGUN_WITHIN_MS, () => (ended >= enough ? true : undefined));
        const killedAt = performance.now();
        await system().kill('worker');
        for (const end of await Promise.all(streams)) if (!end.done) expectToldInTime(end, killedAt);
        await system().restartService('worker');
        await until('it serves again', BEGUN_WITHIN_MS, async () =>
          (await account.complete(`row-13-after-${kill}-${account.told.length}`, say('back')))?.status === 200
            ? true
            : undefined,
        );
      }
      expect(account.told.filter(({ whole }) => !whole).length).toBeGreaterThan(KILLS);
      await expectFair(account, await account.audit());
    });
  });
};
