// The canonical call in a chat body. The body was checked at the edge (`read-chat-request.ts`); what is read here is what a translation needs of it.
// Invariant: nothing is dropped in silence. A known field that the call has no member for goes into `extra`, from where the provider's dialect sends or warns.
import type {
  AssistantPart,
  CacheMarker,
  GenerationCall,
  MediaSource,
  Message,
  Modality,
  ReasoningOptions,
  ResponseFormat,
  Sampling,
  TextPart,
  Tool,
  ToolChoice,
  ToolResultPart,
  UserPart,
  Warning,
} from '@waystation/generation';
import { OWN_CHAT_FIELDS } from '../json/chat-fields.js';
import { mediaSourceOf } from '../media-source.js';
import type { CallReading } from '../public-dialect.js';
import { cacheMarkerOf, promptCacheOf } from '../request/cache-control.js';
import { numberOf, objectsOf, present, textOf } from '../request/json-shape.js';
import { isObject, refuse, typeOf, type JsonObject } from './check-type.js';
import { readReasoningDetails } from './reasoning-details.js';

/** Fields with a member of the call, and those that only the relay itself reads. */
const COVERED: ReadonlySet<string> = new Set([
  ...OWN_CHAT_FIELDS,
  ...['model', 'messages', 'stream', 'stream_options', 'user', 'max_tokens', 'max_completion_tokens'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'structured_outputs'],
  ...['temperature', 'top_p', 'top_k', 'min_p', 'top_a', 'frequency_penalty', 'presence_penalty'],
  ...['repetition_penalty', 'seed', 'stop', 'logit_bias', 'logprobs', 'top_logprobs'],
  ...['reasoning', 'reasoning_effort', 'include_reasoning', 'modalities', 'audio', 'verbosity', 'service_tier'],
  ...['prompt_cache_key', 'metadata'],
]);

const cacheOf = (part: JsonObject): { cache?: CacheMarker } => {
  const cache = cacheMarkerOf(part['cache_control']);
  if (cache !== undefined) return { cache };
  return isObject(part['prompt_cache_breakpoint']) ? { cache: { ttl: '5m' } } : {};
};

const textPart = (part: JsonObject): TextPart => ({
  type: 'text',
  text: typeof part['text'] === 'string' ? part['text'] : '',
  ...cacheOf(part),
});

const DETAILS: ReadonlySet<unknown> = new Set(['auto', 'low', 'high', 'original']);

const userPart = (part: JsonObject, field: string): UserPart => {
  switch (part['type']) {
    case 'text':
      return textPart(part);
    case 'image_url': {
      const image = isObject(part['image_url']) ? part['image_url'] : {};
      const detail = image['detail'];
      return {
        type: 'image',
        source: mediaSourceOf(image['url'], `${field}.image_url.url`),
        ...(DETAILS.has(detail) ? { detail: detail as 'auto' } : {}),
        ...cacheOf(part),
      };
    }
    case 'input_audio': {
      const audio = isObject(part['input_audio']) ? part['input_audio'] : {};
      const format = textOf(audio['format']);
      const source: MediaSource = {
        kind: 'data',
        mediaType: `audio/${format ?? 'wav'}`,
        base64: textOf(audio['data']) ?? '',
      };
      return { type: 'audio', source, ...(format === undefined ? {} : { format }) };
    }
    case 'video_url':
    case 'input_video': {
      const value = part[part['type']];
      return { type: 'video', source: mediaSourceOf(isObject(value) ? value['url'] : value, `${field}.video_url.url`) };
    }
    case 'file': {
      const file = isObject(part['file']) ? part['file'] : {};
      const id = textOf(file['file_id']);
      const filename = textOf(file['filename']);
      return {
        type: 'file',
        source:
          id === undefined ? mediaSourceOf(file['file_data'], `${field}.file.file_data`) : { kind: 'file-id', id },
        ...(filename === undefined ? {} : { filename }),
        ...cacheOf(part),
      };
    }
    default:
      return refuse(`${field}.type`, `a part of type ${JSON.stringify(part['type'])} cannot be translated`);
  }
};

const userParts = (content: unknown, field: string): UserPart[] =>
  typeof content === 'string'
    ? [{ type: 'text', text: content }]
    : objectsOf(content).map((part, index) => userPart(part, `${field}[${index}]`));

const textParts = (content: unknown): TextPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content).map(textPart);

const toolCalls = (message: JsonObject): JsonObject[] => objectsOf(message['tool_calls']);

