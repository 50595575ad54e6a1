// Bytes of `POST /chat/completions` → what the ingress decides with. The body is parsed once, for validation and features; its bytes travel on unchanged.
// Invariants: no text of the prompt leaves in the result; unknown top-level fields are tolerated; every refusal names the field.
import type { RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { CHAT_FIELDS } from '../json/chat-fields.js';
import { compressionOf, readPlugins } from '../plugins/read-plugins.js';
import { aCacheControl } from '../request/cache-control.js';
import { parseBody } from '../request/parse-body.js';
import { measureTokens } from '../request/measure-tokens.js';
import { readModels } from '../request/read-models.js';
import { CHAT_LIMITS, type ChatRequest, type ReadChatOptions } from './chat-request.js';
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
} from './check-type.js';
import { conversationOpening, measureMessages } from './measure-messages.js';
import { readProviderPreferences } from './read-provider-preferences.js';

const EFFORTS = ['max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none'];

const aTool: Check = (tool) => {
  if (!isObject(tool)) return `Expected object, received ${typeOf(tool)}`;
  if (typeof tool['type'] !== 'string') return `type: Expected string, received ${typeOf(tool['type'])}`;
  if (tool['type'] !== 'function') return undefined;
  const name = isObject(tool['function']) ? tool['function']['name'] : undefined;
  return typeof name === 'string' ? undefined : `function.name: Expected string, received ${typeOf(name)}`;
};

const someMetadata: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const pairs = Object.entries(value);
  if (pairs.length > CHAT_LIMITS.metadataPairs)
    return `at most ${CHAT_LIMITS.metadataPairs} pairs are allowed, received ${pairs.length}`;
  const bad = pairs.find(([key, text]) => key.length > 64 || typeof text !== 'string' || text.length > 512);
  return bad === undefined ? undefined : 'keys have at most 64 characters, values are strings of at most 512';
};

const someStops: Check = (value) =>
  Array.isArray(value)
    ? aListOf(aString, CHAT_LIMITS.stopSequences)(value)
    : `Expected string or array of strings, received ${typeOf(value)}`;

/** Type and range, as the reference states it, of every known top-level field but `messages`, `model`, `models`, `provider` and `route`, which have readers of their own. */
const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['stream', aBoolean],
  ['stream_options', anObject],
  ['max_tokens', anInteger(1)],
  ['max_completion_tokens', anInteger(1)],
  ['n', anInteger(1, CHAT_LIMITS.choices)],
  ['temperature', aNumberIn(0, 2)],
  ['top_p', aNumberIn(0, 1)],
  ['top_k', anInteger(0)],
  ['min_p', aNumberIn(0, 1)],
  ['top_a', aNumberIn(0, 1)],
  ['frequency_penalty', aNumberIn(-2, 2)],
  ['presence_penalty', aNumberIn(-2, 2)],
  ['repetition_penalty', aNumberIn(0, 2)],
  ['seed', anInteger(Number.MIN_SAFE_INTEGER)],
  ['stop', (value) => (typeof value === 'string' ? undefined : someStops(value))],
  ['logit_bias', aMapOf(aNumberIn(-100, 100))],
  ['logprobs', aBoolean],
  ['top_logprobs', anInteger(0, 20)],
  [
    'response_format',
    (value) =>
      isObject(value)
        ? oneOf(['text', 'json_object', 'json_schema', 'grammar', 'python'])(value['type'])
        : anObject(value),
  ],
  ['structured_outputs', aBoolean],
  ['tools', aListOf(aTool, CHAT_LIMITS.tools)],
  ['tool_choice', either('string or object', aString, anObject)],
  ['parallel_tool_calls', aBoolean],
  [
    'reasoning',
    (value) =>
      isObject(value) && value['effort'] !== undefined && value['effort'] !== null
        ? oneOf(EFFORTS)(value['effort'])
        : anObject(value),
  ],
  ['reasoning_effort', oneOf(EFFORTS)],
  ['include_reasoning', aBoolean],
  ['verbosity', aString],
  ['preset', aString],
  ['session_id', aStringOf(CHAT_LIMITS.sessionCharacters)],
  ['user', aStringOf(CHAT_LIMITS.userCharacters)],
  ['metadata', someMetadata],
  ['trace', anObject],
  ['prompt_cache_key', aString],
  ['cache_control', aCacheControl],
  ['service_tier', aStringOf(32)],
  ['modalities', aListOf(oneOf(['text', 'image', 'audio', 'video', 'file']), 5)],
  ['audio', anObject],
  ['prediction', anObject],
]);

