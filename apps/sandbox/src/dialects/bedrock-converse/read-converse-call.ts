// Reads a Converse request: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
import type { SandboxCall, SandboxMessage, SandboxTool } from '../../reply/call.js';
import { signatureOf } from '../../reply/sign.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall, type Received } from '../dialect.js';
import { isRecord, readBody, readNumber, readOverrides, readRecords, readWhole, type Json } from '../read-fields.js';
import { checkAuthorization } from './check-authorization.js';

interface Content {
  readonly text: string;
  readonly mediaParts: number;
  readonly toolUses: readonly string[];
  readonly toolResults: readonly string[];
  readonly cachePoints: number;
}

const MEDIA = ['image', 'document', 'video', 'audio'];

const readReasoning = (reasoning: Json, at: string): string => {
  const said = reasoning['reasoningText'];
  if (!isRecord(said) || typeof said['text'] !== 'string')
    throw new BadCall(400, `The reasoningContent at ${at} has no reasoningText.`);
  if (said['signature'] !== signatureOf(said['text']))
    throw new BadCall(400, `${at}: Invalid \`signature\` in \`thinking\` block`);
  return said['text'];
};

const readContent = (content: unknown, at: string): Content => {
  let text = '';
  let mediaParts = 0;
  const toolUses: string[] = [];
  const toolResults: string[] = [];
  let cachePoints = 0;
  const blocks = readRecords(content, at);
  if (blocks.length === 0) throw new BadCall(400, `The content field in the Message object at ${at} is empty.`);
  for (const [index, block] of blocks.entries()) {
    const where = `${at}.${index}`;
    const { toolUse, toolResult, reasoningContent } = block;
    if (typeof block['text'] === 'string') {
      if (block['text'].trim() === '')
        throw new BadCall(400, `The text field in the ContentBlock object at ${where} is blank.`);
      text += block['text'];
    } else if (isRecord(toolUse)) {
      if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(toolUse['toolUseId'])))
        throw new BadCall(400, `${where}.toolUse.toolUseId must match [a-zA-Z0-9_-]+`);
      if (typeof toolUse['name'] !== 'string' || !isRecord(toolUse['input']))
        throw new BadCall(400, `The format of the value at ${where}.toolUse.input is invalid. Provide a json object.`);
      toolUses.push(String(toolUse['toolUseId']));
      text += toolUse['name'] + JSON.stringify(toolUse['input']);
    } else if (isRecord(toolResult)) {
      toolResults.push(String(toolResult['toolUseId']));
      for (const part of readRecords(toolResult['content'], `${where}.toolResult.content`))
        text += typeof part['text'] === 'string' ? part['text'] : JSON.stringify(part['json'] ?? '');
    } else if (isRecord(reasoningContent)) text += readReasoning(reasoningContent, where);
    else if (MEDIA.some((name) => isRecord(block[name]))) mediaParts += 1;
    else if (isRecord(block['cachePoint'])) cachePoints += 1;
    else if (!isRecord(block['guardContent']))
      throw new BadCall(400, `The content block at ${where} has no member that is known.`);
  }
  return { text, mediaParts, toolUses, toolResults, cachePoints };
};

const cacheMark = ({ cachePoints }: Content): { cacheMark?: true } => (cachePoints > 0 ? { cacheMark: true } : {});

const readMessages = (body: Json, hasTools: boolean): SandboxMessage[] => {
  const messages: SandboxMessage[] = [];
  const system = body['system'];
  if (system !== undefined && readRecords(system, 'system').length > 0) {
    const read = readContent(system, 'system');
    messages.push({ role: 'system', text: read.text, mediaParts: 0, ...cacheMark(read) });
  }
  const given = readRecords(body['messages'], 'messages');
  if (given.length === 0 || given[0]?.['role'] !== 'user')
    throw new BadCall(
      400,
      'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
    );
  let asked: readonly string[] = [];
  for (const [index, { role, content }] of given.entries()) {
    const expected = index % 2 === 0 ? 'user' : 'assistant';
    if (role !== expected) throw new BadCall(400, 'A conversation must alternate between user and assistant roles.');
    const read = readContent(content, `messages.${index}.content`);
    if (!hasTools && read.toolUses.length + read.toolResults.length > 0)
      throw new BadCall(400, 'The toolConfig field must be defined when using toolUse and toolResult content blocks.');
    const missing = asked.filter((id) => !read.toolResults.includes(id));
    if (missing.length > 0)
      throw new BadCall(
        400,
        `Expected toolResult blocks at messages.${index}.content for the following Ids: ${missing.join(', ')}`,
      );
    if (read.toolResults.length > asked.length)
      throw new BadCall(
        400,
        `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`,
      );
    asked = read.toolUses;
    messages.push({
      role: read.toolResults.length > 0 ? 'tool' : expected,
      text: read.text,
      mediaParts: read.mediaParts,
      ...cacheMark(read),
    });
  }
  return messages;
};

const readTools = (config: Json): SandboxTool[] =>
  readRecords(config['tools'], 'toolConfig.tools').flatMap((tool, index) => {
    if (isRecord(tool['cachePoint'])) return [];
    const spec = tool['toolSpec'];
    const schema = isRecord(spec) ? spec['inputSchema'] : undefined;
    if (!isRecord(spec) || typeof spec['name'] !== 'string' || !isRecord(schema) || !isRecord(schema['json']))
      throw new BadCall(400, `toolConfig.tools.${index}.toolSpec must have a name and an inputSchema.json.`);
    return [{ name: spec['name'], parameters: schema['json'] }];
  });

const readToolChoice = (choice: unknown): SandboxCall['toolChoice'] => {
  if (!isRecord(choice) || isRecord(choice['auto'])) return { kind: 'auto' };
  if (isRecord(choice['any'])) return { kind: 'force' };
  const { tool } = choice;
  if (isRecord(tool) && typeof tool['name'] === 'string') return { kind: 'force', name: tool['name'] };
  throw new BadCall(400, 'toolConfig.toolChoice must be auto, any or tool.');
};

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_OutputFormat.html: the schema is JSON text. */
const readSchema = (config: unknown): unknown => {
  const format = isRecord(config) ? config['textFormat'] : undefined;
  const structure = isRecord(format) ? format['structure'] : undefined;
  const named = isRecord(structure) ? structure['jsonSchema'] : undefined;
  if (!isRecord(named)) return undefined;
  try {
    return JSON.parse(String(named['schema']));
  } catch {
    throw new BadCall(400, 'outputConfig.textFormat.structure.jsonSchema.schema is not JSON.');
  }
};

export const readConverseCall = ({ body: given, model = '', stream = false, header }: Received): SandboxCall => {
  checkAuthorization(header);
  const body = readBody(given);
  const inference = isRecord(body['inferenceConfig']) ? body['inferenceConfig'] : {};
  const maxTokens = readWhole(inference, 'maxTokens', 1);
  readNumber(inference, 'temperature', 0, 1);
  readNumber(inference, 'topP', 0, 1);
  const config = isRecord(body['toolConfig']) ? body['toolConfig'] : undefined;
  const tools = config === undefined ? [] : readTools(config);
  const jsonSchema = readSchema(body['outputConfig']);
  return {
    model,
    stream,
    streamUsage: true,
    messages: readMessages(body, config !== undefined),
    cachesMarked: true,
    tools,
    toolChoice: readToolChoice(config?.['toolChoice']),
    toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(config)),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    overrides: readOverrides(body),
  };
};
