// A chat request of Cohere's second version from a canonical call. https://docs.cohere.com/reference/chat
// Invariant: what the API cannot say is told as a loss, or refused by name.
import { WaystationError } from '@waystation/contracts';
import type {
  AssistantPart,
  GenerationCall,
  MediaSource,
  Message,
  ReasoningPart,
  TextPart,
  Tool,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { reasoningTokens } from '../fit-call.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';

type Json = Record<string, unknown>;

const HEADERS: Readonly<Record<'stream' | 'body', readonly string[]>> = {
  stream: ['content-type', 'application/json', 'accept', 'text/event-stream'],
  body: ['content-type', 'application/json', 'accept', 'application/json'],
};

/** Output tokens that a share of is meant where neither client nor catalog set a limit. */
const OUTPUT_TOKENS_ASSUMED = 8_192;

interface Context {
  readonly losses: Losses;
  readonly quirks: Quirks;
}

const refuse = (message: string): never => {
  throw new WaystationError('invalid_request', `messages: ${message}`, { details: { field: 'messages' } });
};

const imageUrl = (source: MediaSource): string => {
  switch (source.kind) {
    case 'url':
      return source.url;
    case 'data':
      return `data:${source.mediaType};base64,${source.base64}`;
    case 'file-id':
      return refuse('the endpoint that was chosen knows no uploaded files; send the image in a data URL');
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

const textJson = (part: TextPart, { losses }: Context): Json => {
  if (part.cache !== undefined)
    losses.lose('cache_control', 'The endpoint takes no cache markers, it caches by itself; they were left out.');
  return { type: 'text', text: part.text };
};

/** Text alone is a string. */
const contentOf = (parts: readonly Json[]): unknown => {
  const [only] = parts;
  return parts.length === 1 && only?.['type'] === 'text' ? only['text'] : parts;
};

const userPart = (part: UserPart, context: Context): Json => {
  switch (part.type) {
    case 'text':
      return textJson(part, context);
    case 'image': {
      // https://docs.cohere.com/docs/image-inputs: auto, low, high
      const detail = part.detail === 'original' ? 'high' : part.detail;
      if (detail !== part.detail)
        context.losses.lose('messages', 'Images were given in high detail, not in their own.');
      return { type: 'image_url', image_url: { url: imageUrl(part.source), ...present({ detail }) } };
    }
    case 'audio':
    case 'video':
    case 'file':
      return refuse(`the endpoint that was chosen takes no ${part.type}; send text and images`);
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

/** Formats that may be Cohere's own, which names none. */
const isOwn = ({ format, signature, encrypted }: ReasoningPart): boolean =>
  (format === undefined || format === 'unknown') && signature === undefined && encrypted === undefined;

/** What was thought before: as thoughts where the model has them, else as the plan of the calls that followed. https://docs.cohere.com/docs/reasoning, https://docs.cohere.com/docs/tool-use-overview */
const thoughtsOf = (parts: readonly AssistantPart[], { losses, quirks }: Context): { content: Json[]; plan: Json } => {
  const all = parts.filter((part) => part.type === 'reasoning');
  const own = all.filter((part) => isOwn(part) && part.text !== '');
  const calls = parts.some((part) => part.type === 'tool-call');
  const takes = quirks['thinks'] === true || calls;
  if (all.some((part) => !isOwn(part)) || (own.length > 0 && !takes))
    losses.lose('reasoning', 'Reasoning of an earlier turn that the endpoint cannot take back was left out.');
  if (own.length === 0 || !takes) return { content: [], plan: {} };
  return quirks['thinks'] === true
    ? { content: own.map(({ text }) => ({ type: 'thinking', thinking: text })), plan: {} }
    : { content: [], plan: { tool_plan: own.map(({ text }) => text).join('\n') } };
};

const assistantOf = (parts: readonly AssistantPart[], context: Context): Json[] => {
  const { content: thoughts, plan } = thoughtsOf(parts, context);
  const said = parts.flatMap((part): Json[] => {
    switch (part.type) {
      case 'text':
        return part.text === '' ? [] : [textJson(part, context)];
      case 'refusal':
        return [{ type: 'text', text: part.text }];
      case 'image':
      case 'audio':
        context.losses.lose('messages', `The endpoint takes no ${part.type} of an assistant; it was left out.`);
        return [];
      case 'reasoning':
      case 'tool-call':
        return [];
      default: {
        const unreachable: never = part;
        return unreachable;
      }
    }
  });
  const content = [...thoughts, ...said];
  const calls = parts.flatMap((part): Json[] => {
    if (part.type !== 'tool-call') return [];
    if (part.signature !== undefined) context.losses.loseCallSignature();
    return [{ id: part.id, type: 'function', function: { name: part.name, arguments: part.argumentsJson || '{}' } }];
  });
  if (content.length === 0 && calls.length === 0) return [];
  return [
    {
      role: 'assistant',
      ...(content.length === 0 ? {} : { content: contentOf(content) }),
      ...plan,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ];
};

/** Tools answer with text; what else they answered with follows as the user's. */
const resultsOf = (results: readonly ToolResultPart[], context: Context): Json[] => {
  const shown: Json[] = [];
  const messages = results.map((result): Json => {
    const texts: Json[] = [];
    if (result.isError === true)
      context.losses.lose(
        'messages',
        'That a tool failed is told by its words alone: the endpoint has no mark for it.',
      );
    for (const part of result.content) {
      if (part.type === 'text') texts.push(textJson(part, context));
      else shown.push(userPart(part, context));
    }
    return {
      role: 'tool',
      tool_call_id: result.callId,
      content: texts.length === 0 ? '' : contentOf(texts),
    };
  });
  if (shown.length === 0) return messages;
  context.losses.lose(
    'messages',
    'A tool answered with an image: it was given as a message of the user behind the tools.',
  );
  return [...messages, { role: 'user', content: shown }];
};

const messagesOf = (message: Message, context: Context): Json[] => {
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content: contentOf(message.content.map((part) => textJson(part, context))) }];
    case 'user':
      return [{ role: 'user', content: contentOf(message.content.map((part) => userPart(part, context))) }];
    case 'assistant':
      return assistantOf(message.content, context);
    case 'tool':
      return resultsOf(message.content, context);
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

const toolOf = (tool: Tool, { losses }: Context): Json[] => {
  if (tool.type === 'provider') {
    losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    return [];
  }
  const { name, description, parameters } = tool;
  return [
    {
      type: 'function',
      function: { name, ...present({ description }), parameters: parameters ?? { type: 'object', properties: {} } },
    },
  ];
};

/** A tool by name is the only one that is offered, and must be called: the API has no other word for it. */
const toolsOf = (call: GenerationCall, context: Context): Json => {
  const { toolChoice, tools: asked = [], parallelToolCalls } = call;
  if (parallelToolCalls === false) context.losses.leaveOut('parallel_tool_calls');
  const offered = toolChoice?.type === 'tool' ? asked.filter(({ name }) => name === toolChoice.name) : asked;
  const tools = offered.flatMap((tool) => toolOf(tool, context));
  if (tools.length === 0) return {};
  // https://docs.cohere.com/docs/structured-outputs#structured-outputs-tools: strict for all tools or for none
  const strict = offered.some((tool) => tool.type === 'function' && tool.strict === true);
  const choice = { auto: undefined, none: 'NONE', required: 'REQUIRED', tool: 'REQUIRED' }[toolChoice?.type ?? 'auto'];
  return { tools, ...(strict ? { strict_tools: true } : {}), ...present({ tool_choice: choice }) };
};

/** https://docs.cohere.com/docs/structured-outputs */
const formatOf = ({ responseFormat }: GenerationCall, losses: Losses): Json => {
  switch (responseFormat?.type) {
    case undefined:
    case 'text':
      return {};
    case 'json':
      return { response_format: { type: 'json_object' } };
    case 'json-schema':
      return { response_format: { type: 'json_object', json_schema: responseFormat.schema } };
    case 'grammar':
      losses.leaveOut('response_format');
      return {};
    default: {
      const unreachable: never = responseFormat;
      return unreachable;
    }
  }
};

/** https://docs.cohere.com/docs/reasoning */
const thinkingOf = ({ call, outputTokensMax, quirks }: TranslatedRequest, losses: Losses): Json => {
  const { reasoning, maxOutputTokens } = call;
  const tokens = reasoningTokens(reasoning, maxOutputTokens ?? outputTokensMax ?? OUTPUT_TOKENS_ASSUMED);
  if (tokens === undefined) return {};
  if (quirks['thinks'] !== true) {
    if (tokens > 0) losses.leaveOut('reasoning');
    return {};
  }
  if (tokens === 0) return { thinking: { type: 'disabled' } };
  // Enabled alone leaves the amount to the model, as was asked.
  const isFree = reasoning?.effort === undefined && reasoning?.maxTokens === undefined;
  return { thinking: { type: 'enabled', ...(isFree ? {} : { token_budget: tokens }) } };
};

/** https://docs.cohere.com/reference/chat#request.body: the ranges */
const P = { min: 0.01, max: 0.99 } as const;
const K_MAX = 500;
const STOP_SEQUENCES_MAX = 5;

const UNSAID: Readonly<Record<string, string>> = {
  minP: 'min_p',
  topA: 'top_a',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  topLogprobs: 'top_logprobs',
  // The API answers with token ids where the others have words.
  logprobs: 'logprobs',
};

const lowered = (field: string, value: number | undefined, max: number, losses: Losses): number | undefined => {
  if (value === undefined || value <= max) return value;
  losses.clamp(field, max);
  return max;
};

/** Below zero these would reward repetition, which the API cannot. */
const penalty = (field: string, value: number | undefined, losses: Losses): number | undefined => {
  if (value === undefined || value >= 0) return lowered(field, value, 1, losses);
  losses.leaveOut(field);
  return undefined;
};

const nucleus = (topP: number | undefined, losses: Losses): number | undefined => {
  if (topP === undefined || topP >= P.min) return lowered('top_p', topP, P.max, losses);
  losses.lose('top_p', `The endpoint takes \`top_p\` from ${P.min}; it was raised.`);
  return P.min;
};

const samplingOf = ({ sampling }: GenerationCall, losses: Losses): Json => {
  for (const name of Object.keys(sampling)) {
    const field = UNSAID[name];
    if (field !== undefined) losses.leaveOut(field);
  }
  const { stop = [] } = sampling;
  if (stop.length > STOP_SEQUENCES_MAX)
    throw new WaystationError(
      'invalid_request',
      `stop: the endpoint that was chosen takes ${STOP_SEQUENCES_MAX} sequences at most; there are ${stop.length}`,
      { details: { field: 'stop' } },
    );
  return present({
    temperature: sampling.temperature,
    p: nucleus(sampling.topP, losses),
    k: lowered('top_k', sampling.topK, K_MAX, losses),
    seed: sampling.seed,
    frequency_penalty: penalty('frequency_penalty', sampling.frequencyPenalty, losses),
    presence_penalty: penalty('presence_penalty', sampling.presencePenalty, losses),
    stop_sequences: stop.length === 0 ? undefined : stop,
  });
};

/** Fields of Cohere's own that a client of another dialect may send beside the others. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['documents', 'citation_options', 'safety_mode']);

const ownFields = ({ extra = {} }: GenerationCall, losses: Losses): Json => {
  const fields: Json = {};
  for (const [name, value] of Object.entries(extra)) {
    if (OWN_FIELDS.has(name)) fields[name] = value;
    else losses.leaveOut(name);
  }
  return fields;
};

export const buildCohereChat = (request: TranslatedRequest): UpstreamRequest => {
  const { call, upstreamModel, quirks } = request;
  const losses = new Losses();
  const context = { losses, quirks };
  if (call.outputModalities?.some((modality) => modality !== 'text') === true) losses.leaveOut('modalities');
  if (call.verbosity !== undefined) losses.leaveOut('verbosity');
  if (call.serviceTier !== undefined && call.serviceTier !== 'auto' && call.serviceTier !== 'default')
    losses.leaveOut('service_tier');
  if (call.promptCacheKey !== undefined) losses.leaveOut('prompt_cache_key');
  const body: Json = {
    model: upstreamModel,
    messages: call.messages.flatMap((message) => messagesOf(message, context)),
    stream: call.stream,
    ...present({ max_tokens: call.maxOutputTokens }),
    ...toolsOf(call, context),
    ...formatOf(call, losses),
    ...thinkingOf(request, losses),
    ...samplingOf(call, losses),
    ...ownFields(call, losses),
  };
  return {
    path: '/chat',
    headers: HEADERS[call.stream ? 'stream' : 'body'],
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
