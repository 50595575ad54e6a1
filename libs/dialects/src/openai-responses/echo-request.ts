// What a response says again of its request: what OpenAI's answers hold of it, as the client wrote it. https://platform.openai.com/docs/api-reference/responses/object
// What was not set is told as clients read "not set": what a provider then takes is not known here.
import { isObject, type JsonObject } from '../openai-chat/check-type.js';

/** By name, and what stands there where the client set nothing. */
const MEMBERS: JsonObject = {
  instructions: null,
  metadata: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  previous_response_id: null,
  temperature: null,
  top_p: null,
  presence_penalty: null,
  frequency_penalty: null,
  tool_choice: 'auto',
  truncation: 'disabled',
  user: null,
};
const TEXT = { format: { type: 'text' } } as const;
const REASONING = { effort: null, summary: null } as const;
/** A stream says all of it three times: what is longer is left at "not set". */
const MEMBER_CHARACTERS_MAX = 64 * 1024;

const setMembers = (value: unknown): JsonObject =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)) : {};

/** OpenAI's always have both, and clients that validate ask for them. */
const toolOf = (tool: unknown): unknown =>
  isObject(tool) && tool['type'] === 'function'
    ? { ...tool, parameters: tool['parameters'] ?? null, strict: tool['strict'] ?? null }
    : tool;

const memberJson = (name: string, value: unknown, unset: unknown): string => {
  const json = JSON.stringify(value ?? unset);
  return `${JSON.stringify(name)}:${json.length > MEMBER_CHARACTERS_MAX ? JSON.stringify(unset) : json}`;
};

/** Members of a response, as JSON without the braces. */
export const echoRequest = (body: JsonObject): string =>
  [
    ...Object.entries(MEMBERS).map(([name, unset]) => memberJson(name, body[name], unset)),
    memberJson('tools', Array.isArray(body['tools']) ? body['tools'].map(toolOf) : undefined, []),
    memberJson('text', { ...TEXT, ...setMembers(body['text']) }, TEXT),
    memberJson('reasoning', { ...REASONING, ...setMembers(body['reasoning']) }, REASONING),
    // Nothing is kept, whatever was asked.
    '"background":false',
    '"store":false',
  ].join(',');

/** Where the request is not at hand. */
export const NO_ECHO = echoRequest({});
