// One client, every dialect behind it: chat completions against each provider of the sandbox's, each of which speaks another dialect and is an independent witness of
// it. What comes back is the same whatever was spoken, and what it costs is what the sandbox would have billed.
import OpenAI from 'openai';
import type { RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream } from '../support/ask.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices, truth, type TruthCall } from '../support/truth.ts';
import { until } from '../support/wait.ts';

/** Dialects in which reasoning comes signed or sealed, so that the sandbox knows its own again. */
const SIGNING: ReadonlySet<string> = new Set(['anthropic-messages', 'openai-responses', 'gemini', 'bedrock-converse']);

/** Until a stream breaks in its middle and not before its beginning. */
const TRIES_MAX = 10;

const TEXT = 'A way station is where a traveller changes horses and rides on.';
const COMPLETION_TOKENS = Math.ceil(TEXT.length / 4);
const messages = [{ role: 'user' as const, content: TEXT }];
const tools = ['weather', 'news'].map((name) => ({
  type: 'function' as const,
  function: {
    name,
    description: `Tells the ${name}.`,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}));

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost: number;
}

type Detail = Readonly<Record<string, unknown>>;

/** Each string of a signature's members made wrong. */
const forged = (details: readonly Detail[]): Detail[] =>
  details.map((detail) => ({
    ...detail,
    ...(typeof detail['signature'] === 'string' ? { signature: `x${detail['signature']}` } : {}),
    ...(typeof detail['data'] === 'string' ? { data: `x${detail['data']}` } : {}),
  }));

