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

/** Same dialect on both sides: the client's own bytes, of which only the fields that we own are edited. */
export interface PassthroughRequest {
  readonly body: Buffer;
  /** Spans of the top-level fields in `body`; undefined where nobody scanned yet. */
  readonly spans?: readonly FieldSpan[] | undefined;
  readonly stream: boolean;
  readonly upstreamModel: string;
  /** Upper bound on output tokens that hold and policy allow; absent: as the client wrote. */
  readonly outputCap?: number | undefined;
  /** Parameters that the endpoint does not take. They are left out, each with a warning. */
  readonly dropParameters: readonly string[];
  /** Stands for the client's end user upstream. Never the raw name. */
  readonly endUser?: string | undefined;
  readonly quirks: Quirks;
}

/** Different dialects: built from the canonical call, which is without the parameters that the endpoint does not take and capped as the hold asks (`fit-call.ts`). */
export interface TranslatedRequest {
  readonly call: GenerationCall;
  readonly upstreamModel: string;
  /** The endpoint's limit of output tokens, for dialects that must name one; undefined where the catalog does not know it. */
  readonly outputTokensMax?: number;
  /** Stands for the client's end user upstream. Never the raw name. */
  readonly endUser?: string | undefined;
  readonly quirks: Quirks;
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
  /** Of the response. */
  readonly contentType?: string;
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
  readonly serviceTier?: string | undefined;
  readonly finishReason?: FinishReason | undefined;
  readonly nativeFinishReason?: string | undefined;
  /** The provider's id of the completion. */
  readonly upstreamId?: string | undefined;
  /** What could not be said in the client's dialect, and what the provider warned of. */
  readonly warnings?: readonly Warning[];
  /** The end of the answer, which still needs the bill: written by whoever holds the client's socket. Absent in dialects whose end is made from the bill alone. */
  readonly tail?: string;
  /** Of an answer that is no JSON. */
  readonly contentType?: string;
}

/** Reads one successful response. Bytes go in; what the client may see comes out of the sink, nothing of it before the first meaningful event. */
export interface ResponseReader {
  push(chunk: Buffer): void;
  /** The response ended. Sets `failure` if that was too early. */
  end(): void;
  /** The answer is to end here because no more could be held for it: what it needs to be whole for the client goes out. Absent where nothing is needed. */
  cut?(): void;
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

/** For clients of the same dialect: their bytes go through. */
export interface Passthrough {
  /** Public dialects whose bytes pass. */
  readonly dialects: ReadonlySet<string>;
  buildRequest(request: PassthroughRequest): UpstreamRequest;
  readResponse(terms: ResponseTerms, sink: ByteSink): ResponseReader;
}

/** For clients of every other dialect: by way of the canonical call and its events. */
export interface Translation {
  /** @throws WaystationError `invalid_request` where the call holds what the dialect cannot say and must not be dropped */
  buildRequest(request: TranslatedRequest): UpstreamRequest;
  /** Nothing reaches the sink before the first event with content. */
  readResponse(terms: ResponseTerms, sink: EventSink): ResponseReader;
}

/** A job of one request and one body (embeddings, rerank), in the bytes of its public dialect. */
export interface JobRequest {
  readonly body: Buffer;
  /** Spans of the top-level fields in `body`; undefined where nobody scanned yet. */
  readonly spans?: readonly FieldSpan[] | undefined;
  readonly upstreamModel: string;
  /** Stands for the client's end user upstream. Never the raw name. */
  readonly endUser?: string | undefined;
  readonly quirks: Quirks;
}

export interface JobAnswer {
  /** In the public dialect, without what needs the bill. */
  readonly body: Buffer;
  /** As the provider told it, unjudged; undefined where it told none. */
  readonly usage: Usage | undefined;
  /** What was counted in the answer itself in classes that count pieces, where the provider tells no usage. */
  readonly pieces?: Usage;
  /** The provider's id of the answer. */
  readonly upstreamId?: string;
  /** Of an answer that is no JSON. */
  readonly contentType?: string;
}

/** A job that is asked, and what its answer means: both need the request. */
export interface AskedJob {
  readonly upstream: UpstreamRequest;
  /** Of a whole successful response. An error that the provider tells in-band is returned. Undefined for bytes that are no answer. */
  readAnswer(body: Buffer, terms: ResponseTerms): JobAnswer | WaystationError | undefined;
  /** What the request alone comes to in classes that count pieces, where the provider tells no usage. */
  readonly estimatedPieces?: Usage;
}

/** @throws WaystationError `malformed_json`; `invalid_request` where the request holds what the provider has no word for and must not be dropped */
export type Job = (request: JobRequest) => AskedJob;

export interface ProviderDialect {
  /** Name in the catalog. */
  readonly name: string;
  /** How a secret is presented where nothing else is said; absent: as a bearer. */
  readonly credential?: { readonly kind: 'bearer' | 'header' | 'query'; readonly name?: string };
  /** Of a response with a status outside of 200…299. */
  parseError(response: ErrorResponse): WaystationError;
  readonly passthrough?: Passthrough;
  readonly translation?: Translation;
  /** By the name of the public dialect. */
  readonly jobs?: ReadonlyMap<string, Job>;
  /** Headers that depend on the whole request: a signature, for credentials of the kind `aws`. */
  sign?(request: UpstreamRequest, url: URL, secret: string, nowMs: number): readonly string[];
}
