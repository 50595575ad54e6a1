// Row 4: no max_tokens, and hardly any credit, or a small limit of tokens. Admitted with a small hold; the stream is extended as it runs, and ended with finish reason `length` and a
// clear reason when the credit runs out. What is charged is what the provider billed, give or take one chunk.
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream, type StreamEnd } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { asOperator } from '../support/operator.ts';
import { newKey, setLimit } from '../support/priced-lab.ts';
import { story, storyOfSplit } from '../support/story.ts';
import { billOf, forgetTruth, sandboxPrices, truth, type TruthCall } from '../support/truth.ts';
import { warmUp } from '../support/use-system.ts';
import { deadline, until } from '../support/wait.ts';

const MODEL = 'sandbox/echo';
/** Output tokens that a hold begins with; a byte of output counts as one of them, and the sandbox's token has four. */
const FIRST_SLICE = 512;
const BYTES_PER_TOKEN = 4;
/** Of the prompt here, by its bytes. */
const PROMPT_TOKENS_MAX = 250;
const SETTLED_WITHIN_MS = 20_000;
/** A lease ends a minute after its last renewal at most, and is swept half a minute later. */
const LEASE_LIFE_MS = 90_000;

interface LastChoice {
  readonly finish_reason?: string;
  readonly native_finish_reason?: string;
  readonly error?: { readonly code: number; readonly message: string; readonly metadata: Record<string, unknown> };
}

const lastChoiceOf = ({ text }: StreamEnd): LastChoice =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => (JSON.parse(line.slice(6)) as { choices: LastChoice[] }).choices[0])
    .findLast((choice) => choice?.finish_reason) ?? {};

