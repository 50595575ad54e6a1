// The canonical call in a Messages body. The body was checked at the edge; what is read here is what a translation needs of it.
// Invariant: nothing is dropped in silence. A known field that the call has no member for goes into `extra`.
import type {
  AssistantPart,
  CacheMarker,
  FilePart,
  GenerationCall,
  ImagePart,
  MediaSource,
  Message,
  ReasoningOptions,
  ReasoningPart,
  ResponseFormat,
  TextPart,
  Tool,
  ToolChoice,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { parseHolding } from '../json/exact-numbers.js';
import { isObject, refuse, type JsonObject } from '../openai-chat/check-type.js';
import { callSealOf, type CallSeal } from '../openai-chat/reasoning-details.js';
import type { CallReading } from '../public-dialect.js';
import { openEnvelope } from '../reasoning/envelope.js';
import { CLAUDE_FORMAT } from '../reasoning/format.js';
import { cacheMarkerOf, promptCacheOf } from '../request/cache-control.js';
import { numberOf, objectsOf, textOf } from '../request/json-shape.js';
import { OWN_MESSAGES_FIELDS } from './messages-fields.js';

const COVERED: ReadonlySet<string> = new Set([
  ...OWN_MESSAGES_FIELDS,
  ...['model', 'messages', 'system', 'stream', 'max_tokens', 'metadata', 'temperature', 'top_p', 'top_k'],
  ...['stop_sequences', 'tools', 'tool_choice', 'thinking', 'output_config', 'service_tier'],
]);

const cacheOf = (block: JsonObject): { cache?: CacheMarker } => {
  const cache = cacheMarkerOf(block['cache_control']);
  return cache === undefined ? {} : { cache };
};

const textPart = (block: JsonObject): TextPart => ({
  type: 'text',
  text: typeof block['text'] === 'string' ? block['text'] : '',
  ...cacheOf(block),
});

const sourceOf = (block: JsonObject, field: string): MediaSource => {
  const source = isObject(block['source']) ? block['source'] : {};
  switch (source['type']) {
    case 'base64':
      return {
        kind: 'data',
        mediaType: textOf(source['media_type']) ?? 'application/octet-stream',
        base64: textOf(source['data']) ?? '',
      };
    case 'text':
      return {
        kind: 'data',
        mediaType: textOf(source['media_type']) ?? 'text/plain',
        base64: Buffer.from(textOf(source['data']) ?? '').toString('base64'),
      };
    case 'url':
      return { kind: 'url', url: textOf(source['url']) ?? '' };
    case 'file':
      return { kind: 'file-id', id: textOf(source['file_id']) ?? '' };
    default:
      return refuse(`${field}.source.type`, `${JSON.stringify(source['type'])} cannot be translated`);
  }
};

const imagePart = (block: JsonObject, field: string): ImagePart => ({
  type: 'image',
  source: sourceOf(block, field),
  ...cacheOf(block),
});

const filePart = (block: JsonObject, field: string): FilePart => {
  const filename = textOf(block['title']);
  return {
    type: 'file',
    source: sourceOf(block, field),
    ...(filename === undefined ? {} : { filename }),
    ...cacheOf(block),
  };
};

const blocksOf = (content: unknown): JsonObject[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content);

const resultPart = (block: JsonObject, field: string): ToolResultPart => ({
  type: 'tool-result',
  callId: textOf(block['tool_use_id']) ?? '',
  content: blocksOf(block['content']).map((each, index) => {
    const at = `${field}.content[${index}]`;
    switch (each['type']) {
      case 'text':
        return textPart(each);
      case 'image':
        return imagePart(each, at);
      case 'document':
        return filePart(each, at);
      default:
        return refuse(`${at}.type`, `${JSON.stringify(each['type'])} cannot be translated`);
    }
  }),
  ...(block['is_error'] === true ? { isError: true } : {}),
  ...cacheOf(block),
});

const userPart = (block: JsonObject, field: string): UserPart => {
  switch (block['type']) {
    case 'text':
      return textPart(block);
    case 'image':
      return imagePart(block, field);
    case 'document':
      return filePart(block, field);
    default:
      return refuse(`${field}.type`, `a block of type ${JSON.stringify(block['type'])} cannot be translated`);
  }
};

/** A turn of the user: results of tools first, then what the user says. */
const userMessages = (message: JsonObject, field: string): Message[] => {
  const results: ToolResultPart[] = [];
  const said: UserPart[] = [];
  for (const [index, block] of blocksOf(message['content']).entries()) {
    const at = `${field}.content[${index}]`;
    if (block['type'] === 'tool_result') results.push(resultPart(block, at));
    else said.push(userPart(block, at));
  }
  return [
    ...(results.length === 0 ? [] : [{ role: 'tool' as const, content: results }]),
    ...(said.length === 0 ? [] : [{ role: 'user' as const, content: said }]),
  ];
};

/** Whose a thought is: Claude's, unless an envelope says otherwise (`thinking-seal.ts`). */
const thoughtOf = (text: string, sealed: string | undefined, kind: 'signature' | 'encrypted'): ReasoningPart => ({
  type: 'reasoning',
  text,
  ...(openEnvelope(sealed) ?? { format: CLAUDE_FORMAT, ...(sealed === undefined ? {} : { [kind]: sealed }) }),
});

const assistantPart = (block: JsonObject, field: string): AssistantPart[] => {
  switch (block['type']) {
    case 'text':
      return [textPart(block)];
    case 'thinking':
      return [thoughtOf(textOf(block['thinking']) ?? '', textOf(block['signature']), 'signature')];
    case 'redacted_thinking':
      return [thoughtOf('', textOf(block['data']) ?? '', 'encrypted')];
    case 'tool_use':
      return [
        {
          type: 'tool-call',
          id: textOf(block['id']) ?? '',
          name: textOf(block['name']) ?? '',
          argumentsJson: JSON.stringify(block['input'] ?? {}),
        },
      ];
    default:
      return refuse(`${field}.type`, `a block of type ${JSON.stringify(block['type'])} cannot be translated`);
  }
};

/** What was enclosed for a call goes to its call. */
const withSeals = (parts: readonly AssistantPart[]): AssistantPart[] => {
  const calls = new Set(parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : [])));
  const seals = new Map<string, CallSeal>();
  const rest = parts.filter((part) => {
    const ofCall = part.type === 'reasoning' ? callSealOf(part, calls) : undefined;
    if (ofCall !== undefined) seals.set(ofCall.callId, ofCall.seal);
    return ofCall === undefined;
  });
  return rest.map((part) => (part.type === 'tool-call' ? { ...part, ...seals.get(part.id) } : part));
};

