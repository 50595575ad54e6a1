// Reads a request for a response: https://platform.openai.com/docs/api-reference/responses/create
import { ANY_OBJECT, type SandboxCall, type SandboxTool } from '../../reply/call.js';
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
import { readInput } from './read-input.js';

const OUTPUT_TOKENS_MIN = 16;

/** What the request says that its answer shows. */
export interface ResponseTerms {
  readonly summary: boolean;
  readonly encrypted: boolean;
  /** What the response repeats of its request. */
  readonly echo: Readonly<Record<string, unknown>>;
}

const readTools = (tools: unknown): SandboxTool[] =>
  tools === undefined || tools === null
    ? []
    : readRecords(tools, 'tools').flatMap((tool, index) => {
        if (tool['type'] !== 'function') return [];
        // Not nested as in chat completions.
        if (typeof tool['name'] !== 'string')
          throw new BadCall(400, `Missing required parameter: 'tools[${index}].name'.`);
        return [{ name: tool['name'], parameters: tool['parameters'] }];
      });

const readToolChoice = (choice: unknown, tools: readonly SandboxTool[]): SandboxCall['toolChoice'] => {
  if (choice === undefined || choice === null || choice === 'auto') return { kind: 'auto' };
  if (choice === 'none') return { kind: 'none' };
  if (choice === 'required') return { kind: 'force' };
  const name = isRecord(choice) ? choice['name'] : undefined;
  if (typeof name === 'string' && tools.some((tool) => tool.name === name)) return { kind: 'force', name };
  throw new BadCall(400, 'tool_choice must be none, auto, required or a function of this request.');
};

const readSchema = (text: unknown): unknown => {
  const format = isRecord(text) ? text['format'] : undefined;
  if (!isRecord(format)) return undefined;
  if (format['type'] === 'json_object') return ANY_OBJECT;
  if (format['type'] !== 'json_schema') return undefined;
  if (typeof format['name'] !== 'string' || !isRecord(format['schema']))
    throw new BadCall(400, "Missing required parameter: 'text.format.name' or 'text.format.schema'.");
  return format['schema'];
};

const termsOf = (body: Json): ResponseTerms => {
  const reasoning = isRecord(body['reasoning']) ? body['reasoning'] : {};
  const include: readonly unknown[] = Array.isArray(body['include']) ? body['include'] : [];
  return {
    summary: typeof reasoning['summary'] === 'string',
    encrypted: include.includes('reasoning.encrypted_content'),
    echo: {
      instructions: body['instructions'] ?? null,
      max_output_tokens: body['max_output_tokens'] ?? null,
      parallel_tool_calls: body['parallel_tool_calls'] !== false,
      previous_response_id: null,
      reasoning: { effort: reasoning['effort'] ?? null, summary: reasoning['summary'] ?? null },
      store: body['store'] !== false,
      temperature: body['temperature'] ?? 1,
      text: body['text'] ?? { format: { type: 'text' } },
      tool_choice: body['tool_choice'] ?? 'auto',
      tools: body['tools'] ?? [],
      top_p: body['top_p'] ?? 1,
      truncation: 'disabled',
      user: null,
      metadata: {},
    },
  };
};

export const readResponsesCall = (given: unknown): { call: SandboxCall; terms: ResponseTerms } => {
  const body = readBody(given);
  const model = readModel(body);
  if (body['messages'] !== undefined)
    throw new BadCall(
      400,
      "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'.",
    );
  if (body['previous_response_id'] !== undefined && body['previous_response_id'] !== null)
    throw new BadCall(400, `Previous response with id '${String(body['previous_response_id'])}' not found.`);
  readNumber(body, 'temperature', 0, 2);
  const maxTokens = readWhole(body, 'max_output_tokens', OUTPUT_TOKENS_MIN);
  const tools = readTools(body['tools']);
  const jsonSchema = readSchema(body['text']);
  const { instructions } = body;
  return {
    terms: termsOf(body),
    call: {
      model,
      stream: body['stream'] === true,
      streamUsage: true,
      messages: [
        ...(typeof instructions === 'string' ? [{ role: 'system', text: instructions, mediaParts: 0 }] : []),
        ...readInput(body['input']),
      ],
      tools,
      toolChoice: readToolChoice(body['tool_choice'], tools),
      toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
      ...(body['parallel_tool_calls'] === false ? { oneToolCall: true } : {}),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      overrides: readOverrides(body),
    },
  };
};
