// Row 9: the client leaves before the first byte, at any moment from the very first on. The upstream is closed, nothing is charged, what the provider bills all
// the same is waste, and what was held is free again.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { creditsUsed } from '../support/audit.ts';
import { asOperator } from '../support/operator.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices, truth } from '../support/truth.ts';
import { deadline, until } from '../support/wait.ts';

const CLIENTS = 24;
const CLOSED_WITHIN_MS = 1_000;
const SETTLED_WITHIN_MS = 20_000;
const BILLS_ANYWAY = 'sandbox/bills-after-cancel';
/** Long after every client has left. */
const SILENT_MS = 2_000;

export const row09 = (system: () => RunningSystem): void => {
  describe('row 9', () => {
    story('nothing is charged, and nothing stays held', system, async (random) => {
      const account = await openAccount(system());
      const usedBefore = await creditsUsed(system());
      const leftAt = new Map<string, number>();
      await Promise.all(
        Array.from({ length: CLIENTS }, async (_, index) => {
          const label = `row-09-${index}`;
          const leave = new AbortController();
          const model = index % 4 === 0 ? BILLS_ANYWAY : 'sandbox/echo';
          const silence = index % 2 === 0 ? { delayMs: SILENT_MS } : { headerDelayMs: SILENT_MS };
          const body = { ...say(label, model), sandbox: { outputTokens: 20, tokenDelayMs: 5, ...silence } };
          setTimeout(
            () => {
              leftAt.set(label, Date.now());
              leave.abort();
            },
            index < CLIENTS / 2 ? random.whole(0, 60) : random.whole(60, 600),
          );
          if (index % 3 === 0) await account.complete(label, body, { signal: leave.signal });
          else await account.stream(label, body, { signal: leave.signal });
        }),
      );
      expect(account.told.filter(({ whole, content }) => whole || content !== '')).toEqual([]);
      // Some left before the provider was called.
      const calls = await until('all calls have ended', SETTLED_WITHIN_MS, async () => {
        const all = await truth(system());
        return all.length > CLIENTS / 3 && all.every(({ outcome }) => outcome !== 'running') ? all : undefined;
      });
      for (const { label = '', model, outcome, endedAt = Infinity } of calls) {
        if (BILLS_ANYWAY.endsWith(model)) continue;
        expect({ label, outcome }).toEqual({ label, outcome: 'aborted' });
        expect(endedAt - (leftAt.get(label) ?? 0)).toBeLessThan(deadline(CLOSED_WITHIN_MS));
      }

      const { records } = await until('every call is recorded', SETTLED_WITHIN_MS, async () => {
        const found = await account.audit();
        return found.records.size >= calls.length ? found : undefined;
      });
      expect([...records.values()].filter(({ outcome }) => outcome !== 'cancelled')).toEqual([]);
      const charges = await asOperator(system(), async (operator) =>
        (await Promise.all([...records.keys()].map((id) => operator.charges(id)))).flat(),
      );
      expect(charges.filter(({ payer }) => payer !== 'waste')).toEqual([]);
      const price = (await sandboxPrices(system())).get(BILLS_ANYWAY);
      if (price === undefined) throw new Error(`${BILLS_ANYWAY} has no price`);
      const billed = calls.filter(({ outcome }) => outcome === 'completed');
      expect(charges.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(
        billed.reduce((sum, call) => sum + billOf(call, price), 0n),
      );
      expect(await creditsUsed(system())).toBe(usedBefore);
    });
  });
};
