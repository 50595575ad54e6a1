// Whatever a client sends, a reader of requests takes it or refuses it in our words, what it takes can be read as a call, and what is edited stays what it was but for the
// edit. Good requests spoilt in fixed numbers of runs with fixed seeds.
import { hash } from 'node:crypto';
import { WaystationError } from '@waystation/contracts';
import { diceOf, randomBytes, spoilBytes, spoilJson, type Dice } from '@waystation/testing';
import {
  anthropicMessages,
  editMembers,
  embeddings,
  images,
  openAiChat,
  openAiCompletions,
  openAiResponses,
  rerank,
  scanTopLevelFields,
  speech,
  type BodyDialect,
  type CallDialect,
} from './index.js';

const SEED = 20_261_126;
const RUNS = 1_500;

const GOOD: Readonly<Record<string, readonly [BodyDialect & Partial<CallDialect>, ...object[]]>> = {
  chat: [
    openAiChat,
    {
      model: 'a/b',
      models: ['c/d'],
      messages: [
        { role: 'system', content: 'be short' },
        {
          role: 'user',
          name: 'n',
          content: [
            { type: 'text', text: 'look', cache_control: { type: 'ephemeral', ttl: '1h' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
            { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
            { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          reasoning: 'hm',
          reasoning_details: [
            { type: 'reasoning.text', text: 'hm', signature: 's', index: 0, format: 'anthropic-claude-v1' },
            { type: 'reasoning.encrypted', data: 'd', id: 'call_1', index: 1 },
          ],
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'a cat' }] },
      ],
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
      stream: true,
      stream_options: { include_usage: true },
      reasoning: { effort: 'high', exclude: false },
      max_tokens: 100,
      temperature: 0.5,
      stop: ['x'],
      logit_bias: { '50256': -100 },
      n: 1,
      seed: 7,
      user: 'u',
      metadata: { a: 'b' },
      session_id: 's',
      provider: { order: ['openai'], allow_fallbacks: false, max_price: { prompt: 1 }, sort: 'price', zdr: true },
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
      prediction: { type: 'content', content: 'x' },
    },
  ],
  completions: [
    openAiCompletions,
    { model: 'a/b', prompt: 'say', max_tokens: 5, stop: 'x', stream: false, user: 'u', logprobs: null },
    { model: 'a/b', prompt: ['say'], temperature: 1, n: 1, best_of: 1, provider: { only: ['x'] } },
  ],
  responses: [
    openAiResponses,
    {
      model: 'a/b',
      instructions: 'be short',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'look' }] },
        { role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }] },
        {
          role: 'user',
          content: [{ type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,C' }],
        },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'e' },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'a cat' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a', annotations: [] }] },
      ],
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: true }],
      tool_choice: 'auto',
      text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' } }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      max_output_tokens: 100,
      store: false,
      stream: true,
      metadata: { a: 'b' },
      parallel_tool_calls: true,
    },
    { model: 'a/b', input: 'say' },
  ],
  messages: [
    anthropicMessages,
    {
      model: 'a/b',
      max_tokens: 100,
      system: [{ type: 'text', text: 'be short', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' }, title: 't' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 's' },
            { type: 'redacted_thinking', data: 'd' },
            { type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c', content: 'a cat', is_error: false }] },
      ],
      tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 50 },
      stop_sequences: ['x'],
      stream: true,
      metadata: { user_id: 'u' },
      temperature: 1,
    },
  ],
  embeddings: [
    embeddings,
    { model: 'a/b', input: ['x', 'y'], dimensions: 8, encoding_format: 'float', input_type: 'query', user: 'u' },
    { model: 'a/b', input: [[1, 2], [3]] },
    { model: 'a/b', input: [{ content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }] },
  ],
  rerank: [rerank, { model: 'a/b', query: 'q', documents: ['d', { text: 'e' }], top_n: 1 }],
  images: [images, { model: 'a/b', prompt: 'x', n: 2, size: '1024x1024', quality: 'low', output_format: 'png' }],
  speech: [speech, { model: 'a/b', input: 'x', voice: 'y', response_format: 'mp3', speed: 1 }],
};

const options = { hash: (text: string) => hash('sha256', text).slice(0, 32) };

const pick = <T>(from: readonly T[], dice: Dice): T => from[dice(from.length)] as T; // never of an empty list

const spoilt = (texts: readonly string[], dice: Dice): Buffer => {
  if (dice(30) === 0) return randomBytes(dice(200), dice);
  let text = pick(texts, dice);
  for (let times = 1 + dice(3); times > 0; times -= 1) text = spoilJson(text, dice);
  let bytes: Buffer = Buffer.from(text);
  if (dice(4) === 0) for (let times = 1 + dice(2); times > 0; times -= 1) bytes = spoilBytes(bytes, dice);
  return bytes;
};