const assistantParts = (message: JsonObject, field: string): AssistantPart[] => {
  const calls = toolCalls(message);
  const ids = new Set(calls.flatMap((call) => (typeof call['id'] === 'string' ? [call['id']] : [])));
  const { parts: details, ofCalls } = readReasoningDetails(message['reasoning_details'], ids);
  const plain = textOf(message['reasoning']) ?? textOf(message['reasoning_content']);
  const refusal = textOf(message['refusal']);
  const said = assistantContent(message['content'], field);
  return [
    ...(details.length === 0 && plain !== undefined ? [{ type: 'reasoning' as const, text: plain }] : details),
    ...said,
    ...(refusal === undefined ? [] : [{ type: 'refusal' as const, text: refusal }]),
    ...objectsOf(message['images']).map(
      (image, index) => userPart(image, `${field}.images[${index}]`) as AssistantPart,
    ),
    ...calls.map((call): AssistantPart => {
      const called = isObject(call['function']) ? call['function'] : {};
      const id = textOf(call['id']) ?? '';
      return {
        type: 'tool-call',
        id,
        name: textOf(called['name']) ?? '',
        argumentsJson: textOf(called['arguments']) ?? '{}',
        ...ofCalls.get(id),
      };
    }),
  ];
};

const assistantContent = (content: unknown, field: string): AssistantPart[] => {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return objectsOf(content).map((part, index): AssistantPart => {
    if (part['type'] === 'refusal') return { type: 'refusal', text: textOf(part['refusal']) ?? '' };
    const read = userPart(part, `${field}.content[${index}]`);
    return read.type === 'text' || read.type === 'image'
      ? read
      : refuse(`${field}.content[${index}].type`, 'an assistant cannot have said this');
  });
};

const toolResult = (message: JsonObject, field: string): ToolResultPart => {
  const parts = userParts(message['content'], `${field}.content`);
  const name = textOf(message['name']);
  const [first] = parts;
  return {
    type: 'tool-result',
    callId: textOf(message['tool_call_id']) ?? '',
    ...(name === undefined ? {} : { name }),
    content: parts.map((part, index) =>
      part.type === 'text' || part.type === 'image' || part.type === 'file'
        ? part
        : refuse(`${field}.content[${index}].type`, `a tool cannot answer with ${part.type} here`),
    ),
    ...(parts.length === 1 && first?.type === 'text' && first.cache !== undefined ? { cache: first.cache } : {}),
  };
};

const messageOf = (message: JsonObject, field: string): Message => {
  const name = textOf(message['name']);
  const named = name === undefined ? {} : { name };
  switch (message['role']) {
    case 'system':
    case 'developer':
      return { role: message['role'], content: textParts(message['content']), ...named };
    case 'user':
      return { role: 'user', content: userParts(message['content'], `${field}.content`), ...named };
    case 'assistant':
      return { role: 'assistant', content: assistantParts(message, field), ...named };
    case 'tool':
      return { role: 'tool', content: [toolResult(message, field)] };
    default:
      return refuse(
        `${field}.role`,
        `a message of role '${String(message['role'])}' cannot be translated for the endpoint that was chosen; use 'tool'`,
      );
  }
};

const toolOf = (tool: JsonObject): Tool => {
  const described = tool['function'];
  if (tool['type'] !== 'function' || !isObject(described))
    return { type: 'provider', name: String(tool['type']), config: tool };
  const description = textOf(described['description']);
  return {
    type: 'function',
    name: textOf(described['name']) ?? '',
    ...(description === undefined ? {} : { description }),
    ...(isObject(described['parameters']) ? { parameters: described['parameters'] } : {}),
    ...(typeof described['strict'] === 'boolean' ? { strict: described['strict'] } : {}),
    ...cacheOf(tool),
  };
};

const toolChoiceOf = (choice: unknown): ToolChoice | undefined => {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isObject(choice)) return undefined;
  const name = isObject(choice['function']) ? textOf(choice['function']['name']) : undefined;
  return name === undefined
    ? refuse('tool_choice', `${typeOf(choice)} without a function's name cannot be translated`)
    : { type: 'tool', name };
};

