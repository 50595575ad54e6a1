// A Messages answer as one body, out of canonical events. `usage` is not written here: it needs the bill.
import type { GenerationEvent, Warning } from '@waystation/generation';
import { AnswerLosses } from '../answer-losses.js';
import { parseArguments } from '../json/exact-numbers.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { stopReasonOf } from './stop-word.js';
import { sealThinking, type Seal, type Thought } from './thinking-seal.js';

type Block = Record<string, unknown>;

const inputOf = (argumentsJson: string): unknown => {
  try {
    return argumentsJson === '' ? {} : parseArguments(argumentsJson);
  } catch {
    // What the model wrote is no JSON: a client gets to see it all the same.
    return { arguments: argumentsJson };
  }
};

export class MessagesAnswerBody implements EventWriter {
  readonly #terms: AnswerTerms;
  readonly #content: Block[] = [];
  readonly #texts = new Map<number, { type: 'text'; text: string; citations?: unknown[] }>();
  readonly #thoughts = new Map<number, { readonly about: Thought; text: string }>();
  readonly #calls = new Map<number, { block: Block; argumentsJson: string }>();
  readonly #losses = new AnswerLosses();
  #stopReason = 'end_turn';
  #body = '';

  constructor(terms: AnswerTerms) {
    this.#terms = terms;
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    switch (event.type) {
      case 'text-start': {
        const block = { type: 'text' as const, text: '' };
        this.#texts.set(event.index, block);
        this.#content.push(block);
        return;
      }
      case 'text-delta': {
        const block = this.#texts.get(event.index);
        if (block !== undefined) block.text += event.text;
        return;
      }
      case 'reasoning-start':
        return void this.#thoughts.set(event.index, { about: event, text: '' });
      case 'reasoning-delta': {
        const thought = this.#thoughts.get(event.index);
        if (thought !== undefined) thought.text += event.text;
        return;
      }
      case 'reasoning-end': {
        const thought = this.#thoughts.get(event.index);
        return thought === undefined ? undefined : this.#think(thought.about, event, thought.text);
      }
      case 'tool-call-start': {
        const { id, signature, format } = event;
        if (signature !== undefined)
          this.#think({ id, ...(format === undefined ? {} : { format }) }, { encrypted: signature }, '');
        const block = { type: 'tool_use', id, name: event.name, input: {} };
        this.#calls.set(event.index, { block, argumentsJson: '' });
        this.#content.push(block);
        return;
      }
      case 'tool-call-delta': {
        const call = this.#calls.get(event.index);
        if (call !== undefined) call.argumentsJson += event.argumentsDelta;
        return;
      }
      case 'tool-call-end': {
        const call = this.#calls.get(event.index);
        if (call !== undefined) call.block['input'] = inputOf(call.argumentsJson);
        return;
      }
      case 'refusal-delta': {
        const last = this.#content.at(-1);
        if (last?.['type'] === 'text') last['text'] = `${String(last['text'])}${event.text}`;
        else this.#content.push({ type: 'text', text: event.text });
        return;
      }
      case 'citation': {
        const block = this.#texts.get(event.index);
        if (block === undefined) return;
        (block.citations ??= []).push({
          type: 'web_search_result_location',
          url: event.url,
          title: event.title ?? null,
          cited_text: event.content ?? '',
        });
        return;
      }
      case 'finish':
        this.#stopReason = stopReasonOf(event.reason, event.nativeReason);
        return;
      case 'image':
        return this.#losses.lose('images');
      case 'audio-start':
        return this.#losses.lose('sound');
      case 'file':
        return this.#losses.lose('files');
      case 'audio-delta':
      case 'audio-end':
      case 'start':
      case 'text-end':
      case 'warning':
      case 'usage':
      case 'error':
        return;
      default: {
        const unreachable: never = event;
        return unreachable;
      }
    }
  }

  take(): Buffer {
    const bytes = Buffer.from(this.#body);
    this.#body = '';
    return bytes;
  }

  end(): undefined {
    const { generationId, model, providerName } = this.#terms;
    this.#body = JSON.stringify({
      id: generationId,
      type: 'message',
      role: 'assistant',
      model,
      provider: providerName,
      content: this.#content,
      stop_reason: this.#stopReason,
      stop_sequence: null,
    });
    return undefined;
  }

  cut(): undefined {
    this.#stopReason = 'max_tokens';
    return this.end();
  }

  #think(about: Thought, seal: Seal, thinking: string): void {
    const { signature, data, lost } = sealThinking(about, seal, thinking !== '');
    if (lost) this.#losses.lose('signatures of reasoning');
    if (thinking !== '' || signature !== undefined)
      this.#content.push({ type: 'thinking', thinking, signature: signature ?? '' });
    if (data !== undefined) this.#content.push({ type: 'redacted_thinking', data });
  }
}