/** Names that `supported_parameters` of an endpoint speaks of. */
const PARAMETERS: ReadonlySet<string> = new Set([
  ...['temperature', 'top_p', 'top_k', 'min_p', 'top_a', 'frequency_penalty', 'presence_penalty', 'repetition_penalty'],
  ...[
    'max_tokens',
    'max_completion_tokens',
    'logit_bias',
    'logprobs',
    'top_logprobs',
    'prediction',
    'seed',
    'response_format',
  ],
  ...['structured_outputs', 'stop', 'tools', 'tool_choice', 'parallel_tool_calls', 'include_reasoning', 'reasoning'],
  ...['reasoning_effort', 'web_search_options', 'verbosity'],
]);

/** Taken without effect so far; each is told as a warning instead of being dropped in silence. */
const WITHOUT_EFFECT = ['preset', 'max_tool_calls', 'stop_server_tools_when'] as const;

/** The larger of the two spellings: the hold must cover whichever a provider reads. */
const readMaxOutput = (body: JsonObject): number | undefined => {
  const given = [body['max_tokens'], body['max_completion_tokens']].filter((value) => typeof value === 'number');
  return given.length === 0 ? undefined : Math.max(...given);
};

const readParameters = (body: JsonObject): string[] => {
  const named = Object.keys(body).filter(
    (key) => PARAMETERS.has(key) && body[key] !== null && !(Array.isArray(body[key]) && body[key].length === 0),
  );
  const format = body['response_format'];
  if (isObject(format) && format['type'] === 'json_schema' && !named.includes('structured_outputs'))
    named.push('structured_outputs');
  return named;
};

const wantsJson = ({ response_format: format }: JsonObject): boolean =>
  isObject(format) && (format['type'] === 'json_object' || format['type'] === 'json_schema');

const readConversation = (body: JsonObject, sessionId: string | undefined, hash: (text: string) => string): string => {
  if (sessionId !== undefined) return hash(`session:${sessionId}`);
  const cacheKey = body['prompt_cache_key'];
  if (typeof cacheKey === 'string' && cacheKey !== '') return hash(`cache:${cacheKey}`);
  return hash(`opening:${conversationOpening(body['messages'] as JsonObject[])}`); // checked by measureMessages
};

const warningsOf = (body: JsonObject): Warning[] =>
  WITHOUT_EFFECT.filter(
    (field) =>
      body[field] !== undefined && body[field] !== null && !(Array.isArray(body[field]) && body[field].length === 0),
  ).map((field) => ({
    code: 'unsupported-parameter',
    message: `${field} has no effect here.`,
    field,
  }));

const checkFields = (body: JsonObject): void => {
  for (const key of Object.keys(body)) {
    const check = FIELDS.get(key);
    if (check !== undefined) checkOptional(key, body[key], check);
  }
  const effort = isObject(body['reasoning']) ? body['reasoning']['effort'] : undefined;
  const shorthand = body['reasoning_effort'];
  if (typeof effort === 'string' && typeof shorthand === 'string' && effort !== shorthand)
    refuse('reasoning_effort', `'${shorthand}' differs from reasoning.effort '${effort}'; send one of them`);
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readChatRequest = (bytes: Buffer, options: ReadChatOptions): ChatRequest => {
  const { value: body, spans } = parseBody(bytes, CHAT_FIELDS);
  checkFields(body);
  checkOptional('x-session-id', options.sessionHeader, aStringOf(CHAT_LIMITS.sessionCharacters, 0));
  const measures = measureMessages(body['messages']);
  const models = readModels(body);
  const stream = body['stream'] === true;
  const maxOutputTokens = readMaxOutput(body);
  const toolCount = Array.isArray(body['tools']) ? body['tools'].length : 0;
  const tokens = measureTokens(bytes.length, measures, toolCount);
  const sessionId = (body['session_id'] as string | null | undefined) ?? (options.sessionHeader || undefined);
  const endUserId = (body['user'] as string | null | undefined) ?? undefined;
  const serviceTier = (body['service_tier'] as string | null | undefined) ?? undefined;
  const modalities = body['modalities'] as RouteFeatures['outputModalities'] | null | undefined;
  const { plugins, warnings } = readPlugins(body, { stream, wantsJson: wantsJson(body) });

  const features: RouteFeatures = {
    api: 'chat',
    dialect: 'openai-chat',
    stream,
    bodyBytes: bytes.length,
    inputTokensEstimate: tokens.estimate,
    maxOutputTokens,
    parameters: readParameters(body),
    inputModalities: measures.inputModalities,
    outputModalities:
      modalities === undefined || modalities === null || modalities.length === 0 ? ['text'] : modalities,
    compression: compressionOf(plugins, body['modalities']),
    toolCount,
    messageCount: measures.messageCount,
    conversation: readConversation(body, sessionId, options.hash),
    serviceTier,
  };
  return {
    models,
    stream,
    preferences: readProviderPreferences(body['provider'], body['route']),
    features,
    spans,
    inputTokensMax: tokens.max,
    inputImages: measures.images,
    choices: (body['n'] as number | null | undefined) ?? 1,
    endUserId,
    sessionId,
    plugins,
    warnings: [...warningsOf(body), ...warnings],
  };
};
