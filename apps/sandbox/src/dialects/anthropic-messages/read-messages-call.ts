// Reads a Messages request, as strict as Anthropic about what it documents: https://docs.anthropic.com/en/api/messages
import type { SandboxCall, SandboxMessage, SandboxTool } from '../../reply/call.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall, type Received } from '../dialect.js';
import { isRecord, readBody, readNumber, readOverrides, readRecords, readWhole, type Json } from '../read-fields.js';
import { readContent, type Content } from './read-content.js';

const THINKING_TOKENS_MIN = 1_024;
/** https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching */
const CACHE_MARKS_MAX = 4;

const cacheMark = ({ cacheMarks }: Content): { cacheMark?: true } => (cacheMarks > 0 ? { cacheMark: true } : {});

const readMessages = (body: Json, toolMarks: number): SandboxMessage[] => {
  const given = readRecords(body['messages'], 'messages');
  if (given.length === 0) throw new BadCall(400, 'messages: at least one message is required');
  const messages: SandboxMessage[] = [];
  const system = body['system'];
  let marks = toolMarks;
  if (system !== undefined) {
    const read = readContent(system, 'system', 'system');
    marks += read.cacheMarks;
    messages.push({ role: 'system', text: read.text, mediaParts: 0, ...cacheMark(read) });
  }
  let before: Content | undefined;
  for (const [index, { role, content }] of given.entries()) {
    if (role !== 'user' && role !== 'assistant')
      throw new BadCall(400, `messages.${index}.role: Input should be 'user' or 'assistant'`);
    const read = readContent(content, role, `messages.${index}.content`);
    // https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use#handling-results-from-client-tools
    const unanswered = before?.toolUses.filter((id) => !read.toolResults.includes(id)) ?? [];
    if (unanswered.length > 0)
      throw new BadCall(
        400,
        `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${unanswered.join(', ')}`,
      );
    const unasked = read.toolResults.filter((id) => before?.toolUses.includes(id) !== true);
    if (unasked.length > 0)
      throw new BadCall(
        400,
        `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unasked.join(', ')}`,
      );
    marks += read.cacheMarks;
    messages.push({
      role: read.toolResults.length > 0 ? 'tool' : role,
      text: read.text,
      mediaParts: read.mediaParts,
      ...cacheMark(read),
    });
    before = read;
  }
  if (marks > CACHE_MARKS_MAX)
    throw new BadCall(
      400,
      `A maximum of ${CACHE_MARKS_MAX} blocks with cache_control may be provided. Found ${marks}.`,
    );
  // https://docs.anthropic.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.text !== last.text.trimEnd())
    throw new BadCall(400, 'messages: final assistant content cannot end with trailing whitespace');
  return messages;
};

const readTools = (tools: unknown): SandboxTool[] =>
  tools === undefined
    ? []
    : readRecords(tools, 'tools').flatMap((tool, index) => {
        if (typeof tool['name'] !== 'string') throw new BadCall(400, `tools.${index}.name: Field required`);
        // Tools that Anthropic runs itself have a dated type and no schema.
        if (tool['type'] !== undefined && tool['type'] !== 'custom') return [];
        if (!isRecord(tool['input_schema'])) throw new BadCall(400, `tools.${index}.input_schema: Field required`);
        return [{ name: tool['name'], parameters: tool['input_schema'] }];
      });

const readToolChoice = (choice: unknown, tools: readonly SandboxTool[]): SandboxCall['toolChoice'] => {
  if (choice === undefined) return { kind: 'auto' };
  const { type, name } = isRecord(choice) ? choice : {};
  if (type === 'auto' || type === 'none') return { kind: type };
  if (tools.length === 0) throw new BadCall(400, 'tool_choice may only be specified while providing tools');
  if (type === 'any') return { kind: 'force' };
  if (type === 'tool' && typeof name === 'string' && tools.some((tool) => tool.name === name))
    return { kind: 'force', name };
  throw new BadCall(400, 'tool_choice: must be auto, any, none, or a tool of this request');
};

/** https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking */
const checkThinking = (body: Json, maxTokens: number, forced: boolean): void => {
  const { thinking } = body;
  if (!isRecord(thinking) || thinking['type'] !== 'enabled') return;
  const budget = readWhole(thinking, 'budget_tokens', THINKING_TOKENS_MIN);
  if (budget === undefined) throw new BadCall(400, 'thinking.enabled.budget_tokens: Field required');
  if (budget >= maxTokens) throw new BadCall(400, '`max_tokens` must be greater than `thinking.budget_tokens`');
  if (forced) throw new BadCall(400, 'Thinking may not be enabled when tool_choice forces tool use.');
  if (body['temperature'] !== undefined && body['temperature'] !== 1)
    throw new BadCall(400, '`temperature` may only be set to 1 when thinking is enabled.');
};

export const readMessagesCall = ({ body: given, header }: Received): SandboxCall => {
  // https://docs.anthropic.com/en/api/versioning
  if (header('anthropic-version') === undefined) throw new BadCall(400, 'anthropic-version: header is required');
  const body = readBody(given);
  const { model } = body;
  if (typeof model !== 'string') throw new BadCall(400, 'model: Field required');
  const maxTokens = readWhole(body, 'max_tokens', 1);
  if (maxTokens === undefined) throw new BadCall(400, 'max_tokens: Field required');
  readNumber(body, 'temperature', 0, 1);
  const tools = readTools(body['tools']);
  const toolChoice = readToolChoice(body['tool_choice'], tools);
  checkThinking(body, maxTokens, toolChoice.kind === 'force');
  const toolMarks =
    tools.length === 0
      ? 0
      : readRecords(body['tools'], 'tools').filter(({ cache_control: mark }) => isRecord(mark)).length;
  const alone = isRecord(body['tool_choice']) && body['tool_choice']['disable_parallel_tool_use'] === true;
  const output = isRecord(body['output_config']) ? body['output_config']['format'] : undefined;
  return {
    model,
    stream: body['stream'] === true,
    streamUsage: true,
    messages: readMessages(body, toolMarks),
    cachesMarked: true,
    tools,
    toolChoice,
    toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
    ...(alone ? { oneToolCall: true } : {}),
    ...(isRecord(output) && output['type'] === 'json_schema' ? { jsonSchema: output['schema'] } : {}),
    maxTokens,
    overrides: readOverrides(body),
  };
};
