// A chat completion as one body, out of canonical events. `usage` is not written here: it needs the bill.
import type { GenerationEvent, Warning } from '@waystation/generation';
import { AnswerLosses } from '../answer-losses.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { createdSecondsOf } from '../created-seconds.js';
import { chatFinishReason } from './finish-word.js';
import { citationJson } from './media-json.js';
import { encryptedDetail, textDetail } from './reasoning-details.js';

type ReasoningStart = Extract<GenerationEvent, { type: 'reasoning-start' }>;

export class ChatAnswerBody implements EventWriter {
  readonly #terms: AnswerTerms;
  readonly #losses = new AnswerLosses();
  #content: string | undefined;
  #refusal: string | undefined;
  #reasoning: string | undefined;
  #fingerprint: string | undefined;
  #finish: { word: string; native: string } | undefined;
  readonly #logprobs: unknown[] = [];
  readonly #details: string[] = [];
  readonly #openReasoning = new Map<number, { start: ReasoningStart; text: string }>();
  readonly #calls = new Map<number, { id: string; name: string; argumentsJson: string }>();
  readonly #images: string[] = [];
  readonly #annotations: string[] = [];
  #audio: { id?: string; data: string; transcript: string; expires_at?: number } | undefined;
  #body = '';

  constructor(terms: AnswerTerms) {
    this.#terms = terms;
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    switch (event.type) {
      case 'start':
        this.#fingerprint = event.systemFingerprint;
        return;
      case 'text-delta':
        this.#content = (this.#content ?? '') + event.text;
        if (event.logprobs !== undefined) this.#logprobs.push(event.logprobs);
        return;
      case 'refusal-delta':
        this.#refusal = (this.#refusal ?? '') + event.text;
        return;
      case 'reasoning-start':
        return void this.#openReasoning.set(event.index, { start: event, text: '' });
      case 'reasoning-delta': {
        const open = this.#openReasoning.get(event.index);
        if (open !== undefined) open.text += event.text;
        this.#reasoning = (this.#reasoning ?? '') + event.text;
        return;
      }
      case 'reasoning-end':
        return this.#endReasoning(event);
      case 'tool-call-start': {
        const { index, id, name, signature, format } = event;
        this.#calls.set(index, { id, name, argumentsJson: '' });
        if (signature === undefined) return;
        const about = { id, ...(format === undefined ? {} : { format }) };
        return void this.#details.push(encryptedDetail(this.#details.length, signature, about));
      }
      case 'tool-call-delta': {
        const call = this.#calls.get(event.index);
        if (call !== undefined) call.argumentsJson += event.argumentsDelta;
        return;
      }
      case 'image':
        return void this.#images.push(
          `{"type":"image_url","image_url":{"url":${JSON.stringify(`data:${event.mediaType};base64,${event.base64}`)}},"index":${event.index}}`,
        );
      case 'audio-start':
        this.#audio = { ...(event.id === undefined ? {} : { id: event.id }), data: '', transcript: '' };
        return;
      case 'audio-delta':
        if (this.#audio === undefined) return;
        this.#audio.data += event.base64 ?? '';
        this.#audio.transcript += event.transcript ?? '';
        return;
      case 'audio-end':
        if (this.#audio !== undefined && event.expiresAt !== undefined) this.#audio.expires_at = event.expiresAt;
        return;
      case 'citation':
        return void this.#annotations.push(citationJson(event));
      case 'finish': {
        const word = chatFinishReason(event.reason);
        this.#finish = { word, native: event.nativeReason ?? word };
        return;
      }
      case 'file':
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
    const bytes = Buffer.from(this.#body);
    this.#body = '';
    return bytes;
  }

  end(): undefined {
    this.#body = this.#write();
    return undefined;
  }

  cut(): undefined {
    this.#finish = { word: 'length', native: 'credit_exhausted' };
    return this.end();
  }

  #endReasoning({ index, signature, encrypted }: Extract<GenerationEvent, { type: 'reasoning-end' }>): void {
    const open = this.#openReasoning.get(index);
    if (open === undefined) return;
    this.#openReasoning.delete(index);
    const { start, text } = open;
    if (text !== '' || signature !== undefined)
      this.#details.push(textDetail(this.#details.length, text, start, signature));
    if (encrypted !== undefined) this.#details.push(encryptedDetail(this.#details.length, encrypted, start));
  }

  #write(): string {
    const { generationId, model, providerName } = this.#terms;
    const { word, native } = this.#finish ?? { word: 'stop', native: 'stop' };
    const calls = [...this.#calls.values()].map(({ id, name, argumentsJson }) => ({
      id,
      type: 'function',
      function: { name, arguments: argumentsJson },
    }));
    const list = (name: string, items: readonly string[]): string =>
      items.length === 0 ? '' : `,"${name}":[${items.join(',')}]`;
    const message =
      `{"role":"assistant","content":${JSON.stringify(this.#content ?? null)},"refusal":${JSON.stringify(this.#refusal ?? null)}` +
      `,"reasoning":${JSON.stringify(this.#reasoning ?? null)}${list('reasoning_details', this.#details)}` +
      (calls.length === 0 ? '' : `,"tool_calls":${JSON.stringify(calls)}`) +
      list('images', this.#images) +
      list('annotations', this.#annotations) +
      (this.#audio === undefined ? '' : `,"audio":${JSON.stringify(this.#audio)}`) +
      '}';
    const logprobs = this.#logprobs.length === 0 ? 'null' : JSON.stringify(mergeLogprobs(this.#logprobs));
    return (
      `{"id":${JSON.stringify(generationId)},"object":"chat.completion","created":${createdSecondsOf(generationId)}` +
      `,"model":${JSON.stringify(model)},"provider":${JSON.stringify(providerName)}` +
      `,"system_fingerprint":${JSON.stringify(this.#fingerprint ?? null)}` +
      `,"choices":[{"index":0,"message":${message},"finish_reason":${JSON.stringify(word)},"native_finish_reason":${JSON.stringify(native)},"logprobs":${logprobs}}]}`
    );
  }
}

/** Pieces of `{content: […]}` as one. */
const mergeLogprobs = (pieces: readonly unknown[]): unknown => {
  const [first] = pieces;
  if (pieces.length === 1) return first;
  return {
    content: pieces.flatMap((piece) => {
      const content = typeof piece === 'object' && piece !== null && 'content' in piece ? piece.content : [];
      return Array.isArray(content) ? (content as unknown[]) : [];
    }),
  };
};
