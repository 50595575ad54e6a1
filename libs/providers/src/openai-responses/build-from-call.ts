// A Responses request from a canonical call. https://platform.openai.com/docs/api-reference/responses/create
// Invariants: nothing is stored there; a thought goes back only sealed and only to the kind of provider that made it, in one item for all its pieces.
import { WaystationError } from '@waystation/contracts';
import type {
  AssistantPart,
  FilePart,
  GenerationCall,
  ImagePart,
  MediaSource,
  Message,
  ReasoningPart,
  ResponseFormat,
  TextPart,
  Tool,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { reasoningEffort } from '../fit-call.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';
import { isResponsesFormat } from './format.js';
import { ENCRYPTED_REASONING, responsesHeaders, responsesPath, userField, wantsEncrypted } from './request-parts.js';

type Json = Record<string, unknown>;

/** Output tokens that a share of is meant where the client set no limit. */
const OUTPUT_TOKENS_ASSUMED = 16_384;

const refuse = (field: string, message: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${message}`, { details: { field } });
};

const dataUrl = (source: Extract<MediaSource, { kind: 'data' }>): string =>
  `data:${source.mediaType};base64,${source.base64}`;

const inputText = (part: TextPart): Json => ({ type: 'input_text', text: part.text });

const inputImage = ({ source, detail }: ImagePart): Json => ({
  type: 'input_image',
  detail: detail ?? 'auto',
  ...(source.kind === 'file-id'
    ? { file_id: source.id }
    : { image_url: source.kind === 'url' ? source.url : dataUrl(source) }),
});

/** A file that comes as data must have a name. https://platform.openai.com/docs/guides/pdf-files */
const inputFile = ({ source, filename }: FilePart): Json => {
  switch (source.kind) {
    case 'url':
      return { type: 'input_file', file_url: source.url };
    case 'file-id':
      return { type: 'input_file', file_id: source.id };
    case 'data':
      return { type: 'input_file', filename: filename ?? 'file', file_data: dataUrl(source) };
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

const userPart = (part: UserPart): Json => {
  switch (part.type) {
    case 'text':
      return inputText(part);
    case 'image':
      return inputImage(part);
    case 'file':
      return inputFile(part);
    case 'audio':
      return part.source.kind === 'data'
        ? { type: 'input_audio', input_audio: { data: part.source.base64, format: part.format ?? 'wav' } }
        : refuse('messages', 'the endpoint that was chosen takes audio as data only');
    case 'video':
      return refuse('messages', 'the endpoint that was chosen takes no video');
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

/** Pieces of one thought share its id. */
const sameThought = (a: ReasoningPart | undefined, b: ReasoningPart): boolean =>
  a !== undefined && a.id !== undefined && a.id === b.id && a.encrypted === undefined;

/** The pieces of a turn in the items that they become: thoughts together, words together, each call alone. */
const groupsOf = (parts: readonly AssistantPart[]): (readonly AssistantPart[])[] => {
  const groups: AssistantPart[][] = [];
  for (const part of parts) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    const joins =
      part.type === 'reasoning'
        ? sameThought(last?.type === 'reasoning' ? last : undefined, part)
        : part.type !== 'tool-call' && last !== undefined && last.type !== 'reasoning' && last.type !== 'tool-call';
    if (joins) group?.push(part);
    else groups.push([part]);
  }
  return groups;
};

const thoughtItem = (pieces: readonly ReasoningPart[], losses: Losses): Json[] => {
  const encrypted = pieces.find((piece) => piece.encrypted !== undefined)?.encrypted;
  const [first] = pieces;
  if (first === undefined || encrypted === undefined || !isResponsesFormat(first.format)) {
    losses.lose('reasoning', 'Reasoning of an earlier turn was not made by this kind of provider; it was left out.');
    return [];
  }
  return [
    {
      type: 'reasoning',
      ...present({ id: first.id }),
      summary: pieces.filter(({ text }) => text !== '').map(({ text }) => ({ type: 'summary_text', text })),
      encrypted_content: encrypted,
    },
  ];
};

const said = (parts: readonly AssistantPart[], losses: Losses): Json[] => {
  const content = parts.flatMap((part): Json[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ type: 'output_text', text: part.text }];
    if (part.type === 'refusal') return [{ type: 'refusal', refusal: part.text }];
    losses.lose('messages', `The endpoint takes no ${part.type} of an assistant; it was left out.`);
    return [];
  });
  return content.length === 0 ? [] : [{ type: 'message', role: 'assistant', content }];
};

const assistantItems = (parts: readonly AssistantPart[], losses: Losses): Json[] =>
  groupsOf(parts).flatMap((group): Json[] => {
    const [first] = group;
    if (first?.type === 'tool-call') {
      if (first.signature !== undefined) losses.loseCallSignature();
      return [{ type: 'function_call', call_id: first.id, name: first.name, arguments: first.argumentsJson }];
    }
    const thoughts = group.filter((part) => part.type === 'reasoning');
    return thoughts.length > 0 ? thoughtItem(thoughts, losses) : said(group, losses);
  });

const resultItem = ({ callId, content, isError }: ToolResultPart, losses: Losses): Json => {
  if (isError === true)
    losses.lose('messages', 'A tool reported an error: the endpoint was given its words without that mark.');
  const [only] = content;
  const plain = content.length === 1 && only?.type === 'text' ? only.text : undefined;
  return {
    type: 'function_call_output',
    call_id: callId,
    output: content.length === 0 ? '' : (plain ?? content.map(userPart)),
  };
};

const itemsOf = (message: Message, losses: Losses): Json[] => {
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ type: 'message', role: message.role, content: message.content.map(inputText) }];
    case 'user':
      return [{ type: 'message', role: 'user', content: message.content.map(userPart) }];
    case 'assistant':
      return assistantItems(message.content, losses);
    case 'tool':
      return message.content.map((result) => resultItem(result, losses));
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

const toolOf = (tool: Tool, losses: Losses): Json[] => {
  if (tool.type === 'provider') {
    losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    return [];
  }
  const { name, description, parameters, strict } = tool;
  return [
    {
      type: 'function',
      name,
      ...present({ description }),
      parameters: parameters ?? { type: 'object', properties: {} },
      // Here a function is strict unless it says otherwise, in every other dialect it is not.
      strict: strict ?? false,
    },
  ];
};

const choiceOf = ({ toolChoice, parallelToolCalls }: GenerationCall): Json => ({
  ...(toolChoice === undefined
    ? {}
    : { tool_choice: toolChoice.type === 'tool' ? { type: 'function', name: toolChoice.name } : toolChoice.type }),
  ...present({ parallel_tool_calls: parallelToolCalls }),
});

const formatOf = (format: ResponseFormat | undefined, losses: Losses): Json => {
  switch (format?.type) {
    case undefined:
    case 'text':
      return {};
    case 'json':
      return { format: { type: 'json_object' } };
    case 'json-schema': {
      const { name, schema, strict, description } = format;
      return { format: { type: 'json_schema', name, schema, ...present({ strict, description }) } };
    }
    case 'grammar':
      losses.leaveOut('response_format');
      return {};
    default: {
      const unreachable: never = format;
      return unreachable;
    }
  }
};

const textOf = ({ responseFormat, verbosity }: GenerationCall, losses: Losses): Json => {
  const text = { ...formatOf(responseFormat, losses), ...present({ verbosity }) };
  return Object.keys(text).length === 0 ? {} : { text };
};

interface Thinking {
  readonly body: Json;
  readonly asks: boolean;
}

/** https://platform.openai.com/docs/guides/reasoning#reasoning-summaries: none unless asked for */
const reasoningOf = (call: GenerationCall, quirks: Quirks, losses: Losses): Thinking => {
  const { reasoning } = call;
  const effort = reasoningEffort(reasoning, call.maxOutputTokens ?? OUTPUT_TOKENS_ASSUMED);
  if (reasoning === undefined) return { body: {}, asks: false };
  if (effort === 'none') return { body: { reasoning: { effort } }, asks: false };
  if (effort === 'max')
    losses.lose('reasoning.effort', 'The endpoint knows no effort above xhigh: that was asked for.');
  const summary = quirks['reasoningSummary'] === false || reasoning.exclude === true ? undefined : 'auto';
  return {
    body: {
      reasoning: present({
        effort: effort === 'max' ? 'xhigh' : effort,
        summary: summary === undefined ? undefined : (reasoning.summary ?? summary),
      }),
    },
    asks: true,
  };
};

const SAMPLING_NAMES: Readonly<Record<string, string>> = {
  topK: 'top_k',
  minP: 'min_p',
  topA: 'top_a',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  seed: 'seed',
  stop: 'stop',
  logitBias: 'logit_bias',
};

const samplingOf = ({ sampling }: GenerationCall, losses: Losses): Json => {
  const { temperature, topP, logprobs: wanted, topLogprobs, ...others } = sampling;
  for (const name of Object.keys(others)) losses.leaveOut(SAMPLING_NAMES[name] ?? name);
  return present({ temperature, top_p: topP, top_logprobs: wanted === true ? (topLogprobs ?? 0) : undefined });
};

/** The endpoint caches by itself. https://platform.openai.com/docs/guides/prompt-caching */
const marksCache = ({ messages, tools = [] }: GenerationCall): boolean =>
  tools.some((tool) => tool.type === 'function' && tool.cache !== undefined) ||
  messages.some(({ content }) => content.some((part) => 'cache' in part && part.cache !== undefined));

/** @throws WaystationError `invalid_request` for video, and for audio by reference */
export const buildFromCall = ({ call, upstreamModel, endUser, quirks }: TranslatedRequest): UpstreamRequest => {
  const losses = new Losses();
  if (marksCache(call)) losses.leaveOut('cache_control');
  const thinking = reasoningOf(call, quirks, losses);
  const tools = call.tools?.flatMap((tool) => toolOf(tool, losses)) ?? [];
  if (call.outputModalities?.some((modality) => modality !== 'text') === true) losses.leaveOut('modalities');
  for (const field of Object.keys(call.extra ?? {})) losses.leaveOut(field);
  const include = [
    ...(wantsEncrypted(thinking.asks, quirks) ? [ENCRYPTED_REASONING] : []),
    ...(call.sampling.logprobs === true ? ['message.output_text.logprobs'] : []),
  ];
  const field = userField(quirks);
  const body: Json = {
    model: upstreamModel,
    input: call.messages.flatMap((message) => itemsOf(message, losses)),
    store: false,
    ...(call.stream ? { stream: true } : {}),
    ...present({ max_output_tokens: call.maxOutputTokens }),
    ...(tools.length === 0 ? {} : { tools, ...choiceOf(call) }),
    ...textOf(call, losses),
    ...thinking.body,
    ...samplingOf(call, losses),
    ...(include.length === 0 ? {} : { include }),
    ...present({ service_tier: call.serviceTier, prompt_cache_key: call.promptCacheKey }),
    ...(endUser === undefined || field === undefined ? {} : { [field]: endUser }),
  };
  return {
    path: responsesPath(quirks),
    headers: responsesHeaders(call.stream),
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
