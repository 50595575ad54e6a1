// What a user does first: the official SDK with only base URL and key changed, a curl line, and a look at models, key, credits and the generation.
import type { RunningSystem } from '@waystation/testing';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { ask, complete, say } from '../support/ask.ts';
import { creditsUsed } from '../support/audit.ts';
import { story } from '../support/story.ts';
import { truth } from '../support/truth.ts';
import { until } from '../support/wait.ts';

/** Two providers for one model, of which the operator's file tells: one that nobody listens at, and one that answers. A third speaks Responses. */
const configOf = (port: number): string => `
providers:
  - slug: dead
    dialect: openai-chat
    baseUrl: http://127.0.0.1:9/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: lab/twin, upstreamModel: twin, context: 128000, maxOutput: 4096, price: { input: "0.10", output: "0.10" } }]
  - slug: alive
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${port}/v1
    apiKey: sk-alive
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: lab/twin, upstreamModel: twin, context: 128000, maxOutput: 4096, price: { input: "0.30", output: "1.00" } }]
  - slug: replies
    dialect: openai-responses
    baseUrl: http://127.0.0.1:${port}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: lab/replies, upstreamModel: replies, context: 128000, maxOutput: 4096, price: { input: "1.00", output: "2.00" } }]
`;

/** What the lab answers to Responses: what it was asked for, sealed in a thought beside it. */
const respond = (asked: object): object => {
  const text = { type: 'output_text', text: JSON.stringify(asked), annotations: [] };
  return {
    id: 'resp_lab',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'replies',
    error: null,
    incomplete_details: null,
    output: [
      { id: 'rs_lab', type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      { id: 'msg_lab', type: 'message', role: 'assistant', status: 'completed', content: [text] },
    ],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  };
};

/** The provider that answers, and the operator's file that tells of it. */
export const startLab = async (): Promise<{ lab: FakeUpstream; config: string }> => {
  const lab = await fakeUpstream((request, reply) => {
    const asked = request.json() as { model: string; input?: unknown };
    if (asked.input !== undefined) return void reply.json(200, respond(asked));
    const { model } = asked;
    const message = { role: 'assistant', content: `${model} with ${request.headers.authorization}` };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    reply.json(200, { id: 'other-1', object: 'chat.completion', created: 1, model, choices, usage });
  });
  return { lab, config: configOf(lab.port) };
};

/** What curl prints; on a machine without it, the same request by other means. */
const curl = async (url: string, headers: readonly string[], body: string): Promise<string> => {
  try {
    const args = ['-sS', '-N', url, ...headers.flatMap((header) => ['-H', header]), '-d', body];
    return (await promisify(execFile)('curl', args)).stdout;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
    const pairs = headers.map((header) => header.split(': ') as [string, string]);
    return (await fetch(url, { method: 'POST', headers: pairs, body })).text();
  }
};

export const happy = (system: () => RunningSystem, lab: () => FakeUpstream): void => {
  describe('a user', () => {
    const client = (options: { apiKey?: string } = {}): OpenAI =>
      new OpenAI({ baseURL: `${system().url}/api/v1`, apiKey: options.apiKey ?? system().apiKey, maxRetries: 0 });

    type Cost = { cost: number; completion_tokens: number; prompt_tokens: number; total_tokens: number };
    const TEXT = 'A way station is where a traveller changes horses and rides on.';
    const messages = [{ role: 'user' as const, content: TEXT }];
    /** See apps/sandbox/README.md: four characters a token, four tokens a message; $0.15 and $0.60 per million. */
    const PROMPT_TOKENS = 4 + Math.ceil(TEXT.length / 4);
    const COMPLETION_TOKENS = Math.ceil(TEXT.length / 4);
    const COST = (PROMPT_TOKENS * 0.15 + COMPLETION_TOKENS * 0.6) / 1e6;

    describe('the openai SDK', () => {
      story('gets a completion with usage and cost', system, async () => {
        const { data, response } = await client()
          .chat.completions.create({ model: 'sandbox/echo', messages })
          .withResponse();
        expect(data.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant', content: TEXT } });
        expect(data.id).toMatch(/^gen-\d{10}-\w{20}$/);
        expect(response.headers.get('x-generation-id')).toBe(data.id);
        expect(data).toMatchObject({ object: 'chat.completion', model: 'sandbox/echo', provider: expect.any(String) });
        const usage = data.usage as unknown as Cost;
        expect(usage).toMatchObject({
          prompt_tokens: PROMPT_TOKENS,
          completion_tokens: COMPLETION_TOKENS,
          total_tokens: PROMPT_TOKENS + COMPLETION_TOKENS,
        });
        expect(usage.cost).toBeCloseTo(COST, 12);
      });

      story('gets a stream whose last chunk tells usage and cost', system, async () => {
        const chunks = [];
        for await (const chunk of await client().chat.completions.create({
          model: 'sandbox/echo',
          messages,
          stream: true,
        }))
          chunks.push(chunk);
        expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
        expect(new Set(chunks.map((chunk) => chunk.id))).toEqual(new Set([chunks[0]?.id]));
        expect(chunks[0]?.id).toMatch(/^gen-/);
        expect(chunks.filter((chunk) => chunk.usage)).toHaveLength(1);
        const last = chunks.at(-1);
        expect(last?.choices).toEqual([]);
        expect(last?.usage).toMatchObject({ prompt_tokens: PROMPT_TOKENS, completion_tokens: COMPLETION_TOKENS });
        expect((last?.usage as unknown as Cost).cost).toBeCloseTo(COST, 12);
      });

      story('calls tools, with and without a stream, and goes on with their results', system, async () => {
        const tools = [
          {
            type: 'function' as const,
            function: {
              name: 'weather',
              parameters: {
                type: 'object',
                properties: { city: { type: 'string' }, days: { type: 'integer' } },
                required: ['city'],
              },
            },
          },
        ];
        const first = await client().chat.completions.create({ model: 'sandbox/tools', messages, tools });
        const call = first.choices[0]?.message.tool_calls?.[0];
        expect(first.choices[0]?.finish_reason).toBe('tool_calls');
        if (call?.type !== 'function') throw new Error('no function call');
        expect(call.function.name).toBe('weather');
        expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String), days: expect.any(Number) });

        const streamed = await client()
          .chat.completions.stream({ model: 'sandbox/tools', messages, tools })
          .finalChatCompletion();
        expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
          function: { name: 'weather', arguments: call.function.arguments },
        });

        const result = { role: 'tool' as const, tool_call_id: call.id, content: '21 degrees' };
        const second = await client().chat.completions.create({
          model: 'sandbox/tools',
          tools,
          messages: [...messages, first.choices[0]?.message, result] as never,
        });
        expect(second.choices[0]).toMatchObject({
          finish_reason: 'stop',
          message: { content: expect.stringMatching(/\w/) },
        });
      });

      story('gets its own error classes', system, async () => {
        const failing = (model: string, more: Record<string, unknown> = {}) =>
          client()
            .chat.completions.create({ model, messages, ...more })
            .then(
              () => undefined,
              (error: unknown) => error,
            );
        expect(
          await client({ apiKey: 'sk-way-v1-wrong' })
            .chat.completions.create({ model: 'sandbox/echo', messages })
            .catch((error: unknown) => error),
        ).toBeInstanceOf(OpenAI.AuthenticationError);
        expect(await failing('sandbox/unheard-of')).toBeInstanceOf(OpenAI.BadRequestError);
        expect(await failing('sandbox/echo', { messages: 'hello' })).toBeInstanceOf(OpenAI.BadRequestError);
        expect(await failing('sandbox/fail-429')).toBeInstanceOf(OpenAI.RateLimitError);
        expect(await failing('sandbox/echo', { provider: { only: ['unheard-of'] } })).toBeInstanceOf(
          OpenAI.NotFoundError,
        );
        expect(await failing('sandbox/fail-500')).toBeInstanceOf(OpenAI.InternalServerError);
        expect(await failing('sandbox/error-first', { stream: true })).toBeInstanceOf(OpenAI.APIError);
      });

      story('throws in the middle of a stream that breaks, after what was delivered', system, async () => {
        let text = '';
        const reading = (async () => {
          for await (const chunk of await client().chat.completions.create({
            ...{ model: 'sandbox/die-after-30', messages, stream: true as const },
            ...{ sandbox: { tokenDelayMs: 5 } },
          })) {
            text += chunk.choices[0]?.delta.content ?? '';
          }
        })();
        await expect(reading).rejects.toThrow(OpenAI.APIError);
        expect(text).toHaveLength(30 * 4);
      });

      story('leaves a stream, and the provider is told within a second', system, async () => {
        const request = {
          model: 'sandbox/echo',
          messages,
          stream: true as const,
          sandbox: { label: 'left', outputTokens: 500, tokenDelayMs: 20 },
        };
        const leave = new AbortController();
        let id = '';
        await expect(
          (async () => {
            for await (const chunk of await client().chat.completions.create(request, { signal: leave.signal })) {
              id = chunk.id;
              if (chunk.choices[0]?.delta.content) leave.abort();
            }
            throw new OpenAI.APIUserAbortError();
          })(),
        ).rejects.toThrow(OpenAI.APIUserAbortError);
        const call = await until('the provider saw the client leave', 2_000, async () =>
          (await truth(system())).find(({ label, outcome }) => label === 'left' && outcome === 'aborted'),
        );
        expect(call.abortedAtToken).toBeLessThan(100);
        const record = await until('the generation is recorded', 10_000, async () => {
          const { status, json } = await ask(system(), 'GET', `/api/v1/generation?id=${id}`);
          return status === 200 ? json.data : undefined;
        });
        expect(record).toMatchObject({ cancelled: true, streamed: true });
      });
    });

    describe('routing', () => {
      story('falls back to the next model of the list before anything was said', system, async () => {
        const { status, json } = await complete(system(), {
          ...say(TEXT, 'sandbox/fail-500'),
          models: ['sandbox/error-first', 'sandbox/echo'],
        });
        expect([status, json.model, json.choices[0].message.content]).toEqual([200, 'sandbox/echo', TEXT]);
      });

      story('falls back to the next provider, in the order asked for, unless told not to', system, async () => {
        const twin = (provider: Record<string, unknown>) =>
          complete(system(), { ...say('hello', 'lab/twin'), provider });
        expect((await twin({ order: ['dead', 'alive'] })).json.choices[0].message.content).toBe(
          'twin with Bearer sk-alive',
        );
        expect((await twin({ order: ['dead'], allow_fallbacks: false })).status).toBe(502);
        expect((await twin({ only: ['alive'] })).json).toMatchObject({
          model: 'lab/twin',
          usage: { prompt_tokens: 10, cost: 0.000008 },
        });
        expect((await twin({ ignore: ['alive', 'dead'] })).status).toBe(404);
        const before = lab().requests.length;
        expect((await complete(system(), say('hello', 'lab/twin'))).status).toBe(200);
        expect(lab().requests).toHaveLength(before + 1);
      });
    });

    describe('the API', () => {
      story('answers the curl line', system, async () => {
        const body = JSON.stringify({ model: 'sandbox/echo', stream: true, messages });
        const headers = [`Authorization: Bearer ${system().apiKey}`, 'Content-Type: application/json'];
        for (const path of ['/api/v1', '/v1']) {
          const said = await curl(`${system().url}${path}/chat/completions`, headers, body);
          expect(said).toContain('"content":"A wa"');
          expect(said.trimEnd().endsWith('data: [DONE]')).toBe(true);
        }
      });

      story('lists models with prices per token, to anybody', system, async () => {
        const { status, json } = await ask(system(), 'GET', '/api/v1/models', undefined, { key: null });
        expect(status).toBe(200);
        const echo = json.data.find((model: { id: string }) => model.id === 'sandbox/echo');
        expect(echo).toMatchObject({
          pricing: { prompt: '0.00000015', completion: '0.0000006' },
          context_length: 1_000_000,
          architecture: { input_modalities: expect.arrayContaining(['text']) },
        });
        expect(json.data.map((model: { id: string }) => model.id)).toEqual(
          expect.arrayContaining(['sandbox/tools', 'lab/twin']),
        );
      });

      story('tells a key about itself, and credits to management keys only', system, async () => {
        const key = await ask(system(), 'GET', '/api/v1/key');
        expect(key.json.data).toMatchObject({
          label: expect.stringMatching(/^sk-way-v1-/),
          is_management_key: false,
          usage: expect.any(Number),
          limit: null,
        });
        const credits = await ask(system(), 'GET', '/api/v1/credits', undefined, { key: system().managementKey });
        expect(credits.json.data).toEqual({ total_credits: expect.any(Number), total_usage: expect.any(Number) });
        expect((await ask(system(), 'GET', '/api/v1/credits')).status).toBe(403);
        expect((await complete(system(), say('hello'), { key: system().managementKey })).status).toBe(403);
      });

      story('shows a generation with its tokens and its cost, and books that cost', system, async () => {
        const before = await until('usage stands still', 10_000, async () => {
          const used = await creditsUsed(system());
          await new Promise((resolve) => setTimeout(resolve, 500));
          return used === (await creditsUsed(system())) ? used : undefined;
        });
        const { json } = await complete(system(), say(TEXT, 'sandbox/reason'));
        const { data } = await until('the generation is recorded', 10_000, async () => {
          const answer = await ask(system(), 'GET', `/api/v1/generation?id=${json.id}`);
          return answer.status === 200 ? answer.json : undefined;
        });
        expect(data).toMatchObject({
          id: json.id,
          model: 'sandbox/reason',
          streamed: false,
          cancelled: false,
          finish_reason: 'stop',
          native_tokens_prompt: PROMPT_TOKENS,
          native_tokens_completion: 24 + 32,
          native_tokens_reasoning: 24,
          upstream_id: expect.stringMatching(/^chatcmpl-sandbox-/),
        });
        expect(data.total_cost).toBe(json.usage.cost);
        const booked = await until('it is booked', 10_000, async () => {
          const used = await creditsUsed(system());
          return used > before ? used - before : undefined;
        });
        expect(booked).toBe(BigInt(Math.round(json.usage.cost * 1e12)));
        expect((await ask(system(), 'GET', '/api/v1/generation?id=gen-1700000000-00000000000000000000')).status).toBe(
          404,
        );
      });
    });
  });
};
