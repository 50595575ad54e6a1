// A Messages answer as one body, out of canonical events. `usage` is not written here: it needs the bill.
import type { GenerationEvent } from '@waystation/generation';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { stopReasonOf } from './stop-word.js';

type Block = Record<string, unknown>;

const inputOf = (argumentsJson: string): unknown => {
  try {
    return argumentsJson === '' ? {} : JSON.parse(argumentsJson);
  } catch {
    // What the model wrote is no JSON: a client gets to see it all the same.
    return { arguments: argumentsJson };
  }
};

export class MessagesAnswerBody implements EventWriter {
  readonly #terms: AnswerTerms;
  readonly #content: Block[] = [];
  readonly #texts = new Map<number, { type: 'text'; text: string; citations?: unknown[] }>();
  readonly #thoughts = new Map<number, { text: string }>();
  readonly #calls = new Map<number, { block: Block; argumentsJson: string }>();
  #stopReason = 'end_turn';
  #body = '';

  constructor(terms: AnswerTerms) {
    this.#terms = terms;
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
        return void this.#thoughts.set(event.index, { text: '' });
      case 'reasoning-delta': {
        const thought = this.#thoughts.get(event.index);
        if (thought !== undefined) thought.text += event.text;
        return;
      }
      case 'reasoning-end': {
        const text = this.#thoughts.get(event.index)?.text ?? '';
        if (text !== '' || event.signature !== undefined)
          this.#content.push({ type: 'thinking', thinking: text, signature: event.signature ?? '' });
        if (event.encrypted !== undefined) this.#content.push({ type: 'redacted_thinking', data: event.encrypted });
        return;
      }
      case 'tool-call-start': {
        const block = { type: 'tool_use', id: event.id, name: event.name, input: {} };
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
      case 'audio-start':
      case 'audio-delta':
      case 'audio-end':
      case 'file':
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
}
