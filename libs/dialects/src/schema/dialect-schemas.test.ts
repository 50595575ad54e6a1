// The schemas of the dialects name what the readers read, take what the writers write, and envelop errors as the errors are.
import { WaystationError } from '@waystation/contracts';
import { z } from 'zod';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { MESSAGES_FIELDS } from '../anthropic-messages/messages-fields.js';
import { CHAT_FIELDS } from '../json/chat-fields.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { openAiResponses } from '../openai-responses/openai-responses.js';
import { embeddings } from '../embeddings/embeddings.js';
import { images } from '../images/images.js';
import { openAiCompletions } from '../openai-completions/openai-completions.js';
import type { JobDialect } from '../public-dialect.js';
import { rerank } from '../rerank/rerank.js';
import { speech } from '../speech/speech.js';
import { RESPONSES_FIELDS } from '../openai-responses/responses-fields.js';
import { transcriptions } from '../transcriptions/transcriptions.js';
import { DIALECT_SCHEMAS } from './dialect-schemas.js';

/** A validator of the named schema, in which the others are at hand. */
const validator = (name: string) => {
  const json = JSON.stringify({ $ref: `#/components/schemas/${name}`, $defs: DIALECT_SCHEMAS });
  return z.fromJSONSchema(
    JSON.parse(json.replaceAll('#/components/schemas/', '#/$defs/')) as z.core.JSONSchema.JSONSchema,
  );
};
const issuesOf = (name: string, value: unknown): unknown => validator(name).safeParse(value).error?.issues;

const propertiesOf = (name: string): string[] => Object.keys(DIALECT_SCHEMAS[name]?.['properties'] ?? {});

test.each([
  ['ChatRequest', CHAT_FIELDS],
  ['MessagesRequest', MESSAGES_FIELDS],
  ['ResponsesRequest', RESPONSES_FIELDS],
] as const)('%s names every field that the relay reads or edits', (name, fields) => {
  expect([...fields].filter((field) => !propertiesOf(name).includes(field))).toEqual([]);
});

const hash = (): string => 'h';
const messages = [{ role: 'user', content: 'Hello' }];

describe.each([
  ['ChatRequest', openAiChat, { model: 'lab/small', messages }],
  ['MessagesRequest', anthropicMessages, { model: 'lab/small', max_tokens: 5, messages }],
] as const)('%s', (name, dialect, base) => {
  const isRead = (body: unknown): boolean => {
    try {
      dialect.readRequest(Buffer.from(JSON.stringify(body)), { hash });
      return true;
    } catch {
      return false;
    }
  };

  it('takes a plain request, as the reader does', () => {
    expect(issuesOf(name, base)).toBeUndefined();
    expect(isRead(base)).toBe(true);
  });

  it.each([
    ['messages', undefined],
    ['messages', []],
    ['temperature', 2.5],
    ['temperature', 'warm'],
    ['top_p', -0.1],
    ['max_tokens', 0],
    ['stream', 'yes'],
    ['provider', { zrd: true }],
    ['provider', { sort: 'beauty' }],
    ['tool_choice', 5],
    ['user', 'x'.repeat(513)],
    ['session_id', ''],
    ['models', Array.from({ length: 33 }, (_, index) => `lab/${index}`)],
    ['service_tier', 'x'.repeat(33)],
  ])('refuses %s: %j, as the reader does', (field, value) => {
    const body = JSON.parse(JSON.stringify({ ...base, [field]: value })) as unknown;
    expect(issuesOf(name, body)).toBeDefined();
    expect(isRead(body)).toBe(false);
  });

  it.each([
    ['temperature', null],
    ['stream', true],
    ['provider', { order: ['alpha'], sort: { by: 'price', partition: 'none' }, max_price: { prompt: '1.5' } }],
    ['provider', { preferred_max_latency: { p90: 2 }, preferred_min_throughput: 20 }],
    ['provider', null],
    ['something_new', 5],
  ])('takes %s: %j, as the reader does', (field, value) => {
    const body = { ...base, [field]: value };
    expect(issuesOf(name, body)).toBeUndefined();
    expect(isRead(body)).toBe(true);
  });
});

describe('ResponsesRequest', () => {
  const isRead = (body: unknown): boolean => {
    try {
      openAiResponses.readRequest(Buffer.from(JSON.stringify(body)), { hash });
      return true;
    } catch {
      return false;
    }
  };

  it.each([
    [{ input: 'Hello', temperature: 1, include: ['reasoning.encrypted_content'], store: false }, true],
    [{ input: messages, text: null, tool_choice: 'auto', truncation: 'disabled' }, true],
    [{}, false],
    [{ input: 'Hello', temperature: 3 }, false],
    [{ input: 'Hello', truncation: 'some' }, false],
    [{ input: 'Hello', max_tool_calls: 31 }, false],
    [{ input: 'Hello', reasoning: { effort: 'huge' } }, false],
    [{ input: 'Hello', tool_choice: 'any' }, false],
  ])('%j: taken %s, by schema and reader alike', (body, taken) => {
    expect(issuesOf('ResponsesRequest', body) === undefined).toBe(taken);
    expect(isRead(body)).toBe(taken);
  });
});

