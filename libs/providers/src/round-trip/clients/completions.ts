// A client of legacy completions: its conversation is one growing text. https://platform.openai.com/docs/api-reference/completions
import { openAiCompletions } from '@waystation/dialects';
import type { ToolResult } from '../script.js';
import { eventsOf, type Client, type ClientKind, type Json } from '../sides.js';

interface Choices {
  readonly choices: readonly { readonly text: string }[];
}

export class CompletionsClient implements Client {
  #prompt = '';

  get prompt(): string {
    return this.#prompt;
  }
  system(text: string): void {
    this.#prompt += `${text}\n`;
  }
  user(text: string): void {
    this.#prompt += `User: ${text}\nModel:`;
  }
  results(results: readonly ToolResult[]): void {
    this.#prompt += results.map(({ text }) => `Tool: ${text}\nModel:`).join('');
  }
  request(stream: boolean): Json {
    return { model: 'm', prompt: this.#prompt, max_tokens: 4_096, stream };
  }
  hear(wire: string, stream: boolean): readonly string[] {
    const told = (stream ? eventsOf(wire) : [JSON.parse(wire) as Json]) as unknown as Choices[];
    this.#prompt += `${told.flatMap(({ choices }) => choices.map(({ text }) => text)).join('')}\n`;
    return [];
  }
}

export const completionsClient: Omit<ClientKind, 'begin'> & { begin(): CompletionsClient } = {
  name: 'legacy completions',
  dialect: openAiCompletions,
  traits: { argumentText: true, toolErrors: false, cacheMarkers: false },
  begin: () => new CompletionsClient(),
};
