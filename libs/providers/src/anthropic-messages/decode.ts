// Messages as canonical events. https://docs.anthropic.com/en/docs/build-with-claude/streaming
import type { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { sseFraming } from '../events/sse-framing.js';
import { isRecord, numberOf, present, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import { convertUsage } from './convert-usage.js';
import { mapStopReason } from './map-stop-reason.js';

const FORMAT = 'anthropic-claude-v1';

const start = (message: JsonObject, emit: Emit): void => {
  emit({
    type: 'start',
    ...present({
      upstreamId: textOf(message['id']),
      upstreamModel: textOf(message['model']),
      serviceTier: textOf(recordOf(message['usage'])['service_tier']),
    }),
  });
};

const tellUsage = (usage: Usage, emit: Emit): void => {
  if (Object.keys(usage).length > 0) emit({ type: 'usage', usage, source: 'provider' });
};

const citation = (index: number, told: JsonObject, emit: Emit): void => {
  const url = textOf(told['url']);
  if (url === undefined) return;
  emit({
    type: 'citation',
    index,
    url,
    ...present({ title: textOf(told['title']), content: textOf(told['cited_text']) }),
  });
};

/** Follows one content block from its beginning to its end. Blocks of tools that the provider ran are its own affair. */
class Block {
  readonly #index: number;
  readonly #kind: string;
  #signature: string | undefined;
  #data: string | undefined;
  /** Arguments that came with the start: a block of a body has them there, one of a stream an empty object. */
  #input: string | undefined;

  constructor(index: number, block: JsonObject, emit: Emit) {
    this.#index = index;
    this.#kind = textOf(block['type']) ?? '';
    switch (this.#kind) {
      case 'text':
        emit({ type: 'text-start', index });
        if (textOf(block['text']) !== undefined) this.#text(textOf(block['text']) ?? '', emit);
        for (const each of recordsOf(block['citations'])) citation(index, each, emit);
        break;
      case 'thinking':
        emit({ type: 'reasoning-start', index, format: FORMAT });
        this.#signature = textOf(block['signature']);
        if (textOf(block['thinking']) !== undefined)
          emit({ type: 'reasoning-delta', index, text: textOf(block['thinking']) ?? '' });
        break;
      case 'redacted_thinking':
        emit({ type: 'reasoning-start', index, format: FORMAT });
        this.#data = textOf(block['data']);
        break;
      case 'tool_use': {
        emit({
          type: 'tool-call-start',
          index,
          id: textOf(block['id']) ?? `call_${index}`,
          name: textOf(block['name']) ?? '',
        });
        const input = block['input'];
        if (isRecord(input)) this.#input = JSON.stringify(input);
        break;
      }
      default:
    }
  }

  delta(told: JsonObject, emit: Emit): void {
    switch (told['type']) {
      case 'text_delta':
        return this.#text(textOf(told['text']) ?? '', emit);
      case 'thinking_delta': {
        const text = textOf(told['thinking']);
        if (this.#kind === 'thinking' && text !== undefined)
          emit({ type: 'reasoning-delta', index: this.#index, text });
        return;
      }
      case 'signature_delta':
        this.#signature = (this.#signature ?? '') + (textOf(told['signature']) ?? '');
        return;
      case 'input_json_delta': {
        const piece = textOf(told['partial_json']);
        if (this.#kind !== 'tool_use' || piece === undefined) return;
        this.#input = undefined;
        return emit({ type: 'tool-call-delta', index: this.#index, argumentsDelta: piece });
      }
      case 'citations_delta':
        return citation(this.#index, recordOf(told['citation']), emit);
      default:
    }
  }

  end(emit: Emit): void {
    const index = this.#index;
    switch (this.#kind) {
      case 'text':
        return emit({ type: 'text-end', index });
      case 'thinking':
      case 'redacted_thinking':
        return emit({
          type: 'reasoning-end',
          index,
          ...present({ signature: this.#signature, encrypted: this.#data }),
        });
      case 'tool_use':
        if (this.#input !== undefined) emit({ type: 'tool-call-delta', index, argumentsDelta: this.#input });
        return emit({ type: 'tool-call-end', index });
      default:
    }
  }

  #text(text: string, emit: Emit): void {
    if (this.#kind === 'text' && text !== '') emit({ type: 'text-delta', index: this.#index, text });
  }
}

class MessagesDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  #usage: Usage = {};
  /** By the provider's index; ours count on, so that one index never means two blocks. */
  readonly #blocks = new Map<number, Block>();
  #next = 0;
  #stop: string | undefined;
  done = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
  }

  event(value: JsonObject, emit: Emit): WaystationError | undefined {
    const index = numberOf(value['index']) ?? 0;
    switch (value['type']) {
      case 'message_start': {
        const message = recordOf(value['message']);
        start(message, emit);
        this.#tell(message['usage'], emit);
        return undefined;
      }
      case 'content_block_start':
        this.#blocks.get(index)?.end(emit);
        this.#blocks.set(index, new Block(this.#next++, recordOf(value['content_block']), emit));
        return undefined;
      case 'content_block_delta':
        this.#blocks.get(index)?.delta(recordOf(value['delta']), emit);
        return undefined;
      case 'content_block_stop':
        this.#blocks.get(index)?.end(emit);
        this.#blocks.delete(index);
        return undefined;
      case 'message_delta':
        this.#stop = textOf(recordOf(value['delta'])['stop_reason']) ?? this.#stop;
        this.#tell(value['usage'], emit);
        return undefined;
      case 'message_stop':
        this.done = true;
        return undefined;
      case 'error':
        return parseInBandError(JSON.stringify(value), this.#terms);
      default:
        // https://docs.anthropic.com/en/docs/build-with-claude/streaming#event-types: pings, and events of later versions
        return undefined;
    }
  }

  /** Only a stream that was stopped in order is finished: its stop reason alone may be followed by nothing. */
  end(emit: Emit): void {
    if (!this.done || this.#stop === undefined) return;
    for (const block of this.#blocks.values()) block.end(emit);
    emit({ type: 'finish', reason: mapStopReason(this.#stop), nativeReason: this.#stop });
  }

  #tell(usage: unknown, emit: Emit): void {
    this.#usage = convertUsage(usage, this.#usage);
    tellUsage(this.#usage, emit);
  }
}

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (message, emit) => {
    if (message['type'] === 'error' || isRecord(message['error']))
      return parseInBandError(JSON.stringify(message), terms);
    start(message, emit);
    tellUsage(convertUsage(message['usage']), emit);
    for (const [index, content] of recordsOf(message['content']).entries()) new Block(index, content, emit).end(emit);
    const stop = textOf(message['stop_reason']);
    if (stop !== undefined) emit({ type: 'finish', reason: mapStopReason(stop), nativeReason: stop });
    return undefined;
  };

export const messagesDecoding: Decoding = {
  framing: sseFraming,
  argumentMembers: new Set(['input']),
  stream: (terms) => new MessagesDecoder(terms),
  body: decodeBody,
};
