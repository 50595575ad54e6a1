// Reads a chat completions request. As strict as a provider about what it needs, silent about the rest; the field `sandbox` (or its JSON text in
// `metadata.sandbox`) is read strictly.
import { scriptOverrides, type ScriptOverrides } from '../../script/script.js';
import type { SandboxCall, SandboxMessage, SandboxTool } from '../../reply/call.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall } from '../dialect.js';

type Json = Record<string, unknown>;
const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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

const readOverrides = (body: Json): ScriptOverrides => {
  const inMetadata = isRecord(body['metadata']) ? body['metadata']['sandbox'] : undefined;
  let given = body['sandbox'];
  if (given === undefined && typeof inMetadata === 'string') {
    try {
      given = JSON.parse(inMetadata);
    } catch {
      throw new BadCall(400, 'metadata.sandbox is not JSON.');
    }
  }
  if (given === undefined) return {};
  const read = scriptOverrides.safeParse(given);
  if (!read.success)
    throw new BadCall(
      400,
      `sandbox: ${read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  return read.data;
};

const readWhole = (body: Json, field: string, min: number): number | undefined => {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw new BadCall(400, `${field} must be a whole number, at least ${min}.`);
  return value;
};

export const readChatCall = (body: unknown): SandboxCall => {
  if (!isRecord(body)) throw new BadCall(400, 'The body must be a JSON object.');
  if (typeof body['model'] !== 'string') throw new BadCall(400, 'You must provide a model parameter.');
  if (!Array.isArray(body['messages']) || body['messages'].length === 0)
    throw new BadCall(400, 'messages must be a non-empty array.');
  const tools = readTools(body['tools']);
  const maxTokens = readWhole(body, 'max_completion_tokens', 1) ?? readWhole(body, 'max_tokens', 1);
  const seed = readWhole(body, 'seed', Number.MIN_SAFE_INTEGER);
  const streamOptions = body['stream_options'];
  return {
    model: body['model'],
    stream: body['stream'] === true,
    streamUsage: isRecord(streamOptions) && streamOptions['include_usage'] === true,
    messages: body['messages'].map(readMessage),
    tools,
    toolChoice: readToolChoice(body['tool_choice'], tools),
    toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    overrides: readOverrides(body),
  };
};