const BILL = {
  usage: { input: 7, cacheRead: 3, output: 4, reasoning: 1 },
  cost: 1_234_567n,
  promptCost: 1_000_000n,
  completionCost: 234_567n,
  byok: false,
};

const input_audio = { data: 'UklGRg==', format: 'wav' };
const image_url = { url: 'data:image/png;base64,AAAA' };
const content = [{ type: 'text', text: 'a' }];

/** Bodies that both take, and bodies that both refuse. */
const JOB_BODIES: readonly (readonly [
  name: string,
  dialect: Pick<JobDialect, 'readRequest'>,
  taken: readonly object[],
  refused: readonly object[],
])[] = [
  [
    'CompletionRequest',
    openAiCompletions,
    [
      { prompt: 'Hello' },
      { prompt: ['Hello'], max_tokens: 5, temperature: 0, echo: false, suffix: '', best_of: 1, logprobs: 3 },
      { prompt: '', stream: true, stop: ['x'], tools: 'whatever' },
    ],
    [
      {},
      { prompt: [] },
      { prompt: ['a', 'b'] },
      { prompt: [1, 2] },
      { prompt: 'a', suffix: 'b' },
      { prompt: 'a', echo: true },
      { prompt: 'a', n: 2 },
      { prompt: 'a', best_of: 0 },
      { prompt: 'a', temperature: 3 },
    ],
  ],
  [
    'EmbeddingsRequest',
    embeddings,
    [
      { input: 'a' },
      { input: ['a', 'b'], dimensions: 256, encoding_format: 'base64', input_type: 'search_query', stream: false },
      { input: [1, 2] },
      { input: [[1], [2]], encoding_format: null },
      { input: [{ content }] },
    ],
    [
      {},
      { input: '' },
      { input: [] },
      { input: [''] },
      { input: [-1] },
      { input: [[]] },
      { input: [{}] },
      { input: [{ content: [] }] },
      { input: 'a', dimensions: 0 },
      { input: 'a', encoding_format: 'hex' },
      { input: 'a', stream: true },
      { input: 'a', provider: { zrd: true } },
    ],
  ],
  [
    'RerankRequest',
    rerank,
    [
      { query: 'q', documents: ['a'] },
      { query: 'q', documents: [{ text: 'a' }, { image: 'https://x.example/a.png' }], top_n: 1 },
    ],
    [
      { documents: ['a'] },
      { query: '', documents: ['a'] },
      { query: 'q' },
      { query: 'q', documents: [] },
      { query: 'q', documents: [''] },
      { query: 'q', documents: [{}] },
      { query: 'q', documents: [7] },
      { query: 'q', documents: ['a'], top_n: 0 },
      { query: 'q', documents: ['a'], stream: true },
    ],
  ],
  [
    'ImagesRequest',
    images,
    [
      { prompt: 'a' },
      {
        prompt: 'a',
        n: 10,
        size: '1024x1536',
        quality: 'high',
        output_format: 'webp',
        output_compression: 80,
        seed: 7,
      },
      { prompt: 'a', size: '4K', aspect_ratio: '16:9', background: 'opaque', stream: true },
      { prompt: 'a', size: 'auto', resolution: null, input_references: [{ type: 'image_url', image_url }] },
    ],
    [
      {},
      { prompt: '' },
      { prompt: 'a', n: 11 },
      { prompt: 'a', size: 'big' },
      { prompt: 'a', resolution: '8K' },
      { prompt: 'a', aspect_ratio: '7:5' },
      { prompt: 'a', quality: 'hd' },
      { prompt: 'a', response_format: 'url' },
      { prompt: 'a', output_compression: 101 },
      { prompt: 'a', input_references: [{}] },
      { prompt: 'a', stream: 'yes' },
    ],
  ],
  [
    'SpeechRequest',
    speech,
    [{ input: 'a' }, { input: 'a', voice: 'alloy', response_format: 'mp3', speed: 4, instructions: 'Softly' }],
    [
      {},
      { input: '' },
      { input: 7 },
      { input: 'a', response_format: 'png' },
      { input: 'a', speed: 0.1 },
      { input: 'a', voice: '' },
      { input: 'a', input_references: [] },
      { input: 'a', stream: true },
    ],
  ],
  [
    'TranscriptionRequest',
    transcriptions,
    [
      { input_audio },
      { input_audio, language: 'de', temperature: 0, response_format: 'verbose_json', prompt: null },
      { input_audio, timestamp_granularities: ['word', 'segment'], chunking_strategy: 'auto' },
    ],
    [
      {},
      { input_audio: {} },
      { input_audio: { ...input_audio, format: 'w/v' } },
      { input_audio: { ...input_audio, data: '' } },
      { input_audio, response_format: 'srt' },
      { input_audio, temperature: 2 },
      { input_audio, timestamp_granularities: ['letter'] },
      { input_audio, provider: { zrd: true } },
      { input_audio, stream: true },
    ],
  ],
];

