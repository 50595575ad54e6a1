// `generateContent` as canonical events. https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
// Each event of a stream is a response of its own with the next parts; nothing says that it was the last, so that the finish is told when the stream is over.
// Invariant: a thought signature comes out byte for byte: with the tool call it stands on, at the end of the thought it stands on, or, of text and images, as
// encrypted reasoning behind them.
import type { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { sseFraming } from '../events/sse-framing.js';
import { isRecord, numberOf, present, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import { GEMINI_FORMAT } from './content-parts.js';
import { convertUsage } from './convert-usage.js';
import { mapFinishReason } from './map-finish-reason.js';

interface Open {
  readonly kind: 'text' | 'reasoning' | 'audio';
  readonly index: number;
}

/** Some providers' clients take no longer ids of tool calls. */
const ID_CHARS_MAX = 40;
const CITATIONS_MAX = 256;

/** Follows the parts of one candidate, given in pieces or whole. */
class PartsDecoder {
  readonly #idStem: string;
  #next = 0;
  #open: Open | undefined;
  /** Of the block that is open. */
  #signature: string | undefined;
  #lastText = 0;
  #calls = 0;
  readonly #cited = new Set<string>();

  /** @param idStem names the response: ids of calls that came without one are made of it */
  constructor(idStem: string) {
    this.#idStem = idStem.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, ID_CHARS_MAX - 'call__000'.length);
  }

  get called(): boolean {
    return this.#calls > 0;
  }

  part(part: JsonObject, emit: Emit, logprobs: unknown): void {
    const signature = textOf(part['thoughtSignature']);
    const { functionCall, inlineData, text } = part;
    // Images that a model drafts while it thinks are no answer. https://ai.google.dev/gemini-api/docs/image-generation#thinking-process
    if (isRecord(inlineData)) return part['thought'] === true ? undefined : this.#media(inlineData, signature, emit);
    if (isRecord(functionCall)) return this.#call(functionCall, signature, emit);
    if (typeof text !== 'string') return;
    if (part['thought'] === true) this.#write('reasoning', text, emit);
    else this.#write('text', text, emit, logprobs);
    if (signature === undefined) return;
    // A signature of its own, in a part without text, belongs to what stands before it.
    if (this.#open !== undefined && this.#open.kind !== 'audio') this.#signature = signature;
    else this.#encrypted(signature, emit);
  }

  end(emit: Emit): void {
    this.#close(emit);
  }

  /** https://ai.google.dev/gemini-api/docs/google-search#grounding-metadata. Offsets are told in bytes of UTF-8 and are not passed on. */
  grounding(told: JsonObject, emit: Emit): void {
    const chunks = recordsOf(told['groundingChunks']).map((chunk) =>
      recordOf(chunk['web'] ?? chunk['retrievedContext'] ?? chunk['maps']),
    );
    const supported = new Set<JsonObject>();
    for (const support of recordsOf(told['groundingSupports'])) {
      const { groundingChunkIndices: indices } = support;
      const content = textOf(recordOf(support['segment'])['text']);
      for (const at of Array.isArray(indices) ? indices : []) {
        const chunk = typeof at === 'number' ? chunks[at] : undefined;
        if (chunk === undefined) continue;
        supported.add(chunk);
        this.#cite(chunk, content, emit);
      }
    }
    for (const chunk of chunks) if (!supported.has(chunk)) this.#cite(chunk, undefined, emit);
  }

  /** https://ai.google.dev/api/generate-content#citationmetadata; Vertex AI says `citations` */
  citations(told: JsonObject, emit: Emit): void {
    for (const source of recordsOf(told['citationSources'] ?? told['citations'])) this.#cite(source, undefined, emit);
  }

  #cite(source: JsonObject, content: string | undefined, emit: Emit): void {
    const url = textOf(source['uri']);
    if (url === undefined || this.#cited.size >= CITATIONS_MAX) return;
    // Later events tell again what earlier ones told.
    const key = `${url} ${content ?? ''}`;
    if (this.#cited.has(key)) return;
    this.#cited.add(key);
    emit({ type: 'citation', index: this.#lastText, url, ...present({ title: textOf(source['title']), content }) });
  }

  #write(kind: 'text' | 'reasoning', text: string, emit: Emit, logprobs?: unknown): void {
    if (text === '') return;
    if (this.#open?.kind !== kind) {
      this.#close(emit);
      const index = this.#next++;
      this.#open = { kind, index };
      if (kind === 'text') {
        this.#lastText = index;
        emit({ type: 'text-start', index });
      } else emit({ type: 'reasoning-start', index, format: GEMINI_FORMAT });
    }
    const { index } = this.#open;
    if (kind === 'text') emit({ type: 'text-delta', index, text, ...(logprobs === undefined ? {} : { logprobs }) });
    else emit({ type: 'reasoning-delta', index, text });
  }

  #call(called: JsonObject, signature: string | undefined, emit: Emit): void {
    this.#close(emit);
    const index = this.#next++;
    const id = textOf(called['id']) ?? `call_${this.#idStem}_${this.#calls}`;
    this.#calls += 1;
    emit({
      type: 'tool-call-start',
      index,
      id,
      name: textOf(called['name']) ?? '',
      ...(signature === undefined ? {} : { signature, format: GEMINI_FORMAT }),
    });
    emit({ type: 'tool-call-delta', index, argumentsDelta: JSON.stringify(recordOf(called['args'])) });
    emit({ type: 'tool-call-end', index });
  }

  #media(told: JsonObject, signature: string | undefined, emit: Emit): void {
    const [mediaType, base64] = [textOf(told['mimeType']) ?? '', textOf(told['data'])];
    if (base64 === undefined) return;
    // Speech comes in pieces. https://ai.google.dev/gemini-api/docs/speech-generation
    if (mediaType.startsWith('audio/')) {
      if (this.#open?.kind !== 'audio') {
        this.#close(emit);
        this.#open = { kind: 'audio', index: this.#next++ };
        emit({ type: 'audio-start', index: this.#open.index, format: formatOf(mediaType) });
      }
      return emit({ type: 'audio-delta', index: this.#open.index, base64 });
    }
    this.#close(emit);
    const index = this.#next++;
    emit({ type: mediaType.startsWith('image/') ? 'image' : 'file', index, mediaType, base64 });
    if (signature !== undefined) this.#encrypted(signature, emit);
  }

  #encrypted(signature: string, emit: Emit): void {
    const index = this.#next++;
    emit({ type: 'reasoning-start', index, format: GEMINI_FORMAT });
    emit({ type: 'reasoning-end', index, encrypted: signature });
  }

  #close(emit: Emit): void {
    const [open, signature] = [this.#open, this.#signature];
    this.#open = this.#signature = undefined;
    if (open === undefined) return;
    switch (open.kind) {
      case 'text':
        emit({ type: 'text-end', index: open.index });
        return signature === undefined ? undefined : this.#encrypted(signature, emit);
      case 'reasoning':
        return emit({ type: 'reasoning-end', index: open.index, ...present({ signature }) });
      case 'audio':
        return emit({ type: 'audio-end', index: open.index });
      default: {
        const unreachable: never = open.kind;
        return unreachable;
      }
    }
  }
}

/** `audio/L16;codec=pcm;rate=24000` is bare samples. */
const formatOf = (mediaType: string): string => {
  const name = mediaType.slice('audio/'.length).split(';')[0]?.toLowerCase() ?? '';
  return name === 'l16' || name === 'pcm' ? 'pcm16' : name;
};

/** https://ai.google.dev/api/generate-content#LogprobsResult, as chat completions tell it. */
const logprobsOf = (told: JsonObject): unknown => {
  const chosen = recordsOf(told['chosenCandidates']);
  if (chosen.length === 0) return undefined;
  const tops = recordsOf(told['topCandidates']);
  const tokenOf = (each: JsonObject): { token: string; logprob: number; bytes: number[] } => {
    const token = textOf(each['token']) ?? '';
    return { token, logprob: numberOf(each['logProbability']) ?? 0, bytes: [...Buffer.from(token)] };
  };
  return {
    content: chosen.map((each, at) => ({
      ...tokenOf(each),
      top_logprobs: recordsOf(tops[at]?.['candidates']).map(tokenOf),
    })),
  };
};

class ResponseDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  #parts: PartsDecoder | undefined;
  #metadata: JsonObject = {};
  #searches = 0;
  #native: string | undefined;
  #blocked: string | undefined;
  readonly done = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
  }

  event(response: JsonObject, emit: Emit): WaystationError | undefined {
    if (isRecord(response['error'])) return parseInBandError(JSON.stringify(response), this.#terms);
    const parts = (this.#parts ??= this.#begin(response, emit));
    const candidate = recordsOf(response['candidates']).find(({ index }) => index === undefined || index === 0);
    if (candidate !== undefined) this.#candidate(candidate, parts, emit);
    this.#blocked = textOf(recordOf(response['promptFeedback'])['blockReason']) ?? this.#blocked;
    if (isRecord(response['usageMetadata'])) this.#usage(response['usageMetadata'], emit);
    return undefined;
  }

  /** Blocks are closed here, for parts may follow a finish reason. A prompt that was blocked has no candidate. */
  end(emit: Emit): void {
    this.#parts?.end(emit);
    const native = this.#native ?? this.#blocked;
    if (native === undefined) return;
    const reason =
      this.#native === undefined ? 'content-filter' : mapFinishReason(native, this.#parts?.called === true);
    emit({ type: 'finish', reason, nativeReason: native });
  }

  #begin(response: JsonObject, emit: Emit): PartsDecoder {
    const upstreamId = textOf(response['responseId']);
    emit({ type: 'start', ...present({ upstreamId, upstreamModel: textOf(response['modelVersion']) }) });
    return new PartsDecoder(upstreamId ?? this.#terms.generationId.slice(-20));
  }

  #candidate(candidate: JsonObject, parts: PartsDecoder, emit: Emit): void {
    const { logprobsResult, groundingMetadata, citationMetadata } = candidate;
    let logprobs = isRecord(logprobsResult) ? logprobsOf(logprobsResult) : undefined;
    for (const part of recordsOf(recordOf(candidate['content'])['parts'])) {
      parts.part(part, emit, logprobs);
      if (textOf(part['text']) !== undefined && part['thought'] !== true) logprobs = undefined;
    }
    if (isRecord(groundingMetadata)) {
      parts.grounding(groundingMetadata, emit);
      const { webSearchQueries: queries } = groundingMetadata;
      if (Array.isArray(queries)) this.#searches = Math.max(this.#searches, queries.length);
    }
    if (isRecord(citationMetadata)) parts.citations(citationMetadata, emit);
    const native = textOf(candidate['finishReason']);
    if (native !== undefined && native !== 'FINISH_REASON_UNSPECIFIED') this.#native = native;
  }

  /** Each event tells the sum so far; early ones may tell of the prompt alone. */
  #usage(told: JsonObject, emit: Emit): void {
    this.#metadata = { ...this.#metadata, ...told };
    const counted = convertUsage(this.#metadata);
    if (counted === undefined) return;
    const usage: Usage = this.#searches === 0 ? counted : { ...counted, searches: this.#searches };
    emit({ type: 'usage', usage, source: 'provider', ...present({ serviceTier: textOf(told['serviceTier']) }) });
  }
}

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (response, emit) => {
    const decoder = new ResponseDecoder(terms);
    const error = decoder.event(response, emit);
    if (error === undefined) decoder.end(emit);
    return error;
  };

export const geminiDecoding: Decoding = {
  framing: sseFraming,
  argumentMembers: new Set(['args']),
  stream: (terms) => new ResponseDecoder(terms),
  body: decodeBody,
};
