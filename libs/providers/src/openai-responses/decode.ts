// A response as canonical events. Blocks get their index when they begin; what an item says of itself when it is done fills in what its events did not tell.
// https://platform.openai.com/docs/api-reference/responses-streaming
import type { WaystationError } from '@waystation/contracts';
import type { FinishReason, Usage } from '@waystation/generation';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { sseFraming } from '../events/sse-framing.js';
import { isRecord, numberOf, present, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import { convertUsage } from './convert-usage.js';
import { RESPONSES_FORMAT } from './format.js';

interface TextBlock {
  readonly index: number;
  said: boolean;
  ended: boolean;
  citations: number;
}

const citation = (index: number, told: JsonObject, emit: Emit): void => {
  const url = textOf(told['url']);
  if (url === undefined) return;
  emit({
    type: 'citation',
    index,
    url,
    ...present({
      title: textOf(told['title']),
      startIndex: numberOf(told['start_index']),
      endIndex: numberOf(told['end_index']),
    }),
  });
};

/** Follows one item of the output from its beginning to its end. Items of tools that the provider ran are its own affair. */
class Item {
  readonly #kind: string;
  readonly #newIndex: () => number;
  readonly #texts = new Map<number, TextBlock>();
  readonly #refusals = new Map<number, number>();
  /** Of the thought or the call. */
  #index = 0;
  #told = false;
  #piece: string | undefined;
  #ended = false;

  constructor(item: JsonObject, newIndex: () => number, emit: Emit) {
    this.#kind = textOf(item['type']) ?? '';
    this.#newIndex = newIndex;
    if (this.#kind === 'reasoning') {
      this.#index = newIndex();
      const isText = recordsOf(item['content']).length > 0;
      emit({
        type: 'reasoning-start',
        index: this.#index,
        format: RESPONSES_FORMAT,
        ...present({ id: textOf(item['id']) }),
        ...(isText ? {} : { summary: true }),
      });
    } else if (this.#kind === 'function_call') {
      this.#index = newIndex();
      const id = textOf(item['call_id']) ?? textOf(item['id']) ?? `call_${this.#index}`;
      emit({ type: 'tool-call-start', index: this.#index, id, name: textOf(item['name']) ?? '' });
    }
  }

  get isCall(): boolean {
    return this.#kind === 'function_call';
  }

  say(part: number, text: string, logprobs: unknown, emit: Emit): void {
    if (this.#kind !== 'message' || text === '') return;
    const block = this.#textBlock(part, emit);
    if (block.ended) return;
    block.said = true;
    const told = Array.isArray(logprobs) && logprobs.length > 0 ? { logprobs: { content: logprobs as unknown[] } } : {};
    emit({ type: 'text-delta', index: block.index, text, ...told });
  }

  cite(part: number, annotation: JsonObject, emit: Emit): void {
    if (this.#kind !== 'message') return;
    const block = this.#textBlock(part, emit);
    block.citations += 1;
    citation(block.index, annotation, emit);
  }

  refuse(part: number, text: string, emit: Emit): void {
    if (this.#kind !== 'message' || text === '') return;
    const index = this.#refusals.get(part) ?? this.#newIndex();
    this.#refusals.set(part, index);
    emit({ type: 'refusal-delta', index, text });
  }

  /** `piece`: which part of the summary or of the text; between two of them is a blank line. */
  think(piece: string, text: string, emit: Emit): void {
    if (this.#kind !== 'reasoning' || text === '' || this.#ended) return;
    const gap = this.#piece !== undefined && this.#piece !== piece ? '\n\n' : '';
    this.#piece = piece;
    this.#told = true;
    emit({ type: 'reasoning-delta', index: this.#index, text: gap + text });
  }

  argue(delta: string, emit: Emit): void {
    if (this.#kind !== 'function_call' || delta === '' || this.#ended) return;
    this.#told = true;
    emit({ type: 'tool-call-delta', index: this.#index, argumentsDelta: delta });
  }

  /** The whole item, or what is known where its end was never told. */
  end(item: JsonObject, emit: Emit): void {
    if (this.#ended) return;
    switch (this.#kind) {
      case 'message':
        this.#endMessage(item, emit);
        break;
      case 'reasoning': {
        if (!this.#told) {
          for (const [at, part] of recordsOf(item['summary']).entries())
            this.think(`summary ${at}`, textOf(part['text']) ?? '', emit);
          for (const [at, part] of recordsOf(item['content']).entries())
            this.think(`content ${at}`, textOf(part['text']) ?? '', emit);
        }
        const sealed = present({ encrypted: textOf(item['encrypted_content']) });
        emit({ type: 'reasoning-end', index: this.#index, ...sealed });
        break;
      }
      case 'function_call':
        if (!this.#told) this.argue(textOf(item['arguments']) ?? '', emit);
        emit({ type: 'tool-call-end', index: this.#index });
        break;
      // https://platform.openai.com/docs/guides/tools-image-generation
      case 'image_generation_call': {
        const base64 = textOf(item['result']);
        if (base64 === undefined) break;
        const mediaType = `image/${textOf(item['output_format']) ?? 'png'}`;
        emit({ type: 'image', index: this.#newIndex(), mediaType, base64 });
        break;
      }
      default:
    }
    this.#ended = true;
  }

  #endMessage(item: JsonObject, emit: Emit): void {
    for (const [at, part] of recordsOf(item['content']).entries()) {
      if (part['type'] === 'refusal') {
        if (!this.#refusals.has(at)) this.refuse(at, textOf(part['refusal']) ?? '', emit);
        continue;
      }
      if (this.#texts.get(at)?.said !== true) this.say(at, textOf(part['text']) ?? '', part['logprobs'], emit);
      const block = this.#texts.get(at);
      if (block === undefined) continue;
      for (const annotation of recordsOf(part['annotations']).slice(block.citations)) this.cite(at, annotation, emit);
    }
    for (const block of this.#texts.values()) {
      block.ended = true;
      emit({ type: 'text-end', index: block.index });
    }
  }

  #textBlock(part: number, emit: Emit): TextBlock {
    let block = this.#texts.get(part);
    if (block === undefined) {
      block = { index: this.#newIndex(), said: false, ended: false, citations: 0 };
      this.#texts.set(part, block);
      emit({ type: 'text-start', index: block.index });
    }
    return block;
  }
}

interface Ending {
  readonly reason: FinishReason;
  readonly nativeReason: string;
}

/** https://platform.openai.com/docs/api-reference/responses/object: status, and why a response is incomplete */
const endingOf = (response: JsonObject, calls: boolean): Ending | undefined => {
  switch (response['status']) {
    case 'completed':
      return { reason: calls ? 'tool-calls' : 'stop', nativeReason: 'completed' };
    case 'incomplete': {
      const why = textOf(recordOf(response['incomplete_details'])['reason']) ?? 'incomplete';
      return { reason: why === 'content_filter' ? 'content-filter' : 'length', nativeReason: why };
    }
    default:
      return undefined;
  }
};

const SEARCH = 'web_search_call';

/** What a stream and a body have in common: the response object around the items. */
class Output {
  readonly #items = new Map<number, Item>();
  #next = 0;
  #searches = 0;
  #calls = false;

  readonly #newIndex = (): number => this.#next++;

  begin(position: number, item: JsonObject, emit: Emit): Item {
    // Another item in the place of one whose end was never told.
    this.#items.get(position)?.end({}, emit);
    const made = new Item(item, this.#newIndex, emit);
    if (made.isCall) this.#calls = true;
    this.#items.set(position, made);
    return made;
  }

  at(position: number): Item | undefined {
    return this.#items.get(position);
  }

  done(position: number, item: JsonObject, emit: Emit): void {
    // Searches are charged by the call, and usage does not tell them: https://platform.openai.com/docs/pricing#built-in-tools
    if (item['type'] === SEARCH) this.#searches += 1;
    (this.#items.get(position) ?? this.begin(position, item, emit)).end(item, emit);
  }

  end(emit: Emit): void {
    for (const item of this.#items.values()) item.end({}, emit);
  }

  /** Usage and tier, which a response tells at its end. */
  account(response: JsonObject, emit: Emit): void {
    const told = convertUsage(response['usage']);
    const usage: Usage = this.#searches === 0 ? told : { ...told, searches: this.#searches };
    const serviceTier = textOf(response['service_tier']);
    if (Object.keys(told).length > 0) emit({ type: 'usage', usage, source: 'provider', ...present({ serviceTier }) });
  }

  ending(response: JsonObject): Ending | undefined {
    return endingOf(response, this.#calls);
  }
}

const start = (response: JsonObject, emit: Emit): void =>
  emit({
    type: 'start',
    ...present({ upstreamId: textOf(response['id']), upstreamModel: textOf(response['model']) }),
  });

const failureOf = (response: JsonObject, terms: DecodeTerms): WaystationError =>
  parseInBandError(JSON.stringify({ error: response['error'] ?? { message: textOf(response['status']) } }), terms);

class ResponsesDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  readonly #output = new Output();
  #ending: Ending | undefined;
  done = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
  }

  event(value: JsonObject, emit: Emit): WaystationError | undefined {
    const position = numberOf(value['output_index']) ?? 0;
    const part = numberOf(value['content_index']) ?? 0;
    const item = this.#output.at(position);
    const delta = textOf(value['delta']) ?? '';
    switch (value['type']) {
      case 'response.created':
        start(recordOf(value['response']), emit);
        return undefined;
      case 'response.output_item.added':
        this.#output.begin(position, recordOf(value['item']), emit);
        return undefined;
      case 'response.output_item.done':
        this.#output.done(position, recordOf(value['item']), emit);
        return undefined;
      case 'response.output_text.delta':
        item?.say(part, delta, value['logprobs'], emit);
        return undefined;
      case 'response.output_text.annotation.added':
        item?.cite(part, recordOf(value['annotation']), emit);
        return undefined;
      case 'response.refusal.delta':
        item?.refuse(part, delta, emit);
        return undefined;
      case 'response.reasoning_summary_text.delta':
        item?.think(`summary ${numberOf(value['summary_index']) ?? 0}`, delta, emit);
        return undefined;
      case 'response.reasoning_text.delta':
        item?.think(`content ${part}`, delta, emit);
        return undefined;
      case 'response.function_call_arguments.delta':
        item?.argue(delta, emit);
        return undefined;
      case 'response.completed':
      case 'response.incomplete': {
        const response = recordOf(value['response']);
        this.#output.account(response, emit);
        this.#ending = this.#output.ending(response);
        this.done = true;
        return undefined;
      }
      case 'response.failed':
      case 'response.cancelled':
        return failureOf(recordOf(value['response']), this.#terms);
      case 'error':
      case 'response.error':
        return parseInBandError(JSON.stringify(value), this.#terms);
      default:
        // Some who follow the dialect tell errors as chat completions do; all else is of later versions, or tells again what is known.
        return value['type'] === undefined && isRecord(value['error'])
          ? parseInBandError(JSON.stringify(value), this.#terms)
          : undefined;
    }
  }

  end(emit: Emit): void {
    if (this.#ending === undefined) return;
    this.#output.end(emit);
    emit({ type: 'finish', ...this.#ending });
  }
}

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (response, emit) => {
    const { status } = response;
    if (isRecord(response['error']) || status === 'failed' || status === 'cancelled') return failureOf(response, terms);
    start(response, emit);
    const output = new Output();
    for (const [position, item] of recordsOf(response['output']).entries()) output.done(position, item, emit);
    output.account(response, emit);
    const ending = output.ending(response);
    if (ending !== undefined) emit({ type: 'finish', ...ending });
    return undefined;
  };

/** The first events repeat instructions and tools, the last the whole answer, images included. */
const EVENT_BYTES_MAX = 32 * 1024 * 1024;

export const responsesDecoding: Decoding = {
  eventBytesMax: EVENT_BYTES_MAX,
  framing: sseFraming,
  endMarker: '[DONE]',
  stream: (terms) => new ResponsesDecoder(terms),
  body: decodeBody,
};
