// Row 7: the client leaves at chunk 5, and the provider stops billing when it is told so. The upstream is closed within a second; what is charged is what was
// billed, give or take the chunk in flight.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { leaveAtChunk } from '../support/leave.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';
import { deadline } from '../support/wait.ts';

const CLIENTS = 8;
const CLOSED_WITHIN_MS = 1_000;

export const row07 = (system: () => RunningSystem): void => {
  describe('row 7', () => {
    story('the upstream is closed at once, and charged is what was billed', system, async (random) => {
      const account = await openAccount(system());
      const price = (await sandboxPrices(system())).get('sandbox/echo');
      if (price === undefined) throw new Error('echo has no price');
      const clients = await Promise.all(
        Array.from({ length: CLIENTS }, async (_, index) => {
          const label = `row-07-${index}`;
          const leaving = leaveAtChunk(5);
          const sandbox = { outputTokens: 400, tokenDelayMs: random.whole(80, 120) };
          const end = await account.stream(label, { ...say(`a long story, ${label}`), sandbox }, leaving.options);
          return { label, end, leftAt: leaving.leftAt() };
        }),
      );
      const { charges } = await account.audit();
      for (const { label, end, leftAt } of clients) {
        const [call, ...more] = await account.callsOf(label);
        expect({ label, broken: end.broken, outcome: call?.outcome, more }).toEqual({
          ...{ label, broken: true, outcome: 'aborted', more: [] },
        });
        if (call === undefined) continue;
        expect((call.endedAt ?? Infinity) - leftAt).toBeLessThan(deadline(CLOSED_WITHIN_MS));
        const paid = (charges.get(end.generationId ?? '') ?? []).reduce((sum, each) => sum + BigInt(each.amount), 0n);
        const off = paid - billOf(call, price);
        expect({ label, paid, off, near: off <= price.output && -off <= price.output }).toEqual({
          ...{ label, paid, off, near: true },
        });
      }
    });
  });
};
