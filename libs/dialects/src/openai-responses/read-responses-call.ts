// The canonical call in a Responses body. The body was checked at the edge; what is read here is what a translation needs of it. Items that follow each other make one turn:
// what an assistant thought, said and called is one message, and so are the results of its calls.
// Invariant: nothing is dropped in silence. A known field that the call has no member for goes into `extra`.
import type {
  AssistantPart,
  FilePart,
  FunctionTool,
  GenerationCall,
  ImagePart,
  MediaSource,
  Message,
  Modality,
  ReasoningOptions,
  ReasoningPart,
  ResponseFormat,
  Sampling,
  TextPart,
  Tool,
  ToolChoice,
  ToolResultPart,
  UserPart,
} from '@waystation/generation';
import { mediaSourceOf } from '../media-source.js';
import { isObject, refuse, typeOf, type JsonObject } from '../openai-chat/check-type.js';
import { callSealOf, type CallSeal } from '../openai-chat/reasoning-details.js';
import type { CallReading } from '../public-dialect.js';
import { openEnvelope } from '../reasoning/envelope.js';
import { promptCacheOf } from '../request/cache-control.js';
import { numberOf, objectsOf, present, textOf } from '../request/json-shape.js';
import { echoRequest } from './echo-request.js';
import { OWN_RESPONSES_FIELDS } from './responses-fields.js';

const COVERED: ReadonlySet<string> = new Set([
  ...OWN_RESPONSES_FIELDS,
  ...['model', 'input', 'instructions', 'stream', 'max_output_tokens', 'temperature', 'top_p', 'top_k', 'top_logprobs'],
  ...['frequency_penalty', 'presence_penalty', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning', 'text'],
  ...['modalities', 'service_tier', 'prompt_cache_key', 'metadata', 'user', 'safety_identifier', 'store', 'include'],
]);
/** What is so anyway, where it is said. */
const USUAL: Readonly<Record<string, unknown>> = { truncation: 'disabled' };

const FORMAT = 'openai-responses-v1';

const DETAILS: ReadonlySet<unknown> = new Set(['low', 'high', 'original']);

const imagePart = (part: JsonObject, field: string): ImagePart => {
  const id = textOf(part['file_id']);
  const source: MediaSource =
    id === undefined ? mediaSourceOf(part['image_url'], `${field}.image_url`) : { kind: 'file-id', id };
  // Clients must name a detail here: 'auto' is the same as none.
  const { detail } = part;
  return { type: 'image', source, ...(DETAILS.has(detail) ? { detail: detail as 'low' } : {}) };
};

const fileSource = (part: JsonObject, field: string): MediaSource => {
  const [id, url, data] = [textOf(part['file_id']), textOf(part['file_url']), textOf(part['file_data'])];
  if (id !== undefined) return { kind: 'file-id', id };
  if (url !== undefined) return { kind: 'url', url };
  // The API takes bare base64 too: https://platform.openai.com/docs/guides/pdf-files
  return data === undefined || data.startsWith('data:')
    ? mediaSourceOf(data, `${field}.file_data`)
    : { kind: 'data', mediaType: 'application/pdf', base64: data };
};

const filePart = (part: JsonObject, field: string): FilePart => ({
  type: 'file',
  source: fileSource(part, field),
  ...present({ filename: textOf(part['filename']) }),
});

const saidText = (part: JsonObject): TextPart => ({
  type: 'text',
  text: typeof part['text'] === 'string' ? part['text'] : '',
});

const userPart = (part: JsonObject, field: string): UserPart => {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
      return saidText(part);
    case 'input_image':
      return imagePart(part, field);
    case 'input_file':
      return filePart(part, field);
    case 'input_audio': {
      const audio = isObject(part['input_audio']) ? part['input_audio'] : {};
      const format = textOf(audio['format']);
      const source: MediaSource = {
        kind: 'data',
        mediaType: `audio/${format ?? 'wav'}`,
        base64: textOf(audio['data']) ?? '',
      };
      return { type: 'audio', source, ...(format === undefined ? {} : { format }) };
    }
    case 'input_video':
      return { type: 'video', source: mediaSourceOf(part['video_url'], `${field}.video_url`) };
    default:
      return refuse(`${field}.type`, `a part of type ${JSON.stringify(part['type'])} cannot be translated`);
  }
};

const userParts = (content: unknown, field: string): UserPart[] =>
  typeof content === 'string'
    ? [{ type: 'text', text: content }]
    : objectsOf(content).map((part, index) => userPart(part, `${field}[${index}]`));

const assistantSaid = (content: unknown, field: string): AssistantPart[] => {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return objectsOf(content).map((part, index): AssistantPart => {
    if (part['type'] === 'refusal') return { type: 'refusal', text: textOf(part['refusal']) ?? '' };
    const read = userPart(part, `${field}[${index}]`);
    return read.type === 'text' || read.type === 'image'
      ? read
      : refuse(`${field}[${index}].type`, 'an assistant cannot have said this');
  });
};

