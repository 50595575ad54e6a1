// A client of Messages: appends the blocks that it got, in their order. https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks
import { anthropicMessages } from '@waystation/dialects';
import type { ToolResult } from '../script.js';
import { eventsOf, type Client, type ClientKind, type Json } from '../sides.js';

interface Event {
  readonly type: string;
  readonly index: number;
  readonly content_block: Json;
  readonly delta: Readonly<Record<string, string>>;
}

const MEMBER: Readonly<Record<string, string>> = { text_delta: 'text', thinking_delta: 'thinking' };

const joined = (wire: string): Json[] => {
  const blocks: Json[] = [];
  const inputs = new Map<number, string>();
  for (const { type, index, content_block: block, delta } of eventsOf(wire) as unknown as Event[]) {
    if (type === 'content_block_start') blocks[index] = { ...block };
    const open = blocks[index];
    if (type !== 'content_block_delta' || open === undefined) continue;
    const kind = delta['type'] ?? '';
    const member = MEMBER[kind];
    if (member !== undefined) open[member] = `${String(open[member])}${delta[member]}`;
    if (kind === 'signature_delta') open['signature'] = delta['signature'];
    if (kind === 'input_json_delta') inputs.set(index, (inputs.get(index) ?? '') + delta['partial_json']);
  }
  for (const [index, json] of inputs)
    Object.assign(blocks[index] ?? {}, { input: JSON.parse(json || '{}') as unknown });
  return blocks;
};

const imageOf = (data: string): Json => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });

class MessagesClient implements Client {
  readonly #messages: Json[] = [];
  #system = '';
  #calls: readonly Json[] = [];

  system(text: string): void {
    this.#system = text;
  }
  user(text: string, image: string): void {
    this.#messages.push({ role: 'user', content: [{ type: 'text', text }, imageOf(image)] });
  }
  results(results: readonly ToolResult[]): void {
    const content = results.map(({ text, image, failed }, at) => ({
      type: 'tool_result',
      tool_use_id: this.#calls[at]?.['id'],
      content: image === undefined ? text : [{ type: 'text', text }, imageOf(image)],
      ...(failed === true ? { is_error: true } : {}),
    }));
    this.#messages.push({ role: 'user', content });
  }
  request(stream: boolean): Json {
    return {
      model: 'm',
      max_tokens: 4_096,
      system: [{ type: 'text', text: this.#system, cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: this.#messages,
      tools: [{ name: 'see', input_schema: { type: 'object', properties: { at: { type: 'string' } } } }],
      stream,
    };
  }
  hear(wire: string, stream: boolean): readonly string[] {
    const content = stream ? joined(wire) : (JSON.parse(wire) as { content: Json[] }).content;
    this.#messages.push({ role: 'assistant', content });
    this.#calls = content.filter(({ type }) => type === 'tool_use');
    return this.#calls.map(({ name }) => String(name));
  }
}

export const messagesClient: ClientKind = {
  name: 'Messages',
  dialect: anthropicMessages,
  traits: { argumentText: false, toolErrors: true, cacheMarkers: true },
  begin: () => new MessagesClient(),
};