/** True where it went through. A refusal has a code that is told with a 4xx. */
const taken = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof WaystationError)) throw error;
    if (error.row.status < 400 || error.row.status > 499)
      throw new Error(`refused with ${error.row.status}`, { cause: error });
    return false;
  }
};

/** Tells which run failed. */
const trial = (seed: number, run: (dice: Dice) => void): void => {
  for (let index = 0; index < RUNS; index += 1) {
    try {
      run(diceOf(seed * 100_000 + index));
    } catch (error) {
      throw new Error(`run ${index} of seed ${seed}: ${(error as Error).stack ?? String(error)}`, { cause: error });
    }
  }
};

afterAll(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

describe.each(Object.entries(GOOD))('requests of %s', (_, [dialect, ...bodies]) => {
  const texts = bodies.map((body) => JSON.stringify(body));

  it.each(texts)('are taken as they are: %s', (text) => {
    expect(taken(() => dialect.readRequest(Buffer.from(text), options))).toBe(true);
    expect(taken(() => dialect.readCall?.(Buffer.from(text)))).toBe(true);
  });

  it('are taken or refused in our words, of whatever shape, and are calls where they are taken', () => {
    let takenCount = 0;
    trial(SEED, (dice) => {
      const bytes = spoilt(texts, dice);
      const before = Buffer.from(bytes);
      let bounds: readonly number[] = [];
      const isTaken = taken(() => {
        const request = dialect.readRequest(bytes, options);
        bounds = [request.inputTokensMax, request.choices, request.features.inputTokensEstimate, request.inputImages];
        for (const { start, end } of request.spans)
          if (start < 0 || end > bytes.length || end <= start) throw new Error('a span outside of the body');
      });
      if (!bytes.equals(before)) throw new Error('the body was changed');
      if (bounds.some((bound) => Number.isNaN(bound) || bound < 0)) throw new Error(`bounds of ${String(bounds)}`);
      if (!isTaken) return;
      takenCount += 1;
      taken(() => dialect.readCall?.(bytes));
    });
    // Neither all nor nothing: what is refused was read, and what is taken too.
    expect(takenCount).toBeGreaterThan(RUNS / 50);
    expect(takenCount).toBeLessThan(RUNS);
  });

  it('get a bill into answers of whatever shape, or are none', () => {
    const bill = { usage: { input: 1, output: 2 }, cost: 3n, promptCost: 1n, completionCost: 2n, byok: false };
    const answer = '{"id":"a","object":"x","usage":{"prompt_tokens":1},"choices":[],"data":[1]}';
    trial(SEED + 1, (dice) => {
      const bytes = spoilt([answer], dice);
      let parses = true;
      try {
        const value: unknown = JSON.parse(bytes.toString());
        parses = typeof value === 'object' && value !== null && !Array.isArray(value);
      } catch {
        parses = false;
      }
      const billed = dialect.withBill(bytes, bill);
      if (billed !== undefined && parses) JSON.parse(billed.toString());
    });
  });
});

describe('edits of a body', () => {
  it('leave all else as it was, and say what was asked', () => {
    const texts = Object.values(GOOD).flatMap(([, ...bodies]) => bodies.map((body) => JSON.stringify(body)));
    const wanted = new Set(['model', 'stream', 'messages', 'input', 'user']);
    let edits = 0;
    trial(SEED + 2, (dice) => {
      const bytes = spoilt(texts, dice);
      const spans = scanTopLevelFields(bytes, wanted);
      let value: Record<string, unknown>;
      try {
        value = JSON.parse(bytes.toString()) as Record<string, unknown>;
      } catch {
        return;
      }
      if (spans === undefined) return;
      edits += 1;
      const isOurs = (key: string): boolean => key === 'model' || key === 'user' || key === 'ours';
      const edited = editMembers(bytes, {
        remove: spans.filter(({ key }) => key === 'user'),
        replace: spans.filter(({ key }) => key === 'model').map((span) => ({ span, json: '"m"' })),
        insert: [{ key: 'ours', json: '1' }],
      });
      const got = JSON.parse(edited.toString()) as Record<string, unknown>;
      const others = (of: Record<string, unknown>): string =>
        JSON.stringify(Object.entries(of).filter(([key]) => !isOurs(key)));
      if (others(got) !== others(value)) throw new Error(`${others(got)} is not ${others(value)}`);
      if ('user' in got || (Object.hasOwn(value, 'model') && got['model'] !== 'm')) throw new Error('not as asked');
    });
    expect(edits).toBeGreaterThan(RUNS / 4);
  });
});
