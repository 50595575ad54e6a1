// Row 18: fallback to a dearer endpoint, when the first attempt was billed and is of no use. The hold covers the dearest of the plan, the customer pays the one
// that served, and the other is ours to bear.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { complete, say } from '../support/ask.ts';
import { newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';

/** Answers in order, without a token, and bills the prompt. */
const USELESS = 'sandbox/empty';
const DEARER = 'sandbox/echo-b';
const BODY = { max_tokens: 100, models: [USELESS, DEARER] };

export const row18 = (system: () => RunningSystem): void => {
  describe('row 18', () => {
    story('the customer pays what served, and the useless attempt is waste', system, async () => {
      const account = await openAccount(system());
      const prices = await sandboxPrices(system());
      const text = 'a long question, '.repeat(20);
      const body = { ...say(text, USELESS), ...BODY };
      const labels = ['row-18-body', 'row-18-stream'];
      await account.complete('row-18-body', body);
      await account.stream('row-18-stream', body);
      expect(account.told).toMatchObject(labels.map((label) => ({ label, whole: true, content: text })));

      const { charges } = await account.audit();
      for (const { label, generationId } of account.told) {
        const calls = await account.callsOf(label);
        const bills = [USELESS, DEARER].map((model) => {
          const call = calls.find((each) => each.model === model);
          const price = prices.get(model);
          if (call === undefined || price === undefined) throw new Error(`${model} was not called`);
          return billOf(call, price);
        });
        expect({ label, calls: calls.length, charges: charges.get(generationId ?? '') }).toEqual({
          label,
          calls: 2,
          charges: [
            expect.objectContaining({ payer: 'waste', policyRow: 'empty', amount: String(bills[0]) }),
            expect.objectContaining({ payer: 'credits', policyRow: 'completed', amount: String(bills[1]) }),
          ],
        });
      }
    });

    story('the hold is that of the dearest endpoint of the plan', system, async () => {
      const { key } = await newKey(system(), { limit: 0.000001 });
      // The prompt is bounded by the size of the body: that is the same for all.
      const asked = async (models: readonly string[]): Promise<string> => {
        const question = 'what would it cost?'.padEnd(100 - JSON.stringify(models).length);
        const { status, json } = await complete(system(), { ...say(question), ...BODY, models }, { key });
        expect({ status, scope: json?.error?.metadata?.quota?.scope }).toEqual({ status: 402, scope: 'key' });
        return json.error.metadata.quota.asked as string;
      };
      const cheap = await asked([USELESS]);
      const dear = await asked([DEARER]);
      expect(await asked([USELESS, DEARER])).toBe(dear);
      expect(await asked([DEARER, USELESS])).toBe(dear);
      expect(Number(dear)).toBeGreaterThan(Number(cheap));
    });
  });
};
