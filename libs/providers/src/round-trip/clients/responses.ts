// A client of Responses that keeps what OpenAI knows of an item and nothing else, as typed clients do. https://platform.openai.com/docs/guides/reasoning#keeping-reasoning-items-in-context
import { openAiResponses } from '@waystation/dialects';
import type { ToolResult } from '../script.js';
import { eventsOf, pick, type Client, type ClientKind, type Json } from '../sides.js';

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  reasoning: ['type', 'id', 'summary', 'content', 'encrypted_content'],
  message: ['type', 'id', 'role', 'status', 'content'],
  function_call: ['type', 'id', 'call_id', 'name', 'arguments', 'status'],
};

const imageOf = (base64: string): Json => ({
  type: 'input_image',
  detail: 'auto',
  image_url: `data:image/png;base64,${base64}`,
});
const textOf = (text: string): Json => ({ type: 'input_text', text });

class ResponsesClient implements Client {
  readonly #input: Json[] = [];
  #instructions = '';
  #calls: readonly Json[] = [];

  system(text: string): void {
    this.#instructions = text;
  }
  user(text: string, image: string): void {
    this.#input.push({ type: 'message', role: 'user', content: [textOf(text), imageOf(image)] });
  }
  results(results: readonly ToolResult[]): void {
    for (const [at, { text, image }] of results.entries())
      this.#input.push({
        type: 'function_call_output',
        call_id: this.#calls[at]?.['call_id'],
        output: image === undefined ? text : [textOf(text), imageOf(image)],
      });
  }
  request(stream: boolean): Json {
    const parameters = { type: 'object', properties: { at: { type: 'string' } } };
    return {
      model: 'm',
      instructions: this.#instructions,
      input: this.#input,
      tools: [{ type: 'function', name: 'see', parameters, strict: false }],
      max_output_tokens: 4_096,
      stream,
    };
  }
  hear(wire: string, stream: boolean): readonly string[] {
    const { output } = (stream ? eventsOf(wire).at(-1)?.['response'] : JSON.parse(wire)) as { output: Json[] };
    this.#input.push(...output.map((item) => pick(item, ...(MEMBERS[String(item['type'])] ?? []))));
    this.#calls = output.filter(({ type }) => type === 'function_call');
    return this.#calls.map(({ name }) => String(name));
  }
}

export const responsesClient: ClientKind = {
  name: 'Responses',
  dialect: openAiResponses,
  traits: { argumentText: true, toolErrors: false, cacheMarkers: false },
  begin: () => new ResponsesClient(),
};
