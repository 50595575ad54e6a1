// A legacy completion out of canonical events, and what the ingress writes into it. Tools, images and sound have no place in this dialect.
// https://platform.openai.com/docs/api-reference/completions/object
import type { GenerationEvent, Warning } from '@waystation/generation';
import { createdSecondsOf } from '../created-seconds.js';
import { chatFinishReason } from '../openai-chat/finish-word.js';
import { lastChunk, metadataMember, type ChatAnswer, type ChatBill } from '../openai-chat/write-chat-response.js';
import { AnswerLosses } from '../answer-losses.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';

const head = (id: string, created: number, model: string, provider: string | undefined): string =>
  `{"id":${JSON.stringify(id)},"object":"text_completion","created":${created},"model":${JSON.stringify(model)}` +
  (provider === undefined ? '' : `,"provider":${JSON.stringify(provider)}`);

const headOf = ({ generationId, createdSeconds, model, providerName }: ChatAnswer): string =>
  head(generationId, createdSeconds, model, providerName);

interface Choice {
  readonly text: string;
  readonly reasoning?: string;
  readonly finish?: { readonly word: string; readonly native: string };
  readonly errorJson?: string;
}

const choiceJson = ({ text, reasoning, finish, errorJson }: Choice): string =>
  `{"index":0,"text":${JSON.stringify(text)}` +
  (reasoning === undefined ? '' : `,"reasoning":${JSON.stringify(reasoning)}`) +
  `,"logprobs":null,"finish_reason":${JSON.stringify(finish?.word ?? null)},"native_finish_reason":${JSON.stringify(finish?.native ?? null)}` +
  (errorJson === undefined ? '' : `,"error":${errorJson}`) +
  '}';

const chunk = (start: string, choice: Choice): string => `data: ${start},"choices":[${choiceJson(choice)}]}\n\n`;

const DONE = 'data: [DONE]\n\n';

/** The last chunk of a good stream (no choices, the usage) and the end marker behind it; the end marker alone while the usage is not known. */
export const completionStreamEnd = (answer: ChatAnswer, bill: ChatBill | undefined): string =>
  `${lastChunk(headOf(answer), answer, bill)}${DONE}`;

export const completionStreamCut = (answer: ChatAnswer, native: string, errorJson: string): string =>
  chunk(headOf(answer), { text: '', finish: { word: 'length', native }, errorJson });

/** The last chunk of a stream that broke after the status line: no end marker follows. */
export const completionStreamError = (answer: ChatAnswer, errorJson: string): string =>
  `data: ${headOf(answer)},"error":${errorJson},"choices":[${choiceJson({ text: '', finish: { word: 'error', native: 'error' } })}]${metadataMember(answer)}}\n\n`;

export class CompletionAnswer implements EventWriter {
  readonly #head: string;
  readonly #stream: boolean;
  readonly #losses = new AnswerLosses();
  #out = '';
  #text = '';
  #reasoning = '';
  #finish: Choice['finish'];

  constructor({ generationId, model, providerName, stream }: AnswerTerms) {
    this.#head = head(generationId, createdSecondsOf(generationId), model, providerName);
    this.#stream = stream;
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    switch (event.type) {
      // What a model says by refusing is its text: the dialect has no other place.
      case 'text-delta':
      case 'refusal-delta':
        return this.#say(event.text);
      case 'reasoning-delta':
        if (this.#stream) this.#out += chunk(this.#head, { text: '', reasoning: event.text });
        else this.#reasoning += event.text;
        return;
      case 'finish': {
        const word = chatFinishReason(event.reason);
        this.#finish = { word, native: event.nativeReason ?? word };
        if (this.#stream) this.#out += chunk(this.#head, { text: '', finish: this.#finish });
        return;
      }
      case 'tool-call-start':
        return this.#losses.lose('tool calls');
      case 'reasoning-end':
        if (event.signature !== undefined || event.encrypted !== undefined)
          this.#losses.lose('signatures of reasoning');
        return;
      case 'image':
        return this.#losses.lose('images');
      case 'audio-start':
        return this.#losses.lose('sound');
      case 'file':
        return this.#losses.lose('files');
      case 'citation':
        return this.#losses.lose('citations');
      case 'start':
      case 'text-start':
      case 'text-end':
      case 'reasoning-start':
      case 'tool-call-delta':
      case 'tool-call-end':
      case 'audio-delta':
      case 'audio-end':
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
    const bytes = Buffer.from(this.#out);
    this.#out = '';
    return bytes;
  }

  end(): undefined {
    if (this.#stream) return;
    const choice: Choice = {
      text: this.#text,
      ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }),
      finish: this.#finish ?? { word: 'stop', native: 'stop' },
    };
    this.#out = `${this.#head},"choices":[${choiceJson(choice)}]}`;
  }

  cut(): undefined {
    this.#finish = { word: 'length', native: 'credit_exhausted' };
    return this.end();
  }

  #say(text: string): void {
    if (this.#stream) this.#out += chunk(this.#head, { text });
    else this.#text += text;
  }
}
