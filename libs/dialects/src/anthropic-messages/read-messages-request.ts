// Bytes of `POST /messages` → what the ingress decides with. The body is parsed once, for validation and features; its bytes travel on unchanged.
// Invariants: no text of the prompt leaves in the result; unknown top-level fields are tolerated; every refusal names the field. https://docs.anthropic.com/en/api/messages
import type { RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { CHAT_LIMITS, type ChatRequest, type ReadChatOptions } from '../openai-chat/chat-request.js';
import {
  aBoolean,
  aListOf,
  aNumberIn,
  aString,
  aStringOf,
  anInteger,
  anObject,
  checkOptional,
  either,
  isObject,
  oneOf,
  quote,
  refuse,
  typeOf,
  type Check,
  type JsonObject,
} from '../openai-chat/check-type.js';
import { readProviderPreferences } from '../openai-chat/read-provider-preferences.js';
import { compressionOf, readPlugins } from '../plugins/read-plugins.js';
import { aCacheControl } from '../request/cache-control.js';
import { measureTokens } from '../request/measure-tokens.js';
import { parseBody } from '../request/parse-body.js';
import { readModels } from '../request/read-models.js';
import { MESSAGES_FIELDS } from './messages-fields.js';

type Modality = 'text' | 'image' | 'audio' | 'video' | 'file';

/** The reference: at most three, and not beside `models`. */
const FALLBACKS_MAX = 3;

const aTool: Check = (tool) => {
  if (!isObject(tool)) return `Expected object, received ${typeOf(tool)}`;
  return typeof tool['name'] === 'string' || typeof tool['type'] === 'string'
    ? undefined
    : `name: Expected string, received ${typeOf(tool['name'])}`;
};

const aThinking: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const type = oneOf(['enabled', 'disabled', 'adaptive'])(value['type']);
  if (type !== undefined) return `type: ${type}`;
  const budget = value['type'] === 'enabled' ? anInteger(1)(value['budget_tokens']) : undefined;
  return budget === undefined ? undefined : `budget_tokens: ${budget}`;
};

const aChoice: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const type = oneOf(['auto', 'any', 'none', 'tool'])(value['type']);
  if (type !== undefined) return `type: ${type}`;
  return value['type'] === 'tool' && typeof value['name'] !== 'string'
    ? `name: Expected string, received ${typeOf(value['name'])}`
    : undefined;
};

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['max_tokens', anInteger(1)],
  ['stream', aBoolean],
  ['temperature', aNumberIn(0, 2)],
  ['top_p', aNumberIn(0, 1)],
  ['top_k', anInteger(0)],
  ['stop_sequences', aListOf(aString, 64)],
  ['tools', aListOf(aTool, CHAT_LIMITS.tools)],
  ['tool_choice', aChoice],
  ['thinking', aThinking],
  ['output_config', anObject],
  ['metadata', anObject],
  ['service_tier', aStringOf(32)],
  ['speed', oneOf(['fast', 'standard'])],
  ['context_management', anObject],
  ['cache_control', aCacheControl],
  ['session_id', aStringOf(CHAT_LIMITS.sessionCharacters)],
  ['user', aStringOf(CHAT_LIMITS.userCharacters)],
  ['trace', anObject],
  ['system', either('string or array', aString, aListOf(anObject, CHAT_LIMITS.parts))],
]);

/** Taken without effect so far; each is told as a warning instead of being dropped in silence. */
const WITHOUT_EFFECT = ['preset', 'stop_server_tools_when'] as const;

interface Measures {
  messageCount: number;
  mediaCharacters: number;
  images: number;
  unbounded: boolean;
  readonly seen: Set<Modality>;
}

const characters = (value: unknown): number => (typeof value === 'string' ? value.length : 0);

const measureSource = (block: JsonObject, into: Measures): void => {
  const source = isObject(block['source']) ? block['source'] : {};
  into.mediaCharacters += characters(source['data']);
};

const measureBlock = (block: unknown, field: string, into: Measures): void => {
  if (!isObject(block)) return refuse(field, `Expected object, received ${typeOf(block)}`);
  switch (block['type']) {
    case 'text':
      if (typeof block['text'] !== 'string')
        refuse(`${field}.text`, `Expected string, received ${typeOf(block['text'])}`);
      return;
    case 'image':
      into.seen.add('image');
      into.images += 1;
      return measureSource(block, into);
    case 'document':
      into.seen.add('file');
      into.unbounded = true;
      return measureSource(block, into);
    case 'tool_result':
      if (typeof block['tool_use_id'] !== 'string')
        refuse(`${field}.tool_use_id`, `Expected string, received ${typeOf(block['tool_use_id'])}`);
      if (Array.isArray(block['content']))
        for (const [index, each] of (block['content'] as unknown[]).entries())
          measureBlock(each, `${field}.content[${index}]`, into);
      return;
    default:
      if (typeof block['type'] !== 'string')
        refuse(`${field}.type`, `Expected string, received ${typeOf(block['type'])}`);
  }
};

