// Plugins against the running system: JSON that is repaired, a prompt that is shortened, a PDF that becomes text; each charged for what was really sent and said.
import { fakeUpstream, makePdf, type FakeUpstream } from '@waystation/testing';
import OpenAI from 'openai';
import { complete } from './support/ask.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';

const CHARACTERS_PER_TOKEN = 4;
const INPUT_USD = 1 / 1e6;
const OUTPUT_USD = 2 / 1e6;
const OUTPUT_TOKENS = 5;

interface Asked {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly plugins?: unknown;
  readonly transforms?: unknown;
}

let lab: FakeUpstream;
/** What the provider says. It counts what it is sent as the sandbox does, and takes no more than its context. */
let answer = '';
const CONTEXT = 4_000;

const system = useSystem(async () => {
  lab = await fakeUpstream((request, reply) => {
    const tokens = Math.ceil(request.body.length / CHARACTERS_PER_TOKEN);
    if (tokens > CONTEXT)
      return void reply.json(400, { error: { message: 'too long', code: 'context_length_exceeded' } });
    const usage = { prompt_tokens: tokens, completion_tokens: OUTPUT_TOKENS, total_tokens: tokens + OUTPUT_TOKENS };
    const choices = [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }];
    reply.json(200, { id: 'lab-1', object: 'chat.completion', created: 1, model: 'small', choices, usage });
  });
  const config = `
providers:
  - slug: plugged
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${lab.port}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: plugged/small, upstreamModel: small, context: ${CONTEXT}, maxOutput: 500, price: { input: "1.00", output: "2.00" } }]
`;
  return { config, timeScale: 0.5 };
});
afterAll(() => lab.close());

const METADATA = { 'x-openrouter-metadata': 'enabled' };
const lastAsked = (): Asked => lab.requests.at(-1)?.json() as Asked;
const costOf = (): number =>
  Math.ceil((lab.requests.at(-1)?.body.length ?? 0) / CHARACTERS_PER_TOKEN) * INPUT_USD + OUTPUT_TOKENS * OUTPUT_USD;
const talk = (turns: number): { role: string; content: string }[] =>
  Array.from({ length: turns }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `turn ${index} ${'word '.repeat(150)}`,
  }));

describe('a client that asks for plugins', () => {
  story('gets JSON where the model said it in a fence, with commas too many', system, async () => {
    answer = 'Here you are:\n```json\n{"city": "Paris", "days": [1, 2,],}\n```';
    const client = new OpenAI({ baseURL: `${system().url}/api/v1`, apiKey: system().apiKey, maxRetries: 0 });
    const asked = {
      model: 'plugged/small',
      messages: [{ role: 'user' as const, content: 'Where to?' }],
      response_format: { type: 'json_object' as const },
    };
    const plain = await client.chat.completions.create(asked);
    expect(plain.choices[0]?.message.content).toBe(answer);
    const healed = await client.chat.completions.create({
      ...asked,
      plugins: [{ id: 'response-healing' }],
    } as typeof asked);
    expect(JSON.parse(healed.choices[0]?.message.content ?? '')).toEqual({ city: 'Paris', days: [1, 2] });
    expect(lastAsked().plugins).toBeUndefined();
    expect((healed.usage as unknown as { cost: number }).cost).toBeCloseTo(costOf(), 12);
  });

  story(
    'gets an answer to a conversation that is longer than the context, and pays for what was sent',
    system,
    async () => {
      answer = 'Yes.';
      const messages = [{ role: 'system', content: 'Be brief.' }, ...talk(31)];
      const { status, json } = await complete(
        system(),
        { model: 'plugged/small', messages, transforms: ['middle-out'] },
        { headers: METADATA },
      );
      expect([status, json.choices?.[0]?.message.content]).toEqual([200, 'Yes.']);
      const sent = lastAsked().messages;
      expect(sent.slice(0, 2)).toEqual(messages.slice(0, 2));
      expect(sent.at(-1)).toEqual(messages.at(-1));
      expect(sent.length).toBeLessThan(messages.length);
      expect(lastAsked().transforms).toBeUndefined();
      expect(json.openrouter_metadata.pipeline).toMatchObject([{ type: 'context_compression' }]);
      expect(json.usage.cost).toBeCloseTo(costOf(), 12);
    },
  );

  story('is refused such a conversation without it, and told of it', system, async () => {
    const before = lab.requests.length;
    const body = {
      model: 'plugged/small',
      messages: talk(31),
      plugins: [{ id: 'context-compression', enabled: false }],
    };
    const { status, json } = await complete(system(), body);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ metadata: { error_type: 'context_length_exceeded' } });
    expect(json.error.message).toContain('context-compression');
    expect(lab.requests).toHaveLength(before);
  });

  story('asks a model that takes no files about a PDF, and spares the second reading', system, async () => {
    answer = 'It is 42.';
    const pdf = makePdf([{ text: 'The answer is 42.' }]).toString('base64');
    const file = { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf}` } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, file] }];
    const first = await complete(system(), { model: 'plugged/small', messages }, { headers: METADATA });
    expect(first.status).toBe(200);
    expect(JSON.stringify(lastAsked().messages)).toContain('The answer is 42.');
    expect(JSON.stringify(lastAsked().messages)).not.toContain('base64');
    expect(first.json.usage.cost).toBeCloseTo(costOf(), 12);
    const { message } = first.json.choices[0];
    expect(message.annotations).toMatchObject([{ type: 'file', file: { name: 'a.pdf' } }]);
    const second = await complete(
      system(),
      { model: 'plugged/small', messages: [...messages, message, { role: 'user', content: 'Sure?' }] },
      { headers: METADATA },
    );
    expect(second.json.openrouter_metadata.pipeline).toMatchObject([{ name: 'file-parser', data: { spared: 1 } }]);
  });

  story(
    'is refused by name for a file that is no PDF, a plugin that is not served, and one that nobody knows',
    system,
    async () => {
      const before = lab.requests.length;
      const garbage = { type: 'file', file: { filename: 'bad.pdf', file_data: 'data:application/pdf;base64,QUJD' } };
      const ask = (more: object) => complete(system(), { model: 'plugged/small', messages: talk(1), ...more });
      for (const [more, says] of [
        [{ messages: [{ role: 'user', content: [garbage] }] }, 'bad.pdf'],
        [{ plugins: [{ id: 'web' }] }, "'web' is not served here"],
        [{ plugins: [{ id: 'telepathy' }] }, 'telepathy'],
        [{ plugins: [{ id: 'file-parser', pdf: { engine: 'mistral-ocr' } }] }, 'mistral-ocr'],
      ] as const) {
        const { status, json } = await ask(more);
        expect([status, json.error.message]).toEqual([400, expect.stringContaining(says)]);
      }
      expect(lab.requests).toHaveLength(before);
    },
  );
});