const instructionParts = (content: unknown, field: string): TextPart[] =>
  userParts(content, field).map((part, index) =>
    part.type === 'text' ? part : refuse(`${field}[${index}].type`, 'instructions are text'),
  );

/** What an item says of its thought. Where another kind of provider sealed it, that stands in an envelope: few clients keep members that OpenAI does not have. */
const aboutOf = (item: JsonObject): Omit<ReasoningPart, 'type' | 'text' | 'summary'> => {
  const encrypted = textOf(item['encrypted_content']);
  const enclosed = openEnvelope(encrypted);
  if (enclosed !== undefined) {
    const { format, id, signature, encrypted: sealed } = enclosed;
    return { format, ...present({ id, signature, encrypted: sealed }) };
  }
  return present({
    format: textOf(item['format']) ?? (encrypted === undefined ? undefined : FORMAT),
    id: textOf(item['id']),
    signature: textOf(item['signature']),
    encrypted,
  });
};

/** A thought in its pieces: summaries or text, and on the last of them what must go back as it is. */
const thoughtParts = (item: JsonObject): ReasoningPart[] => {
  const { signature, encrypted, ...about } = aboutOf(item);
  const texts = [
    ...objectsOf(item['summary']).map((piece) => ({ ...saidText(piece), summary: true as const })),
    ...objectsOf(item['content']).map((piece) => ({ ...saidText(piece), summary: undefined })),
  ].filter(({ text }) => text !== '');
  const sealed = present({ signature, encrypted });
  if (texts.length === 0)
    return Object.keys(sealed).length === 0 ? [] : [{ type: 'reasoning', text: '', ...about, ...sealed }];
  return texts.map(({ text, summary }, index) => ({
    type: 'reasoning',
    text,
    ...about,
    ...present({ summary }),
    ...(index === texts.length - 1 ? sealed : {}),
  }));
};

const resultOf = (item: JsonObject, field: string): ToolResultPart => ({
  type: 'tool-result',
  callId: textOf(item['call_id']) ?? '',
  content: userParts(item['output'], `${field}.output`).map((part, index) =>
    part.type === 'text' || part.type === 'image' || part.type === 'file'
      ? part
      : refuse(`${field}.output[${index}].type`, `a tool cannot answer with ${part.type} here`),
  ),
});

/** What one item adds to the conversation. */
type Piece =
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly parts: readonly ToolResultPart[] }
  | { readonly role: 'other'; readonly message: Message };

const pieceOfMessage = (item: JsonObject, field: string): Piece => {
  const at = `${field}.content`;
  switch (item['role']) {
    case 'assistant':
      return { role: 'assistant', parts: assistantSaid(item['content'], at) };
    case 'system':
    case 'developer':
      return { role: 'other', message: { role: item['role'], content: instructionParts(item['content'], at) } };
    default:
      return { role: 'other', message: { role: 'user', content: userParts(item['content'], at) } };
  }
};

/** `seals`: what goes back with tool calls, by their id; such an item is no thought of its own. */
const pieceOf = (item: JsonObject, field: string, seals: ReadonlyMap<string, CallSeal>): Piece => {
  switch (item['type']) {
    case undefined:
    case null:
    case 'message':
      return pieceOfMessage(item, field);
    case 'reasoning':
      return { role: 'assistant', parts: seals.has(aboutOf(item).id ?? '') ? [] : thoughtParts(item) };
    case 'function_call': {
      const id = textOf(item['call_id']) ?? '';
      const call: AssistantPart = {
        type: 'tool-call',
        id,
        name: textOf(item['name']) ?? '',
        argumentsJson: textOf(item['arguments']) ?? '{}',
        ...seals.get(id),
      };
      return { role: 'assistant', parts: [call] };
    }
    case 'function_call_output':
      return { role: 'tool', parts: [resultOf(item, field)] };
    default:
      return refuse(
        `${field}.type`,
        `an item of type ${JSON.stringify(item['type'])} cannot be translated for the endpoint that was chosen`,
      );
  }
};

/** Reasoning items whose id is that of a call hold what must go back with it (`write-responses-answer.ts`). */
const sealsOf = (items: readonly JsonObject[]): ReadonlyMap<string, CallSeal> => {
  const calls = new Set(
    items.flatMap((item) => (item['type'] === 'function_call' ? [textOf(item['call_id']) ?? ''] : [])),
  );
  return new Map(
    items.flatMap((item): [string, CallSeal][] => {
      const ofCall = item['type'] === 'reasoning' ? callSealOf(aboutOf(item), calls) : undefined;
      return ofCall === undefined ? [] : [[ofCall.callId, ofCall.seal]];
    }),
  );
};

const messagesOf = (input: unknown): Message[] => {
  if (typeof input === 'string') return [{ role: 'user', content: [{ type: 'text', text: input }] }];
  const items = objectsOf(input);
  const seals = sealsOf(items);
  const messages: Message[] = [];
  for (const [index, item] of items.entries()) {
    const piece = pieceOf(item, `input[${index}]`, seals);
    const last = messages.at(-1);
    if (piece.role === 'other') messages.push(piece.message);
    else if (piece.parts.length === 0) continue;
    else if (piece.role === 'assistant' && last?.role === 'assistant')
      messages[messages.length - 1] = { role: 'assistant', content: [...last.content, ...piece.parts] };
    else if (piece.role === 'tool' && last?.role === 'tool')
      messages[messages.length - 1] = { role: 'tool', content: [...last.content, ...piece.parts] };
    else messages.push({ role: piece.role, content: piece.parts } as Message); // the parts are of the role
  }
  return messages;
};

