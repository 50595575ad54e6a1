// A `generateContent` request from a canonical call. https://ai.google.dev/api/generate-content
// Invariants: answers of tools stand together in the turn behind their calls; what is no part of the API becomes a warning; nothing of a conversation goes in silence.
import type { FunctionTool, GenerationCall, Message, Modality, TextPart, Tool } from '@waystation/generation';
import { isRecord, present, type JsonObject } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';
import { modelParts, refuse, resultParts, userPart, type Part, type PartsContext } from './content-parts.js';
import { convertSchema } from './convert-schema.js';
import { thinkingOf } from './thinking.js';

type Json = Record<string, unknown>;

interface Content {
  readonly role: 'user' | 'model';
  readonly parts: Part[];
}

const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer';

const instructionParts = (messages: readonly Message[], context: PartsContext): Part[] =>
  messages.flatMap((message) =>
    (message.content as readonly TextPart[]) // of instructions
      .filter(({ text }) => text !== '')
      .map((part) => userPart(part, context)),
  );

const contentOf = (message: Message, context: PartsContext): Content => {
  switch (message.role) {
    case 'user':
      return {
        role: 'user',
        parts: message.content
          .filter((part) => part.type !== 'text' || part.text !== '')
          .map((part) => userPart(part, context)),
      };
    case 'assistant':
      return { role: 'model', parts: modelParts(message.content, context) };
    case 'tool':
      return { role: 'user', parts: resultParts(message.content, context) };
    case 'system':
    case 'developer':
      context.losses.lose(
        'messages',
        'Instructions in the middle of a conversation were given as a message of the user.',
      );
      return { role: 'user', parts: instructionParts([message], context) };
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

/** There must be as many answers of tools in a turn as there were calls: results in several messages are one turn. */
const contentsOf = (messages: readonly Message[], context: PartsContext): Content[] => {
  const contents: Content[] = [];
  let behindTool = false;
  for (const message of messages) {
    if (message.role !== 'tool' && message.name !== undefined) context.losses.leaveOut('messages.name');
    const content = contentOf(message, context);
    if (content.parts.length === 0) continue;
    const isTool = message.role === 'tool';
    if (isTool && behindTool) contents.at(-1)?.parts.push(...content.parts);
    else contents.push(content);
    behindTool = isTool;
  }
  return contents.length === 0
    ? refuse('messages', 'the endpoint that was chosen needs a message that is not an instruction')
    : contents;
};

/** Tools that Google runs itself, by the names that clients give them. https://ai.google.dev/api/caching#Tool */
const OWN_TOOLS: Readonly<Record<string, string>> = {
  google_search: 'googleSearch',
  googleSearch: 'googleSearch',
  url_context: 'urlContext',
  urlContext: 'urlContext',
  code_execution: 'codeExecution',
  codeExecution: 'codeExecution',
};

const told = (lost: readonly string[]): string =>
  `The endpoint reads a part of JSON Schema; left out: ${lost.map((keyword) => `\`${keyword}\``).join(', ')}.`;

const parametersOf = ({ parameters, name }: FunctionTool, { losses, quirks }: PartsContext): Json => {
  // A function without parameters has no schema: one of an empty object is refused.
  const members = parameters?.['properties'];
  const isEmpty = isRecord(members) && Object.keys(members).length === 0;
  if (parameters === undefined || (isEmpty && parameters['type'] === 'object') || Object.keys(parameters).length === 0)
    return {};
  if (quirks['jsonSchema'] === true) return { parametersJsonSchema: parameters };
  const { schema, lost } = convertSchema(parameters);
  if (lost.length > 0) losses.lose('tools', `${name}: ${told(lost)}`);
  return { parameters: schema };
};

const toolsOf = (tools: readonly Tool[], context: PartsContext): Json[] => {
  const declarations: Json[] = [];
  const own: Json[] = [];
  for (const tool of tools) {
    if (tool.type === 'function') {
      if (tool.cache !== undefined) context.losses.leaveOut('cache_control');
      declarations.push({
        name: tool.name,
        ...present({ description: tool.description }),
        ...parametersOf(tool, context),
      });
      continue;
    }
    const name = Object.hasOwn(OWN_TOOLS, tool.name) ? OWN_TOOLS[tool.name] : undefined;
    if (name === undefined)
      context.losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    else own.push({ [name]: isRecord(tool.config[tool.name]) ? tool.config[tool.name] : {} });
  }
  return [...(declarations.length === 0 ? [] : [{ functionDeclarations: declarations }]), ...own];
};

/** https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes */
const toolConfigOf = ({ tools = [], toolChoice, parallelToolCalls }: GenerationCall, losses: Losses): Json => {
  if (parallelToolCalls === false) losses.leaveOut('parallel_tool_calls');
  const strict = tools.some((tool) => tool.type === 'function' && tool.strict === true);
  const mode = (config: Json): Json => ({ toolConfig: { functionCallingConfig: config } });
  switch (toolChoice?.type) {
    case undefined:
      return strict ? mode({ mode: 'VALIDATED' }) : {};
    case 'auto':
      return mode({ mode: strict ? 'VALIDATED' : 'AUTO' });
    case 'none':
      return mode({ mode: 'NONE' });
    case 'required':
      return mode({ mode: 'ANY' });
    case 'tool':
      return mode({ mode: 'ANY', allowedFunctionNames: [toolChoice.name] });
    default: {
      const unreachable: never = toolChoice;
      return unreachable;
    }
  }
};

/** https://ai.google.dev/gemini-api/docs/structured-output */
const formatOf = ({ responseFormat }: GenerationCall, quirks: Quirks, losses: Losses): Json => {
  switch (responseFormat?.type) {
    case undefined:
    case 'text':
      return {};
    case 'json':
      return { responseMimeType: 'application/json' };
    case 'json-schema': {
      const json = { responseMimeType: 'application/json' };
      if (Object.keys(responseFormat.schema).length === 0) return json;
      if (quirks['jsonSchema'] === true) return { ...json, responseJsonSchema: responseFormat.schema };
      const { schema, lost } = convertSchema(responseFormat.schema);
      if (lost.length > 0) losses.lose('response_format', told(lost));
      return { ...json, responseSchema: schema };
    }
    case 'grammar':
      losses.leaveOut('response_format');
      return {};
    default: {
      const unreachable: never = responseFormat;
      return unreachable;
    }
  }
};

const MODALITIES: Readonly<Partial<Record<Modality, string>>> = { text: 'TEXT', image: 'IMAGE', audio: 'AUDIO' };

const modalitiesOf = ({ outputModalities, audioOutput, extra }: GenerationCall, losses: Losses): Json => {
  const asked = outputModalities ?? [];
  const known = asked.flatMap((modality) => MODALITIES[modality] ?? []);
  if (known.length < asked.length) losses.leaveOut('modalities');
  // Text alone is what every model makes, and some refuse the member.
  const more = known.some((modality) => modality !== 'TEXT');
  const image = isRecord(extra?.['image_config']) ? extra['image_config'] : {};
  const imageConfig = present({ aspectRatio: image['aspect_ratio'], imageSize: image['image_size'] });
  if (audioOutput !== undefined && audioOutput.format !== 'pcm16')
    losses.lose('audio.format', 'The endpoint makes 16-bit PCM and nothing else.');
  return {
    ...(more ? { responseModalities: known } : {}),
    ...(audioOutput === undefined
      ? {}
      : { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: audioOutput.voice } } } }),
    ...(Object.keys(imageConfig).length === 0 ? {} : { imageConfig }),
  };
};

/** https://ai.google.dev/api/generate-content#generationconfig */
const STOPS_MAX = 5;

const samplingOf = ({ sampling }: GenerationCall, losses: Losses): Json => {
  const {
    temperature,
    topP,
    topK,
    seed,
    frequencyPenalty,
    presencePenalty,
    stop = [],
    logprobs,
    topLogprobs,
  } = sampling;
  const without = {
    min_p: sampling.minP,
    top_a: sampling.topA,
    repetition_penalty: sampling.repetitionPenalty,
    logit_bias: sampling.logitBias,
  };
  for (const field of Object.keys(present(without))) losses.leaveOut(field);
  if (stop.length > STOPS_MAX)
    losses.lose('stop', `The endpoint takes ${STOPS_MAX} texts to stop at; the others were left out.`);
  return {
    ...present({ temperature, topP, topK, seed, frequencyPenalty, presencePenalty }),
    ...(stop.length === 0 ? {} : { stopSequences: stop.slice(0, STOPS_MAX) }),
    ...(logprobs === true ? { responseLogprobs: true, ...present({ logprobs: topLogprobs }) } : {}),
  };
};

/** https://ai.google.dev/gemini-api/docs/safety-settings */
const HARMS = [
  'HARM_CATEGORY_HARASSMENT',
  'HARM_CATEGORY_HATE_SPEECH',
  'HARM_CATEGORY_SEXUALLY_EXPLICIT',
  'HARM_CATEGORY_DANGEROUS_CONTENT',
] as const;

const safetyOf = (extra: JsonObject, quirks: Quirks): Json => {
  if (Array.isArray(extra['safety_settings'])) return { safetySettings: extra['safety_settings'] };
  const threshold = quirks['safetyThreshold'];
  return typeof threshold === 'string' ? { safetySettings: HARMS.map((category) => ({ category, threshold })) } : {};
};

/** https://ai.google.dev/gemini-api/docs/flex-inference: AI Studio reads it in the body, Vertex AI does not. */
const tierOf = ({ serviceTier }: GenerationCall, quirks: Quirks, losses: Losses): Json => {
  if (serviceTier === undefined || serviceTier === 'default' || serviceTier === 'auto') return {};
  if (quirks['sendsTier'] === true) return { serviceTier };
  losses.leaveOut('service_tier');
  return {};
};

/** What is read of the call's other fields. */
const EXTRA_READ: ReadonlySet<string> = new Set(['image_config', 'safety_settings']);

/** `gemini-2.5-pro`, or a whole name such as `tunedModels/mine`. */
const pathOf = (model: string, stream: boolean): string =>
  `${model.includes('/') ? '' : '/models'}/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;

