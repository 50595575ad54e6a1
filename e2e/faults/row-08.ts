// Row 8: the client leaves at chunk 5, and the provider bills to the end all the same. It is listened to for its usage, and that is charged; one that takes too
// long is left, too.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { leaveAtChunk } from '../support/leave.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';
import { deadline, scaled } from '../support/wait.ts';

const CLIENTS = 6;
const MODEL = 'sandbox/bills-after-cancel';
/** What a worker listens for at most. */
const DRAIN_MS = 60_000;
/** The truth log learns of an end a little later. */
const SLACK_MS = 500;

export const row08 = (system: () => RunningSystem): void => {
  describe('row 8', () => {
    story('the stream is drained within bounds, and charged is what was billed', system, async () => {
      const account = await openAccount(system());
      const price = (await sandboxPrices(system())).get(MODEL);
      if (price === undefined) throw new Error(`${MODEL} has no price`);
      const leave = async (label: string, sandbox: Record<string, unknown>) => {
        const leaving = leaveAtChunk(5);
        const end = await account.stream(label, { ...say(label, MODEL), sandbox }, leaving.options);
        expect({ label, broken: end.broken, done: end.done }).toEqual({ label, broken: true, done: false });
        return { label, end, leftAt: leaving.leftAt() };
      };
      const [endless, ...clients] = await Promise.all([
        leave('row-08-endless', { outputTokens: 200, tokenDelayMs: scaled(DRAIN_MS) / 100 }),
        ...Array.from({ length: CLIENTS }, (_, index) => leave(`row-08-${index}`, {})),
      ]);
      const [tooLong] = await account.callsOf('row-08-endless');
      const { charges } = await account.audit();
      for (const { label, end } of clients) {
        const calls = await account.callsOf(label);
        expect({ label, calls }).toMatchObject({ label, calls: [{ outcome: 'completed', completionTokens: 100 }] });
        const [call] = calls;
        const its = charges.get(end.generationId ?? '') ?? [];
        const paid = its.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
        expect({ label, its, paid }).toEqual({ label, its, paid: call && billOf(call, price) });
        expect(its.at(-1)).toMatchObject({ payer: 'credits', usageSource: 'provider' });
      }
      expect(tooLong).toMatchObject({ outcome: 'aborted', billsAfterCancel: true });
      const listenedMs = (tooLong?.endedAt ?? Infinity) - endless.leftAt;
      expect(listenedMs).toBeGreaterThan(scaled(DRAIN_MS) * 0.8);
      expect(listenedMs).toBeLessThan(Math.min(deadline(DRAIN_MS), scaled(DRAIN_MS) * 1.5) + SLACK_MS);
      // What nobody could read to its end is charged as far as it was read, and marked.
      expect(charges.get(endless.end.generationId ?? '')?.at(-1)).toMatchObject({
        payer: 'credits',
        usageSource: 'estimated',
      });
    });
  });
};
