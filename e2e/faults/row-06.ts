// Row 6: usage that cannot be: negative, no number, 10¹², more cached than there is prompt. What is charged lies between nothing and the hold and is marked; a
// credit it never is, and what the provider counts beyond the hold is not the customer's.
import type { FakeUpstream, RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { ask, complete, say, stream } from '../support/ask.ts';
import { creditsUsed } from '../support/audit.ts';
import { asOperator } from '../support/operator.ts';
import { answerDime, MODEL, OUTPUT_TOKENS } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

const MODELS = ['sandbox/usage-negative', 'sandbox/usage-huge', 'sandbox/usage-cached-over-prompt'] as const;
const MAX_TOKENS = 50;
/** At the sandbox's price of $0.60 a million. */
const OUTPUT_PICODOLLARS = 600_000n;
/** At the lab's price of $1000 a million. */
const LAB_OUTPUT_PICODOLLARS = 1_000_000_000n;
const SETTLED_WITHIN_MS = 15_000;

/** JSON text of a usage, or of what a provider may write by mistake. */
const ABSURD = [
  '{"prompt_tokens":10,"completion_tokens":NaN}',
  '{"prompt_tokens":"ten","completion_tokens":"many"}',
  '{"prompt_tokens":10,"completion_tokens":1e400}',
  '{"prompt_tokens":10,"completion_tokens":-1e400}',
  '{"prompt_tokens":10,"completion_tokens":0.5}',
  '{"prompt_tokens":-9007199254740993,"completion_tokens":9007199254740993}',
  '{"prompt_tokens":10,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":-10},"completion_tokens_details":{"reasoning_tokens":-5}}',
  '[1000000]',
] as const;

export const row06 = (system: () => RunningSystem, lab: () => FakeUpstream): void => {
  describe('row 6', () => {
    story('absurd counts of the sandbox are clamped and flagged', system, async () => {
      const account = await openAccount(system());
      for (const model of MODELS) {
        const body = { ...say('a question of some length', model), max_tokens: MAX_TOKENS };
        await account.stream(`row-06-stream-${model}`, body);
        await account.complete(`row-06-body-${model}`, body);
      }
      for (const { label, whole } of [...account.told]) {
        expect({ label, whole }).toEqual({ label, whole: true });
        account.mark(label, { misreported: true });
      }
      const { charges } = await account.audit();
      for (const { label, generationId } of account.told) {
        const [charge, ...more] = (charges.get(generationId ?? '') ?? []).filter(({ payer }) => payer === 'credits');
        expect({ label, charge, more }).toMatchObject({ label, charge: { usageSource: 'clamped' }, more: [] });
        const amount = BigInt(charge?.amount ?? '-1');
        expect({ label, amount, isCredit: amount < 0n }).toEqual({ label, amount, isCredit: false });
        // The hold: a byte is at most a token of the prompt, and the cap is sent upstream.
        expect(amount).toBeLessThanOrEqual((BigInt(MAX_TOKENS) + 500n) * OUTPUT_PICODOLLARS);
        const { json } = await ask(system(), 'GET', `/api/v1/generation?id=${generationId}`);
        expect({ label, source: json.data.usage_source }).toEqual({ label, source: 'clamped' });
      }
    });

    story('what is no number costs no more than the hold, and never less than nothing', system, async () => {
      const before = await creditsUsed(system());
      const dime = { ...say('a dime, please', MODEL), max_tokens: OUTPUT_TOKENS };
      let used = before;
      try {
        for (const usage of ABSURD) {
          for (const streamed of [true, false]) {
            lab().script((_request, { raw }) => {
              raw.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' });
              const head = '"id":"absurd-1","created":1,"model":"dime"';
              const choice = (body: string, finish: string): string => `{"index":0,${body},"finish_reason":${finish}}`;
              if (!streamed) {
                const message = choice('"message":{"role":"assistant","content":"a dime"}', '"stop"');
                raw.end(`{${head},"object":"chat.completion","choices":[${message}],"usage":${usage}}`);
                return;
              }
              const chunk = (rest: string): string => `data: {${head},"object":"chat.completion.chunk",${rest}}\n\n`;
              raw.write(chunk(`"choices":[${choice('"delta":{"role":"assistant","content":"a dime"}', 'null')}]`));
              raw.write(chunk(`"choices":[${choice('"delta":{}', '"stop"')}]`));
              raw.end(`${chunk(`"choices":[],"usage":${usage}`)}data: [DONE]\n\n`);
            });
            const answer = streamed ? await stream(system(), dime) : await complete(system(), dime);
            const id =
              'generationId' in answer ? answer.generationId : (answer.headers.get('x-generation-id') ?? undefined);
            if (id === undefined) throw new Error(`no generation: ${answer.text}`);
            const charges = await asOperator(system(), (operator) =>
              until(`${usage} is settled`, SETTLED_WITHIN_MS, async () => {
                const its = await operator.charges(id);
                return its.length > 0 ? its : undefined;
              }),
            );
            const paid = charges
              .filter(({ payer }) => payer === 'credits')
              .reduce((sum, { amount }) => sum + BigInt(amount), 0n);
            expect({ usage, streamed, negative: charges.filter(({ amount }) => BigInt(amount) < 0n) }).toEqual({
              ...{ usage, streamed },
              negative: [],
            });
            expect(paid).toBeLessThanOrEqual(BigInt(OUTPUT_TOKENS) * LAB_OUTPUT_PICODOLLARS);
            // Not told in a way that can be believed.
            for (const { usageSource } of charges)
              expect({ usage, streamed, usageSource }).toEqual({
                ...{ usage, streamed },
                usageSource: expect.stringMatching(/^(clamped|estimated)$/),
              });
            used += paid;
          }
        }
        expect(await creditsUsed(system())).toBe(used);
      } finally {
        lab().script(answerDime);
      }
    });
  });
};
