// Reads a response as canonical events: framing, bounds, what is held back, when a response is a failure and what is estimated, for every dialect alike. What the
// provider's JSON means is the decoder's business.
// Invariants: nothing comes out before the first event with content; a response that ends without a finish is a failure, one without content too.
import { WaystationError } from '@waystation/contracts';
import {
  estimateOutputTokens,
  outputTokens,
  type DeliveredContent,
  type FinishReason,
  type GenerationEvent,
  type Usage,
  type Warning,
} from '@waystation/generation';
import { parseHolding } from '@waystation/dialects';
import { brokenOff, emptyCompletion, isDeliberatelyEmpty } from '../failures.js';
import {
  RESPONSE_LIMITS,
  type EventSink,
  type ResponseLimits,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
} from '../spec.js';
import { clampUsage } from './clamp-usage.js';
import { isRecord, type JsonObject } from '../json-shape.js';
import type { BodyDecoder, Decoding, Framing, StreamDecoder } from './decoder.js';

/** Events before the first content: heads, starts, counts. */
const HELD_EVENTS_MAX = 4_096;
const UPSTREAM_ID_CHARS_MAX = 256;
const NATIVE_CHARS_MAX = 128;
const WARNINGS_MAX = 16;

/** Bytes of content in an event; 0 for those that carry none. */
const contentBytesOf = (event: GenerationEvent): number => {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return Buffer.byteLength(event.text);
    case 'tool-call-start':
      return Buffer.byteLength(event.name);
    case 'tool-call-delta':
      return Buffer.byteLength(event.argumentsDelta);
    case 'image':
    case 'file':
      return event.base64.length;
    case 'audio-delta':
      return (event.base64?.length ?? 0) + Buffer.byteLength(event.transcript ?? '');
    case 'reasoning-end':
      return event.encrypted?.length ?? 0;
    default:
      return 0;
  }
};

/** Sees each event's JSON, and the bytes it stands in, after it was decoded. */
export type Tap = (value: JsonObject, bytes: Buffer, start: number, end: number) => void;

export class EventsReader implements ResponseReader {
  readonly #terms: ResponseTerms;
  readonly #sink: EventSink;
  readonly #tap: Tap | undefined;
  readonly #limits: ResponseLimits;
  readonly #framing: Framing | undefined;
  readonly #endMarker: string | undefined;
  readonly #argumentMembers: ReadonlySet<string> | undefined;
  readonly #stream: StreamDecoder | undefined;
  readonly #body: BodyDecoder | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #held: GenerationEvent[] = [];
  #ending = false;
  #marked = false;
  #finish: { reason: FinishReason; native: string | undefined } | undefined;
  #usage: Usage | undefined;
  #upstreamId: string | undefined;
  #serviceTier: string | undefined;
  readonly #warnings: Warning[] = [];
  readonly #delivered: DeliveredContent = { bytes: 0, chunks: 0 };
  meaningful = false;
  done = false;
  failure: WaystationError | undefined;