const toolOf = (tool: JsonObject): Tool => {
  if (tool['type'] !== 'function') return { type: 'provider', name: String(tool['type']), config: tool };
  const read: FunctionTool = {
    type: 'function',
    name: textOf(tool['name']) ?? '',
    ...present({
      description: textOf(tool['description']),
      parameters: isObject(tool['parameters']) ? tool['parameters'] : undefined,
      strict: typeof tool['strict'] === 'boolean' ? tool['strict'] : undefined,
    }),
  };
  return read;
};

const choiceOf = (choice: unknown): ToolChoice | undefined => {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isObject(choice)) return undefined;
  const name = choice['type'] === 'function' ? textOf(choice['name']) : undefined;
  return name === undefined
    ? refuse('tool_choice', `${typeOf(choice)} without a function's name cannot be translated`)
    : { type: 'tool', name };
};

const formatOf = (text: JsonObject): ResponseFormat | undefined => {
  const format = isObject(text['format']) ? text['format'] : {};
  switch (format['type']) {
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      return {
        type: 'json-schema',
        name: textOf(format['name']) ?? 'response',
        schema: isObject(format['schema']) ? format['schema'] : {},
        ...present({
          strict: typeof format['strict'] === 'boolean' ? format['strict'] : undefined,
          description: textOf(format['description']),
        }),
      };
    default:
      return undefined;
  }
};

const reasoningOf = (body: JsonObject): ReasoningOptions | undefined => {
  const told = isObject(body['reasoning']) ? body['reasoning'] : {};
  const options = present({
    enabled: typeof told['enabled'] === 'boolean' ? told['enabled'] : undefined,
    effort: textOf(told['effort']) as ReasoningOptions['effort'],
    maxTokens: numberOf(told['max_tokens']),
    summary: textOf(told['summary']) as ReasoningOptions['summary'],
  });
  return Object.keys(options).length === 0 ? undefined : options;
};

const samplingOf = (body: JsonObject): Sampling => {
  const wantsLogprobs = Array.isArray(body['include']) && body['include'].includes('message.output_text.logprobs');
  const topLogprobs = numberOf(body['top_logprobs']);
  return present({
    temperature: numberOf(body['temperature']),
    topP: numberOf(body['top_p']),
    topK: numberOf(body['top_k']),
    frequencyPenalty: numberOf(body['frequency_penalty']),
    presencePenalty: numberOf(body['presence_penalty']),
    logprobs: wantsLogprobs || (topLogprobs ?? 0) > 0 ? true : undefined,
    topLogprobs: topLogprobs === 0 ? undefined : topLogprobs,
  });
};

const extraOf = (body: JsonObject): { extra?: Record<string, unknown> } => {
  const rest = Object.entries(body).filter(
    ([key, value]) => !COVERED.has(key) && value !== null && USUAL[key] !== value,
  );
  return rest.length === 0 ? {} : { extra: Object.fromEntries(rest) };
};

/** @throws WaystationError `invalid_request` for items and choices that only an endpoint of this dialect can take */
export const readResponsesCall = (bytes: Buffer): CallReading => {
  const body = JSON.parse(bytes.toString('utf8')) as JsonObject; // checked at the edge
  if (isObject(body['prompt']))
    refuse('prompt', 'is kept at a provider, and the endpoint that was chosen is elsewhere');
  const text = isObject(body['text']) ? body['text'] : {};
  const instructions = textOf(body['instructions']);
  const tools = objectsOf(body['tools']).map(toolOf);
  const modalities = body['modalities'];
  const call: GenerationCall = {
    messages: [
      ...(instructions === undefined
        ? []
        : [{ role: 'system' as const, content: [{ type: 'text' as const, text: instructions }] }]),
      ...messagesOf(body['input']),
    ],
    stream: body['stream'] === true,
    sampling: samplingOf(body),
    ...present({
      tools: tools.length === 0 ? undefined : tools,
      toolChoice: choiceOf(body['tool_choice']),
      parallelToolCalls: typeof body['parallel_tool_calls'] === 'boolean' ? body['parallel_tool_calls'] : undefined,
      responseFormat: formatOf(text),
      reasoning: reasoningOf(body),
      maxOutputTokens: numberOf(body['max_output_tokens']),
      outputModalities: Array.isArray(modalities) && modalities.length > 0 ? (modalities as Modality[]) : undefined,
      verbosity: textOf(text['verbosity']),
      serviceTier: textOf(body['service_tier']),
      promptCacheKey: textOf(body['prompt_cache_key']),
    }),
    ...promptCacheOf(body),
    ...extraOf(body),
  };
  return { call, warnings: [], echo: echoRequest(body) };
};