export const buildFromCall = ({ call, upstreamModel, outputTokensMax, quirks }: TranslatedRequest): UpstreamRequest => {
  const losses = new Losses();
  const context: PartsContext = { losses, quirks, names: new Map() };
  const first = call.messages.findIndex((message) => !isInstruction(message));
  const [leading, rest] = first < 0 ? [call.messages, []] : [call.messages.slice(0, first), call.messages.slice(first)];
  const system = instructionParts(leading, context);
  const tools = toolsOf(call.tools ?? [], context);
  const extra = call.extra ?? {};
  if (call.verbosity !== undefined) losses.leaveOut('verbosity');
  if (call.promptCacheKey !== undefined) losses.leaveOut('prompt_cache_key');
  for (const field of Object.keys(extra)) if (!EXTRA_READ.has(field)) losses.leaveOut(field);
  const generationConfig: Json = {
    ...present({ maxOutputTokens: call.maxOutputTokens }),
    ...samplingOf(call, losses),
    ...formatOf(call, quirks, losses),
    ...modalitiesOf(call, losses),
    ...thinkingOf(call, outputTokensMax, quirks, losses),
  };
  const body: Json = {
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
    contents: contentsOf(rest, context),
    ...(tools.length === 0 ? {} : { tools, ...toolConfigOf(call, losses) }),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    ...safetyOf(extra, quirks),
    ...tierOf(call, quirks, losses),
  };
  return {
    path: pathOf(upstreamModel, call.stream),
    headers: ['content-type', 'application/json', 'accept', call.stream ? 'text/event-stream' : 'application/json'],
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
