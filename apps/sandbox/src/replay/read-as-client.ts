// Reads an answer as the official client of its dialect does, whose parser knows nothing of ours.
import Anthropic from '@anthropic-ai/sdk';
import { openEnvelope } from '@waystation/dialects';
import OpenAI from 'openai';
import { argumentsOf, type Said } from './said.js';

/** A client's `fetch` that gets these bytes, whatever it asks. */
const answering = (bytes: Buffer, stream: boolean) => (): Promise<Response> =>
  Promise.resolve(
    new Response(new Uint8Array(bytes), {
      status: 200,
      headers: { 'content-type': stream ? 'text/event-stream' : 'application/json' },
    }),
  );

const openai = (bytes: Buffer, stream: boolean): OpenAI =>
  new OpenAI({ apiKey: 'k', baseURL: 'http://lab/v1', maxRetries: 0, fetch: answering(bytes, stream) });
const anthropic = (bytes: Buffer, stream: boolean): Anthropic =>
  new Anthropic({ apiKey: 'k', baseURL: 'http://lab', maxRetries: 0, fetch: answering(bytes, stream) });

/** Members that the reference adds to OpenAI's types, and words that other providers of the dialect have for them. */
interface Thinking {
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
  readonly reasoning_details?: readonly {
    readonly type?: string;
    readonly signature?: string | null;
    readonly data?: string | null;
  }[];
}

const thoughtIn = (message: Thinking): string => message.reasoning ?? message.reasoning_content ?? '';
const sealsIn = (message: Thinking): string[] =>
  (message.reasoning_details ?? []).flatMap(({ signature, data }) => [signature ?? [], data ?? []].flat());

/** What a provider sealed: itself, or out of the envelope in which it travels. */
const sealsOf = (text: string | undefined): string[] => {
  const enclosed = openEnvelope(text);
  if (enclosed === undefined) return text === undefined ? [] : [text];
  return [enclosed.signature ?? [], enclosed.encrypted ?? []].flat();
};

const publicWord = (word: string | null | undefined): string => (word ?? '').replace('_', '-');

type OpenAiUsage = OpenAI.CompletionUsage | null | undefined;
const chatUsage = (usage: OpenAiUsage): Said['usage'] => ({
  input: usage?.prompt_tokens ?? 0,
  cacheRead: usage?.prompt_tokens_details?.cached_tokens ?? 0,
  output: usage?.completion_tokens ?? 0,
  reasoning: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
});

const readChat = async (bytes: Buffer, stream: boolean): Promise<Said> => {
  const request = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };
  const { completions } = openai(bytes, stream).chat;
  let [reasoning, seals]: [string, string[]] = ['', []];
  let completion: OpenAI.ChatCompletion;
  if (stream) {
    const read = completions.stream(request);
    read.on('chunk', (chunk) => {
      const delta: Thinking | undefined = chunk.choices[0]?.delta as Thinking | undefined;
      reasoning += thoughtIn(delta ?? {});
      seals = [...seals, ...sealsIn(delta ?? {})];
    });
    completion = await read.finalChatCompletion();
  } else {
    completion = await completions.create(request);
    const message: Thinking = (completion.choices[0]?.message ?? {}) as Thinking;
    reasoning = thoughtIn(message);
    seals = sealsIn(message);
  }
  const [choice] = completion.choices;
  return {
    text: (choice?.message.content ?? '') + (choice?.message.refusal ?? ''),
    reasoning,
    calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
      call.type === 'custom'
        ? []
        : [{ id: call.id, name: call.function.name, arguments: argumentsOf(call.function.arguments) }],
    ),
    seals,
    finish: publicWord(choice?.finish_reason),
    usage: chatUsage(completion.usage),
  };
};

const readCompletion = async (bytes: Buffer, stream: boolean): Promise<Said> => {
  const { completions } = openai(bytes, stream);
  const request = { model: 'm', prompt: 'x' };
  const pieces: OpenAI.Completion[] = [];
  if (stream) for await (const piece of await completions.create({ ...request, stream: true })) pieces.push(piece);
  else pieces.push(await completions.create(request));
  const choices = pieces.flatMap((piece) => piece.choices);
  return {
    text: choices.map(({ text }) => text).join(''),
    reasoning: choices.map((choice) => thoughtIn(choice as Thinking)).join(''),
    calls: [],
    seals: [],
    finish: publicWord(choices.findLast((choice) => choice.finish_reason !== null)?.finish_reason),
    usage: chatUsage(pieces.findLast((piece) => (piece.usage ?? undefined) !== undefined)?.usage),
  };
};

