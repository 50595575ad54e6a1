// Legacy completions: what a prompt means, what is refused, and the shape of the answers.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WaystationError } from '@waystation/contracts';
import type { GenerationEvent } from '@waystation/generation';
import { openAiCompletions } from './openai-completions.js';

const options = { hash: (text: string) => `#${text.length}` };
const valid = { model: 'lab/small', prompt: 'Once upon' };
const bytes = (body: object): Buffer => Buffer.from(JSON.stringify(body));
const read = (body: object) => openAiCompletions.readRequest(bytes(body), options);

describe('a request', () => {
  it('is read as a chat of one message', () => {
    const request = read({
      ...valid,
      stream: true,
      max_tokens: 16,
      temperature: 0,
      user: 'u',
      provider: { sort: 'price' },
    });
    expect(request).toMatchObject({
      models: ['lab/small'],
      stream: true,
      endUserId: 'u',
      choices: 1,
      spans: [],
      features: {
        api: 'completions',
        dialect: 'openai-completions',
        maxOutputTokens: 16,
        messageCount: 1,
        inputModalities: ['text'],
      },
    });
    expect(JSON.stringify(request)).not.toContain('Once upon');
    expect(openAiCompletions.readCall(bytes({ ...valid, max_tokens: 16, stop: 'x', echo: false })).call).toEqual({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Once upon' }] }],
      stream: false,
      sampling: { stop: ['x'] },
      maxOutputTokens: 16,
    });
  });

  it('may hold its one prompt in a list', () => {
    expect(openAiCompletions.readCall(bytes({ ...valid, prompt: ['a'] })).call.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
    ]);
  });

  it.each<[string, object, string]>([
    ['no prompt', { model: 'm' }, 'prompt'],
    ['messages in its place', { model: 'm', messages: [{ role: 'user', content: 'x' }] }, 'prompt'],
    ['a prompt that is a number', { ...valid, prompt: 7 }, 'prompt'],
    ['two prompts', { ...valid, prompt: ['a', 'b'] }, 'prompt'],
    ['none in a list', { ...valid, prompt: [] }, 'prompt'],
    ['tokens', { ...valid, prompt: [1, 2, 3] }, 'prompt'],
    ['one token', { ...valid, prompt: [1] }, 'prompt'],
    ['a suffix', { ...valid, suffix: 'the end' }, 'suffix'],
    ['an echo', { ...valid, echo: true }, 'echo'],
    ['an echo that is a text', { ...valid, echo: 'yes' }, 'echo'],
    ['the best of three', { ...valid, best_of: 3 }, 'best_of'],
    ['two at once', { ...valid, n: 2 }, 'n'],
    ['a temperature of 3', { ...valid, temperature: 3 }, 'temperature'],
  ])('is refused for %s', (_, body, field) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });

  it('is told what has no effect', () => {
    expect(read({ ...valid, logprobs: 5, best_of: 1, n: 1, suffix: null, tools: [] }).warnings).toEqual([
      expect.objectContaining({ code: 'unsupported-parameter', field: 'logprobs' }),
    ]);
  });

  it('is strict about `provider` alone', () => {
    expect(() => read({ ...valid, provider: { nonsense: 1 } })).toThrow(
      expect.objectContaining({ code: 'unknown_parameter' }),
    );
    expect(read({ ...valid, nonsense: 1 }).models).toEqual(['lab/small']);
  });
});

const terms = { generationId: 'gen-1700000000-abc', model: 'lab/small', providerName: 'P' };
const answer = { ...terms, createdSeconds: 1_700_000_000 };
const bill = { usage: { input: 14, output: 16 }, cost: 30n, promptCost: 14n, completionCost: 16n, byok: false };
const events: GenerationEvent[] = [
  { type: 'reasoning-start', index: 0 },
  { type: 'reasoning-delta', index: 0, text: 'hm' },
  { type: 'reasoning-end', index: 0 },
  { type: 'text-start', index: 1 },
  { type: 'text-delta', index: 1, text: 'The ' },
  { type: 'text-delta', index: 1, text: 'end' },
  { type: 'text-end', index: 1 },
  { type: 'finish', reason: 'length', nativeReason: 'max' },
];