const responseFormatOf = (format: unknown): ResponseFormat | undefined => {
  if (!isObject(format)) return undefined;
  switch (format['type']) {
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema': {
      const told = isObject(format['json_schema']) ? format['json_schema'] : {};
      const description = textOf(told['description']);
      return {
        type: 'json-schema',
        name: textOf(told['name']) ?? 'response',
        schema: isObject(told['schema']) ? told['schema'] : {},
        ...(typeof told['strict'] === 'boolean' ? { strict: told['strict'] } : {}),
        ...(description === undefined ? {} : { description }),
      };
    }
    case 'grammar':
      return { type: 'grammar', grammar: textOf(format['grammar']) ?? '' };
    default:
      return refuse('response_format.type', `${JSON.stringify(format['type'])} cannot be translated`);
  }
};

const samplingOf = (body: JsonObject): Sampling => {
  const stop = body['stop'];
  const bias = body['logit_bias'];
  return present({
    temperature: numberOf(body['temperature']),
    topP: numberOf(body['top_p']),
    topK: numberOf(body['top_k']),
    minP: numberOf(body['min_p']),
    topA: numberOf(body['top_a']),
    frequencyPenalty: numberOf(body['frequency_penalty']),
    presencePenalty: numberOf(body['presence_penalty']),
    repetitionPenalty: numberOf(body['repetition_penalty']),
    seed: numberOf(body['seed']),
    stop: typeof stop === 'string' ? [stop] : Array.isArray(stop) ? (stop as string[]) : undefined,
    logitBias: isObject(bias) ? (bias as Record<string, number>) : undefined,
    logprobs: typeof body['logprobs'] === 'boolean' ? body['logprobs'] : undefined,
    topLogprobs: numberOf(body['top_logprobs']),
  });
};

const reasoningOf = (body: JsonObject): ReasoningOptions | undefined => {
  const told = isObject(body['reasoning']) ? body['reasoning'] : {};
  const options = present({
    enabled: typeof told['enabled'] === 'boolean' ? told['enabled'] : undefined,
    effort: (textOf(told['effort']) ?? textOf(body['reasoning_effort'])) as ReasoningOptions['effort'],
    maxTokens: numberOf(told['max_tokens']),
    exclude: told['exclude'] === true || body['include_reasoning'] === false ? true : undefined,
    summary: textOf(told['summary']) as ReasoningOptions['summary'],
  });
  const asked = Object.keys(options).length > 0 || body['include_reasoning'] === true;
  return asked ? options : undefined;
};

const maxOutputOf = (body: JsonObject): number | undefined =>
  numberOf(body['max_completion_tokens']) ?? numberOf(body['max_tokens']);

const extraOf = (body: JsonObject): { extra?: Record<string, unknown> } => {
  const rest = Object.entries(body).filter(([key, value]) => !COVERED.has(key) && value !== null);
  return rest.length === 0 ? {} : { extra: Object.fromEntries(rest) };
};

const onlyOne = (body: JsonObject): readonly Warning[] =>
  typeof body['n'] === 'number' && body['n'] > 1
    ? refuse('n', 'the endpoint that was chosen makes one completion a request; ask for `n` = 1')
    : [];

export const readChatCall = (bytes: Buffer): CallReading => {
  const body = JSON.parse(bytes.toString('utf8')) as JsonObject; // checked at the edge
  const warnings = onlyOne(body);
  const audio = isObject(body['audio']) ? body['audio'] : undefined;
  const modalities = body['modalities'];
  const call: GenerationCall = {
    messages: objectsOf(body['messages']).map((message, index) => messageOf(message, `messages[${index}]`)),
    stream: body['stream'] === true,
    sampling: samplingOf(body),
    ...present({
      tools:
        Array.isArray(body['tools']) && body['tools'].length > 0 ? objectsOf(body['tools']).map(toolOf) : undefined,
      toolChoice: toolChoiceOf(body['tool_choice']),
      parallelToolCalls: typeof body['parallel_tool_calls'] === 'boolean' ? body['parallel_tool_calls'] : undefined,
      responseFormat: responseFormatOf(body['response_format']),
      reasoning: reasoningOf(body),
      maxOutputTokens: maxOutputOf(body),
      outputModalities: Array.isArray(modalities) && modalities.length > 0 ? (modalities as Modality[]) : undefined,
      audioOutput:
        audio === undefined
          ? undefined
          : { voice: textOf(audio['voice']) ?? 'alloy', format: textOf(audio['format']) ?? 'wav' },
      verbosity: textOf(body['verbosity']),
      serviceTier: textOf(body['service_tier']),
      promptCacheKey: textOf(body['prompt_cache_key']),
    }),
    ...promptCacheOf(body),
    ...extraOf(body),
  };
  return { call, warnings };
};
