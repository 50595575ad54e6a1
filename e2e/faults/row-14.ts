// Row 14: an ingress is killed in the middle of streams. Its workers close upstream within 5 s and settle what was used; its leases are swept and the remainder is
// free again, and its clients are told what they paid for, although its records are lost with it. Where worker and ingress are one process, what was told last is charged once the time of the generation is over, and marked.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatUsd } from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';
import { openAccount, type Account } from '../support/account.ts';
import { ask, say } from '../support/ask.ts';
import { newKey, usageOf } from '../support/priced-lab.ts';
import { asOperator, type Charge } from '../support/operator.ts';
import { storyOfFused, storyOfSplit } from '../support/story.ts';
import { billOf, sandboxPrices, type TokenPrice } from '../support/truth.ts';
import { scaled, until } from '../support/wait.ts';

const STREAMS = 8;
const TOKENS = 800;
const ABORTED_WITHIN_MS = 5_000;
const BEGUN_WITHIN_MS = 10_000;
const SETTLED_WITHIN_MS = 20_000;
/** Of a generation, with the time after it in which its facts may still come. */
const DEADLINE_MS = 630_000;
const LIMIT_USD = 0.03;
/** Within this, a worker has told how far each stream is: every two seconds, of those that are older than two seconds. */
const TOLD_WITHIN_MS = 4_000;
const JOURNALED_WITHIN_MS = 500;

export const row14 = (system: () => RunningSystem): void => {
  describe('row 14', () => {
    /** Streams that all have said something when their ingress is killed, so long after that; with their key. */
    const killIngress = async (account: Account, afterMs: number): Promise<string> => {
      const { key } = await newKey(system(), { limit: LIMIT_USD });
      let begun = 0;
      const streams = Array.from({ length: STREAMS }, (_, index) => {
        let counted = false;
        const onText = (text: string): void => {
          if (counted || text.split('"content":"').length <= 10) return;
          counted = true;
          begun += 1;
        };
        const body = { ...say('a story'), max_tokens: TOKENS, sandbox: { outputTokens: TOKENS, tokenDelayMs: 80 } };
        return account.stream(`row-14-${index}`, body, { key, onText });
      });
      await until('all streams run', BEGUN_WITHIN_MS, () => (begun === STREAMS ? true : undefined));
      await sleep(afterMs);
      const killedAt = Date.now();
      await system().kill('ingress');
      for (const { broken, done } of await Promise.all(streams))
        expect({ broken, done }).toEqual({ broken: true, done: false });
      const calls = (await Promise.all(account.told.map(({ label }) => account.callsOf(label)))).flat();
      expect(calls.map(({ outcome }) => outcome)).toEqual(account.told.map(() => 'aborted'));
      for (const { endedAt = Infinity } of calls) expect(endedAt - killedAt).toBeLessThan(ABORTED_WITHIN_MS);
      await system().restartService('ingress');
      return key;
    };
    const echoPrice = async (): Promise<TokenPrice> => {
      const price = (await sandboxPrices(system())).get('sandbox/echo');
      if (price === undefined) throw new Error('echo has no price');
      return price;
    };
    const paidOf = (charges: readonly Charge[]): bigint =>
      charges.filter(({ payer }) => payer === 'credits').reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    /** The record was lost with the ingress, the bill was not. */
    const expectExplained = async (
      account: Account,
      key: string,
      charges: ReadonlyMap<string, readonly Charge[]>,
    ): Promise<void> => {
      const shown = await Promise.all(
        account.told.map(async ({ label, generationId = '' }) => {
          const { status, text, json } = await ask(
            system(),
            'GET',
            `/api/v1/generation?id=${generationId}`,
            undefined,
            {
              key,
            },
          );
          const paid = formatUsd(paidOf(charges.get(generationId) ?? []));
          const data = json.data as Record<string, unknown> | undefined;
          const exact = text.includes(`"total_cost":${paid},`);
          return { label, status, exact, text, settled: data?.['settled'], streamed: data?.['streamed'] };
        }),
      );
      for (const each of shown) expect(each).toMatchObject({ status: 200, exact: true, settled: true, streamed: null });
    };
    /** One call may hold all that is left of the key's limit. */
    const expectRemainderBack = async (account: Account, key: string, price: TokenPrice): Promise<void> => {
      const { json } = await ask(system(), 'GET', '/api/v1/key', undefined, { key });
      const left = json.data.limit_remaining as number;
      expect(left).toBeCloseTo(LIMIT_USD - (await usageOf(system(), key)), 12);
      const most = Math.floor((left * 1e12 - 1e9) / Number(price.output));
      const last = await account.complete('row-14-last', { ...say('one more'), max_tokens: most }, { key });
      expect(last?.status).toBe(200);
      await account.audit();
    };

    storyOfSplit('its streams are closed and settled, and what it held is free again', system, async () => {
      const account = await openAccount(system());
      const price = await echoPrice();
      const key = await killIngress(account, 0);
      for (const { label } of [...account.told]) account.mark(label, { lost: 'ingress' });
      const { charges } = await account.audit();
      for (const { label, generationId } of account.told) {
        const [call] = await account.callsOf(label);
        const its = charges.get(generationId ?? '') ?? [];
        const off = paidOf(its) - (call === undefined ? 0n : billOf(call, price));
        expect({ label, its, off, near: off <= price.output && -off <= price.output }).toEqual({
          ...{ label, its, off, near: true },
        });
      }
      await expectExplained(account, key, charges);
      await expectRemainderBack(account, key, price);
    });

    storyOfFused(
      'with its worker: settled from what was told last, and what it held is free again',
      system,
      async () => {
        const account = await openAccount(system());
        const price = await echoPrice();
        const key = await killIngress(account, scaled(TOLD_WITHIN_MS) + JOURNALED_WITHIN_MS);
        for (const { label } of [...account.told]) account.mark(label, { lost: 'both' });
        await asOperator(system(), (operator) =>
          until('the streams are settled', scaled(DEADLINE_MS) + SETTLED_WITHIN_MS, async () => {
            const settled = await Promise.all(
              account.told.map(({ generationId = '' }) => operator.charges(generationId)),
            );
            return settled.every((its) => its.length > 0) ? true : undefined;
          }),
        );
        const { charges } = await account.audit();
        for (const { label, generationId } of account.told) {
          const [call] = await account.callsOf(label);
          const its = charges.get(generationId ?? '') ?? [];
          const [paid, billed] = [paidOf(its), call === undefined ? 0n : billOf(call, price)];
          expect({ label, its, paid, billed, fair: paid > 0n && paid <= billed }).toEqual({
            ...{ label, its, paid, billed, fair: true },
          });
          expect(its).toMatchObject([{ usageSource: 'estimated', policyRow: 'failed-after-output' }]);
        }
        await expectExplained(account, key, charges);
        await expectRemainderBack(account, key, price);
      },
    );
  });
};