describe.each(JOB_BODIES)('%s', (name, dialect, taken, refused) => {
  const isRead = (body: object): boolean => {
    try {
      dialect.readRequest(Buffer.from(JSON.stringify({ model: 'lab/any', ...body })), { hash });
      return true;
    } catch {
      return false;
    }
  };

  it.each(taken)('takes %j, as the reader does', (body) => {
    expect(issuesOf(name, { model: 'lab/any', ...body })).toBeUndefined();
    expect(isRead(body)).toBe(true);
  });

  it.each(refused)('refuses %j, as the reader does', (body) => {
    expect(issuesOf(name, { model: 'lab/any', ...body })).toBeDefined();
    expect(isRead(body)).toBe(false);
  });
});

describe.each<[string, Pick<JobDialect, 'withBill'>, object, readonly Readonly<Record<string, number>>[]]>([
  [
    'Embeddings',
    embeddings,
    { id: 'gen-1', object: 'list', model: 'a/b', data: [{ object: 'embedding', index: 0, embedding: [0.1] }] },
    [{ input: 5 }, { input: 5, imageInput: 258 }],
  ],
  [
    'Ranking',
    rerank,
    {
      id: 'gen-1',
      model: 'a/b',
      provider: 'LAB',
      results: [{ index: 0, relevance_score: 1, document: { text: 'a' } }],
    },
    [{ searchUnits: 1 }, { input: 40 }],
  ],
  ['Images', images, { created: 1, data: [{ b64_json: 'AAAA', media_type: 'image/png' }] }, [{ imageOutput: 9 }]],
  ['Transcription', transcriptions, { text: '' }, [{ seconds: 9 }, { input: 3, audioInput: 80, output: 30 }]],
])('%s', (name, dialect, answer, usages) => {
  it.each(usages)('takes an answer with %j on its bill, and none without its members', (usage) => {
    const body = dialect.withBill(Buffer.from(JSON.stringify(answer)), { ...BILL, usage });
    expect(JSON.parse(String(body))).toHaveProperty('usage.cost');
    expect(issuesOf(name, JSON.parse(String(body)))).toBeUndefined();
    expect(issuesOf(name, {})).toBeDefined();
  });
});

const generationId = `gen-1700000000-${'a'.repeat(20)}`;

describe.each([
  ['ChatCompletion', 'Error', openAiChat],
  ['MessagesAnswer', 'MessagesError', anthropicMessages],
  ['Response', 'ResponsesError', openAiResponses],
  ['TextCompletion', 'Error', openAiCompletions],
] as const)('%s', (answerName, errorName, dialect) => {
  it('takes a whole answer with text, thoughts, a call and the bill', () => {
    const writer = dialect.writeAnswer({ generationId, model: 'lab/small', providerName: 'ALPHA', stream: false });
    writer.event({ type: 'start' });
    writer.event({ type: 'reasoning-start', index: 0 });
    writer.event({ type: 'reasoning-delta', index: 0, text: 'Hm' });
    writer.event({ type: 'reasoning-end', index: 0, signature: 'sig' });
    writer.event({ type: 'text-start', index: 1 });
    writer.event({ type: 'text-delta', index: 1, text: 'Hello' });
    writer.event({ type: 'text-end', index: 1 });
    writer.event({ type: 'tool-call-start', index: 2, id: 'call-1', name: 'look' });
    writer.event({ type: 'tool-call-delta', index: 2, argumentsDelta: '{"at":1}' });
    writer.event({ type: 'tool-call-end', index: 2 });
    writer.event({ type: 'finish', reason: 'tool-calls' });
    writer.end();
    const body = dialect.withBill(writer.take(), BILL);
    expect(issuesOf(answerName, JSON.parse(String(body)))).toBeUndefined();
  });

  it('does not take an answer without its members', () => {
    expect(issuesOf(answerName, { id: generationId })).toBeDefined();
  });

  it('has an envelope of errors that takes each of them', () => {
    const error = new WaystationError('rate_limited', 'Too fast', {
      retryAfterMs: 5_000,
      details: { quota: { limit: '5', left: '0' }, availability: { total: 1 } },
    });
    expect(issuesOf(errorName, JSON.parse(dialect.toError(error).body))).toBeUndefined();
    expect(issuesOf(errorName, { error: 'no' })).toBeDefined();
  });
});
