// Reads a chat completions request. As strict as a provider about what it needs, silent about the rest.
import { ANY_OBJECT, type SandboxCall, type SandboxMessage, type SandboxTool } from '../../reply/call.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall } from '../dialect.js';
import { isRecord, readBody, readModel, readOverrides, readWhole } from '../read-fields.js';

const readMessage = (message: unknown, index: number): SandboxMessage => {
  if (!isRecord(message) || typeof message['role'] !== 'string')
    throw new BadCall(400, `messages[${index}] must be an object with a role.`);
  const { role, content } = message;
  const toolCallText = message['tool_calls'] === undefined ? '' : JSON.stringify(message['tool_calls']);
  if (typeof content === 'string') return { role, text: content + toolCallText, mediaParts: 0 };
  if (content === null || content === undefined) {
    if (toolCallText === '') throw new BadCall(400, `messages[${index}].content is missing.`);
    return { role, text: toolCallText, mediaParts: 0 };
  }
  if (!Array.isArray(content))
    throw new BadCall(400, `messages[${index}].content must be a string or an array of parts.`);
  let text = toolCallText;
  let mediaParts = 0;
  for (const part of content) {
    if (!isRecord(part) || typeof part['type'] !== 'string')
      throw new BadCall(400, `messages[${index}].content has a part without a type.`);
    if (part['type'] === 'text' && typeof part['text'] === 'string') text += part['text'];
    else mediaParts += 1;
  }
  return { role, text, mediaParts };
};

const readTools = (tools: unknown): SandboxTool[] => {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw new BadCall(400, 'tools must be an array.');
  return tools.map((tool, index) => {
    const definition = isRecord(tool) ? tool['function'] : undefined;
    if (!isRecord(definition) || typeof definition['name'] !== 'string')
      throw new BadCall(400, `tools[${index}].function.name is missing.`);
    return { name: definition['name'], parameters: definition['parameters'] };
  });
};

const readToolChoice = (choice: unknown, tools: readonly SandboxTool[]): SandboxCall['toolChoice'] => {
  if (choice === undefined || choice === null || choice === 'auto') return { kind: 'auto' };
  if (choice === 'none') return { kind: 'none' };
  if (choice === 'required') return { kind: 'force' };
  const named = isRecord(choice) && isRecord(choice['function']) ? choice['function']['name'] : undefined;
  if (typeof named !== 'string' || !tools.some((tool) => tool.name === named)) {
    throw new BadCall(400, 'tool_choice must be none, auto, required or a tool of this request.');
  }
  return { kind: 'force', name: named };
};

/** https://platform.openai.com/docs/guides/structured-outputs */
const readJsonSchema = (format: unknown): unknown => {
  if (!isRecord(format)) return undefined;
  if (format['type'] === 'json_object') return ANY_OBJECT;
  if (format['type'] !== 'json_schema') return undefined;
  const named = format['json_schema'];
  if (!isRecord(named) || typeof named['name'] !== 'string' || !isRecord(named['schema']))
    throw new BadCall(400, 'response_format.json_schema must have a name and a schema.');
  return named['schema'];
};

export const readChatCall = (given: unknown): SandboxCall => {
  const body = readBody(given);
  const model = readModel(body);
  if (!Array.isArray(body['messages']) || body['messages'].length === 0)
    throw new BadCall(400, 'messages must be a non-empty array.');
  const tools = readTools(body['tools']);
  const maxTokens = readWhole(body, 'max_completion_tokens', 1) ?? readWhole(body, 'max_tokens', 1);
  const seed = readWhole(body, 'seed', Number.MIN_SAFE_INTEGER);
  const streamOptions = body['stream_options'];
  const jsonSchema = readJsonSchema(body['response_format']);
  return {
    model,
    stream: body['stream'] === true,
    streamUsage: isRecord(streamOptions) && streamOptions['include_usage'] === true,
    messages: body['messages'].map(readMessage),
    tools,
    toolChoice: readToolChoice(body['tool_choice'], tools),
    toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(body['parallel_tool_calls'] === false ? { oneToolCall: true } : {}),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    overrides: readOverrides(body),
  };
};