export const row04 = (system: () => RunningSystem): void => {
  describe('row 4', () => {
    /** A key that may spend what so many output tokens cost, and its prompt. */
    const keyFor = async (outputTokens: number): Promise<string> => {
      const price = (await sandboxPrices(system())).get(MODEL);
      if (price === undefined) throw new Error(`no price of ${MODEL}`);
      const limit = price.output * BigInt(outputTokens) + price.input * 200n;
      const { status, json } = await ask(
        system(),
        'POST',
        '/api/v1/keys',
        { name: 'row 4', limit: Number(limit) / 1e12 },
        { key: system().managementKey },
      );
      expect(status).toBe(201);
      await until('the key is known', 5_000, async () =>
        (await ask(system(), 'GET', '/api/v1/key', undefined, { key: json.key })).status === 200 ? true : undefined,
      );
      return json.key as string;
    };
    const run = async (label: string, key: string, outputTokens: number): Promise<StreamEnd> =>
      stream(system(), { ...say('tell me', MODEL), sandbox: { label, outputTokens, tokenDelayMs: 20 } }, { key });
    const told = (label: string, end: StreamEnd, whole: boolean): Told => ({
      label,
      generationId: end.generationId,
      content: end.content,
      whole,
    });
    const callOf = async (label: string): Promise<TruthCall> => {
      const calls = (await truth(system())).filter((call) => call.label === label);
      expect(calls).toHaveLength(1);
      return calls[0] as TruthCall;
    };

    story(
      'a stream that outlives its key’s credit is extended, and ends with length and the reason',
      system,
      async () => {
        const key = await keyFor(2 * FIRST_SLICE);
        const before = await baseline(system());
        await forgetTruth(system());
        const end = await run('row-4-cut', key, 5_000);

        const choice = lastChoiceOf(end);
        expect({ status: end.status, error: end.error, broken: end.broken, done: end.done }).toEqual({
          status: 200,
          error: undefined,
          broken: false,
          done: true,
        });
        expect(choice).toMatchObject({
          finish_reason: 'length',
          native_finish_reason: 'credit_exhausted',
          error: { code: 402, metadata: { waystation_code: 'limit_exceeded', quota: { scope: 'key' } } },
        });
        expect(choice.error?.message).toMatch(/limit of this key/);
        expect(end.text).not.toContain('x-waystation-output-cap');
        // More than the first slice, and no more than the credit.
        const bytes = Buffer.byteLength(end.content);
        expect([bytes > FIRST_SLICE, bytes <= 2 * FIRST_SLICE + BYTES_PER_TOKEN]).toEqual([true, true]);

        const { records, charges } = await audit(system(), [told('row-4-cut', end, false)], before);
        const call = await callOf('row-4-cut');
        const price = (await sandboxPrices(system())).get(MODEL);
        if (price === undefined) throw new Error(`no price of ${MODEL}`);
        const [charge] = charges.get(end.generationId ?? '') ?? [];
        const charged = BigInt(charge?.amount ?? 0);
        // What was under way when it was cancelled is the provider's, too.
        const chunks = (billOf(call, price) - charged) / price.output;
        expect({ call, charge, chunks, agree: Math.abs(Number(chunks)) <= deadline(1) }).toEqual({
          call,
          charge,
          chunks,
          agree: true,
        });
        expect(BigInt(Math.round(Number(end.usage?.['cost']) * 1e12))).toBe(charged);
        expect(records.get(end.generationId ?? '')).toMatchObject({
          outcome: 'completed',
          finishReason: 'length',
          nativeFinishReason: 'credit_exhausted',
          warnings: expect.arrayContaining([
            expect.objectContaining({ code: 'clamped', message: choice.error?.message }),
          ]),
        });
      },
    );

    story(
      'a stream under a small limit of tokens is extended in them, and ends with length and the reason',
      system,
      async () => {
        const { key, hash } = await newKey(system());
        const limit = 2 * FIRST_SLICE + PROMPT_TOKENS_MAX;
        const named = { scope: 'key', scope_id: hash, metric: 'tokens', window: 'lifetime', limit };
        const remove = await setLimit(system(), named, key);
        try {
          const before = await baseline(system());
          await forgetTruth(system());
          const end = await run('row-4-tokens', key, 5_000);
          const choice = lastChoiceOf(end);
          expect([end.status, end.done, end.error]).toEqual([200, true, undefined]);
          expect(choice).toMatchObject({
            finish_reason: 'length',
            native_finish_reason: 'credit_exhausted',
            error: {
              code: 429,
              metadata: { waystation_code: 'rate_limited', quota: { scope: 'key', metric: 'tokens' } },
            },
          });
          expect(choice.error?.message).toMatch(
            /more tokens than are held for it, and of the lifetime limit of this key/,
          );
          const bytes = Buffer.byteLength(end.content);
          expect([bytes > FIRST_SLICE, bytes <= limit]).toEqual([true, true]);
          await audit(system(), [told('row-4-tokens', end, false)], before);
          // What is counted is what was used, and not the bytes that were held for it: room is left for a call that names its cap.
          const rest = { ...say('tell me', MODEL), max_tokens: FIRST_SLICE, sandbox: { outputTokens: 1 } };
          const { status } = await complete(system(), rest, { key });
          expect(status).toBe(200);
        } finally {
          await remove();
        }
      },
    );

    story('a stream that the credit suffices for is extended to its own end', system, async () => {
      const key = await keyFor(4 * FIRST_SLICE);
      const before = await baseline(system());
      await forgetTruth(system());
      const end = await run('row-4-whole', key, 200);
      expect([end.content.length, end.finishReason, end.done]).toEqual([200 * BYTES_PER_TOKEN, 'stop', true]);
      await audit(system(), [told('row-4-whole', end, true)], before);
    });

    story('a stream that outgrows its hold while billing is away ends with length, and in time', system, async () => {
      const key = await keyFor(20 * FIRST_SLICE);
      const before = await baseline(system());
      await forgetTruth(system());
      const billing = system().shape === 'split' ? 'billing' : 'back-office';
      let killed: Promise<void> | undefined;
      const body = {
        ...say('tell me', MODEL),
        sandbox: { label: 'row-4-away', outputTokens: 2_000, tokenDelayMs: 20 },
      };
      const end = await stream(system(), body, {
        key,
        onText: (text) => {
          if (text.includes('"content"')) killed ??= system().kill(billing);
        },
      });
      await killed;
      const choice = lastChoiceOf(end);
      expect([end.done, end.error, choice.finish_reason, choice.native_finish_reason]).toEqual([
        true,
        undefined,
        'length',
        'credit_exhausted',
      ]);
      expect([choice.error?.metadata['waystation_code'], Buffer.byteLength(end.content) < 2 * FIRST_SLICE]).toEqual([
        'no_responder',
        true,
      ]);
      await system().restartService(billing);
      await warmUp(system());
      await audit(system(), [told('row-4-away', end, false)], before);
    });

    storyOfSplit(
      'a stream whose ingress dies is charged up to what was held by then, not what was held first',
      system,
      async () => {
        const key = await keyFor(200 * FIRST_SLICE);
        const price = (await sandboxPrices(system())).get(MODEL);
        if (price === undefined) throw new Error(`no price of ${MODEL}`);
        await baseline(system());
        await forgetTruth(system());
        let killed: Promise<void> | undefined;
        const label = 'row-4-orphan';
        const body = { ...say('tell me', MODEL), sandbox: { label, outputTokens: 20_000, tokenDelayMs: 3 } };
        const end = await stream(system(), body, {
          key,
          onText: (text) => {
            // Every chunk has more than a hundred bytes around its token.
            if (text.length > 2 * FIRST_SLICE * 100) killed ??= system().kill('ingress');
          },
        });
        await killed;
        expect(end.broken).toBe(true);
        await system().restartService('ingress');
        await warmUp(system());
        const charges = await asOperator(system(), (operator) =>
          until('the worker’s word was enough', SETTLED_WITHIN_MS, async () => {
            const its = await operator.charges(end.generationId ?? '');
            return its.length > 0 ? its : undefined;
          }),
        );
        const call = await callOf(label);
        const [charge] = charges;
        const charged = BigInt(charge?.amount ?? 0);
        expect({ charge, call, moreThanTheSlice: charged > BigInt(FIRST_SLICE + 200) * price.output }).toEqual({
          charge,
          call,
          moreThanTheSlice: true,
        });
        expect({ charge, call, within: charged <= billOf(call, price) }).toEqual({ charge, call, within: true });
        await invariants(system(), {
          withinMs: SETTLED_WITHIN_MS + LEASE_LIFE_MS * system().timeScale,
          withoutLeases: true,
        });
      },
    );

    story(
      'several small streams run at once on credit that would not cover one at the default cap',
      system,
      async () => {
        const streams = 5;
        const key = await keyFor(streams * (FIRST_SLICE + 300));
        const before = await baseline(system());
        await forgetTruth(system());
        const labels = Array.from({ length: streams }, (_, index) => `row-4-many-${index}`);
        const ends = await Promise.all(labels.map((label) => run(label, key, 50)));
        expect(ends.map(({ status, content, finishReason }) => [status, content.length, finishReason])).toEqual(
          labels.map(() => [200, 50 * BYTES_PER_TOKEN, 'stop']),
        );
        await audit(
          system(),
          ends.map((end, index) => told(labels[index] ?? '', end, true)),
          before,
        );
      },
    );
  });
};
