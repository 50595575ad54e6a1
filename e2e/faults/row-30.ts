// Row 30: a provider dies after 30 tokens, says nothing more, or ends without a finish. An error in the stream, what was delivered is charged, and nobody else is asked although
// the plan has another. Such streams never end as if they were whole.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { say } from '../support/ask.ts';
import { story } from '../support/story.ts';
import { sandboxPrices } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const TEXT = 'tell me a story';
/** Says the text again. */
const ANOTHER = 'sandbox/echo-b';
const ASKED_WITHIN_MS = 30_000;
/** How each breaks, with the tokens that were said until then. */
const FAULTS = [
  { name: 'dies', model: 'sandbox/die-after-30', tokens: 30, code: 502 },
  { name: 'says nothing more', model: 'sandbox/stall-after-30', tokens: 30, code: 504 },
  { name: 'ends without a finish', model: 'sandbox/no-finish', tokens: 32, code: 502 },
] as const;

export const row30 = (system: () => RunningSystem): void => {
  describe('row 30', () => {
    story(
      'a stream that breaks is an error, charged for what was delivered and continued by nobody',
      system,
      async () => {
        const account = await openAccount(system());
        const prices = await sandboxPrices(system());
        const labels = new Map<string, string>();
        for (const { name, model, tokens, code } of FAULTS) {
          const body = { ...say(TEXT, model), models: [model, ANOTHER], max_tokens: 200 };
          const end = await until(`${model} is asked`, ASKED_WITHIN_MS, async () => {
            const label = `row-30-${name}-${account.told.length}`;
            const asked = await account.stream(label, body);
            // Where no worker took it in time the other was asked before anything was said, as it should be: that tells nothing here.
            if (asked.content === TEXT) return undefined;
            labels.set(name, label);
            return asked;
          });
          expect({ ...end, name, content: Math.ceil(end.content.length / 4) }).toMatchObject({
            ...{ name, status: 200, content: tokens, finishReason: 'error', done: false, broken: false },
            error: { code },
          });
        }
        const { charges } = await account.audit();
        for (const { name, model, tokens } of FAULTS) {
          const label = labels.get(name) ?? '';
          const calls = await account.callsOf(label);
          expect(calls.map((call) => [`sandbox/${call.model.replace('sandbox/', '')}`, call.completionTokens])).toEqual(
            [[model, tokens]],
          );
          const { generationId } = account.told.find((told) => told.label === label) ?? {};
          const price = prices.get(model);
          const booked = charges.get(generationId ?? '') ?? [];
          expect(booked).toEqual([expect.objectContaining({ payer: 'credits', policyRow: 'failed-after-output' })]);
          for (const { amount, usage } of booked) {
            const cost = (count = 0, perToken = 0n): bigint => BigInt(count) * perToken;
            const due = cost(usage['input'], price?.input) + cost(usage['output'], price?.output);
            expect({ name, amount }).toEqual({ name, amount: String(due) });
            expect(usage['output']).toBeGreaterThanOrEqual(tokens);
          }
        }
      },
    );
  });
};
