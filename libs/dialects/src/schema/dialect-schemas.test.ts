// The schemas of the dialects name what the readers read, take what the writers write, and envelop errors as the errors are.
import { WaystationError } from '@waystation/contracts';
import { z } from 'zod';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { MESSAGES_FIELDS } from '../anthropic-messages/messages-fields.js';
import { CHAT_FIELDS } from '../json/chat-fields.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { openAiResponses } from '../openai-responses/openai-responses.js';
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

describe('TranscriptionRequest', () => {
  const input_audio = { data: 'UklGRg==', format: 'wav' };
  const isRead = (body: unknown): boolean => {
    try {
      transcriptions.readRequest(Buffer.from(JSON.stringify(body)), { hash });
      return true;
    } catch {
      return false;
    }
  };

  it.each([
    [{ input_audio }, true],
    [{ input_audio, language: 'de', temperature: 0, response_format: 'verbose_json', prompt: null }, true],
    [{ input_audio, timestamp_granularities: ['word', 'segment'], chunking_strategy: 'auto' }, true],
    [{}, false],
    [{ input_audio: {} }, false],
    [{ input_audio: { ...input_audio, format: 'w/v' } }, false],
    [{ input_audio: { ...input_audio, data: '' } }, false],
    [{ input_audio, response_format: 'srt' }, false],
    [{ input_audio, temperature: 2 }, false],
    [{ input_audio, timestamp_granularities: ['letter'] }, false],
    [{ input_audio, provider: { zrd: true } }, false],
  ])('%j: taken %s, by schema and reader alike', (body, taken) => {
    expect(issuesOf('TranscriptionRequest', body) === undefined).toBe(taken);
    expect(isRead(body)).toBe(taken);
  });

  it.each([[{ seconds: 9 }], [{ input: 3, audioInput: 80, output: 30 }]])(
    'an answer with %j on its bill fits',
    (usage) => {
      const body = transcriptions.withBill(Buffer.from('{"text":""}'), { ...BILL, usage });
      expect(issuesOf('Transcription', JSON.parse(String(body)))).toBeUndefined();
      expect(issuesOf('Transcription', {})).toBeDefined();
    },
  );
});

const generationId = `gen-1700000000-${'a'.repeat(20)}`;

describe.each([
  ['ChatCompletion', 'Error', openAiChat],
  ['MessagesAnswer', 'MessagesError', anthropicMessages],
  ['Response', 'ResponsesError', openAiResponses],
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