interface Chunk {
  readonly object: string;
  readonly choices: readonly {
    readonly text: string;
    readonly finish_reason: string | null;
    readonly reasoning?: string;
  }[];
  readonly usage?: object;
}
const chunksOf = (wire: string): Chunk[] =>
  wire
    .split('\n\n')
    .filter((event) => event !== '' && event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.slice(6)) as Chunk);

const streamed = (): string => {
  const writer = openAiCompletions.writeAnswer({ ...terms, stream: true });
  for (const event of events) writer.event(event);
  const tail = writer.end();
  return writer.take().toString() + openAiCompletions.streamEnd(answer, bill, tail);
};
const whole = (): Buffer => {
  const writer = openAiCompletions.writeAnswer({ ...terms, stream: false });
  for (const event of events) writer.event(event);
  writer.end();
  return openAiCompletions.withBill(writer.take(), bill) ?? Buffer.alloc(0);
};

describe('an answer', () => {
  it('is a text, with why it ended and what it cost', () => {
    expect(JSON.parse(whole().toString())).toMatchObject({
      id: terms.generationId,
      object: 'text_completion',
      created: 1_700_000_000,
      model: 'lab/small',
      provider: 'P',
      choices: [{ index: 0, text: 'The end', reasoning: 'hm', logprobs: null, finish_reason: 'length' }],
      usage: { prompt_tokens: 14, completion_tokens: 16, cost: 3e-11 },
    });
  });

  it('comes in pieces in a stream, and ends with the bill', () => {
    const wire = streamed();
    const chunks = chunksOf(wire);
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('The end');
    expect(new Set(chunks.map(({ object }) => object))).toEqual(new Set(['text_completion']));
    expect(chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)).filter(Boolean)).toEqual([
      'length',
    ]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 30 } });
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(openAiCompletions.streamEnd(answer, undefined, undefined)).toBe('data: [DONE]\n\n');
  });

  it('that is cut or breaks says why', () => {
    const error = new WaystationError('provider_overloaded', 'busy');
    expect(chunksOf(openAiCompletions.streamCut(answer, 'credit', error))).toMatchObject([
      { choices: [{ text: '', finish_reason: 'length', native_finish_reason: 'credit', error: { message: 'busy' } }] },
    ]);
    const broken = openAiCompletions.streamError(answer, error);
    expect(chunksOf(broken)).toMatchObject([{ error: { code: 503 }, choices: [{ finish_reason: 'error' }] }]);
    expect(broken).not.toContain('[DONE]');
    const writer = openAiCompletions.writeAnswer({ ...terms, stream: false });
    for (const event of events.slice(0, 5)) writer.event(event);
    writer.cut();
    expect(JSON.parse(writer.take().toString())).toMatchObject({
      choices: [{ text: 'The ', finish_reason: 'length' }],
    });
  });
});

const recorded = path.resolve('../shared/data/recorded/openai/openai-completion-text');
if (existsSync(`${recorded}.json`))
  describe('beside what OpenAI answers', () => {
    const keysOf = (value: object): string[] => Object.keys(value);
    it('has at least its members, in body and stream', () => {
      const told = JSON.parse(readFileSync(`${recorded}.json`, 'utf8')) as Chunk;
      const ours = JSON.parse(whole().toString()) as Chunk;
      expect(keysOf(ours)).toEqual(expect.arrayContaining(keysOf(told)));
      expect(keysOf(ours.choices[0] ?? {})).toEqual(expect.arrayContaining(keysOf(told.choices[0] ?? {})));
      const lines = readFileSync(`${recorded}.chunks.txt`, 'utf8').split('\n');
      const first = JSON.parse(lines[0] ?? '') as Chunk;
      const chunk = chunksOf(streamed())[0];
      expect(keysOf(chunk?.choices[0] ?? {})).toEqual(expect.arrayContaining(keysOf(first.choices[0] ?? {})));
      expect(chunk?.object).toBe(first.object);
    });
  });
else it('has no recordings to try here', () => expect(existsSync(recorded)).toBe(false));
