// A chat completion as canonical events: for clients of other dialects. Blocks get their index when they begin; a new kind of content ends the one before.
import type { WaystationError } from '@waystation/contracts';
import type { GenerationEvent } from '@waystation/generation';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { sseFraming } from '../events/sse-framing.js';
import { isRecord, numberOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import { CallPlaces } from './call-places.js';
import { convertUsage } from './convert-usage.js';
import { mapFinishReason } from './map-finish-reason.js';

/** Counts are bounded by the reader; here only what is inside of what is taken apart. */
const UNBOUNDED = { input: Number.MAX_SAFE_INTEGER, output: Number.MAX_SAFE_INTEGER };

type Open = { readonly kind: 'text' | 'reasoning'; readonly index: number; readonly detail?: number | undefined };

const DATA_IMAGE = /^data:([^;,]+);base64,/;

/** Follows the content of one choice, given in pieces or whole. */
class ContentDecoder {
  #next = 0;
  #open: Open | undefined;
  #signature: string | undefined;
  #encrypted: string | undefined;
  readonly #calls = new Map<number, { index: number; ended: boolean }>();
  readonly #places = new CallPlaces();
  #lastCall: number | undefined;
  #audio: number | undefined;

  /** A delta of a stream, or a whole message. */
  content(message: JsonObject, emit: Emit, logprobs?: unknown): void {
    this.#thoughts(message, emit);
    const { content } = message;
    if (typeof content === 'string') this.#text(content, emit, logprobs);
    // Mistral gives parts where it reasons: https://docs.mistral.ai/capabilities/reasoning
    else for (const part of recordsOf(content)) this.#part(part, emit);
    const refusal = textOf(message['refusal']);
    if (refusal !== undefined) emit({ type: 'refusal-delta', index: 0, text: refusal });
    for (const note of recordsOf(message['annotations'])) this.#citation(note, emit);
    for (const image of recordsOf(message['images'])) this.#image(image, emit);
    if (isRecord(message['audio'])) this.#sound(message['audio'], emit);
    for (const [position, call] of recordsOf(message['tool_calls']).entries()) this.#call(call, position, emit);
  }

  end(emit: Emit): void {
    this.#close(emit);
    for (const call of this.#calls.values()) if (!call.ended) emit({ type: 'tool-call-end', index: call.index });
    if (this.#audio !== undefined) emit({ type: 'audio-end', index: this.#audio });
  }

  #thoughts(message: JsonObject, emit: Emit): void {
    const details = recordsOf(message['reasoning_details']);
    const plain = textOf(message['reasoning']) ?? textOf(message['reasoning_content']);
    if (details.length === 0) {
      if (plain !== undefined) this.#thought(plain, {}, undefined, emit);
      return;
    }
    for (const detail of details) {
      const about: { format?: string; id?: string; summary?: true } = {};
      const [format, id] = [textOf(detail['format']), textOf(detail['id'])];
      if (format !== undefined) about.format = format;
      if (id !== undefined) about.id = id;
      if (detail['type'] === 'reasoning.summary') about.summary = true;
      const words = textOf(detail['text']) ?? textOf(detail['summary']);
      const data = detail['type'] === 'reasoning.encrypted' ? textOf(detail['data']) : undefined;
      const signature = textOf(detail['signature']);
      if (words === undefined && data === undefined && signature === undefined) continue;
      this.#thought(words ?? '', about, numberOf(detail['index']), emit);
      this.#signature = signature ?? this.#signature;
      this.#encrypted = data ?? this.#encrypted;
    }
  }

  #thought(
    text: string,
    about: { format?: string; id?: string; summary?: true },
    detail: number | undefined,
    emit: Emit,
  ): void {
    const goesOn = this.#open?.kind === 'reasoning' && this.#open.detail === detail;
    if (!goesOn) {
      this.#close(emit);
      const index = this.#next++;
      this.#open = { kind: 'reasoning', index, detail };
      emit({ type: 'reasoning-start', index, ...about });
    }
    if (text !== '' && this.#open !== undefined) emit({ type: 'reasoning-delta', index: this.#open.index, text });
  }

  #text(text: string, emit: Emit, logprobs?: unknown): void {
    if (text === '') return;
    if (this.#open?.kind !== 'text') {
      this.#close(emit);
      this.#open = { kind: 'text', index: this.#next++ };
      emit({ type: 'text-start', index: this.#open.index });
    }
    const told = logprobs === undefined || logprobs === null ? {} : { logprobs };
    emit({ type: 'text-delta', index: this.#open.index, text, ...told });
  }

  #part(part: JsonObject, emit: Emit): void {
    if (part['type'] === 'text') return this.#text(textOf(part['text']) ?? '', emit);
    if (part['type'] !== 'thinking') return;
    const { thinking } = part;
    const words =
      typeof thinking === 'string'
        ? thinking
        : recordsOf(thinking)
            .map(({ text }) => textOf(text) ?? '')
            .join('');
    if (words !== '') this.#thought(words, {}, undefined, emit);
  }

  #call(call: JsonObject, position: number, emit: Emit): void {
    const at = this.#places.placeOf(numberOf(call['index']), textOf(call['id']), position);
    const called = isRecord(call['function']) ? call['function'] : {};
    let known = this.#calls.get(at);
    if (known === undefined) {
      this.#close(emit);
      const before = this.#lastCall === undefined ? undefined : this.#calls.get(this.#lastCall);
      if (before !== undefined && !before.ended) {
        before.ended = true;
        emit({ type: 'tool-call-end', index: before.index });
      }
      known = { index: this.#next++, ended: false };
      this.#calls.set(at, known);
      this.#lastCall = at;
      const id = textOf(call['id']) ?? `call_${at}`;
      emit({ type: 'tool-call-start', index: known.index, id, name: textOf(called['name']) ?? '' });
    }
    const told = called['arguments'];
    // Some servers give the arguments as an object.
    const piece = isRecord(told) ? JSON.stringify(told) : textOf(told);
    if (piece !== undefined && !known.ended)
      emit({ type: 'tool-call-delta', index: known.index, argumentsDelta: piece });
  }

  #citation(note: JsonObject, emit: Emit): void {
    const told = isRecord(note['url_citation']) ? note['url_citation'] : undefined;
    const url = textOf(told?.['url']);
    if (told === undefined || url === undefined) return;
    const [title, content] = [textOf(told['title']), textOf(told['content'])];
    const [startIndex, endIndex] = [numberOf(told['start_index']), numberOf(told['end_index'])];
    emit({
      type: 'citation',
      index: 0,
      url,
      ...(title === undefined ? {} : { title }),
      ...(content === undefined ? {} : { content }),
      ...(startIndex === undefined ? {} : { startIndex }),
      ...(endIndex === undefined ? {} : { endIndex }),
    });
  }

  #image(image: JsonObject, emit: Emit): void {
    const told = isRecord(image['image_url']) ? image['image_url'] : {};
    const url = textOf(told['url']) ?? '';
    const head = DATA_IMAGE.exec(url.slice(0, 256));
    if (head === null) return;
    this.#close(emit);
    const index = this.#next++;
    emit({ type: 'image', index, mediaType: head[1] ?? 'image/png', base64: url.slice(head[0].length) });
  }

  #sound(audio: JsonObject, emit: Emit): void {
    const id = textOf(audio['id']);
    if (this.#audio === undefined) {
      this.#close(emit);
      this.#audio = this.#next++;
      emit({ type: 'audio-start', index: this.#audio, format: 'pcm16', ...(id === undefined ? {} : { id }) });
    }
    const [base64, transcript] = [textOf(audio['data']), textOf(audio['transcript'])];
    if (base64 === undefined && transcript === undefined) return;
    emit({
      type: 'audio-delta',
      index: this.#audio,
      ...(base64 === undefined ? {} : { base64 }),
      ...(transcript === undefined ? {} : { transcript }),
    });
  }

  #close(emit: Emit): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (open.kind === 'text') return emit({ type: 'text-end', index: open.index });
    const [signature, encrypted] = [this.#signature, this.#encrypted];
    this.#signature = this.#encrypted = undefined;
    emit({
      type: 'reasoning-end',
      index: open.index,
      ...(signature === undefined ? {} : { signature }),
      ...(encrypted === undefined ? {} : { encrypted }),
    });
  }
}

const startOf = (completion: JsonObject): GenerationEvent => {
  const [upstreamId, upstreamModel] = [textOf(completion['id']), textOf(completion['model'])];
  const [systemFingerprint, serviceTier] = [
    textOf(completion['system_fingerprint']),
    textOf(completion['service_tier']),
  ];
  return {
    type: 'start',
    ...(upstreamId === undefined ? {} : { upstreamId }),
    ...(upstreamModel === undefined ? {} : { upstreamModel }),
    ...(systemFingerprint === undefined ? {} : { systemFingerprint }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  };
};

/** Moonshot tells it in the last choice, unless asked for a chunk of its own: https://platform.moonshot.ai/docs/api/chat */
const usageIn = (completion: JsonObject): unknown =>
  completion['usage'] ?? recordsOf(completion['choices']).find(({ usage }) => isRecord(usage))?.['usage'];

const tellUsage = (completion: JsonObject, emit: Emit): void => {
  const told = convertUsage(usageIn(completion), UNBOUNDED);
  const serviceTier = textOf(completion['service_tier']);
  if (told === undefined) return;
  emit({
    type: 'usage',
    usage: told.usage,
    source: told.source,
    ...(serviceTier === undefined ? {} : { serviceTier }),
  });
};

/** Of a choice; a legacy completion says its text in the choice itself: https://platform.openai.com/docs/api-reference/completions/object */
const saidIn = (choice: JsonObject, member: 'delta' | 'message'): JsonObject => {
  const said = choice[member];
  return isRecord(said) ? said : { content: choice['text'] };
};

const errorOf = (completion: JsonObject, terms: DecodeTerms): WaystationError | undefined =>
  completion['error'] === undefined || completion['error'] === null
    ? undefined
    : parseInBandError(JSON.stringify(completion), terms);

class ChatDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  readonly #content = new ContentDecoder();
  #started = false;
  #finished = false;
  readonly done = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
  }

  event(chunk: JsonObject, emit: Emit): WaystationError | undefined {
    const error = errorOf(chunk, this.#terms);
    if (error !== undefined) return error;
    // Azure begins with a chunk that has neither id nor choices: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming
    if (!this.#started && (textOf(chunk['id']) !== undefined || recordsOf(chunk['choices']).length > 0)) {
      this.#started = true;
      emit(startOf(chunk));
    }
    tellUsage(chunk, emit);
    for (const choice of recordsOf(chunk['choices'])) {
      if ((numberOf(choice['index']) ?? 0) !== 0) continue;
      this.#content.content(saidIn(choice, 'delta'), emit, choice['logprobs']);
      const native = textOf(choice['finish_reason']);
      if (native !== undefined) this.#finish(native, emit);
    }
    return undefined;
  }

  end(emit: Emit): void {
    // Only the end marker says that it is over: https://docs.perplexity.ai has shown such streams.
    if (!this.#finished && this.#terms.quirks['doneIsFinish'] === true) this.#finish('stop', emit);
    // Only now: what comes behind a finish belongs to the answer too.
    if (this.#finished) this.#content.end(emit);
  }

  #finish(native: string, emit: Emit): void {
    this.#finished = true;
    emit({ type: 'finish', reason: mapFinishReason(native), nativeReason: native });
  }
}

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (completion, emit) => {
    const error = errorOf(completion, terms);
    if (error !== undefined) return error;
    emit(startOf(completion));
    tellUsage(completion, emit);
    const [choice] = recordsOf(completion['choices']);
    if (choice === undefined) return undefined;
    const content = new ContentDecoder();
    content.content(saidIn(choice, 'message'), emit, choice['logprobs']);
    content.end(emit);
    const native = textOf(choice['finish_reason']);
    if (native !== undefined) emit({ type: 'finish', reason: mapFinishReason(native), nativeReason: native });
    return undefined;
  };

export const chatDecoding: Decoding = {
  framing: sseFraming,
  endMarker: '[DONE]',
  // Of servers that give them as values.
  argumentMembers: new Set(['arguments']),
  stream: (terms) => new ChatDecoder(terms),
  body: decodeBody,
};
