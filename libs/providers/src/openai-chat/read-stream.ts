// The hot path of a stream: provider's events in, ours out, without parsing chunks. Ordinary deltas get a new head and are passed on; the few others
// (first, finish, usage, error) are edited in their bytes. Usage and the end marker are held back: whoever holds the client's socket writes them.
// Invariants: nothing comes out before the first meaningful event; a stream that ends without a finish is a failure.
import { WaystationError } from '@waystation/contracts';
import type { DeliveredContent, FinishReason } from '@waystation/generation';
import type { JsonEdit } from '@waystation/dialects';
import { completeUsage } from '../estimate-usage.js';
import { parseInBandError } from '../provider-error.js';
import {
  RESPONSE_LIMITS,
  type ByteSink,
  type ResponseLimits,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
} from '../spec.js';
import { EventReader, JSON_JOINT } from '../sse/event-reader.js';
import { CallPlaces } from './call-places.js';
import { convertUsage } from './convert-usage.js';
import { learnHead, startsWith, type ChunkHead } from './chunk-head.js';
import {
  callEdits,
  finishEdits,
  inOrder,
  isError,
  ownEdits,
  ownFields,
  scanCompletion,
  serviceTierOf,
  usageEdits,
  usageOf,
  valueOf,
  type OwnFields,
  type ScannedCompletion,
} from './edit-completion.js';
import { brokenOff, emptyCompletion, isDeliberatelyEmpty } from '../failures.js';
import { scanChunk } from './scan-chunk.js';

const DATA = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const OPEN_BRACKET = 0x5b;
const COMMA = 0x2c;
const UPSTREAM_ID_CHARS_MAX = 256;

export class ChatStreamReader implements ResponseReader {
  readonly #terms: ResponseTerms;
  readonly #sink: ByteSink;
  readonly #limits: ResponseLimits;
  readonly #own: OwnFields;
  readonly #events: EventReader;
  /** Output of the push that is running. */
  #out: Buffer[] = [];
  #outBytes = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #head: ChunkHead | undefined;
  /** Of each choice whose calls were looked at. */
  readonly #calls = new Map<number, CallPlaces>();
  #ending = false;
  #finished = 0;
  #finish: { native: string; reason: FinishReason } | undefined;
  #usage: unknown;
  #upstreamId: string | undefined;
  #serviceTier: string | undefined;
  readonly #delivered: DeliveredContent = { bytes: 0, chunks: 0 };
  meaningful = false;
  done = false;
  failure: WaystationError | undefined;

