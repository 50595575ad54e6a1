// What providers answer, held against the types of their own clients: every finish word and every kind of content and event that those types know stands in a table here, so that
// a word that a client learns fails the type check until somebody says what it means.
import type Anthropic from '@anthropic-ai/sdk';
import type { ContentBlock, ConverseResponse, ConverseStreamOutput, StopReason } from '@aws-sdk/client-bedrock-runtime';
import type {
  BlockedReason,
  Candidate,
  FinishReason as GoogleFinishReason,
  GenerateContentResponse,
  Part,
} from '@google/genai';
import type {
  ChatCompletionChoiceFinishReason,
  ChatCompletionResponse,
  CompletionChunk,
  ContentChunk,
} from '@mistralai/mistralai/models/components';
import type { FinishReason, GenerationEvent } from '@waystation/generation';
import type { Cohere } from 'cohere-ai';
import type OpenAI from 'openai';
import { messagesDecoding } from '../anthropic-messages/decode.js';
import { mapStopReason as mapOfMessages } from '../anthropic-messages/map-stop-reason.js';
import { converseDecoding } from '../bedrock-converse/decode.js';
import { mapStopReason as mapOfConverse } from '../bedrock-converse/map-stop-reason.js';
import { cohereDecoding } from '../cohere/decode.js';
import { mapFinishReason as mapOfCohere } from '../cohere/map-finish-reason.js';
import { collectEvents, type Collected } from '../conformance/collect-events.js';
import type { Decoding } from '../events/decoder.js';
import { geminiDecoding } from '../gemini/decode.js';
import { mapFinishReason as mapOfGemini } from '../gemini/map-finish-reason.js';
import type { JsonObject } from '../json-shape.js';
import { chatDecoding } from '../openai-chat/decode.js';
import { mapFinishReason as mapOfChat } from '../openai-chat/map-finish-reason.js';
import { snakeCase, type Wire } from './wire.js';

const TERMS = { generationId: 'gen-1', providerName: 'P', quirks: { family: 'claude' } };
const PNG = 'iVBORw0KGgo=';

const inWire = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

const collected = (read: (emit: (event: GenerationEvent) => void) => void): Collected => {
  const events: GenerationEvent[] = [];
  read((event) => events.push(event));
  return collectEvents(events);
};

const ofBody = (decoding: Decoding, body: unknown): Collected =>
  collected((emit) => expect(decoding.body(TERMS)(inWire(body), emit)).toBeUndefined());

const ofStream = (decoding: Decoding, events: readonly unknown[]): Collected =>
  collected((emit) => {
    const decoder = decoding.stream(TERMS);
    const finish: GenerationEvent[] = [];
    const tell = (event: GenerationEvent): void => (event.type === 'finish' ? void finish.push(event) : emit(event));
    for (const event of events) expect(decoder.event(inWire(event), tell)).toBeUndefined();
    decoder.end?.(tell);
    // As the reader does.
    finish.forEach(emit);
  });

type MistralWord = (typeof ChatCompletionChoiceFinishReason)[keyof typeof ChatCompletionChoiceFinishReason];
type Reasons<Words extends string> = Readonly<Record<Words, FinishReason>>;

