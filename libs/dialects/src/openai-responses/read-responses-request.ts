// Bytes of `POST /responses` → what the ingress decides with. The body is parsed once, for validation and features; its bytes travel on unchanged.
// Invariants: nothing is stored, so that what needs a stored response is refused; no text of the prompt leaves in the result; unknown top-level fields are tolerated;
// every refusal names the field. https://platform.openai.com/docs/api-reference/responses/create; the reference API, section 4.1.
import type { RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { CHAT_LIMITS, type ChatRequest, type ReadChatOptions } from '../openai-chat/chat-request.js';
import {
  aBoolean,
  aListOf,
  aMapOf,
  aNumberIn,
  aString,
  aStringOf,
  anInteger,
  anObject,
  checkOptional,
  either,
  isObject,
  oneOf,
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
import { measureInput } from './measure-input.js';
import { RESPONSES_FIELDS } from './responses-fields.js';

const EFFORTS = ['max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none'];
const SUMMARIES = ['auto', 'concise', 'detailed'];
const TOOL_CALLS_MAX = 30;
const TEXT_MODALITIES = ['text', 'image', 'audio', 'video', 'file'];

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const aTool: Check = (tool) => {
  if (!isObject(tool)) return `Expected object, received ${typeOf(tool)}`;
  if (typeof tool['type'] !== 'string') return `type: Expected string, received ${typeOf(tool['type'])}`;
  return tool['type'] === 'function' && typeof tool['name'] !== 'string'
    ? `name: Expected string, received ${typeOf(tool['name'])}`
    : undefined;
};

const aChoice: Check = (value) => {
  if (typeof value === 'string') return oneOf(['auto', 'none', 'required'])(value);
  if (!isObject(value)) return `Expected string or object, received ${typeOf(value)}`;
  if (typeof value['type'] !== 'string') return `type: Expected string, received ${typeOf(value['type'])}`;
  return value['type'] === 'function' && typeof value['name'] !== 'string'
    ? `name: Expected string, received ${typeOf(value['name'])}`
    : undefined;
};

const aReasoning: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const members: [string, Check][] = [
    ['effort', oneOf(EFFORTS)],
    ['summary', oneOf(SUMMARIES)],
    ['max_tokens', anInteger(1)],
    ['enabled', aBoolean],
  ];
  for (const [name, check] of members) {
    const problem = isSet(value[name]) ? check(value[name]) : undefined;
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
};

const aTextConfig: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const { format, verbosity } = value;
  if (isSet(verbosity) && typeof verbosity !== 'string')
    return `verbosity: Expected string, received ${typeOf(verbosity)}`;
  if (!isSet(format)) return undefined;
  if (!isObject(format)) return `format: Expected object, received ${typeOf(format)}`;
  const type = oneOf(['text', 'json_object', 'json_schema'])(format['type']);
  if (type !== undefined) return `format.type: ${type}`;
  if (format['type'] !== 'json_schema') return undefined;
  if (typeof format['name'] !== 'string') return `format.name: Expected string, received ${typeOf(format['name'])}`;
  return isObject(format['schema'])
    ? undefined
    : `format.schema: Expected object, received ${typeOf(format['schema'])}`;
};

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['stream', aBoolean],
  ['instructions', aString],
  ['max_output_tokens', anInteger(1)],
  ['temperature', aNumberIn(0, 2)],
  ['top_p', aNumberIn(0, 1)],
  ['top_k', anInteger(0)],
  ['top_logprobs', anInteger(0, 20)],
  ['frequency_penalty', aNumberIn(-2, 2)],
  ['presence_penalty', aNumberIn(-2, 2)],
  ['tools', aListOf(aTool, CHAT_LIMITS.tools)],
  ['tool_choice', aChoice],
  ['parallel_tool_calls', aBoolean],
  ['max_tool_calls', anInteger(1, TOOL_CALLS_MAX)],
  ['reasoning', aReasoning],
  ['text', aTextConfig],
  ['include', aListOf(aString, 16)],
  ['metadata', aMapOf(aStringOf(512, 0))],
  ['modalities', aListOf(oneOf(TEXT_MODALITIES), TEXT_MODALITIES.length)],
  ['image_config', anObject],
  ['prompt', anObject],
  ['prompt_cache_key', aString],
  ['cache_control', aCacheControl],
  ['service_tier', aStringOf(32)],
  ['safety_identifier', aStringOf(CHAT_LIMITS.userCharacters)],
  ['user', aStringOf(CHAT_LIMITS.userCharacters)],
  ['session_id', aStringOf(CHAT_LIMITS.sessionCharacters)],
  ['trace', anObject],
  ['truncation', oneOf(['auto', 'disabled'])],
  ['store', aBoolean],
  ['background', aBoolean],
  ['previous_response_id', aString],
  ['conversation', either('string or object', aString, anObject)],
]);

/** Taken without effect so far; each is told as a warning instead of being dropped in silence. */
const WITHOUT_EFFECT = ['preset', 'stop_server_tools_when'] as const;

