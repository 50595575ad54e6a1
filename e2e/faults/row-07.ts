// Row 7: the client leaves at chunk 5, and the provider stops billing when it is told so. The upstream is closed within a second; what is charged is what was
// billed, give or take the chunk in flight; and the rest of its hold is there for the next call.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { leaveAtChunk } from '../support/leave.ts';
import { newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';
import { deadline, until } from '../support/wait.ts';

const CLIENTS = 8;
const CLOSED_WITHIN_MS = 1_000;
/** Held by a call, and hardly used. */
const HELD_TOKENS = 400;
/** Under every scale: a sweep comes later even where all times are a tenth. */
const FREE_WITHIN_MS = 5_000;

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

    story('what it held is there for the next call within seconds', system, async () => {
      const account = await openAccount(system());
      const price = (await sandboxPrices(system())).get('sandbox/echo');
      if (price === undefined) throw new Error('echo has no price');
      // What one call holds, and a little more than it will have used when it is left.
      const limit = price.output * BigInt(HELD_TOKENS + 50) + price.input * 200n;
      const { key } = await newKey(system(), { limit: Number(limit) / 1e12 });
      const body = { ...say('a long story'), max_tokens: HELD_TOKENS };
      const leaving = leaveAtChunk(5);
      const script = { outputTokens: HELD_TOKENS, tokenDelayMs: 40 };
      await account.stream('row-07-left', { ...body, sandbox: script }, { ...leaving.options, key });
      const tokens = HELD_TOKENS - 50;
      const next = { ...say('a short one'), max_tokens: tokens, sandbox: { outputTokens: 2 } };
      let tries = 0;
      await until('the next call is admitted', FREE_WITHIN_MS, async () =>
        (await account.complete(`row-07-next-${(tries += 1)}`, next, { key }))?.status === 200 ? true : undefined,
      );
      await account.audit();
    });
  });
};
