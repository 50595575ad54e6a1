// A chat completion as a stream, out of canonical events. The usage chunk and the end marker are not written here: they need the bill.
import type { GenerationEvent, Warning } from '@waystation/generation';
import { AnswerLosses } from '../answer-losses.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { createdSecondsOf } from '../created-seconds.js';
import { chatFinishReason } from './finish-word.js';
import { citationJson } from './media-json.js';
import { encryptedDetail, textDetail } from './reasoning-details.js';

interface OpenReasoning {
  readonly format?: string;
  readonly id?: string;
  readonly summary?: boolean;
}

export class ChatAnswerStream implements EventWriter {
  readonly #head: string;
  readonly #losses = new AnswerLosses();
  #text = '';
  #fingerprint = '';
  #first = true;
  /** Blocks of the events → positions in the answer. */
  readonly #reasoning = new Map<number, OpenReasoning & { readonly position: number }>();
  readonly #calls = new Map<number, number>();
  /** Position of the next piece of `reasoning_details`. */
  #details = 0;

  constructor(terms: AnswerTerms) {
    this.#head =
      `data: {"id":${JSON.stringify(terms.generationId)},"object":"chat.completion.chunk","created":${createdSecondsOf(terms.generationId)}` +
      `,"model":${JSON.stringify(terms.model)},"provider":${JSON.stringify(terms.providerName)}`;
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    switch (event.type) {
      case 'start':
        if (event.systemFingerprint !== undefined)
          this.#fingerprint = `,"system_fingerprint":${JSON.stringify(event.systemFingerprint)}`;
        return;
      case 'text-delta':
        return this.#delta(
          `"content":${JSON.stringify(event.text)}`,
          event.logprobs === undefined ? 'null' : JSON.stringify(event.logprobs),
        );
      case 'refusal-delta':
        return this.#delta(`"refusal":${JSON.stringify(event.text)}`);
      case 'reasoning-start':
        return void this.#reasoning.set(event.index, { ...event, position: this.#details++ });
      case 'reasoning-delta': {
        const open = this.#reasoning.get(event.index);
        if (event.text === '' || open === undefined) return;
        return this.#delta(
          `"content":"","reasoning":${JSON.stringify(event.text)},"reasoning_details":[${textDetail(open.position, event.text, open)}]`,
        );
      }
      case 'reasoning-end': {
        const open = this.#reasoning.get(event.index);
        if (open === undefined) return;
        if (event.encrypted !== undefined)
          this.#delta(`"content":"","reasoning_details":[${encryptedDetail(open.position, event.encrypted, open)}]`);
        if (event.signature !== undefined)
          this.#delta(`"content":"","reasoning_details":[${textDetail(open.position, '', open, event.signature)}]`);
        return;
      }
      case 'tool-call-start': {
        const position = this.#calls.size;
        const { signature, format, id } = event;
        this.#calls.set(event.index, position);
        if (signature !== undefined) {
          const about = { id, ...(format === undefined ? {} : { format }) };
          this.#delta(`"content":"","reasoning_details":[${encryptedDetail(this.#details++, signature, about)}]`);
        }
        return this.#delta(
          `"content":null,"tool_calls":[{"index":${position},"id":${JSON.stringify(id)},"type":"function","function":{"name":${JSON.stringify(event.name)},"arguments":""}}]`,
        );
      }
      case 'tool-call-delta': {
        const position = this.#calls.get(event.index);
        if (position === undefined || event.argumentsDelta === '') return;
        return this.#delta(
          `"tool_calls":[{"index":${position},"type":"function","function":{"arguments":${JSON.stringify(event.argumentsDelta)}}}]`,
        );
      }
      case 'image':
        return this.#delta(
          `"content":"","images":[{"type":"image_url","image_url":{"url":${JSON.stringify(`data:${event.mediaType};base64,${event.base64}`)}},"index":${event.index}}]`,
        );
      case 'audio-start':
        return event.id === undefined ? undefined : this.#delta(`"audio":{"id":${JSON.stringify(event.id)}}`);
      case 'audio-delta':
        return this.#delta(
          `"audio":{${[
            ...(event.base64 === undefined ? [] : [`"data":${JSON.stringify(event.base64)}`]),
            ...(event.transcript === undefined ? [] : [`"transcript":${JSON.stringify(event.transcript)}`]),
          ].join(',')}}`,
        );
      case 'audio-end':
        return event.expiresAt === undefined
          ? undefined
          : this.#delta(`"audio":{"expires_at":${JSON.stringify(event.expiresAt)}}`);
      case 'citation':
        return this.#delta(`"content":"","annotations":[${citationJson(event)}]`);
      case 'finish':
        return this.#chunk(
          '{"role":"assistant","content":""}',
          JSON.stringify(chatFinishReason(event.reason)),
          JSON.stringify(event.nativeReason ?? chatFinishReason(event.reason)),
          'null',
        );
      case 'file': // chat completions have no place for files that a model made
        return this.#losses.lose('files');
      case 'text-start':
      case 'text-end':
      case 'tool-call-end':
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
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    return bytes;
  }

  end(): undefined {
    return undefined;
  }

  /** Who writes the end marker writes the last choice too, with the reason in it. */
  cut(): undefined {
    return undefined;
  }

  #delta(members: string, logprobs = 'null'): void {
    const role = this.#first ? '"role":"assistant",' : '';
    this.#first = false;
    this.#chunk(`{${role}${members}}`, 'null', 'null', logprobs);
  }

  #chunk(delta: string, finish: string, native: string, logprobs: string): void {
    this.#text += `${this.#head}${this.#fingerprint},"choices":[{"index":0,"delta":${delta},"finish_reason":${finish},"native_finish_reason":${native},"logprobs":${logprobs}}]}\n\n`;
  }
}