/** The reference: no response is kept, so that none can be referred to. */
const refuseState = (body: JsonObject): void => {
  if (body['store'] === true) refuse('store', 'responses are not stored here; send false, or leave it out');
  if (isSet(body['previous_response_id']))
    refuse('previous_response_id', 'responses are not stored here; send the whole conversation as input');
  if (isSet(body['conversation']))
    refuse('conversation', 'conversations are not stored here; send the whole conversation as input');
  if (body['background'] === true) refuse('background', 'needs a stored response, and none is stored here');
};

const OPENING_CHARACTERS = 2_048;

const opening = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return `${text.length}:${text.slice(0, OPENING_CHARACTERS)}`;
};

/** What stays the same through a conversation. Only ever hashed. */
const conversationOf = (body: JsonObject, sessionId: string | undefined, hash: (text: string) => string): string => {
  if (sessionId !== undefined) return hash(`session:${sessionId}`);
  const cacheKey = body['prompt_cache_key'];
  if (typeof cacheKey === 'string' && cacheKey !== '') return hash(`cache:${cacheKey}`);
  const { input } = body;
  const first: unknown = Array.isArray(input) ? input[0] : input;
  return hash(`opening:${opening(body['instructions'])}\n${opening(first)}`);
};

const parametersOf = (body: JsonObject): string[] => {
  const tools = Array.isArray(body['tools']) && body['tools'].length > 0;
  const text = isObject(body['text']) ? body['text'] : {};
  const format = isObject(text['format']) ? text['format']['type'] : undefined;
  const reasoning = isObject(body['reasoning']) ? body['reasoning'] : undefined;
  const plain = ['temperature', 'top_p', 'top_k', 'top_logprobs', 'frequency_penalty', 'presence_penalty'];
  return [
    ...plain.filter((name) => isSet(body[name])),
    ...(isSet(body['max_output_tokens']) ? ['max_tokens'] : []),
    ...(tools ? ['tools'] : []),
    ...(tools ? ['tool_choice', 'parallel_tool_calls'].filter((name) => isSet(body[name])) : []),
    ...(reasoning !== undefined && reasoning['effort'] !== 'none' && reasoning['enabled'] !== false
      ? ['reasoning']
      : []),
    ...(format === 'json_schema' ? ['structured_outputs'] : []),
    ...(format === 'json_schema' || format === 'json_object' ? ['response_format'] : []),
    ...(isSet(text['verbosity']) ? ['verbosity'] : []),
  ];
};

const wantsJson = ({ text }: JsonObject): boolean => {
  const format = isObject(text) ? text['format'] : undefined;
  return isObject(format) && (format['type'] === 'json_object' || format['type'] === 'json_schema');
};

const warningsOf = (body: JsonObject): Warning[] =>
  WITHOUT_EFFECT.filter((field) => isSet(body[field]) && !(Array.isArray(body[field]) && body[field].length === 0)).map(
    (field) => ({ code: 'unsupported-parameter', message: `${field} has no effect here.`, field }),
  );

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readResponsesRequest = (bytes: Buffer, options: ReadChatOptions): ChatRequest => {
  const { value: body, spans } = parseBody(bytes, RESPONSES_FIELDS);
  for (const key of Object.keys(body)) {
    const check = FIELDS.get(key);
    if (check !== undefined) checkOptional(key, body[key], check);
  }
  refuseState(body);
  checkOptional('x-session-id', options.sessionHeader, aStringOf(CHAT_LIMITS.sessionCharacters, 0));
  const measures = measureInput(body['input']);
  const toolCount = Array.isArray(body['tools']) ? body['tools'].length : 0;
  // A prompt kept at the provider has any length.
  const tokens = measureTokens(
    bytes.length,
    { ...measures, unbounded: measures.unbounded || isSet(body['prompt']) },
    toolCount,
  );
  const sessionId = (body['session_id'] as string | null | undefined) ?? (options.sessionHeader || undefined);
  const endUserId = ((body['user'] ?? body['safety_identifier']) as string | null | undefined) ?? undefined;
  const stream = body['stream'] === true;
  const maxOutputTokens = (body['max_output_tokens'] as number | null | undefined) ?? undefined;
  const serviceTier = (body['service_tier'] as string | null | undefined) ?? undefined;
  const modalities = body['modalities'] as RouteFeatures['outputModalities'] | null | undefined;
  const { plugins, warnings } = readPlugins({ plugins: body['plugins'] }, { stream, wantsJson: wantsJson(body) });
  const features: RouteFeatures = {
    api: 'responses',
    dialect: 'openai-responses',
    stream,
    bodyBytes: bytes.length,
    inputTokensEstimate: tokens.estimate,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    parameters: parametersOf(body),
    inputModalities: [...measures.seen],
    outputModalities:
      modalities === undefined || modalities === null || modalities.length === 0 ? ['text'] : modalities,
    compression: compressionOf(plugins, body['modalities']),
    toolCount,
    messageCount: measures.messageCount,
    conversation: conversationOf(body, sessionId, options.hash),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  };
  return {
    models: readModels(body),
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