  constructor(terms: ResponseTerms, decoding: Decoding, sink: EventSink, tap?: Tap) {
    this.#terms = terms;
    this.#sink = sink;
    this.#tap = tap;
    const { eventBytesMax = RESPONSE_LIMITS.eventBytesMax } = decoding;
    this.#limits = { ...RESPONSE_LIMITS, eventBytesMax, ...terms.limits };
    this.#endMarker = decoding.endMarker;
    this.#argumentMembers = decoding.argumentMembers;
    if (terms.stream) {
      this.#stream = decoding.stream(terms);
      this.#framing = decoding.framing(
        (bytes, start, end, name) => this.#event(bytes, start, end, name),
        this.#limits.eventBytesMax,
      );
    } else this.#body = decoding.body(terms);
  }

  get contentBytes(): number {
    return this.#delivered.bytes;
  }

  push(chunk: Buffer): void {
    if (this.failure !== undefined || this.done) return;
    if (this.#framing === undefined) {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limits.bodyBytesMax)
        this.#invalid(`answered with more than ${this.#limits.bodyBytesMax} bytes`);
      return;
    }
    this.#framing.push(chunk);
    if (this.#framing.tooLarge) this.#invalid(`sent an event of more than ${this.#limits.eventBytesMax} bytes`);
    else if (this.#framing.broken === true) this.#invalid('sent bytes that are no frame of its event stream');
    else if (this.#marked || this.#stream?.done === true) this.#over();
  }

  end(): void {
    if (this.failure !== undefined || this.done) return;
    this.#ending = true;
    if (this.#framing === undefined) this.#wholeBody();
    else this.#framing.end();
    this.#over();
  }

  report(): ResponseReport {
    const { usage, source } = this.#counted();
    const { reason, native } = this.#finish ?? {};
    return {
      usage,
      usageSource: source,
      ...(reason === undefined ? {} : { finishReason: reason }),
      ...(native === undefined ? {} : { nativeFinishReason: native.slice(0, NATIVE_CHARS_MAX) }),
      ...(this.#upstreamId === undefined ? {} : { upstreamId: this.#upstreamId }),
      ...(this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier }),
      ...(this.#warnings.length === 0 ? {} : { warnings: this.#warnings }),
    };
  }

  /** Told by the provider; of a stream that broke off before its end, no less output than was delivered; estimated where nothing was told. */
  #counted(): { usage: Usage; source: ResponseReport['usageSource'] } {
    const told = this.#usage === undefined ? undefined : clampUsage(this.#usage, this.#terms.tokensMax);
    const delivered = estimateOutputTokens(this.#delivered);
    if (told === undefined)
      return { usage: { input: this.#terms.inputTokensEstimate(), output: delivered }, source: 'estimated' };
    const counted = outputTokens(told.usage);
    const isWhole = this.#finish !== undefined && (counted > 0 || delivered === 0);
    if (isWhole || counted >= delivered) return told;
    return { usage: { ...told.usage, output: (told.usage['output'] ?? 0) + delivered - counted }, source: 'estimated' };
  }

  #event(bytes: Buffer, start: number, end: number, name: string | undefined): void {
    // What stands behind the end says nothing.
    if (this.failure !== undefined || this.#marked || this.#stream === undefined || this.#stream.done) return;
    const text = bytes.toString('utf8', start, end);
    if (this.#endMarker !== undefined && text.trim() === this.#endMarker) {
      this.#marked = true;
      return;
    }
    let value: unknown;
    try {
      value = parseHolding(this.#argumentMembers, text);
      if (name !== undefined) value = { [name]: value };
    } catch {
      value = undefined;
    }
    // The last event of a stream that broke off may be half of one: then the missing finish will tell.
    if (!isRecord(value)) {
      if (!this.#ending) this.#invalid('sent an event that is not a JSON object');
      return;
    }
    this.#decode(() => this.#stream?.event(value as JsonObject, this.#take));
    this.#decode(() => void this.#tap?.(value as JsonObject, bytes, start, end));
  }

  #wholeBody(): void {
    const bytes = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    let value: unknown;
    try {
      value = parseHolding(this.#argumentMembers, bytes.toString('utf8'));
    } catch {
      value = undefined;
    }
    if (isRecord(value)) {
      this.#decode(() => this.#body?.(value as JsonObject, this.#take));
      this.#decode(() => void this.#tap?.(value as JsonObject, bytes, 0, bytes.length));
    } else this.#invalid('answered with a body that is not a JSON object');
  }

  /** What a provider sends may have any shape: a decoder that stumbles over it has read an invalid response. */
  #decode(read: () => WaystationError | undefined): void {
    try {
      // What is read may set it on the way.
      const told = read();
      this.failure ??= told;
    } catch {
      this.#invalid('sent something of an unknown shape');
    }
  }

  readonly #take = (event: GenerationEvent): void => {
    if (this.failure !== undefined) return;
    switch (event.type) {
      case 'start':
        this.#upstreamId ??= event.upstreamId?.slice(0, UPSTREAM_ID_CHARS_MAX);
        this.#serviceTier = event.serviceTier ?? this.#serviceTier;
        break;
      case 'usage':
        this.#usage = event.usage;
        this.#serviceTier = event.serviceTier ?? this.#serviceTier;
        return;
      case 'warning':
        if (this.#warnings.length < WARNINGS_MAX) this.#warnings.push(event.warning);
        return;
      case 'finish':
        this.#finish = { reason: event.reason, native: event.nativeReason };
        if (event.reason === 'error') this.failure = brokenOff(this.#terms.providerName, event.nativeReason ?? 'error');
        // It goes out when the response is known to be whole.
        return;
      default:
        this.#count(event);
    }
    if (this.meaningful) return this.#sink(event);
    this.#held.push(event);
    if (this.#held.length > HELD_EVENTS_MAX) this.#invalid(`sent ${HELD_EVENTS_MAX} events without any content`);
  };

  #count(event: GenerationEvent): void {
    const bytes = contentBytesOf(event);
    if (bytes === 0 && event.type !== 'citation') return;
    this.#delivered.bytes += bytes;
    // A body comes as a whole: it has no chunks that could stand for tokens.
    if (this.#framing !== undefined) this.#delivered.chunks += 1;
    if (!this.meaningful) this.#release();
  }

  #release(): void {
    this.meaningful = true;
    for (const event of this.#held) this.#sink(event);
    this.#held = [];
  }

  /** Nothing more comes: whether what came was a whole completion. */
  #over(): void {
    if (this.failure === undefined) this.#decode(() => void this.#stream?.end?.(this.#take));
    if (this.failure !== undefined) return;
    const { providerName } = this.#terms;
    if (this.#finish === undefined) {
      this.failure =
        this.#framing === undefined
          ? this.#error('provider_invalid_response', `${providerName} sent a completion without a finish reason.`)
          : this.#error('provider_stream_broken', `The stream of ${providerName} ended without a finish reason.`);
      return;
    }
    if (!this.meaningful && !isDeliberatelyEmpty(this.report())) {
      this.failure = emptyCompletion(providerName);
      return;
    }
    if (!this.meaningful) this.#release();
    const { reason, native } = this.#finish;
    this.#sink({ type: 'finish', reason, ...(native === undefined ? {} : { nativeReason: native }) });
    this.done = true;
  }

  #invalid(what: string): void {
    this.failure ??= this.#error('provider_invalid_response', `${this.#terms.providerName} ${what}.`);
  }

  #error(code: 'provider_invalid_response' | 'provider_stream_broken', message: string): WaystationError {
    return new WaystationError(code, message, { details: { provider_name: this.#terms.providerName } });
  }
}
