// What a provider dialect has to know: how to ask, and how to read what comes back. Pure functions over bytes; the kit does the I/O.
// A dialect never sees a provider's name: what differs between providers of one dialect is data (quirks).
import type { FieldSpan, WaystationError } from '@waystation/contracts';
import type {
  FinishReason,
  GenerationCall,
  GenerationEvent,
  Usage,
  UsageSource,
  Warning,
} from '@waystation/generation';

/** Differences between providers of one dialect, as data in the catalog. Each dialect's README lists the names that it knows. */
export type Quirks = Readonly<Record<string, string | number | boolean>>;

/** What every request needs, whatever it is built from. */
export interface RequestTerms {
  readonly stream: boolean;
  readonly upstreamModel: string;
  /** Upper bound on output tokens that hold and policy allow; absent: as the client wrote. */
  readonly outputCap?: number;
  /** Parameters that the endpoint does not take. They are left out, each with a warning. */
  readonly dropParameters: readonly string[];
  /** Stands for the client's end user upstream. Never the raw name. */
  readonly endUser?: string;
  readonly quirks: Quirks;
}

/** Same dialect on both sides: the client's own bytes, of which only the fields that we own are edited. */
export interface PassthroughRequest extends RequestTerms {
  readonly body: Buffer;
  /** Spans of the top-level fields in `body`; undefined where nobody scanned yet. */
  readonly spans?: readonly FieldSpan[];
}

/** Different dialects: built from the canonical call. */
export interface TranslatedRequest extends RequestTerms {
  readonly call: GenerationCall;
}

export interface UpstreamRequest {
  /** Behind the provider's base URL, starting with a slash. */
  readonly path: string;
  /** Name, value, name, value, …; without authorization. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly warnings: readonly Warning[];
  /** How many completions were asked for (`n`); each must end with a finish reason. */
  readonly choices: number;
  /** A likely number of tokens of the prompt, for where the provider never tells; undefined where the dialect cannot say. */
  readonly estimateInputTokens: () => number | undefined;
}

/** What a reader must know of the attempt to write our fields and to judge the usage. */
export interface ResponseTerms {
  readonly stream: boolean;
  readonly generationId: string;
  /** Our id of the model. */
  readonly model: string;
  /** Display name, for `provider` in the response. */
  readonly providerName: string;
  readonly choices: number;
  /** Asked where the provider tells no usage. */
  readonly inputTokensEstimate: () => number;
  /** Counts above these are absurd and are clamped. */
  readonly tokensMax: { readonly input: number; readonly output: number };
  readonly quirks: Quirks;
  readonly limits?: Partial<ResponseLimits>;
  /** What must never show in an error, e.g. the credential. */
  readonly secret?: string;
}

export interface ResponseLimits {
  /** One event of a stream. */
  readonly eventBytesMax: number;
  /** A body that is not a stream. */
  readonly bodyBytesMax: number;
  /** What may be held back before the first meaningful event. */
  readonly heldBytesMax: number;
}

export const RESPONSE_LIMITS: ResponseLimits = {
  eventBytesMax: 1024 * 1024,
  bodyBytesMax: 64 * 1024 * 1024,
  heldBytesMax: 256 * 1024,
};

/** The most of an error's body that is read. */
export const ERROR_BODY_BYTES_MAX = 64 * 1024;

export interface ResponseReport {
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  /** The tier that the provider says it served at. */
  readonly serviceTier?: string;
  readonly finishReason?: FinishReason;
  readonly nativeFinishReason?: string;
  /** The provider's id of the completion. */
  readonly upstreamId?: string;
}

/** Reads one successful response. Bytes go in; what the client may see comes out of the sink, nothing of it before the first meaningful event. */
export interface ResponseReader {
  push(chunk: Buffer): void;
  /** The response ended. Sets `failure` if that was too early. */
  end(): void;
  /** Bytes of output that were read, as they stand in the provider's JSON: no fewer than the tokens that show. */
  readonly contentBytes: number;
  /** Whether something was given to the sink that a client could act on. */
  readonly meaningful: boolean;
  /** Whether the provider said that nothing more will come. */
  readonly done: boolean;
  /** Why the response is unusable; final. `provider_empty` for a completion without content. */
  readonly failure: WaystationError | undefined;
  /** What is known so far; usage that the provider did not tell is estimated from what was delivered. */
  report(): ResponseReport;
}

/** Takes the bytes of one push at once. The buffer belongs to the sink. */
export type ByteSink = (bytes: Buffer) => void;
export type EventSink = (event: GenerationEvent) => void;

export interface ErrorResponse {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** At most `ERROR_BODY_BYTES_MAX`. */
  readonly body: Buffer;
  readonly providerName: string;
  readonly nowMs: number;
  readonly secret?: string;
}

export interface ProviderDialect {
  /** Name in the catalog. */
  readonly name: string;
  /** Public dialects whose bytes this dialect passes through. */
  readonly passes: ReadonlySet<string>;
  buildRequest(request: PassthroughRequest): UpstreamRequest;
  /** Of a response with a status outside of 200…299. */
  parseError(response: ErrorResponse): WaystationError;
  readResponse(terms: ResponseTerms, sink: ByteSink): ResponseReader;

  // Rare needs.
  /** The request from a call of another dialect. */
  buildFromCall?(request: TranslatedRequest): UpstreamRequest;
  /** The response as canonical events, for a client of another dialect. */
  readEvents?(terms: ResponseTerms, sink: EventSink): ResponseReader;
  /** Headers that depend on the whole request, e.g. a signature. Replaces the usual authorization. */
  sign?(request: UpstreamRequest, url: URL, secret: string, nowMs: number): readonly string[];
}
