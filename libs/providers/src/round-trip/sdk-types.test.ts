// What is asked of a provider, held against the types of the provider's own client: the literals below are what those clients would send, and what we send equals them.
import type Anthropic from '@anthropic-ai/sdk';
import type { ConverseRequest } from '@aws-sdk/client-bedrock-runtime';
import type { Content, GenerationConfig, Tool, ToolConfig } from '@google/genai';
import type { ChatCompletionRequest, JsonSchema$Outbound } from '@mistralai/mistralai/models/components';
import type { GenerationCall, ReasoningPart } from '@waystation/generation';
import type { Cohere } from 'cohere-ai';
import type OpenAI from 'openai';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { azureOpenAi } from '../azure-openai/azure-openai.js';
import { bedrockConverse } from '../bedrock-converse/bedrock-converse.js';
import { cohere } from '../cohere/cohere.js';
import { gemini } from '../gemini/gemini.js';
import { openaiChat } from '../openai-chat/openai-chat.js';
import { openaiResponses } from '../openai-responses/openai-responses.js';
import type { ProviderDialect, Quirks } from '../spec.js';
import { camelCase, type Wire } from './wire.js';

const PNG = 'iVBORw0KGgo=';
const PARAMETERS = { type: 'object' as const, properties: { at: { type: 'string' } }, required: ['at'] };
const SCHEMA = { type: 'object', properties: { answer: { type: 'string' } }, additionalProperties: false };

/** As the catalog has them. */
const MISTRAL: Quirks = { usageInStream: false, sendsUser: false, seedField: 'random_seed' };

const callWith = (thought: Omit<ReasoningPart, 'type'>): GenerationCall => ({
  stream: false,
  messages: [
    { role: 'system', content: [{ type: 'text', text: 'be brief' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it?' },
        { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: PNG } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', ...thought },
        { type: 'text', text: 'I look' },
        { type: 'tool-call', id: 'call_1', name: 'see', argumentsJson: '{"at":"left"}' },
      ],
    },
    {
      role: 'tool',
      content: [{ type: 'tool-result', callId: 'call_1', content: [{ type: 'text', text: 'a cat' }] }],
    },
  ],
  tools: [{ type: 'function', name: 'see', description: 'looks', parameters: PARAMETERS, strict: true }],
  toolChoice: { type: 'tool', name: 'see' },
  responseFormat: { type: 'json-schema', name: 'told', schema: SCHEMA, strict: true },
  sampling: { temperature: 0.5, topP: 0.9 },
  maxOutputTokens: 1_000,
});

const builtBy = ({ translation }: ProviderDialect, call: GenerationCall, quirks: Quirks): unknown =>
  JSON.parse(translation?.buildRequest({ call, upstreamModel: 'm', endUser: 'u', quirks }).body.toString() ?? '');

it('Messages as Anthropic’s client sends them', () => {
  const body = {
    model: 'm',
    max_tokens: 1_000,
    system: [{ type: 'text', text: 'be brief' }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'Er==' },
          { type: 'text', text: 'I look' },
          { type: 'tool_use', id: 'call_1', name: 'see', input: { at: 'left' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'a cat' }] }],
      },
    ],
    tools: [{ name: 'see', description: 'looks', input_schema: PARAMETERS, strict: true }],
    tool_choice: { type: 'tool', name: 'see' },
    output_config: { format: { type: 'json_schema', schema: SCHEMA } },
    temperature: 0.5,
    top_p: 0.9,
    metadata: { user_id: 'u' },
    // Its first version leaves sampling out of its types; earlier models take it all the same.
  } satisfies Anthropic.MessageCreateParamsNonStreaming & { temperature: number; top_p: number };
  const call = callWith({ text: 'hm', format: 'anthropic-claude-v1', signature: 'Er==' });
  expect(builtBy(anthropicMessages, call, {})).toEqual(body);
});

