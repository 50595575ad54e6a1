// A chat completions request from a canonical call: for clients of other dialects.
import type {
  AssistantPart,
  CacheMarker,
  GenerationCall,
  MediaSource,
  Message,
  ResponseFormat,
  TextPart,
  Tool,
  ToolCallPart,
  ToolChoice,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { encryptedDetail, textDetail } from '@waystation/dialects';
import { reasoningEffort } from '../fit-call.js';
import { Losses } from '../losses.js';
import { markCall } from '../prompt-cache/mark-call.js';
import { seedField } from './seed-field.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';

type Json = Record<string, unknown>;

const HEADERS: Readonly<Record<'stream' | 'body', readonly string[]>> = {
  stream: ['content-type', 'application/json', 'accept', 'text/event-stream'],
  body: ['content-type', 'application/json', 'accept', 'application/json'],
};

/** Output tokens that a share of is meant where the client set no limit. */
const OUTPUT_TOKENS_ASSUMED = 16_384;

const urlOf = (source: MediaSource): string => {
  switch (source.kind) {
    case 'url':
      return source.url;
    case 'data':
      return `data:${source.mediaType};base64,${source.base64}`;
    case 'file-id':
      return source.id;
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

interface Context {
  readonly losses: Losses;
  /** Whether the provider reads `cache_control` on parts. */
  readonly marksCache: boolean;
  readonly quirks: Quirks;
}

const cached = ({ marksCache, losses }: Context, cache: CacheMarker | undefined): Json => {
  if (cache === undefined) return {};
  if (marksCache) return { cache_control: { type: 'ephemeral', ...(cache.ttl === '1h' ? { ttl: '1h' } : {}) } };
  losses.leaveOut('cache_control');
  return {};
};

const textOf = (part: TextPart, context: Context): Json => ({
  type: 'text',
  text: part.text,
  ...cached(context, part.cache),
});

/** Text alone is a string: every provider of this dialect takes that. */
const contentOf = (parts: readonly Json[]): unknown => {
  const plain = parts.every((part) => part['type'] === 'text' && part['cache_control'] === undefined);
  return plain ? parts.map((part) => part['text']).join('\n') : parts;
};

const userPart = (part: UserPart, context: Context): Json => {
  switch (part.type) {
    case 'text':
      return textOf(part, context);
    case 'image':
      return {
        type: 'image_url',
        image_url: { url: urlOf(part.source), ...(part.detail === undefined ? {} : { detail: part.detail }) },
        ...cached(context, part.cache),
      };
    case 'audio':
      return {
        type: 'input_audio',
        input_audio: {
          data: part.source.kind === 'data' ? part.source.base64 : urlOf(part.source),
          format: part.format ?? 'wav',
        },
      };
    case 'video':
      return { type: 'video_url', video_url: { url: urlOf(part.source) } };
    case 'file':
      return {
        type: 'file',
        file: {
          ...(part.filename === undefined ? {} : { filename: part.filename }),
          ...(part.source.kind === 'file-id' ? { file_id: part.source.id } : { file_data: urlOf(part.source) }),
        },
        ...cached(context, part.cache),
      };
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

const callOf = ({ id, name, argumentsJson }: ToolCallPart): Json => ({
  id,
  type: 'function',
  function: { name, arguments: argumentsJson },
});

/** A thought and what it is sealed with; what is sealed with a call is known by the call's id. */
const detailsOf = (parts: readonly AssistantPart[]): unknown[] =>
  parts.flatMap((part, index): unknown[] => {
    if (part.type === 'tool-call')
      return part.signature === undefined ? [] : [JSON.parse(encryptedDetail(index, part.signature, part))];
    if (part.type !== 'reasoning') return [];
    return [
      ...(part.text === '' && part.signature === undefined
        ? []
        : [JSON.parse(textDetail(index, part.text, part, part.signature))]),
      ...(part.encrypted === undefined ? [] : [JSON.parse(encryptedDetail(index, part.encrypted, part))]),
    ];
  });

/** What an assistant thought earlier, where the provider wants it back. https://api-docs.deepseek.com/guides/reasoning_model wants it left out. */
const thoughtOf = (parts: readonly AssistantPart[], { losses, quirks }: Context): Json => {
  const field = quirks['thoughtField'];
  if (field === 'reasoning_details') {
    const details = detailsOf(parts);
    return details.length === 0 ? {} : { reasoning_details: details };
  }
  if (parts.some((part) => part.type === 'tool-call' && part.signature !== undefined)) losses.loseCallSignature();
  const thoughts = parts.filter((part) => part.type === 'reasoning');
  if (thoughts.length === 0) return {};
  if (field !== 'reasoning_content') {
    losses.lose('reasoning', 'The endpoint takes no reasoning of earlier turns; it was left out.');
    return {};
  }
  if (thoughts.some(({ signature, encrypted }) => signature !== undefined || encrypted !== undefined))
    losses.lose('reasoning', 'The endpoint takes the words of earlier reasoning alone; its signatures were left out.');
  const words = thoughts.map(({ text }) => text).join('');
  return words === '' ? {} : { reasoning_content: words };
};

const assistantOf = (parts: readonly AssistantPart[], context: Context): Json => {
  const said = parts.flatMap((part): Json[] => {
    if (part.type === 'text') return [textOf(part, context)];
    if (part.type === 'image' || part.type === 'audio')
      context.losses.lose('messages', `The endpoint takes no ${part.type} of earlier turns; it was left out.`);
    return [];
  });
  const calls = parts.filter((part) => part.type === 'tool-call').map(callOf);
  const refusal = parts.find((part) => part.type === 'refusal');
  return {
    role: 'assistant',
    content: said.length === 0 ? null : contentOf(said),
    ...(refusal === undefined ? {} : { refusal: refusal.text }),
    ...thoughtOf(parts, context),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
};

/** Tools answer with text; what else they answered with follows as the user's. */
const resultOf = (result: ToolResultPart, context: Context): { message: Json; shown: Json[] } => {
  const written = result.content.filter((part) => part.type === 'text');
  // What is marked as a whole is marked at the end of its words.
  const texts = written.map((part, at) =>
    at === written.length - 1 && part.cache === undefined && result.cache !== undefined
      ? { ...part, cache: result.cache }
      : part,
  );
  const media = result.content.filter((part) => part.type !== 'text');
  const words = texts.map((part) => textOf(part, context));
  if (result.isError === true)
    context.losses.lose('messages', 'That a tool failed is told by its words alone: the endpoint has no mark for it.');
  if (media.length > 0)
    context.losses.lose(
      'messages',
      'A tool answered with media: it was given as a message of the user behind the tools.',
    );
  return {
    message: {
      role: 'tool',
      tool_call_id: result.callId,
      content: words.length === 0 ? '' : contentOf(words),
    },
    shown: media.map((part) => userPart(part, context)),
  };
};

const messagesOf = (message: Message, context: Context): Json[] => {
  switch (message.role) {
    case 'system':
    case 'developer': {
      const role = message.role === 'developer' && context.quirks['developerRole'] !== true ? 'system' : message.role;
      return [{ role, content: contentOf(message.content.map((part) => textOf(part, context))) }];
    }
    case 'user':
      return [{ role: 'user', content: contentOf(message.content.map((part) => userPart(part, context))) }];
    case 'assistant':
      return [assistantOf(message.content, context)];
    case 'tool': {
      const results = message.content.map((result) => resultOf(result, context));
      const shown = results.flatMap((result) => result.shown);
      return [
        ...results.map((result) => result.message),
        ...(shown.length === 0 ? [] : [{ role: 'user', content: shown }]),
      ];
    }
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

const toolOf = (tool: Tool, context: Context): Json[] => {
  if (tool.type === 'provider') {
    context.losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    return [];
  }
  const { name, description, parameters, strict, cache } = tool;
  return [
    {
      type: 'function',
      function: {
        name,
        ...(description === undefined ? {} : { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
        ...(strict === undefined ? {} : { strict }),
      },
      ...cached(context, cache),
    },
  ];
};

const choiceOf = (choice: ToolChoice): unknown =>
  choice.type === 'tool' ? { type: 'function', function: { name: choice.name } } : choice.type;

const formatOf = (format: ResponseFormat): Json => {
  switch (format.type) {
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json-schema': {
      const { name, schema, strict, description } = format;
      return {
        type: 'json_schema',
        json_schema: {
          name,
          ...(description === undefined ? {} : { description }),
          schema,
          ...(strict === undefined ? {} : { strict }),
        },
      };
    }
    case 'grammar':
      return { type: 'grammar', grammar: format.grammar };
    default: {
      const unreachable: never = format;
      return unreachable;
    }
  }
};

/** How providers of this dialect are asked to reason: by effort (OpenAI), or by an object (OpenRouter). */
const reasoningOf = (call: GenerationCall, quirks: Quirks): Json => {
  const { reasoning } = call;
  if (reasoning === undefined) return {};
  if (quirks['reasoningStyle'] === 'object') {
    const { enabled, effort, maxTokens, exclude } = reasoning;
    return {
      reasoning: {
        ...(enabled === undefined ? {} : { enabled }),
        ...(effort === undefined ? {} : { effort }),
        ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
        ...(exclude === undefined ? {} : { exclude }),
      },
    };
  }
  const effort = reasoningEffort(reasoning, call.maxOutputTokens ?? OUTPUT_TOKENS_ASSUMED);
  return effort === undefined ? {} : { reasoning_effort: effort };
};

const samplingOf = ({ sampling }: GenerationCall, quirks: Quirks): Json => {
  const all: Json = {
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    top_a: sampling.topA,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    repetition_penalty: sampling.repetitionPenalty,
    [seedField(quirks)]: sampling.seed,
    stop: sampling.stop,
    logit_bias: sampling.logitBias,
    logprobs: sampling.logprobs,
    top_logprobs: sampling.topLogprobs,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
};

export const buildChatFromCall = ({
  call: asked,
  upstreamModel,
  endUser,
  quirks,
}: TranslatedRequest): UpstreamRequest => {
  const losses = new Losses();
  const context: Context = { losses, quirks, marksCache: quirks['marksCache'] === true };
  const call = context.marksCache ? markCall(asked, quirks, { marksTools: false }) : asked;
  const capField = quirks['outputCapField'] === 'max_completion_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const tools = call.tools?.flatMap((tool) => toolOf(tool, context)) ?? [];
  for (const field of Object.keys(call.extra ?? {})) losses.leaveOut(field);
  const body: Json = {
    model: upstreamModel,
    messages: call.messages.flatMap((message) => messagesOf(message, context)),
    ...(call.stream ? { stream: true } : {}),
    ...(call.stream && quirks['usageInStream'] !== false ? { stream_options: { include_usage: true } } : {}),
    ...(call.maxOutputTokens === undefined ? {} : { [capField]: call.maxOutputTokens }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || call.toolChoice === undefined ? {} : { tool_choice: choiceOf(call.toolChoice) }),
    ...(tools.length === 0 || call.parallelToolCalls === undefined
      ? {}
      : { parallel_tool_calls: call.parallelToolCalls }),
    ...(call.responseFormat === undefined ? {} : { response_format: formatOf(call.responseFormat) }),
    ...reasoningOf(call, quirks),
    ...samplingOf(call, quirks),
    ...(call.outputModalities === undefined ? {} : { modalities: call.outputModalities }),
    ...(call.audioOutput === undefined ? {} : { audio: call.audioOutput }),
    ...(call.verbosity === undefined ? {} : { verbosity: call.verbosity }),
    ...(call.serviceTier === undefined ? {} : { service_tier: call.serviceTier }),
    ...(call.promptCacheKey === undefined ? {} : { prompt_cache_key: call.promptCacheKey }),
    ...(endUser === undefined || quirks['sendsUser'] === false ? {} : { user: endUser }),
  };
  return {
    path: typeof quirks['chatPath'] === 'string' ? quirks['chatPath'] : '/chat/completions',
    headers: HEADERS[call.stream ? 'stream' : 'body'],
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
