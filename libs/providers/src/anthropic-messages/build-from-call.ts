// A Messages request from a canonical call. https://docs.anthropic.com/en/api/messages
// Invariants: roles alternate as the API wants them; tool results come first in the turn behind their calls; thinking goes back only with its signature.
import { WaystationError } from '@waystation/contracts';
import { parseArguments } from '@waystation/dialects';
import type {
  AssistantPart,
  CacheMarker,
  FilePart,
  GenerationCall,
  ImagePart,
  MediaSource,
  Message,
  TextPart,
  Tool,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { reasoningEffort, reasoningTokens } from '../fit-call.js';
import { isRecord, present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';
import { markCall } from '../prompt-cache/mark-call.js';
import { messagesHeaders, messagesPath } from './headers.js';

type Json = Record<string, unknown>;

/** `max_tokens` is not optional there: what is asked for where neither client nor catalog set a limit. */
const MAX_TOKENS_DEFAULT = 8_192;
/** https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking */
const THINKING_TOKENS = { min: 1_024, max: 128_000 } as const;
/** The least that is left to answer with beside the thinking. */
const ANSWER_TOKENS_MIN = 1_024;

const refuse = (field: string, message: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${message}`, { details: { field } });
};

const cached = (cache: CacheMarker | undefined): Json =>
  cache === undefined ? {} : { cache_control: { type: 'ephemeral', ...(cache.ttl === '1h' ? { ttl: '1h' } : {}) } };

const sourceOf = (source: MediaSource): Json => {
  switch (source.kind) {
    case 'url':
      return { type: 'url', url: source.url };
    case 'data':
      return { type: 'base64', media_type: source.mediaType, data: source.base64 };
    case 'file-id':
      return { type: 'file', file_id: source.id };
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

const textBlock = (part: TextPart): Json => ({ type: 'text', text: part.text, ...cached(part.cache) });

const imageBlock = (part: ImagePart): Json => ({ type: 'image', source: sourceOf(part.source), ...cached(part.cache) });

const isText = (source: MediaSource): source is Extract<MediaSource, { kind: 'data' }> =>
  source.kind === 'data' && source.mediaType.startsWith('text/');

const documentBlock = (part: FilePart): Json => ({
  type: 'document',
  source: isText(part.source)
    ? { type: 'text', media_type: 'text/plain', data: Buffer.from(part.source.base64, 'base64').toString('utf8') }
    : sourceOf(part.source),
  ...(part.filename === undefined ? {} : { title: part.filename }),
  ...cached(part.cache),
});

/** The API refuses blocks of text that are empty. */
const withoutEmpty = (blocks: readonly Json[]): Json[] =>
  blocks.filter((block) => block['type'] !== 'text' || block['text'] !== '');

const userBlock = (part: UserPart): Json => {
  switch (part.type) {
    case 'text':
      return textBlock(part);
    case 'image':
      return imageBlock(part);
    case 'file':
      return documentBlock(part);
    case 'audio':
    case 'video':
      return refuse('messages', `the endpoint that was chosen takes no ${part.type}`);
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

/** Ids of tool calls as the API takes them: other providers' ids have characters that it refuses. */
const idOf = (id: string): string => id.replace(/[^a-zA-Z0-9_-]/g, '_') || 'call';

const inputOf = (argumentsJson: string, losses: Losses): unknown => {
  try {
    const parsed: unknown = argumentsJson === '' ? {} : parseArguments(argumentsJson);
    if (isRecord(parsed)) return parsed;
  } catch {
    // told below
  }
  losses.lose('messages', 'Arguments of an earlier tool call are no JSON object: they were given as text.');
  return { arguments: argumentsJson };
};

const CLAUDE = 'anthropic-claude-v1';

const assistantBlocks = (parts: readonly AssistantPart[], losses: Losses): Json[] =>
  parts.flatMap((part): Json[] => {
    switch (part.type) {
      case 'text':
        return [textBlock(part)];
      case 'refusal':
        return [{ type: 'text', text: part.text }];
      case 'reasoning': {
        const ours = part.format === undefined || part.format === CLAUDE;
        if (ours && part.encrypted !== undefined) return [{ type: 'redacted_thinking', data: part.encrypted }];
        if (ours && part.signature !== undefined)
          return [{ type: 'thinking', thinking: part.text, signature: part.signature }];
        losses.lose('reasoning', 'Reasoning of an earlier turn has no signature of this provider; it was left out.');
        return [];
      }
      case 'tool-call':
        if (part.signature !== undefined) losses.loseCallSignature();
        return [{ type: 'tool_use', id: idOf(part.id), name: part.name, input: inputOf(part.argumentsJson, losses) }];
      case 'image':
      case 'audio':
        losses.lose('messages', `The endpoint takes no ${part.type} of an assistant; it was left out.`);
        return [];
      default: {
        const unreachable: never = part;
        return unreachable;
      }
    }
  });

const resultBlock = (result: ToolResultPart): Json => {
  const content = withoutEmpty(
    result.content.map((part) => {
      if (part.type === 'text') return textBlock(part);
      return part.type === 'image' ? imageBlock(part) : documentBlock(part);
    }),
  );
  return {
    type: 'tool_result',
    tool_use_id: idOf(result.callId),
    ...(content.length === 0 ? {} : { content }),
    ...(result.isError === true ? { is_error: true } : {}),
    ...cached(result.cache),
  };
};

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: Json[];
}

const contentOf = (message: Message, losses: Losses): Turn => {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: withoutEmpty(message.content.map(userBlock)) };
    case 'assistant':
      return { role: 'assistant', content: withoutEmpty(assistantBlocks(message.content, losses)) };
    case 'tool':
      return { role: 'user', content: message.content.map(resultBlock) };
    case 'system':
    case 'developer':
      losses.lose('messages', 'Instructions in the middle of a conversation were given as a message of the user.');
      return { role: 'user', content: withoutEmpty(message.content.map(textBlock)) };
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

/** What stands behind another of the same role joins it: results of tools and what the user says to them are one turn. */
const turnsOf = (messages: readonly Message[], losses: Losses): Turn[] => {
  const turns: Turn[] = [];
  for (const message of messages) {
    const turn = contentOf(message, losses);
    if (turn.content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === turn.role) last.content.push(...turn.content);
    else turns.push(turn);
  }
  return turns;
};

const systemOf = (messages: readonly Message[]): { system: Json[]; rest: readonly Message[] } => {
  const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer';
  const end = messages.findIndex((message) => !isInstruction(message));
  const leading = end < 0 ? messages : messages.slice(0, end);
  return {
    system: withoutEmpty(leading.flatMap((message) => (message.content as readonly TextPart[]).map(textBlock))),
    rest: end < 0 ? [] : messages.slice(end),
  };
};

/** Tools that Anthropic runs itself carry a date: `web_search_20250305`. */
const OWN_TOOL = /_\d{8}$/;

const toolOf = (tool: Tool, losses: Losses): Json[] => {
  if (tool.type === 'provider') {
    if (OWN_TOOL.test(tool.name)) return [{ ...tool.config }];
    losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    return [];
  }
  return [
    {
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      input_schema: { type: 'object', ...tool.parameters },
      ...(tool.strict === undefined ? {} : { strict: tool.strict }),
      ...cached(tool.cache),
    },
  ];
};

const choiceOf = ({ toolChoice, parallelToolCalls }: GenerationCall): Json => {
  const alone = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  switch (toolChoice?.type) {
    case undefined:
      return parallelToolCalls === false ? { tool_choice: { type: 'auto', ...alone } } : {};
    case 'auto':
      return { tool_choice: { type: 'auto', ...alone } };
    case 'required':
      return { tool_choice: { type: 'any', ...alone } };
    case 'none':
      return { tool_choice: { type: 'none' } };
    case 'tool':
      return { tool_choice: { type: 'tool', name: toolChoice.name, ...alone } };
    default: {
      const unreachable: never = toolChoice;
      return unreachable;
    }
  }
};

interface Limits {
  readonly maxTokens: number;
  readonly thinking: Json;
  readonly effort: string | undefined;
  readonly thinks: boolean;
}

/** `max_tokens` bounds thinking and answer together, so that the budget must lie below it. */
const limitsOf = (call: GenerationCall, outputTokensMax: number | undefined, quirks: Quirks): Limits => {
  const maxTokens = call.maxOutputTokens ?? outputTokensMax ?? MAX_TOKENS_DEFAULT;
  const { reasoning } = call;
  // https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking: newer models choose for themselves, by effort
  if (quirks['thinking'] === 'adaptive') {
    const effort = reasoningEffort(reasoning, maxTokens);
    if (effort === undefined) return { maxTokens, thinking: {}, effort: undefined, thinks: false };
    if (effort === 'none')
      return { maxTokens, thinking: { thinking: { type: 'disabled' } }, effort: undefined, thinks: false };
    const word = effort === 'minimal' ? 'low' : effort;
    return { maxTokens, thinking: { thinking: { type: 'adaptive' } }, effort: word, thinks: true };
  }
  const asked = reasoningTokens(reasoning, maxTokens);
  const room = maxTokens - ANSWER_TOKENS_MIN;
  if (asked === undefined || asked === 0 || room < THINKING_TOKENS.min)
    return { maxTokens, thinking: {}, effort: undefined, thinks: false };
  const budget = Math.min(Math.max(asked, THINKING_TOKENS.min), THINKING_TOKENS.max, room);
  return {
    maxTokens,
    thinking: { thinking: { type: 'enabled', budget_tokens: budget } },
    effort: undefined,
    thinks: true,
  };
};

const samplingOf = ({ sampling }: GenerationCall, thinks: boolean, losses: Losses): Json => {
  const { temperature, topP, topK, stop, ...others } = sampling;
  const names: Readonly<Record<string, string>> = {
    minP: 'min_p',
    topA: 'top_a',
    frequencyPenalty: 'frequency_penalty',
    presencePenalty: 'presence_penalty',
    repetitionPenalty: 'repetition_penalty',
    seed: 'seed',
    logitBias: 'logit_bias',
    logprobs: 'logprobs',
    topLogprobs: 'top_logprobs',
  };
  for (const name of Object.keys(others)) losses.leaveOut(names[name] ?? name);
  if (temperature !== undefined && temperature > 1) losses.clamp('temperature', 1);
  // https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking: thinking takes no temperature or top_k
  if (thinks && temperature !== undefined && temperature !== 1) losses.leaveOut('temperature');
  if (thinks && topK !== undefined) losses.leaveOut('top_k');
  return {
    ...(temperature === undefined || thinks ? {} : { temperature: Math.min(temperature, 1) }),
    ...present({ top_p: topP }),
    ...(topK === undefined || thinks ? {} : { top_k: topK }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop_sequences: stop }),
  };
};

/** https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs */
const outputConfigOf = ({ responseFormat }: GenerationCall, effort: string | undefined, losses: Losses): Json => {
  if (responseFormat?.type === 'json' || responseFormat?.type === 'grammar') losses.leaveOut('response_format');
  const format =
    responseFormat?.type === 'json-schema' ? { format: { type: 'json_schema', schema: responseFormat.schema } } : {};
  const config = { ...(effort === undefined ? {} : { effort }), ...format };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
};

const TIERS: ReadonlySet<string> = new Set(['auto', 'standard_only']);

const tierOf = ({ serviceTier }: GenerationCall, losses: Losses): Json => {
  if (serviceTier === undefined || serviceTier === 'default') return {};
  if (TIERS.has(serviceTier)) return { service_tier: serviceTier };
  losses.leaveOut('service_tier');
  return {};
};

export const buildFromCall = ({
  call: asked,
  upstreamModel,
  outputTokensMax,
  endUser,
  quirks,
}: TranslatedRequest): UpstreamRequest => {
  const losses = new Losses();
  const call = markCall(asked, quirks, { marksTools: true });
  const { system, rest } = systemOf(call.messages);
  const limits = limitsOf(call, outputTokensMax, quirks);
  const tools = call.tools?.flatMap((tool) => toolOf(tool, losses)) ?? [];
  if (call.outputModalities?.some((modality) => modality !== 'text') === true) losses.leaveOut('modalities');
  if (call.verbosity !== undefined) losses.leaveOut('verbosity');
  if (call.promptCacheKey !== undefined) losses.leaveOut('prompt_cache_key');
  const { context_management: contextManagement, ...others } = call.extra ?? {};
  for (const field of Object.keys(others)) losses.leaveOut(field);
  const body: Json = {
    model: upstreamModel,
    max_tokens: limits.maxTokens,
    ...(system.length === 0 ? {} : { system }),
    messages: turnsOf(rest, losses),
    ...(call.stream ? { stream: true } : {}),
    ...(tools.length === 0 ? {} : { tools, ...choiceOf(call) }),
    ...limits.thinking,
    ...outputConfigOf(call, limits.effort, losses),
    ...samplingOf(call, limits.thinks, losses),
    ...tierOf(call, losses),
    ...present({ context_management: contextManagement }),
    ...(endUser === undefined ? {} : { metadata: { user_id: endUser } }),
  };
  return {
    path: messagesPath(quirks),
    headers: messagesHeaders(call.stream, quirks),
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
