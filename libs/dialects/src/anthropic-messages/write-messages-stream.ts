// A Messages answer as a stream, out of canonical events: blocks with an index each, one open at a time. What closes it waits for the bill.
// https://docs.anthropic.com/en/docs/build-with-claude/streaming
import type { GenerationEvent, Warning } from '@waystation/generation';
import { AnswerLosses } from '../answer-losses.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { namedEvent } from '../sse.js';
import { messagesEnd } from './write-end.js';
import { stopReasonOf } from './stop-word.js';
import { sealThinking, type Thought } from './thinking-seal.js';

interface Block {
  readonly position: number;
  /** What its start said: an encrypted thought is a block of another type, known at its end only. */
  started: boolean;
  readonly about?: Thought;
}

const json = JSON.stringify;

export class MessagesAnswerStream implements EventWriter {
  readonly #terms: AnswerTerms;
  readonly #losses = new AnswerLosses();
  #text = '';
  #begun = false;
  #next = 0;
  readonly #blocks = new Map<number, Block>();
  readonly #openPositions = new Set<number>();
  #finish: { reason: string } | undefined;
  /** A refusal and an image without a block of their own go into a text block. */
  #loose: number | undefined;

  constructor(terms: AnswerTerms) {
    this.#terms = terms;
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    this.#begin();
    switch (event.type) {
      case 'text-start':
        return this.#open(event.index, '{"type":"text","text":""}');
      case 'text-delta':
        return this.#delta(event.index, `{"type":"text_delta","text":${json(event.text)}}`);
      case 'text-end':
        return this.#close(event.index);
      case 'reasoning-start':
        // What kind of block it is shows with its first piece.
        this.#blocks.set(event.index, { position: -1, started: false, about: event });
        return;
      case 'reasoning-delta':
        this.#openThinking(event.index);
        return this.#delta(event.index, `{"type":"thinking_delta","thinking":${json(event.text)}}`);
      case 'reasoning-end': {
        const block = this.#blocks.get(event.index);
        if (block?.about === undefined) return;
        const { signature, data, lost } = sealThinking(block.about, event, block.started);
        if (lost) this.#losses.lose('signatures of reasoning');
        if (block.started || signature !== undefined) {
          this.#openThinking(event.index);
          if (signature !== undefined)
            this.#delta(event.index, `{"type":"signature_delta","signature":${json(signature)}}`);
          this.#close(event.index);
        }
        return data === undefined ? undefined : this.#redacted(event.index, data);
      }
      case 'tool-call-start': {
        const { index, id, name, signature, format } = event;
        if (signature !== undefined) {
          const about = { id, ...(format === undefined ? {} : { format }) };
          const { data, lost } = sealThinking(about, { encrypted: signature }, false);
          if (lost) this.#losses.lose('signatures of reasoning');
          if (data !== undefined) this.#redacted(index, data);
        }
        return this.#open(index, `{"type":"tool_use","id":${json(id)},"name":${json(name)},"input":{}}`);
      }
      case 'tool-call-delta':
        return this.#delta(event.index, `{"type":"input_json_delta","partial_json":${json(event.argumentsDelta)}}`);
      case 'tool-call-end':
        return this.#close(event.index);
      case 'refusal-delta':
        return this.#say(event.text);
      case 'citation': {
        const open = this.#blocks.get(event.index);
        if (open?.started !== true || !this.#openPositions.has(open.position)) return;
        const citation = {
          type: 'web_search_result_location',
          url: event.url,
          title: event.title ?? null,
          cited_text: event.content ?? '',
        };
        return this.#delta(event.index, `{"type":"citations_delta","citation":${json(citation)}}`);
      }
      case 'finish':
        this.#closeAll();
        this.#finish = { reason: stopReasonOf(event.reason, event.nativeReason) };
        return;
      // Messages answers hold neither images nor sound nor files: there is no block that a client could read.
      case 'image':
        return this.#losses.lose('images');
      case 'audio-start':
        return this.#losses.lose('sound');
      case 'file':
        return this.#losses.lose('files');
      case 'audio-delta':
      case 'audio-end':
      case 'start':
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

  end(): string {
    this.#begin();
    this.#closeAll();
    return messagesEnd(this.#finish?.reason ?? 'end_turn');
  }

  cut(): string {
    this.#begin();
    this.#closeAll();
    return messagesEnd('max_tokens');
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { generationId, model, providerName } = this.#terms;
    // Input tokens are known at the end, where the bill tells them.
    this.#event(
      'message_start',
      `{"type":"message_start","message":{"id":${json(generationId)},"type":"message","role":"assistant","model":${json(model)},"provider":${json(providerName)}` +
        `,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}`,
    );
  }

  #openThinking(index: number): void {
    if (this.#blocks.get(index)?.started !== true)
      this.#open(index, '{"type":"thinking","thinking":"","signature":""}', this.#blocks.get(index)?.about);
  }

  #redacted(index: number, data: string): void {
    this.#open(index, `{"type":"redacted_thinking","data":${json(data)}}`);
    this.#close(index);
  }

  #open(index: number, block: string, about?: Thought): void {
    this.#closeLoose();
    const position = this.#next++;
    this.#blocks.set(index, { position, started: true, ...(about === undefined ? {} : { about }) });
    this.#openPositions.add(position);
    this.#event('content_block_start', `{"type":"content_block_start","index":${position},"content_block":${block}}`);
  }

  #delta(index: number, delta: string): void {
    const block = this.#blocks.get(index);
    if (block?.started !== true || !this.#openPositions.has(block.position)) return;
    this.#event('content_block_delta', `{"type":"content_block_delta","index":${block.position},"delta":${delta}}`);
  }

  #close(index: number): void {
    const block = this.#blocks.get(index);
    if (block?.started === true) this.#stop(block.position);
  }

  #stop(position: number): void {
    if (!this.#openPositions.delete(position)) return;
    this.#event('content_block_stop', `{"type":"content_block_stop","index":${position}}`);
  }

  #say(text: string): void {
    if (this.#loose === undefined) {
      this.#loose = this.#next++;
      this.#openPositions.add(this.#loose);
      this.#event(
        'content_block_start',
        `{"type":"content_block_start","index":${this.#loose},"content_block":{"type":"text","text":""}}`,
      );
    }
    this.#event(
      'content_block_delta',
      `{"type":"content_block_delta","index":${this.#loose},"delta":{"type":"text_delta","text":${json(text)}}}`,
    );
  }

  #closeLoose(): void {
    if (this.#loose === undefined) return;
    this.#stop(this.#loose);
    this.#loose = undefined;
  }

  #closeAll(): void {
    this.#loose = undefined;
    for (const position of [...this.#openPositions].sort((a, b) => a - b)) this.#stop(position);
  }

  #event(type: string, data: string): void {
    this.#text += namedEvent(type, data);
  }
}