const messagesOf = (message: JsonObject, field: string): Message[] => {
  if (message['role'] === 'assistant') {
    const blocks = blocksOf(message['content']);
    const parts = blocks.flatMap((block, index) => assistantPart(block, `${field}.content[${index}]`));
    return [{ role: 'assistant', content: withSeals(parts) }];
  }
  if (message['role'] === 'system') return [{ role: 'system', content: blocksOf(message['content']).map(textPart) }];
  return userMessages(message, field);
};

const toolOf = (tool: JsonObject): Tool => {
  const type = tool['type'];
  if (typeof type === 'string' && type !== 'custom') return { type: 'provider', name: type, config: tool };
  const description = textOf(tool['description']);
  return {
    type: 'function',
    name: textOf(tool['name']) ?? '',
    ...(description === undefined ? {} : { description }),
    ...(isObject(tool['input_schema']) ? { parameters: tool['input_schema'] } : {}),
    ...(typeof tool['strict'] === 'boolean' ? { strict: tool['strict'] } : {}),
    ...cacheOf(tool),
  };
};

const choiceOf = (choice: JsonObject): ToolChoice => {
  switch (choice['type']) {
    case 'any':
      return { type: 'required' };
    case 'none':
      return { type: 'none' };
    case 'tool':
      return { type: 'tool', name: textOf(choice['name']) ?? '' };
    default:
      return { type: 'auto' };
  }
};

const reasoningOf = (body: JsonObject): ReasoningOptions | undefined => {
  const thinking = isObject(body['thinking']) ? body['thinking'] : undefined;
  const config = isObject(body['output_config']) ? body['output_config'] : {};
  const effort = textOf(config['effort']) as ReasoningOptions['effort'];
  const byEffort = effort === undefined ? {} : { effort };
  switch (thinking?.['type']) {
    case 'enabled': {
      const maxTokens = numberOf(thinking['budget_tokens']);
      return { enabled: true, ...byEffort, ...(maxTokens === undefined ? {} : { maxTokens }) };
    }
    case 'adaptive':
      return { enabled: true, ...byEffort };
    case 'disabled':
      return { enabled: false };
    default:
      return effort === undefined ? undefined : byEffort;
  }
};

const formatOf = (body: JsonObject): ResponseFormat | undefined => {
  const config = isObject(body['output_config']) ? body['output_config'] : {};
  const format = isObject(config['format']) ? config['format'] : undefined;
  if (format?.['type'] !== 'json_schema') return undefined;
  return {
    type: 'json-schema',
    name: textOf(format['name']) ?? 'response',
    schema: isObject(format['schema']) ? format['schema'] : {},
    strict: true,
  };
};

const samplingOf = (body: JsonObject): GenerationCall['sampling'] => {
  const [temperature, topP, topK] = ['temperature', 'top_p', 'top_k'].map((name) => numberOf(body[name]));
  const stop = body['stop_sequences'];
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(Array.isArray(stop) && stop.length > 0 ? { stop: stop as string[] } : {}),
  };
};

/** Members that hold arguments of tools. */
const ARGUMENTS: ReadonlySet<string> = new Set(['input']);

export const readMessagesCall = (bytes: Buffer): CallReading => {
  const body = parseHolding(ARGUMENTS, bytes.toString('utf8')) as JsonObject; // checked at the edge
  const system = blocksOf(body['system']).map(textPart);
  const choice = isObject(body['tool_choice']) ? body['tool_choice'] : undefined;
  const maxOutputTokens = numberOf(body['max_tokens']);
  const [reasoning, responseFormat, serviceTier] = [reasoningOf(body), formatOf(body), textOf(body['service_tier'])];
  const tools = objectsOf(body['tools']).map(toolOf);
  const extra = Object.entries(body).filter(([key, value]) => !COVERED.has(key) && value !== null);
  return {
    call: {
      messages: [
        ...(system.length === 0 ? [] : [{ role: 'system' as const, content: system }]),
        ...objectsOf(body['messages']).flatMap((message, index) => messagesOf(message, `messages[${index}]`)),
      ],
      stream: body['stream'] === true,
      sampling: samplingOf(body),
      ...(tools.length === 0 ? {} : { tools }),
      ...(choice === undefined ? {} : { toolChoice: choiceOf(choice) }),
      ...(choice?.['disable_parallel_tool_use'] === true ? { parallelToolCalls: false } : {}),
      ...(responseFormat === undefined ? {} : { responseFormat }),
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...promptCacheOf(body),
      ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
    },
    warnings: [],
  };
};