const CHAT = {
  model: 'm',
  messages: [
    { role: 'system', content: 'be brief' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
      ],
    },
    {
      role: 'assistant',
      content: 'I look',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'see', arguments: '{"at":"left"}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
  ],
  max_completion_tokens: 1_000,
  tools: [{ type: 'function', function: { name: 'see', description: 'looks', parameters: PARAMETERS, strict: true } }],
  tool_choice: { type: 'function', function: { name: 'see' } },
  response_format: { type: 'json_schema', json_schema: { name: 'told', schema: SCHEMA, strict: true } },
  temperature: 0.5,
  top_p: 0.9,
  user: 'u',
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

it.each([openaiChat, azureOpenAi])('chat completions as OpenAI’s client sends them ($name)', (dialect) => {
  const call = callWith({ text: 'not sent back' });
  expect(builtBy(dialect, call, { outputCapField: 'max_completion_tokens' })).toEqual(CHAT);
});

it('Responses as OpenAI’s client sends them', () => {
  const body = {
    model: 'm',
    store: false,
    input: [
      { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'be brief' }] },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'what is it?' },
          { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${PNG}` },
        ],
      },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'hm' }],
        encrypted_content: 'gAAA',
      },
      // Its types want an id and a status of what an assistant said; the API does not: https://platform.openai.com/docs/guides/conversation-state
      {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'I look' }],
      } as unknown as OpenAI.Responses.EasyInputMessage,
      { type: 'function_call', call_id: 'call_1', name: 'see', arguments: '{"at":"left"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'a cat' },
    ],
    max_output_tokens: 1_000,
    tools: [{ type: 'function', name: 'see', description: 'looks', parameters: PARAMETERS, strict: true }],
    tool_choice: { type: 'function', name: 'see' },
    text: { format: { type: 'json_schema', name: 'told', schema: SCHEMA, strict: true } },
    temperature: 0.5,
    top_p: 0.9,
    safety_identifier: 'u',
  } satisfies OpenAI.Responses.ResponseCreateParamsNonStreaming;
  const call = callWith({ text: 'hm', format: 'openai-responses-v1', id: 'rs_1', summary: true, encrypted: 'gAAA' });
  expect(builtBy(openaiResponses, call, {})).toEqual(body);
});

it('chat as Cohere’s client sends it', () => {
  const body = {
    model: 'm',
    messages: [
      { role: 'system', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it?' },
          { type: 'image_url', imageUrl: { url: `data:image/png;base64,${PNG}` } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'I look' },
        ],
        toolCalls: [{ id: 'call_1', type: 'function', function: { name: 'see', arguments: '{"at":"left"}' } }],
      },
      { role: 'tool', toolCallId: 'call_1', content: 'a cat' },
    ],
    tools: [{ type: 'function', function: { name: 'see', description: 'looks', parameters: PARAMETERS } }],
    strictTools: true,
    toolChoice: 'REQUIRED',
    responseFormat: { type: 'json_object', jsonSchema: SCHEMA },
    temperature: 0.5,
    p: 0.9,
    maxTokens: 1_000,
  } satisfies Cohere.V2ChatRequest;
  expect(camelCase(builtBy(cohere, callWith({ text: 'hm' }), { thinks: true }))).toEqual({ ...body, stream: false });
});

it('chat as Mistral’s client sends it', () => {
  const body = {
    model: 'm',
    messages: [
      { role: 'system', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it?' },
          { type: 'image_url', imageUrl: { url: `data:image/png;base64,${PNG}` } },
        ],
      },
      {
        role: 'assistant',
        content: 'I look',
        toolCalls: [{ id: 'call_1', type: 'function', function: { name: 'see', arguments: '{"at":"left"}' } }],
      },
      { role: 'tool', toolCallId: 'call_1', content: 'a cat' },
    ],
    stream: true,
    maxTokens: 1_000,
    tools: [
      { type: 'function', function: { name: 'see', description: 'looks', parameters: PARAMETERS, strict: true } },
    ],
    toolChoice: { type: 'function', function: { name: 'see' } },
    responseFormat: { type: 'json_schema', jsonSchema: { name: 'told', schema: SCHEMA, strict: true } },
    temperature: 0.5,
    topP: 0.9,
    randomSeed: 7,
    // Callers of its client write `schemaDefinition`, and it sends `schema`.
  } satisfies Omit<ChatCompletionRequest, 'responseFormat'> & {
    responseFormat: { type: 'json_schema'; jsonSchema: JsonSchema$Outbound };
  };
  const call = callWith({ text: 'not sent back' });
  const asked: GenerationCall = { ...call, stream: true, sampling: { ...call.sampling, seed: 7 } };
  expect(camelCase(builtBy(openaiChat, asked, MISTRAL))).toEqual(body);
});

it('generateContent as Google’s client sends it', () => {
  const body = {
    systemInstruction: { parts: [{ text: 'be brief' }] },
    contents: [
      { role: 'user', parts: [{ text: 'what is it?' }, { inlineData: { mimeType: 'image/png', data: PNG } }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: 'Er==' },
          { text: 'I look' },
          { functionCall: { id: 'call_1', name: 'see', args: { at: 'left' } } },
        ],
      },
      { role: 'user', parts: [{ functionResponse: { id: 'call_1', name: 'see', response: { output: 'a cat' } } }] },
    ],
    tools: [{ functionDeclarations: [{ name: 'see', description: 'looks', parametersJsonSchema: PARAMETERS }] }],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['see'] } },
    generationConfig: {
      maxOutputTokens: 1_000,
      temperature: 0.5,
      topP: 0.9,
      responseMimeType: 'application/json',
      responseJsonSchema: SCHEMA,
    },
  } satisfies Wire<{
    systemInstruction: Content;
    contents: Content[];
    tools: Tool[];
    toolConfig: ToolConfig;
    generationConfig: GenerationConfig;
  }>;
  const call = callWith({ text: 'hm', format: 'google-gemini-v1', signature: 'Er==' });
  expect(builtBy(gemini, call, { jsonSchema: true, sendsCallIds: true })).toEqual(body);
});

it('Converse as AWS’s client sends it', () => {
  const body = {
    system: [{ text: 'be brief' }],
    messages: [
      { role: 'user', content: [{ text: 'what is it?' }, { image: { format: 'png', source: { bytes: PNG } } }] },
      {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'hm', signature: 'Er==' } } },
          { text: 'I look' },
          { toolUse: { toolUseId: 'call_1', name: 'see', input: { at: 'left' } } },
        ],
      },
      { role: 'user', content: [{ toolResult: { toolUseId: 'call_1', content: [{ text: 'a cat' }] } }] },
    ],
    inferenceConfig: { maxTokens: 1_000, temperature: 0.5, topP: 0.9 },
    toolConfig: {
      tools: [{ toolSpec: { name: 'see', description: 'looks', inputSchema: { json: PARAMETERS }, strict: true } }],
      toolChoice: { tool: { name: 'see' } },
    },
    outputConfig: {
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { schema: JSON.stringify(SCHEMA), name: 'told' } },
      },
    },
    requestMetadata: { user: 'u' },
  } satisfies Wire<Omit<ConverseRequest, 'modelId'>>;
  const call = callWith({ text: 'hm', format: 'anthropic-claude-v1', signature: 'Er==' });
  expect(builtBy(bedrockConverse, call, { family: 'claude' })).toEqual(body);
});
