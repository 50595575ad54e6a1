// Clients of the other dialects against models that speak another: every answer translated by a worker, with its exact cost where the dialect has a place for it.
import type { RunningSystem } from '@waystation/testing';
import OpenAI from 'openai';
import { story } from '../support/story.ts';

const TEXT = 'A way station is where a traveller changes horses and rides on.';
/** See apps/sandbox/README.md: four characters a token, four tokens a message; $0.15 and $0.60 per million. */
const PROMPT_TOKENS = 4 + Math.ceil(TEXT.length / 4);
const COMPLETION_TOKENS = Math.ceil(TEXT.length / 4);
const COST = (PROMPT_TOKENS * 0.15 + COMPLETION_TOKENS * 0.6) / 1e6;

const TOOL = {
  type: 'function' as const,
  name: 'weather',
  strict: false,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city'],
  },
};

const costOf = (usage: unknown): number => (usage as { cost: number }).cost;

export const dialects = (system: () => RunningSystem): void => {
  describe('a client of another dialect', () => {
    const client = (): OpenAI =>
      new OpenAI({ baseURL: `${system().url}/api/v1`, apiKey: system().apiKey, maxRetries: 0 });
    const post = (path: string, body: object): Promise<Response> =>
      fetch(`${system().url}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'x-api-key': system().apiKey, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });

    describe('Responses', () => {
      story('gets an answer with usage and cost', system, async () => {
        const response = await client().responses.create({ model: 'sandbox/echo', input: TEXT });
        expect(response).toMatchObject({ object: 'response', status: 'completed', output_text: TEXT });
        expect(response.id).toMatch(/^gen-\d{10}-\w{20}$/);
        expect(response.usage).toMatchObject({ input_tokens: PROMPT_TOKENS, output_tokens: COMPLETION_TOKENS });
        expect(costOf(response.usage)).toBeCloseTo(COST, 12);
      });

      story('gets a stream that the SDK puts together, with usage and cost in its last event', system, async () => {
        const stream = client().responses.stream({ model: 'sandbox/echo', input: TEXT });
        let said = '';
        stream.on('response.output_text.delta', ({ delta }) => void (said += delta));
        const response = await stream.finalResponse();
        expect([said, response.output_text, response.status]).toEqual([TEXT, TEXT, 'completed']);
        expect(response.usage).toMatchObject({ input_tokens: PROMPT_TOKENS, output_tokens: COMPLETION_TOKENS });
        expect(costOf(response.usage)).toBeCloseTo(COST, 12);
      });

      story('calls tools, with and without a stream, and goes on with their results', system, async () => {
        const asked = { model: 'sandbox/tools', input: TEXT, tools: [TOOL] };
        const first = await client().responses.create(asked);
        const call = first.output.find((item) => item.type === 'function_call');
        if (call === undefined) throw new Error('no function was called');
        expect(call.name).toBe('weather');
        const streamed = await client().responses.stream(asked).finalResponse();
        expect(streamed.output.find((item) => item.type === 'function_call')?.arguments).toBe(call.arguments);
        const second = await client().responses.create({
          model: 'sandbox/tools',
          tools: [TOOL],
          input: [
            { role: 'user', content: TEXT },
            ...(first.output as OpenAI.Responses.ResponseInputItem[]),
            { type: 'function_call_output', call_id: call.call_id, output: '21 degrees' },
          ],
        });
        expect(second.output_text).toMatch(/\w/);
      });

      story('passes to a provider that speaks it: nothing stored, and the cost in the answer', system, async () => {
        const response = await client().responses.create({
          model: 'lab/replies',
          input: 'hi',
          reasoning: { effort: 'low' },
        });
        expect(JSON.parse(response.output_text)).toMatchObject({
          model: 'replies',
          input: 'hi',
          store: false,
          include: ['reasoning.encrypted_content'],
        });
        expect(response).toMatchObject({ model: 'lab/replies', output: [{ encrypted_content: 'gAAA' }, {}] });
        expect(costOf(response.usage)).toBeCloseTo((10 * 1 + 5 * 2) / 1e6, 12);
        // The same provider for a client of chat completions.
        const chat = await client().chat.completions.create({
          model: 'lab/replies',
          messages: [{ role: 'user', content: 'hi' }],
        });
        expect(JSON.parse(chat.choices[0]?.message.content ?? '')).toMatchObject({ model: 'replies', store: false });
        expect(costOf(chat.usage)).toBeCloseTo((10 * 1 + 5 * 2) / 1e6, 12);
      });

      story('is refused what needs a stored response', system, async () => {
        const refused = client().responses.create({ model: 'sandbox/echo', input: TEXT, store: true });
        await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid_prompt' });
      });
    });

    story('gets legacy completions, streamed and not', system, async () => {
      const asked = { model: 'sandbox/echo', prompt: TEXT };
      const whole = await client().completions.create(asked);
      expect(whole).toMatchObject({ object: 'text_completion', choices: [{ text: TEXT, finish_reason: 'stop' }] });
      expect(costOf(whole.usage)).toBeCloseTo(COST, 12);
      let said = '';
      let cost = 0;
      for await (const chunk of await client().completions.create({ ...asked, stream: true })) {
        said += chunk.choices[0]?.text ?? '';
        if (chunk.usage) cost = costOf(chunk.usage);
      }
      expect(said).toBe(TEXT);
      expect(cost).toBeCloseTo(COST, 12);
    });

    story('gets Messages, streamed and not', system, async () => {
      const asked = { model: 'sandbox/echo', max_tokens: 100, messages: [{ role: 'user', content: TEXT }] };
      const whole = (await (await post('messages', asked)).json()) as { content: unknown; usage: unknown };
      expect(whole).toMatchObject({
        type: 'message',
        content: [{ type: 'text', text: TEXT }],
        stop_reason: 'end_turn',
      });
      expect(costOf(whole.usage)).toBeCloseTo(COST, 12);
      const wire = await (await post('messages', { ...asked, stream: true })).text();
      const events = wire
        .split('\n\n')
        .filter((event) => event.startsWith('event: '))
        .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as { type: string; usage?: unknown });
      const deltas = events as { delta?: { text?: string } }[];
      expect(deltas.map(({ delta }) => delta?.text ?? '').join('')).toBe(TEXT);
      expect(events.at(-1)?.type).toBe('message_stop');
      expect(costOf(events.find(({ type }) => type === 'message_delta')?.usage)).toBeCloseTo(COST, 12);
    });
  });
};