const measure = (messages: unknown): Measures => {
  if (messages === undefined || messages === null) return refuse('messages', 'Invalid request: messages is required');
  if (!Array.isArray(messages)) return refuse('messages', `Expected array, received ${typeOf(messages)}`);
  if (messages.length === 0) return refuse('messages', 'Array must contain at least 1 element(s)');
  if (messages.length > CHAT_LIMITS.messages)
    return refuse(
      'messages',
      `Array must contain at most ${CHAT_LIMITS.messages} element(s), received ${messages.length}`,
    );
  const into: Measures = {
    messageCount: messages.length,
    mediaCharacters: 0,
    images: 0,
    unbounded: false,
    seen: new Set(['text']),
  };
  for (const [index, message] of (messages as unknown[]).entries()) {
    const field = `messages[${index}]`;
    if (!isObject(message)) return refuse(field, `Expected object, received ${typeOf(message)}`);
    const { role, content } = message;
    if (role !== 'user' && role !== 'assistant' && role !== 'system')
      return refuse(
        `${field}.role`,
        `Expected 'user' | 'assistant', received ${typeof role === 'string' ? quote(role) : typeOf(role)}`,
      );
    if (typeof content === 'string') continue;
    if (!Array.isArray(content))
      return refuse(`${field}.content`, `Expected string or array, received ${typeOf(content)}`);
    if (content.length > CHAT_LIMITS.parts)
      return refuse(
        `${field}.content`,
        `Array must contain at most ${CHAT_LIMITS.parts} element(s), received ${content.length}`,
      );
    for (const [at, block] of (content as unknown[]).entries()) measureBlock(block, `${field}.content[${at}]`, into);
  }
  return into;
};

const fallbacksOf = (body: JsonObject): string[] => {
  const { fallbacks } = body;
  if (fallbacks === undefined || fallbacks === null) return [];
  if (Array.isArray(body['models'])) return refuse('fallbacks', 'stands beside `models`; send one of them');
  checkOptional('fallbacks', fallbacks, aListOf(anObject, FALLBACKS_MAX));
  return (fallbacks as JsonObject[]).map((each, index) => {
    checkOptional(`fallbacks[${index}].model`, each['model'] ?? 0, aStringOf(CHAT_LIMITS.modelCharacters));
    return each['model'] as string;
  });
};

const OPENING_CHARACTERS = 2_048;

/** What stays the same through a conversation. Only ever hashed. */
const opening = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return `${text.length}:${text.slice(0, OPENING_CHARACTERS)}`;
};

const conversationOf = (body: JsonObject, sessionId: string | undefined, hash: (text: string) => string): string => {
  if (sessionId !== undefined) return hash(`session:${sessionId}`);
  const [first] = body['messages'] as JsonObject[];
  return hash(`opening:${opening(body['system'])}\n${opening(first?.['content'])}`);
};

const parametersOf = (body: JsonObject): string[] => {
  const set = (field: string): boolean => body[field] !== undefined && body[field] !== null;
  const config = isObject(body['output_config']) ? body['output_config'] : {};
  const tools = Array.isArray(body['tools']) && body['tools'].length > 0;
  const thinking = isObject(body['thinking']) && body['thinking']['type'] !== 'disabled';
  return [
    ...['temperature', 'top_p', 'top_k', 'max_tokens'].filter(set),
    ...(set('stop_sequences') ? ['stop'] : []),
    ...(tools ? ['tools'] : []),
    ...(tools && set('tool_choice') ? ['tool_choice'] : []),
    ...(thinking || config['effort'] !== undefined ? ['reasoning'] : []),
    ...(isObject(config['format']) ? ['structured_outputs', 'response_format'] : []),
  ];
};

const wantsJson = ({ output_config: config }: JsonObject): boolean => isObject(config) && isObject(config['format']);

const endUserOf = (body: JsonObject): string | undefined => {
  const inMetadata = isObject(body['metadata']) ? body['metadata']['user_id'] : undefined;
  checkOptional('metadata.user_id', inMetadata, aStringOf(CHAT_LIMITS.userCharacters));
  return (body['user'] as string | null | undefined) ?? (inMetadata as string | null | undefined) ?? undefined;
};

const warningsOf = (body: JsonObject): Warning[] =>
  WITHOUT_EFFECT.filter(
    (field) =>
      body[field] !== undefined && body[field] !== null && !(Array.isArray(body[field]) && body[field].length === 0),
  ).map((field) => ({ code: 'unsupported-parameter', message: `${field} has no effect here.`, field }));

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readMessagesRequest = (bytes: Buffer, options: ReadChatOptions): ChatRequest => {
  const { value: body, spans } = parseBody(bytes, MESSAGES_FIELDS);
  for (const key of Object.keys(body)) {
    const check = FIELDS.get(key);
    if (check !== undefined) checkOptional(key, body[key], check);
  }
  checkOptional('x-session-id', options.sessionHeader, aStringOf(CHAT_LIMITS.sessionCharacters, 0));
  const measures = measure(body['messages']);
  const toolCount = Array.isArray(body['tools']) ? body['tools'].length : 0;
  const tokens = measureTokens(bytes.length, measures, toolCount);
  const sessionId = (body['session_id'] as string | null | undefined) ?? (options.sessionHeader || undefined);
  const endUserId = endUserOf(body);
  const stream = body['stream'] === true;
  const maxOutputTokens = (body['max_tokens'] as number | null | undefined) ?? undefined;
  const serviceTier = (body['service_tier'] as string | null | undefined) ?? undefined;
  const { plugins, warnings } = readPlugins({ plugins: body['plugins'] }, { stream, wantsJson: wantsJson(body) });
  const features: RouteFeatures = {
    api: 'messages',
    dialect: 'anthropic-messages',
    stream,
    bodyBytes: bytes.length,
    inputTokensEstimate: tokens.estimate,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    parameters: parametersOf(body),
    inputModalities: [...measures.seen],
    outputModalities: ['text'],
    compression: compressionOf(plugins, undefined),
    toolCount,
    messageCount: measures.messageCount,
    conversation: conversationOf(body, sessionId, options.hash),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  };
  return {
    models: [...new Set([...readModels(body), ...fallbacksOf(body)])],
    stream,
    preferences: readProviderPreferences(body['provider'], body['route']),
    features,
    spans,
    inputTokensMax: tokens.max,
    inputImages: measures.images,
    choices: 1,
    ...(endUserId === undefined ? {} : { endUserId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    plugins,
    warnings: [...warningsOf(body), ...warnings],
  };
};