describe('finish words', () => {
  const ofOpenAi: Reasons<OpenAI.ChatCompletion.Choice['finish_reason']> = {
    ...{ stop: 'stop', length: 'length', tool_calls: 'tool-calls', function_call: 'tool-calls' },
    content_filter: 'content-filter',
  };
  const ofMistral: Reasons<MistralWord> = {
    ...{ stop: 'stop', length: 'length', model_length: 'length', error: 'error', tool_calls: 'tool-calls' },
  };
  const ofAnthropic: Reasons<Anthropic.StopReason> = {
    ...{ end_turn: 'stop', stop_sequence: 'stop', pause_turn: 'stop', max_tokens: 'length' },
    ...{ model_context_window_exceeded: 'length', tool_use: 'tool-calls', refusal: 'content-filter' },
  };
  const ofCohere: Reasons<Cohere.ChatFinishReason> = {
    ...{ COMPLETE: 'stop', STOP_SEQUENCE: 'stop', MAX_TOKENS: 'length', TOOL_CALL: 'tool-calls' },
    ...{ ERROR: 'error', TIMEOUT: 'error' },
  };
  const ofConverse: Reasons<StopReason> = {
    ...{ end_turn: 'stop', stop_sequence: 'stop', max_tokens: 'length', model_context_window_exceeded: 'length' },
    ...{ tool_use: 'tool-calls', content_filtered: 'content-filter', guardrail_intervened: 'content-filter' },
    ...{ malformed_model_output: 'error', malformed_tool_use: 'error' },
  };
  /** `FINISH_REASON_UNSPECIFIED` is never taken for a finish. */
  const ofGoogle: Reasons<Exclude<`${GoogleFinishReason}`, 'FINISH_REASON_UNSPECIFIED'>> = {
    ...{ STOP: 'stop', OTHER: 'stop', MAX_TOKENS: 'length', CONTINUATION: 'length' },
    ...{ SAFETY: 'content-filter', RECITATION: 'content-filter', LANGUAGE: 'content-filter' },
    ...{ BLOCKLIST: 'content-filter', PROHIBITED_CONTENT: 'content-filter', SPII: 'content-filter' },
    ...{ MODEL_ARMOR: 'content-filter', ESCALATION: 'content-filter', PUP_LIMITED_DISABLED: 'error' },
    ...{ IMAGE_SAFETY: 'content-filter', IMAGE_PROHIBITED_CONTENT: 'content-filter' },
    ...{ IMAGE_RECITATION: 'content-filter', IMAGE_OTHER: 'error', NO_IMAGE: 'error' },
    ...{ MALFORMED_FUNCTION_CALL: 'error', UNEXPECTED_TOOL_CALL: 'error', TOO_MANY_TOOL_CALLS: 'error' },
    ...{ MISSING_THOUGHT_SIGNATURE: 'error', MALFORMED_RESPONSE: 'error' },
  };

  it.each<[string, Readonly<Record<string, FinishReason>>, (word: string) => FinishReason]>([
    ['OpenAI’s', ofOpenAi, mapOfChat],
    ['Mistral’s', ofMistral, mapOfChat],
    ['Anthropic’s', ofAnthropic, mapOfMessages],
    ['Cohere’s', ofCohere, mapOfCohere],
    ['AWS’s', ofConverse, mapOfConverse],
    ['Google’s', ofGoogle, (word) => mapOfGemini(word, false)],
  ])('all that %s client knows', (_, reasons, map) => {
    expect(Object.fromEntries(Object.keys(reasons).map((word) => [word, map(word)]))).toEqual(reasons);
  });

  it.each(
    Object.keys({
      ...{ BLOCKED_REASON_UNSPECIFIED: 0, SAFETY: 0, OTHER: 0, BLOCKLIST: 0, PROHIBITED_CONTENT: 0 },
      ...{ IMAGE_SAFETY: 0, MODEL_ARMOR: 0, JAILBREAK: 0 },
    } satisfies Record<`${BlockedReason}`, 0>),
  )('a prompt that Google blocks for %s is filtered', (blockReason) => {
    expect(ofBody(geminiDecoding, { promptFeedback: { blockReason } }).finish).toBe('content-filter');
  });
});

it('all that Google’s client knows of a part', () => {
  const citations = { citations: [{ uri: 'https://a.example', title: 'A' }] };
  /** What is undefined is left out of the answer: it says what the model drafted, ran or heard, and not what it says. */
  const parts = {
    text: { text: 'I look' },
    thought: { text: 'hm', thought: true },
    thoughtSignature: { text: '', thoughtSignature: 'Er==' },
    functionCall: { functionCall: { id: 'call_1', name: 'see', args: { at: 'left' } } },
    inlineData: { inlineData: { mimeType: 'image/png', data: PNG } },
    ...{ audioTranscription: undefined, codeExecutionResult: undefined, executableCode: undefined },
    ...{ fileData: undefined, functionResponse: undefined, mediaProcessing: undefined, mediaResolution: undefined },
    ...{ partMetadata: undefined, speechMetadata: undefined, toolCall: undefined, toolResponse: undefined },
    videoMetadata: undefined,
  } satisfies Record<keyof Part, Wire<Part> | undefined>;
  const said = Object.values(parts).filter((part) => part !== undefined);
  const body = {
    responseId: 'r-1',
    modelVersion: 'm',
    candidates: [
      { index: 0, content: { role: 'model', parts: said }, finishReason: 'STOP', citationMetadata: citations },
    ] satisfies Wire<Candidate>[],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, thoughtsTokenCount: 1, totalTokenCount: 14 },
  } satisfies Wire<
    Pick<GenerateContentResponse, 'responseId' | 'modelVersion' | 'candidates' | 'usageMetadata' | 'promptFeedback'>
  >;
  const expected = {
    text: 'I look',
    reasoning: 'hm',
    toolCalls: [{ id: 'call_1', name: 'see', arguments: '{"at":"left"}' }],
    signatures: ['Er=='],
    images: [`image/png ${PNG.length}`],
    citations: ['https://a.example'],
    finish: 'tool-calls',
  };
  expect(ofBody(geminiDecoding, body)).toEqual(expected);
  expect(ofStream(geminiDecoding, [body])).toEqual(expected);
});

/** Names of the members of a union of AWS’s, of which each has one. */
type MemberOf<Union> = Exclude<Union extends unknown ? keyof Union : never, '$unknown'>;

