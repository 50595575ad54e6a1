// Reads a chat request: https://docs.cohere.com/reference/chat
import { ANY_OBJECT, type SandboxCall, type SandboxMessage, type SandboxTool } from '../../reply/call.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall } from '../dialect.js';
import {
  isRecord,
  readBody,
  readModel,
  readNumber,
  readOverrides,
  readRecords,
  readWhole,
  type Json,
} from '../read-fields.js';

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant', 'tool']);

const readContent = (content: unknown, at: string): Pick<SandboxMessage, 'text' | 'mediaParts'> => {
  if (content === undefined || content === null) return { text: '', mediaParts: 0 };
  if (typeof content === 'string') return { text: content, mediaParts: 0 };
  let text = '';
  let mediaParts = 0;
  for (const part of readRecords(content, at)) {
    const said = part['text'] ?? part['thinking'];
    if (typeof said === 'string') text += said;
    else if (isRecord(part['document'])) text += JSON.stringify(part['document']);
    else mediaParts += 1;
  }
  return { text, mediaParts };
};

const callIds = (message: Json, at: string): string[] =>
  message['tool_calls'] === undefined
    ? []
    : readRecords(message['tool_calls'], `${at}.tool_calls`).map((call) => {
        if (typeof call['id'] !== 'string' || !isRecord(call['function']))
          throw new BadCall(400, `invalid request: ${at}.tool_calls must have an id and a function.`);
        return call['id'];
      });

const readMessages = (value: unknown): SandboxMessage[] => {
  const given = readRecords(value, 'messages');
  if (given.length === 0) throw new BadCall(400, 'invalid request: messages must not be empty.');
  const open = new Set<string>();
  return given.map((message, index) => {
    const at = `messages[${index}]`;
    const { role } = message;
    if (typeof role !== 'string' || !ROLES.has(role)) throw new BadCall(400, `invalid request: invalid role in ${at}.`);
    if (role === 'tool') {
      if (!open.delete(String(message['tool_call_id'])))
        throw new BadCall(
          400,
          `invalid request: no tool call with id ${String(message['tool_call_id'])} before ${at}.`,
        );
    } else if (open.size > 0) throw new BadCall(400, `invalid request: tool calls without results before ${at}.`);
    for (const id of callIds(message, at)) open.add(id);
    const { text, mediaParts } = readContent(message['content'], `${at}.content`);
    const calls = message['tool_calls'] === undefined ? '' : JSON.stringify(message['tool_calls']);
    const plan = typeof message['tool_plan'] === 'string' ? message['tool_plan'] : '';
    if (text === '' && mediaParts === 0 && calls === '')
      throw new BadCall(400, `invalid request: ${at} must have at least one token long content or tool calls.`);
    return { role, text: text + plan + calls, mediaParts };
  });
};

const readTools = (tools: unknown): SandboxTool[] =>
  tools === undefined
    ? []
    : readRecords(tools, 'tools').map((tool, index) => {
        const definition = tool['function'];
        if (!isRecord(definition) || typeof definition['name'] !== 'string')
          throw new BadCall(400, `invalid request: tools[${index}].function.name is missing.`);
        return { name: definition['name'], parameters: definition['parameters'] };
      });

/** https://docs.cohere.com/docs/tool-use-usage-patterns#forcing-tool-usage: no tool can be named. */
const readToolChoice = (choice: unknown): SandboxCall['toolChoice'] => {
  if (choice === undefined) return { kind: 'auto' };
  if (choice === 'REQUIRED') return { kind: 'force' };
  if (choice === 'NONE') return { kind: 'none' };
  throw new BadCall(400, 'invalid request: tool_choice must be REQUIRED or NONE.');
};

const readSchema = (format: unknown): unknown => {
  if (!isRecord(format) || format['type'] === 'text') return undefined;
  if (format['type'] !== 'json_object')
    throw new BadCall(400, 'invalid request: response_format.type must be text or json_object.');
  return format['json_schema'] ?? format['schema'] ?? ANY_OBJECT;
};

export const readCohereChat = (given: unknown): SandboxCall => {
  const body = readBody(given);
  const model = readModel(body);
  const maxTokens = readWhole(body, 'max_tokens', 1);
  const seed = readWhole(body, 'seed', 0);
  readNumber(body, 'temperature', 0, 1);
  readNumber(body, 'p', 0.01, 0.99);
  readNumber(body, 'k', 0, 500);
  const tools = readTools(body['tools']);
  const jsonSchema = readSchema(body['response_format']);
  return {
    model,
    stream: body['stream'] === true,
    streamUsage: true,
    messages: readMessages(body['messages']),
    tools,
    toolChoice: readToolChoice(body['tool_choice']),
    toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    overrides: readOverrides(body),
  };
};
