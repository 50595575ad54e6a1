// Legacy completions: the prompt is asked as a user's one message, and every other field is read as chat completions read it. What a chat cannot do is refused by name.
// https://platform.openai.com/docs/api-reference/completions/create; the reference API, section 24.
import { CHAT_FIELDS } from '../json/chat-fields.js';
import type { ChatRequest, ReadChatOptions } from '../openai-chat/chat-request.js';
import {
  aBoolean,
  anInteger,
  checkOptional,
  isObject,
  refuse,
  typeOf,
  type JsonObject,
} from '../openai-chat/check-type.js';
import { readChatCall } from '../openai-chat/read-chat-call.js';
import { readChatRequest } from '../openai-chat/read-chat-request.js';
import type { CallReading } from '../public-dialect.js';
import { parseBody } from '../request/parse-body.js';

const FIELDS: ReadonlySet<string> = new Set([...CHAT_FIELDS, 'prompt', 'suffix', 'echo', 'best_of']);

/** Of chat, and without a place in a completion's answer; `logprobs` is a number here, of tokens that no chat endpoint tells. */
const LEFT_OUT = ['logprobs', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls', 'modalities', 'audio'];

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

/** One prompt: a list of one is the same. Token ids belong to a tokenizer that the endpoint may not have. */
const promptOf = ({ prompt }: JsonObject): string => {
  if (prompt === undefined || prompt === null) return refuse('prompt', 'Invalid request: prompt is required');
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt)) return refuse('prompt', `Expected string, received ${typeOf(prompt)}`);
  const [only] = prompt as unknown[];
  if (prompt.length !== 1)
    return refuse('prompt', `a list must hold exactly one prompt, received ${prompt.length}; send one request each`);
  return typeof only === 'string'
    ? only
    : refuse('prompt', `Expected string, received ${typeOf(only)} in the list; prompts of tokens are not taken`);
};

const refuseWhatNoChatCanDo = (body: JsonObject): void => {
  checkOptional('echo', body['echo'], aBoolean);
  checkOptional('best_of', body['best_of'], anInteger(1, 20));
  checkOptional('n', body['n'], anInteger(1));
  if (body['suffix'] !== undefined && body['suffix'] !== null && body['suffix'] !== '')
    refuse('suffix', 'text cannot be inserted here: prompts are asked as a chat; leave it out');
  if (body['echo'] === true) refuse('echo', 'the prompt is not repeated here; leave it out');
  for (const name of ['best_of', 'n'])
    if (typeof body[name] === 'number' && body[name] > 1)
      refuse(name, `one completion is made a request, received ${body[name]}; send one request each`);
};

/** The same request as a chat's. */
const asChat = (body: JsonObject, prompt: string): Buffer => {
  const rest = Object.entries(body).filter(
    ([key]) => !LEFT_OUT.includes(key) && !['prompt', 'suffix', 'echo', 'best_of', 'messages'].includes(key),
  );
  return Buffer.from(JSON.stringify({ ...Object.fromEntries(rest), messages: [{ role: 'user', content: prompt }] }));
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readCompletionRequest = (bytes: Buffer, options: ReadChatOptions): ChatRequest => {
  const { value: body } = parseBody(bytes, FIELDS);
  const prompt = promptOf(body);
  refuseWhatNoChatCanDo(body);
  const request = readChatRequest(asChat(body, prompt), options);
  const warnings = LEFT_OUT.filter((field) => isSet(body[field])).map((field) => ({
    code: 'unsupported-parameter' as const,
    message: `${field} has no effect here.`,
    field,
  }));
  return {
    ...request,
    features: { ...request.features, api: 'completions', dialect: 'openai-completions', bodyBytes: bytes.length },
    // No endpoint passes these bytes on.
    spans: [],
    warnings: [...request.warnings, ...warnings],
  };
};

export const readCompletionCall = (bytes: Buffer): CallReading => {
  const body: unknown = JSON.parse(bytes.toString('utf8'));
  const checked = isObject(body) ? body : {}; // checked at the edge
  return readChatCall(asChat(checked, promptOf(checked)));
};
