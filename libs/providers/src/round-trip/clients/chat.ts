// A client of chat completions: appends the message that it got. https://platform.openai.com/docs/guides/function-calling; `reasoning_details` go back unmodified, pieces
// of a stream are put together by index: the reference API, section 8.
import { openAiChat } from '@waystation/dialects';
import type { ToolResult } from '../script.js';
import { eventsOf, type Client, type ClientKind, type Json } from '../sides.js';

interface Called {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}
interface Message extends Json {
  content?: string | null;
  reasoning_details?: Json[];
  tool_calls?: (Called & { index?: number })[];
}
interface Choices {
  readonly choices: readonly { readonly message: Message; readonly delta: Message }[];
}

const joinDetails = (all: Json[], piece: Json): void => {
  const open = all.find(({ index, type }) => index === piece['index'] && type === piece['type']);
  if (open === undefined) return void all.push({ ...piece });
  for (const [name, value] of Object.entries(piece))
    if (name === 'text' || name === 'summary') open[name] = `${String(open[name] ?? '')}${String(value)}`;
    else if (value !== null) open[name] = value;
};

const joined = (deltas: readonly Message[]): Message => {
  const message: Message = { role: 'assistant', content: null };
  for (const { content, reasoning_details: details = [], tool_calls: calls = [] } of deltas) {
    if (typeof content === 'string' && content !== '') message.content = (message.content ?? '') + content;
    for (const detail of details) joinDetails((message.reasoning_details ??= []), detail);
    for (const { index = 0, id, function: called } of calls) {
      const call = ((message.tool_calls ??= [])[index] ??= {
        id,
        type: 'function',
        function: { name: '', arguments: '' },
      });
      call.function.name += called.name ?? '';
      call.function.arguments += called.arguments ?? '';
    }
  }
  return message;
};

const imageOf = (base64: string): Json => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${base64}` },
});

class ChatClient implements Client {
  readonly #messages: Json[] = [];
  #calls: readonly Called[] = [];

  system(text: string): void {
    this.#messages.push({
      role: 'system',
      content: [{ type: 'text', text, cache_control: { type: 'ephemeral', ttl: '1h' } }],
    });
  }
  user(text: string, image: string): void {
    this.#messages.push({ role: 'user', content: [{ type: 'text', text }, imageOf(image)] });
  }
  results(results: readonly ToolResult[]): void {
    for (const [at, { text, image }] of results.entries())
      this.#messages.push({
        role: 'tool',
        tool_call_id: this.#calls[at]?.id,
        content: image === undefined ? text : [{ type: 'text', text }, imageOf(image)],
      });
  }
  request(stream: boolean): Json {
    const parameters = { type: 'object', properties: { at: { type: 'string' } } };
    return {
      model: 'm',
      messages: this.#messages,
      tools: [{ type: 'function', function: { name: 'see', parameters } }],
      max_completion_tokens: 4_096,
      stream,
    };
  }
  hear(wire: string, stream: boolean): readonly string[] {
    const message = stream
      ? joined(eventsOf(wire).flatMap((chunk) => (chunk as unknown as Choices).choices.map(({ delta }) => delta)))
      : (JSON.parse(wire) as Choices).choices[0]?.message;
    this.#messages.push(message ?? {});
    this.#calls = message?.tool_calls ?? [];
    return this.#calls.map((call) => call.function.name);
  }
}

export const chatClient: ClientKind = {
  name: 'chat completions',
  dialect: openAiChat,
  traits: { argumentText: true, toolErrors: false, cacheMarkers: true },
  begin: () => new ChatClient(),
};
