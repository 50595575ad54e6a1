// Reads a generateContent request, as strict as Google about names: https://ai.google.dev/api/generate-content
import { findModel } from '../../models/models.js';
import { ANY_OBJECT, type SandboxCall, type SandboxTool } from '../../reply/call.js';
import { countTokens } from '../../reply/tokens.js';
import { BadCall, type Received } from '../dialect.js';
import { isRecord, readBody, readNumber, readOverrides, readRecords, readWhole, type Json } from '../read-fields.js';
import { member, refuseUnknown } from './member.js';
import { readContents } from './read-content.js';

const BODY = [
  ...['contents', 'tools', 'toolConfig', 'safetySettings', 'systemInstruction', 'generationConfig', 'cachedContent'],
  ...['model', 'labels', 'serviceTier', 'store', 'sandbox'],
];
/** https://ai.google.dev/api/generate-content#generationconfig */
const CONFIG = [
  ...['stopSequences', 'responseMimeType', 'responseSchema', '_responseJsonSchema', 'responseJsonSchema'],
  ...['responseModalities', 'candidateCount', 'maxOutputTokens', 'temperature', 'topP', 'topK', 'seed'],
  ...['presencePenalty', 'frequencyPenalty', 'responseLogprobs', 'logprobs', 'enableEnhancedCivicAnswers'],
  ...['speechConfig', 'thinkingConfig', 'imageConfig', 'mediaResolution', 'audioTimestamp', 'routingConfig'],
];

const readTools = (body: Json): SandboxTool[] => {
  const tools = body['tools'];
  if (tools === undefined) return [];
  return readRecords(tools, 'tools').flatMap((tool, index) => {
    const declared = member(tool, 'functionDeclarations');
    if (declared === undefined) return [];
    return readRecords(declared, `tools[${index}].function_declarations`).map((each) => {
      if (typeof each['name'] !== 'string' || !/^[a-zA-Z_][\w.:-]{0,127}$/.test(each['name']))
        throw new BadCall(400, `tools[${index}].function_declarations: Invalid function name.`);
      return { name: each['name'], parameters: member(each, 'parametersJsonSchema') ?? each['parameters'] };
    });
  });
};

/** https://ai.google.dev/api/caching#FunctionCallingConfig */
const readToolChoice = (body: Json): SandboxCall['toolChoice'] => {
  const tool = member(body, 'toolConfig');
  const config = isRecord(tool) ? member(tool, 'functionCallingConfig') : undefined;
  if (!isRecord(config)) return { kind: 'auto' };
  const { mode } = config;
  if (mode === 'NONE') return { kind: 'none' };
  if (mode !== 'ANY') return { kind: 'auto' };
  const allowed = member(config, 'allowedFunctionNames');
  const name: unknown = Array.isArray(allowed) ? allowed[0] : undefined;
  return typeof name === 'string' ? { kind: 'force', name } : { kind: 'force' };
};

const readSchema = (config: Json): unknown => {
  if (member(config, 'responseMimeType') !== 'application/json') return undefined;
  const schema =
    member(config, 'responseJsonSchema') ?? config['_responseJsonSchema'] ?? member(config, 'responseSchema');
  return schema ?? ANY_OBJECT;
};

export interface GenerateContentCall {
  readonly call: SandboxCall;
  readonly includeThoughts: boolean;
}

export const readGenerateContent = ({
  body: given,
  model = '',
  stream = false,
  query,
}: Received): GenerateContentCall => {
  if (stream && query.get('alt') !== 'sse') throw new BadCall(400, 'The sandbox streams with alt=sse only.');
  const body = readBody(given);
  refuseUnknown(body, BODY, '');
  const asked = member(body, 'generationConfig');
  const config = isRecord(asked) ? asked : {};
  refuseUnknown(config, CONFIG, " at 'generation_config'");
  readNumber(config, 'temperature', 0, 2);
  const maxTokens = readWhole(config, 'maxOutputTokens', 1);
  const thinking = member(config, 'thinkingConfig');
  const tools = readTools(body);
  const jsonSchema = readSchema(config);
  const overrides = readOverrides(body);
  const thinks = (overrides.reasoningTokens ?? findModel(model)?.script.reasoningTokens ?? 0) > 0;
  const seed = readWhole(config, 'seed', Number.MIN_SAFE_INTEGER);
  return {
    includeThoughts: isRecord(thinking) && member(thinking, 'includeThoughts') === true,
    call: {
      model,
      stream,
      streamUsage: true,
      messages: readContents(body, thinks),
      tools,
      toolChoice: readToolChoice(body),
      toolTokens: tools.length === 0 ? 0 : countTokens(JSON.stringify(body['tools'])),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(seed === undefined ? {} : { seed }),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
      overrides,
    },
  };
};