/** https://platform.openai.com/docs/api-reference/responses/object: what chat completions call a finish reason */
const endOf = ({ status, incomplete_details: details, output }: OpenAI.Responses.Response): string => {
  if (status === 'incomplete') return details?.reason === 'content_filter' ? 'content-filter' : 'length';
  return output.some(({ type }) => type === 'function_call') ? 'tool-calls' : 'stop';
};

const readResponse = async (bytes: Buffer, stream: boolean): Promise<Said> => {
  const { responses } = openai(bytes, stream);
  const request = { model: 'm', input: 'x' };
  const items: OpenAI.Responses.ResponseOutputItem[] = [];
  let response: OpenAI.Responses.Response;
  if (stream) {
    const read = responses.stream(request);
    read.on('event', (event) => event.type === 'response.output_item.done' && items.push(event.item));
    response = await read.finalResponse();
  } else response = await responses.create(request);
  const { output, usage } = response;
  const parts = output.flatMap((item) => (item.type === 'message' ? item.content : []));
  return {
    text: parts.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join(''),
    reasoning: output
      .flatMap((item) =>
        item.type === 'reasoning' ? [...item.summary, ...(item.content ?? [])].map(({ text }) => text) : [],
      )
      .join('\n\n'),
    calls: output.flatMap((item) =>
      item.type === 'function_call'
        ? [{ id: item.call_id, name: item.name, arguments: argumentsOf(item.arguments) }]
        : [],
    ),
    // Some seal an item anew in each event: what its own end says counts. An envelope holds the signature, too.
    seals: (stream ? items : output).flatMap((item) => {
      if (item.type !== 'reasoning') return [];
      const { signature } = item as { readonly signature?: string };
      const content = item.encrypted_content ?? undefined;
      return openEnvelope(content) === undefined ? [signature ?? [], content ?? []].flat() : sealsOf(content);
    }),
    finish: endOf(response),
    usage: {
      input: usage?.input_tokens ?? 0,
      cacheRead: usage?.input_tokens_details.cached_tokens ?? 0,
      output: usage?.output_tokens ?? 0,
      reasoning: usage?.output_tokens_details.reasoning_tokens ?? 0,
    },
  };
};

/** https://docs.anthropic.com/en/api/handling-stop-reasons */
const STOPS: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
};

const readMessage = async (bytes: Buffer, stream: boolean): Promise<Said> => {
  const { messages } = anthropic(bytes, stream);
  const request = { model: 'm', max_tokens: 64, messages: [{ role: 'user' as const, content: 'x' }] };
  const message = stream ? await messages.stream(request).finalMessage() : await messages.create(request);
  const { content, usage } = message;
  const cacheRead = usage.cache_read_input_tokens ?? 0;
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: content.flatMap((block) =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, arguments: block.input }] : [],
    ),
    seals: content.flatMap((block) => {
      if (block.type === 'thinking') return block.signature === '' ? [] : sealsOf(block.signature);
      return block.type === 'redacted_thinking' ? sealsOf(block.data) : [];
    }),
    finish: STOPS[message.stop_reason ?? ''] ?? String(message.stop_reason),
    usage: {
      input: usage.input_tokens + cacheRead + (usage.cache_creation_input_tokens ?? 0),
      cacheRead,
      output: usage.output_tokens,
    },
  };
};

const READERS: Readonly<Record<string, (bytes: Buffer, stream: boolean) => Promise<Said>>> = {
  'openai-chat': readChat,
  'openai-completions': readCompletion,
  'openai-responses': readResponse,
  'anthropic-messages': readMessage,
};

export const CLIENTS = Object.keys(READERS);

/** `bytes`: as they reach the client, with the bill. */
export const readAsClient = (dialect: string, bytes: Buffer, stream: boolean): Promise<Said> => {
  const read = READERS[dialect];
  if (read === undefined) throw new Error(`no client reads ${dialect}`);
  return read(bytes, stream);
};