  constructor(terms: ResponseTerms, sink: ByteSink) {
    this.#terms = terms;
    this.#sink = sink;
    this.#limits = { ...RESPONSE_LIMITS, ...terms.limits };
    this.#own = ownFields(terms, 'chat.completion.chunk');
    this.#events = new EventReader(
      (bytes, start, end) => this.#event(bytes, start, end),
      this.#limits.eventBytesMax,
      JSON_JOINT,
    );
  }

  get contentBytes(): number {
    return this.#delivered.bytes;
  }

  push(chunk: Buffer): void {
    if (this.failure !== undefined || this.done) return;
    this.#events.push(chunk);
    if (this.#events.tooLarge) {
      this.#fail(this.#invalid(`sent an event of more than ${this.#limits.eventBytesMax} bytes`));
    }
    this.#flush();
    if (this.done) this.#judge();
  }

  end(): void {
    if (this.failure !== undefined || this.done) return;
    this.#ending = true;
    this.#events.end();
    this.#flush();
    this.#judge();
  }

  report(): ResponseReport {
    const told = convertUsage(this.#usage, this.#terms.tokensMax);
    const usage = completeUsage(told, this.#terms.inputTokensEstimate, this.#delivered);
    const { reason, native } = this.#finish ?? {};
    return {
      ...usage,
      ...(reason === undefined ? {} : { finishReason: reason }),
      ...(native === undefined ? {} : { nativeFinishReason: native.slice(0, 128) }),
      ...(this.#upstreamId === undefined ? {} : { upstreamId: this.#upstreamId }),
      ...(this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier }),
    };
  }

  #event(bytes: Buffer, start: number, end: number): void {
    if (this.failure !== undefined || this.done) return;
    const head = this.#head;
    if (this.meaningful && head !== undefined && startsWith(bytes, start, end, head.theirs)) {
      const from = start + head.theirs.length;
      const scan = scanChunk(bytes, from, end, 1);
      if (scan.closed && !scan.special) {
        this.#count(scan.contentBytes);
        this.#put(head.ours);
        this.#putWithout(bytes, from, end, scan.nullUsageStart, scan.nullUsageEnd);
        this.#put(EVENT_END);
        return;
      }
    }
    if (bytes[start] === OPEN_BRACKET && bytes.toString('latin1', start, end).trimEnd() === '[DONE]') this.done = true;
    else this.#edit(bytes.subarray(start, end));
  }

  /** `bytes[from, end)` without the member from `start` to `stop`, which stands behind another; all of it where `start` is below zero. */
  #putWithout(bytes: Buffer, from: number, end: number, start: number, stop: number): void {
    if (start < 0) return this.#put(bytes.subarray(from, end));
    let comma = start - 1;
    while (bytes[comma] !== COMMA) comma -= 1;
    this.#put(bytes.subarray(from, comma));
    this.#put(bytes.subarray(stop, end));
  }

  /** The slow path: reads what has to be known of the chunk and edits its bytes. */
  #edit(bytes: Buffer): void {
    let chunk: ScannedCompletion | undefined;
    let passed = false;
    try {
      chunk = scanCompletion(bytes);
      passed = chunk !== undefined && this.#note(bytes, chunk);
    } catch {
      chunk = undefined;
    }
    // The last event of a stream that broke off may be half of one: then the missing finish will tell.
    if (chunk === undefined && !this.#ending) this.#fail(this.#invalid('sent an event that is not a JSON object'));
    if (chunk !== undefined && passed) this.#pass(bytes, chunk);
  }

  /** Takes in what the chunk tells. False: nothing of it is passed on. */
  #note(bytes: Buffer, chunk: ScannedCompletion): boolean {
    const { fields, choices } = chunk;
    if (isError(bytes, fields)) {
      this.#fail(parseInBandError(bytes.toString('utf8'), this.#terms));
      return false;
    }
    this.#usage = usageOf(bytes, chunk) ?? this.#usage;
    this.#serviceTier = serviceTierOf(bytes, fields) ?? this.#serviceTier;
    if (this.#upstreamId === undefined) this.#noteId(valueOf(bytes, fields.id));
    if (choices === undefined || choices.length === 0 || fields.choices === undefined) return false;
    for (const { meaningful, finish } of choices) {
      if (meaningful) this.meaningful = true;
      if (finish === undefined) continue;
      this.#finished += 1;
      this.#finish = finish;
      if (finish.reason !== 'error') continue;
      this.#fail(brokenOff(this.#terms.providerName, finish.native));
      return false;
    }
    this.#count(scanChunk(bytes, fields.choices.valueStart, fields.choices.valueEnd, 0).contentBytes);
    return true;
  }

  #noteId(id: unknown): void {
    if (typeof id === 'string' && id !== '') this.#upstreamId = id.slice(0, UPSTREAM_ID_CHARS_MAX);
  }

  /** Puts the chunk out, edited. A head that changed is learned anew. */
  #pass(bytes: Buffer, chunk: ScannedCompletion): void {
    const calls = callEdits(bytes, chunk, (choice, ...call) => this.#callsOf(choice).placeOf(...call));
    const edits = inOrder(finishEdits(chunk), calls, usageEdits(bytes, chunk));
    let head = this.#head;
    if (head === undefined || !startsWith(bytes, 0, bytes.length, head.theirs))
      head = learnHead(bytes, chunk, this.#own);
    if (head === undefined) {
      this.#put(DATA);
      this.#putEdited(bytes, 0, inOrder(edits, ownEdits(bytes, chunk, this.#own)));
    } else {
      this.#head = head;
      this.#put(head.ours);
      this.#putEdited(bytes, head.theirs.length, edits);
    }
    this.#put(EVENT_END);
  }

  #callsOf(choice: number): CallPlaces {
    let places = this.#calls.get(choice);
    if (places === undefined) this.#calls.set(choice, (places = new CallPlaces()));
    return places;
  }

  /** The bytes from `at` on, with the edits that lie there. */
  #putEdited(bytes: Buffer, at: number, edits: readonly JsonEdit[]): void {
    for (const { start, end, replacement } of edits) {
      if (start < at) continue;
      this.#put(bytes.subarray(at, start));
      this.#put(Buffer.from(replacement as string));
      at = end;
    }
    this.#put(bytes.subarray(at));
  }

  #count(contentBytes: number): void {
    if (contentBytes === 0) return;
    this.#delivered.bytes += contentBytes;
    this.#delivered.chunks += 1;
  }

  #put(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
  }

  /** Hands over what one push made, in one buffer; or keeps it until the first meaningful event. */
  #flush(): void {
    if (this.#outBytes === 0) return;
    const bytes = Buffer.concat(this.#out, this.#outBytes);
    this.#out = [];
    this.#outBytes = 0;
    if (this.meaningful) return this.#release(bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#limits.heldBytesMax) {
      this.#fail(this.#invalid(`sent ${this.#heldBytes} bytes without any content`));
    }
  }

  #release(bytes: Buffer): void {
    if (this.#heldBytes === 0) return this.#sink(bytes);
    const all = Buffer.concat([...this.#held, bytes]);
    this.#held = [];
    this.#heldBytes = 0;
    this.#sink(all);
  }

  /** Whether what came was a whole completion. */
  #judge(): void {
    if (this.failure !== undefined) return;
    const told = this.done && this.#terms.quirks['doneIsFinish'] === true;
    const whole = told || this.#finished >= this.#terms.choices;
    if (!whole) return this.#fail(this.#broken());
    if (this.meaningful) return;
    if (!isDeliberatelyEmpty(this.report())) return this.#fail(emptyCompletion(this.#terms.providerName));
    this.meaningful = true;
    this.#release(Buffer.alloc(0));
  }

  #fail(error: WaystationError): void {
    this.failure ??= error;
  }

  #broken(): WaystationError {
    return new WaystationError(
      'provider_stream_broken',
      `The stream of ${this.#terms.providerName} ended without a finish reason.`,
      {
        details: { provider_name: this.#terms.providerName },
      },
    );
  }

  #invalid(what: string): WaystationError {
    return new WaystationError('provider_invalid_response', `${this.#terms.providerName} ${what}.`, {
      details: { provider_name: this.#terms.providerName },
    });
  }
}