describe('all that AWS’s client knows', () => {
  it('of the blocks of an answer', () => {
    /** What is undefined is of requests, or an image or a result of tools that AWS runs, and left out of the answer. */
    const blocks = {
      reasoningContent: { reasoningContent: { reasoningText: { text: 'hm', signature: 'Er==' } } },
      text: { text: 'I look' },
      citationsContent: {
        citationsContent: {
          content: [{ text: ' there' }],
          citations: [{ title: 'A', location: { web: { url: 'https://a.example', domain: 'a.example' } } }],
        },
      },
      toolUse: { toolUse: { toolUseId: 'call_1', name: 'see', input: { at: 'left' } } },
      ...{ audio: undefined, cachePoint: undefined, document: undefined, guardContent: undefined, image: undefined },
      ...{ searchResult: undefined, toolAddition: undefined, toolRemoval: undefined, toolResult: undefined },
      video: undefined,
    } satisfies Record<MemberOf<ContentBlock>, Wire<ContentBlock> | undefined>;
    const body = {
      output: {
        message: { role: 'assistant', content: Object.values(blocks).filter((block) => block !== undefined) },
      },
      stopReason: 'tool_use',
      usage: { inputTokens: 9, outputTokens: 5, totalTokens: 14 },
      metrics: { latencyMs: 1 },
    } satisfies Wire<ConverseResponse>;
    expect(ofBody(converseDecoding, body)).toEqual({
      text: 'I look there',
      reasoning: 'hm',
      signatures: ['Er=='],
      citations: ['https://a.example'],
      toolCalls: [{ id: 'call_1', name: 'see', arguments: '{"at":"left"}' }],
      finish: 'tool-calls',
    });
  });

  it('of the events of a stream', () => {
    type Event = Wire<ConverseStreamOutput>;
    type Failure = Extract<MemberOf<ConverseStreamOutput>, `${string}Exception`>;
    const events = {
      messageStart: [{ messageStart: { role: 'assistant' } }],
      contentBlockStart: [
        { contentBlockStart: { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'call_1', name: 'see' } } } },
      ],
      contentBlockDelta: [
        { contentBlockDelta: { contentBlockIndex: 0, delta: { toolUse: { input: '{"at":' } } } },
        { contentBlockDelta: { contentBlockIndex: 0, delta: { toolUse: { input: '"left"}' } } } },
        { contentBlockDelta: { contentBlockIndex: 1, delta: { reasoningContent: { text: 'hm' } } } },
        { contentBlockDelta: { contentBlockIndex: 1, delta: { reasoningContent: { signature: 'Er==' } } } },
        { contentBlockDelta: { contentBlockIndex: 2, delta: { text: 'I look' } } },
      ],
      contentBlockStop: [{ contentBlockStop: { contentBlockIndex: 0 } }],
      messageStop: [{ messageStop: { stopReason: 'tool_use' } }],
      metadata: [
        { metadata: { usage: { inputTokens: 9, outputTokens: 5, totalTokens: 14 }, metrics: { latencyMs: 1 } } },
      ],
    } satisfies Record<Exclude<MemberOf<ConverseStreamOutput>, Failure>, Event[]>;
    expect(ofStream(converseDecoding, Object.values(events).flat())).toEqual({
      text: 'I look',
      reasoning: 'hm',
      signatures: ['Er=='],
      toolCalls: [{ id: 'call_1', name: 'see', arguments: '{"at":"left"}' }],
      finish: 'tool-calls',
    });
    const failures: Record<Failure, string> = {
      internalServerException: 'provider_unavailable',
      modelStreamErrorException: 'provider_unavailable',
      serviceUnavailableException: 'provider_overloaded',
      throttlingException: 'provider_rate_limited',
      validationException: 'provider_rejected',
    };
    const told = Object.keys(failures).map((name) => [
      name,
      converseDecoding.stream(TERMS).event({ [name]: { message: 'no' } }, () => undefined)?.code,
    ]);
    expect(Object.fromEntries(told)).toEqual(failures);
  });
});

