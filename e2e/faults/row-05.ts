// Row 5: usage that is missing, late, behind the finish reason, a placeholder, or of the prompt alone. Where the provider tells it, it is what is charged; where not, an estimate is,
// marked as one, and never nothing because of a missing chunk.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { ask, say } from '../support/ask.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';

const TOLD = ['sandbox/echo', 'sandbox/late-usage'] as const;
const UNTOLD = ['sandbox/no-usage', 'sandbox/usage-placeholder', 'sandbox/usage-prompt-only'] as const;
const TEXT = 'way station, '.repeat(30);

export const row05 = (system: () => RunningSystem): void => {
  describe('row 5', () => {
    story('without a usage an estimate is charged and marked, with a late one the usage', system, async () => {
      const account = await openAccount(system());
      const prices = await sandboxPrices(system());
      for (const model of [...TOLD, ...UNTOLD]) {
        const body = { ...say(TEXT, model), sandbox: { outputTokens: 40 } };
        await account.stream(`row-05-stream-${model}`, body);
        await account.complete(`row-05-body-${model}`, body);
      }
      expect(account.told.filter(({ whole }) => !whole)).toEqual([]);

      const { charges } = await account.audit();
      for (const { label, generationId } of account.told) {
        const [call] = await account.callsOf(label);
        const price = prices.get(call?.model ?? '');
        if (call === undefined || price === undefined) throw new Error(`no call or no price: ${label}`);
        const source = UNTOLD.some((model) => label.endsWith(model)) ? 'estimated' : 'provider';
        // What the sandbox counts is what a careful estimate comes to: four characters a token, so many around each message.
        expect({ label, charges: charges.get(generationId ?? '') }).toMatchObject({
          label,
          charges: [{ payer: 'credits', usageSource: source, amount: billOf(call, price).toString() }],
        });
        const { json } = await ask(system(), 'GET', `/api/v1/generation?id=${generationId}`);
        expect({ label, source: json.data.usage_source }).toEqual({ label, source });
      }
    });
  });
};