export const upstreamDialects = (system: () => RunningSystem): void => {
  /** Providers of the sandbox's that are offered here, the first one too. */
  const speakers = async (): Promise<string[]> => {
    const { json } = await ask(system(), 'GET', '/api/v1/models', undefined, { key: null });
    const found = json.data.flatMap(({ id }: { id: string }) => /^(sandbox(?:-[a-z]+)?)\/echo$/.exec(id)?.[1] ?? []);
    expect(found).toEqual(expect.arrayContaining(['sandbox', 'sandbox-messages']));
    return found;
  };

  /** What the sandbox saw while something was asked, once all of it has ended. */
  const seenBy = async <Result>(asking: () => Promise<Result>): Promise<{ result: Result; calls: TruthCall[] }> => {
    const before = (await truth(system())).reduce((most, { sequence }) => Math.max(most, sequence), 0);
    const result = await asking();
    const calls = await until('the calls have ended', 5_000, async () => {
      const since = (await truth(system())).filter(({ sequence }) => sequence > before);
      return since.every(({ outcome }) => outcome !== 'running') ? since : undefined;
    });
    return { result, calls };
  };

  const expectTruth = async (usage: Usage, calls: readonly TruthCall[]): Promise<void> => {
    expect(calls).toHaveLength(1);
    const [call] = calls;
    const price = (await sandboxPrices(system())).get('sandbox/echo');
    if (call === undefined || price === undefined) throw new Error('no call, or no price');
    expect(usage).toMatchObject({ prompt_tokens: call.promptTokens, completion_tokens: call.completionTokens });
    expect(BigInt(Math.round(usage.cost * 1e12))).toBe(billOf(call, price));
  };

  describe('a chat completion by any dialect', () => {
    const client = (): OpenAI =>
      new OpenAI({ baseURL: `${system().url}/api/v1`, apiKey: system().apiKey, maxRetries: 0 });

    story('says the same as a body and as a stream, and costs what the provider would bill', system, async () => {
      for (const slug of await speakers()) {
        const model = `${slug}/echo`;
        const whole = await seenBy(() => complete(system(), say(TEXT, model)));
        expect([model, whole.result.status, whole.result.json.choices[0].message.content]).toEqual([model, 200, TEXT]);
        expect(whole.result.json.choices[0].finish_reason).toBe('stop');
        expect(whole.result.json.usage.completion_tokens).toBe(COMPLETION_TOKENS);
        await expectTruth(whole.result.json.usage, whole.calls);

        const streamed = await seenBy(() => stream(system(), say(TEXT, model)));
        expect(streamed.result).toMatchObject({ status: 200, content: TEXT, finishReason: 'stop', done: true });
        await expectTruth(streamed.result.usage as unknown as Usage, streamed.calls);
      }
    });

    story('calls tools with the openai SDK, several at once, and goes on with their results', system, async () => {
      for (const slug of await speakers()) {
        const model = `${slug}/parallel`;
        const { result: first, calls } = await seenBy(() =>
          client().chat.completions.create({ model, messages, tools }),
        );
        const choice = first.choices[0];
        expect([model, choice?.finish_reason]).toEqual([model, 'tool_calls']);
        await expectTruth(first.usage as unknown as Usage, calls);
        const made = (choice?.message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? [call] : []));
        expect(made.map((call) => call.function.name)).toEqual(['weather', 'news']);
        expect(new Set(made.map(({ id }) => id)).size).toBe(2);
        for (const call of made) expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) });

        const streamed = await client().chat.completions.stream({ model, messages, tools }).finalChatCompletion();
        expect(
          streamed.choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && call.function.arguments),
        ).toEqual(made.map((call) => call.function.arguments));

        const results = made.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '21 degrees' }));
        const second = await client().chat.completions.create({
          model,
          tools,
          messages: [...messages, choice?.message, ...results] as never,
        });
        expect([model, second.choices[0]?.finish_reason]).toEqual([model, 'stop']);
        expect(second.choices[0]?.message.content).toMatch(/\w/);
      }
    });

    story('takes reasoning back with its signature, and with no other', system, async () => {
      for (const slug of await speakers()) {
        const model = `${slug}/reason-tools`;
        const asked = { ...say(TEXT, model), tools, reasoning: { effort: 'low' } };
        const { result: first, calls } = await seenBy(() => complete(system(), asked));
        expect([model, first.status]).toEqual([model, 200]);
        await expectTruth(first.json.usage, calls);
        const { message } = first.json.choices[0];
        const dialect = calls[0]?.dialect ?? '';
        const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '21 degrees' };
        const back = (details: readonly Detail[]) =>
          complete(system(), {
            ...asked,
            messages: [...messages, { ...message, reasoning_details: details }, result],
          });
        const second = await back(message.reasoning_details ?? []);
        expect([model, second.status, second.json.choices?.[0]?.finish_reason]).toEqual([model, 200, 'stop']);
        if (!SIGNING.has(dialect)) continue;
        const wrong = await back(forged(message.reasoning_details));
        expect([model, wrong.status]).toEqual([model, 400]);
      }
    });

    story('falls back from a limit before anything was said, and tells of it where it must not', system, async () => {
      for (const slug of await speakers()) {
        const model = `${slug}/fail-429`;
        const other = await complete(system(), { ...say(TEXT, model), models: ['sandbox/echo-b'] });
        expect([model, other.status, other.json.model]).toEqual([model, 200, 'sandbox/echo-b']);
        const alone = await complete(system(), say(TEXT, model));
        expect([model, alone.status, alone.json.error.code]).toEqual([model, 429, 429]);
      }
    });

    story('ends in an error inside the stream where the provider breaks in the middle', system, async () => {
      for (const slug of await speakers()) {
        const model = `${slug}/die-after-30`;
        // It breaks as soon as it has begun. Where that is before the journal knew of the attempt, nothing was passed on, and the status tells: then it is asked again.
        for (let tries = 1; ; tries += 1) {
          const { result: end, calls } = await seenBy(() => stream(system(), say(TEXT, model)));
          expect(end.error).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
          expect(calls).toMatchObject([{ outcome: 'failed', completionTokens: 30 }]);
          if (end.status === 502 && end.content === '' && tries < TRIES_MAX) continue;
          expect([model, end.status, end.content.length]).toEqual([model, 200, 30 * 4]);
          break;
        }
      }
    });
  });
};