describe('all that Mistral’s client knows', () => {
  /** What is undefined is of requests, or points into the client’s own documents. */
  const chunks = {
    thinking: { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
    text: { type: 'text', text: 'I look' },
    ...{ reference: undefined, document_url: undefined, file: undefined, image_url: undefined, input_audio: undefined },
  } satisfies Record<Exclude<NonNullable<ContentChunk['type']>, 'UNKNOWN'>, ContentChunk | undefined>;
  const content: ContentChunk[] = [chunks.thinking, chunks.text];
  const toolCalls = [
    { id: 'a', function: { name: 'see', arguments: { at: 'left' } } },
    { id: 'b', index: 1, function: { name: 'hear', arguments: '{}' } },
  ];
  const usage = { promptTokens: 9, completionTokens: 5, totalTokens: 14 };
  const expected = {
    text: 'I look',
    reasoning: 'hm',
    toolCalls: [
      { id: 'a', name: 'see', arguments: '{"at":"left"}' },
      { id: 'b', name: 'hear', arguments: '{}' },
    ],
    finish: 'tool-calls',
  };

  it('of a body', () => {
    const body = {
      ...{ id: 'c-1', object: 'chat.completion', model: 'm', created: 1, usage },
      choices: [{ index: 0, finishReason: 'tool_calls', message: { role: 'assistant', content, toolCalls } }],
    } satisfies ChatCompletionResponse;
    expect(ofBody(chatDecoding, snakeCase(body))).toEqual(expected);
  });

  it('of a stream', () => {
    const head = { id: 'c-1', model: 'm' };
    const stream = [
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', content }, finishReason: null }] },
      { ...head, usage, choices: [{ index: 0, delta: { content: '', toolCalls }, finishReason: 'tool_calls' }] },
    ] satisfies CompletionChunk[];
    expect(ofStream(chatDecoding, stream.map(snakeCase))).toEqual(expected);
  });
});

it('all that Anthropic’s client knows of the blocks of an answer', () => {
  type Kind = Anthropic.ContentBlock['type'];
  /** What is undefined is what the provider’s own tools did. */
  const blocks = {
    thinking: { type: 'thinking', thinking: 'hm', signature: 'Er==' },
    redacted_thinking: { type: 'redacted_thinking', data: 'sealed' },
    text: { type: 'text', text: 'I look', citations: null },
    tool_use: { type: 'tool_use', id: 'call_1', name: 'see', input: { at: 'left' }, caller: { type: 'direct' } },
    ...{ server_tool_use: undefined, web_search_tool_result: undefined, web_fetch_tool_result: undefined },
    ...{ code_execution_tool_result: undefined, bash_code_execution_tool_result: undefined },
    ...{ text_editor_code_execution_tool_result: undefined, tool_search_tool_result: undefined },
    container_upload: undefined,
  } satisfies Record<Kind, Anthropic.ContentBlock | undefined>;
  const content = Object.values(blocks).filter((block) => block !== undefined);
  expect(ofBody(messagesDecoding, { id: 'm-1', model: 'm', content, stop_reason: 'tool_use' })).toEqual({
    text: 'I look',
    reasoning: 'hm',
    signatures: ['Er==', 'sealed'],
    toolCalls: [{ id: 'call_1', name: 'see', arguments: '{"at":"left"}' }],
    finish: 'tool-calls',
  });
});

it('all that Cohere’s client knows of the events of a stream', () => {
  const function_ = (piece: { name?: string; arguments?: string }) => ({ toolCalls: { function: piece } });
  const events = {
    'message-start': [{ type: 'message-start', id: 'c-1' }],
    'tool-plan-delta': [{ type: 'tool-plan-delta', delta: { message: { toolPlan: 'hm' } } }],
    'tool-call-start': [
      {
        type: 'tool-call-start',
        index: 0,
        delta: { message: { toolCalls: { id: 'call_1', type: 'function', function: { name: 'see', arguments: '' } } } },
      },
    ],
    'tool-call-delta': [
      { type: 'tool-call-delta', index: 0, delta: { message: function_({ arguments: '{"at":"left"}' }) } },
    ],
    'tool-call-end': [{ type: 'tool-call-end', index: 0 }],
    'content-start': [{ type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } }],
    'content-delta': [{ type: 'content-delta', index: 0, delta: { message: { content: { text: 'I look' } } } }],
    'citation-start': [
      {
        type: 'citation-start',
        index: 0,
        delta: {
          message: {
            citations: {
              ...{ start: 0, end: 1, text: 'I', contentIndex: 0, type: 'TEXT_CONTENT' },
              sources: [{ type: 'document', id: 'd', document: { url: 'https://a.example' } }],
            },
          },
        },
      },
    ],
    'citation-end': [{ type: 'citation-end', index: 0 }],
    'content-end': [{ type: 'content-end', index: 0 }],
    'message-end': [{ type: 'message-end', delta: { finishReason: 'TOOL_CALL' } }],
    debug: [],
  } satisfies Record<Cohere.V2ChatStreamResponse['type'], Cohere.V2ChatStreamResponse[]>;
  expect(ofStream(cohereDecoding, Object.values(events).flat().map(snakeCase))).toEqual({
    text: 'I look',
    reasoning: 'hm',
    citations: ['https://a.example'],
    toolCalls: [{ id: 'call_1', name: 'see', arguments: '{"at":"left"}' }],
    finish: 'tool-calls',
  });
});
