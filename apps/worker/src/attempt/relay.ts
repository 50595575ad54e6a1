// One attempt from the request going upstream to its outcome: a state machine over callbacks, without a promise per chunk. It decides when to read on, when to
// give up, and what became of the attempt; how bytes are read is the dialect's business, what is told to whom the handler's.
// Invariants: exactly one result; once there is one, nothing more is read, written or kept open.
import type { AttemptWriter } from '@waystation/bus';
import { WaystationError } from '@waystation/contracts';
import type { Outcome } from '@waystation/generation';
import {
  ERROR_BODY_BYTES_MAX,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
  type UpstreamCall,
  type UpstreamClient,
  type UpstreamHead,
  type UpstreamListener,
} from '@waystation/providers';
import type { Allowance } from './allowance.js';
import { Outbox } from './outbox.js';
import type { PreparedCall } from './prepare-call.js';

export interface RelayOptions {
  /** Listen on after the caller left, since the provider bills to the end. Undefined: close at once. */
  readonly drain: { readonly ms: number; readonly bytesMax: number; readonly allowed: () => boolean } | undefined;
  /** How long the journal may take to know of the attempt. */
  readonly journalMs: number;
  /** Set where the hold grows with the output. */
  readonly allowance?: Allowance | undefined;
  /** Bytes read from upstream, for the metrics. */
  readonly onBytes: (bytes: number) => void;
}

export interface RelayResult {
  readonly outcome: Outcome;
  /** Absent only where the outcome is `completed`. */
  readonly error?: WaystationError | undefined;
  readonly report: ResponseReport;
  readonly upstreamStatus?: number | undefined;
  readonly timeToFirstTokenMs?: number | undefined;
  readonly durationMs: number;
  /** Given to the caller's stream. */
  readonly totalBytes: number;
  /** It was ended by us because no more was held. */
  readonly cutShort?: true | undefined;
}

const CANCELS: ReadonlySet<string> = new Set([
  'cancelled',
  'client_closed_request',
  'worker_lost',
  'bus_unavailable',
  'stream_gap',
]);
const CUT_SHORT = { finishReason: 'length', nativeFinishReason: 'credit_exhausted' } as const;
/** What is still read, in the turn of a cancel, of a provider that need not be listened to. */
const LAST_READ_BYTES_MAX = 1024 * 1024;
const JSON_BODY = /^application\/(problem\+)?json\b/i;

export class Relay implements UpstreamListener {
  readonly #read: PreparedCall['read'];
  readonly #parse: PreparedCall['parseError'];
  readonly #terms: ResponseTerms;
  readonly #options: RelayOptions;
  readonly #signal: AbortSignal;
  readonly #outbox: Outbox;
  readonly #startedAt = performance.now();
  #call: UpstreamCall | undefined;
  #reader: ResponseReader | undefined;
  /** A body came where a stream was asked for. */
  #unasked = false;
  #head: UpstreamHead | undefined;
  /** Body of an error response. */
  #errorBody: Buffer[] = [];
  #errorBytes = 0;
  #firstTokenAt: number | undefined;
  /** Set while only the usage is still wanted: why the caller left. */
  #left: WaystationError | undefined;
  #drainedBytes = 0;
  #responseOver = false;
  /** The caller's stream is full; the hold is used up: either stops the reading. */
  #isFull = false;
  #isUsedUp = false;
  #isCutShort = false;
  #timer: NodeJS.Timeout | undefined;
  #settle: ((result: RelayResult) => void) | undefined;

  constructor(
    { read, parseError, terms }: Pick<PreparedCall, 'read' | 'parseError' | 'terms'>,
    writer: AttemptWriter,
    options: RelayOptions,
  ) {
    this.#read = read;
    this.#parse = parseError;
    this.#terms = terms;
    this.#options = options;
    this.#signal = writer.signal;
    this.#outbox = new Outbox(writer, (full) => {
      this.#isFull = full;
      this.#flow();
    });
    options.allowance?.readBy({
      pause: (paused) => {
        this.#isUsedUp = paused;
        this.#flow();
      },
      cutShort: () => this.#cutShort(),
    });
  }

  /** Milliseconds since the attempt began. */
  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Whether the caller left and only the usage is still listened for. */
  get draining(): boolean {
    return this.#left !== undefined;
  }

  /**
   * The request is not kept: it may be large, and the response may take long.
   * @param started resolves when the journal knows of the attempt
   */
  run(
    client: UpstreamClient,
    { target, message }: Pick<PreparedCall, 'target' | 'message'>,
    started: Promise<void>,
  ): Promise<RelayResult> {
    const result = new Promise<RelayResult>((resolve) => (this.#settle = resolve));
    let known = false;
    // When our own loop stood still, this fires before the ack that came meanwhile is read: what waits in the socket is read first.
    const giveUp = (): void => void setImmediate(() => known || this.stop(journalUnavailable()));
    this.#timer = setTimeout(giveUp, this.#options.journalMs);
    started.then(
      () => {
        known = true;
        if (this.#left === undefined) clearTimeout(this.#timer);
        this.#outbox.open();
      },
      (cause: unknown) => this.stop(journalUnavailable(cause)),
    );
    this.#signal.addEventListener('abort', this.#onAbort);
    this.#call = client.send(target, message, this);
    if (this.#signal.aborted) this.#onAbort();
    return result;
  }

  /** Ends it now, for a reason of ours: nothing more is read or delivered. */
  stop(error: WaystationError): void {
    this.#call?.abort();
    this.#result(error);
  }

  /** What is known so far: of a response that has not begun, that the provider got the prompt. */
  report(): ResponseReport {
    if (this.#reader !== undefined) return this.#reader.report();
    const refused = this.#head !== undefined;
    if (refused || this.#call?.sent !== true) return { usage: {}, usageSource: 'provider' };
    return { usage: { input: this.#terms.inputTokensEstimate(), output: 0 }, usageSource: 'estimated' };
  }

  // the response

  head(head: UpstreamHead): void {
    this.#head = head;
    if (head.status < 200 || head.status > 299) return;
    if ((head.header('content-encoding') ?? 'identity') !== 'identity') {
      return this.stop(invalidResponse(this.#terms.providerName, 'answered in an encoding that was not asked for'));
    }
    // A provider that answers a stream's request with a body: most often an error that began with 200.
    this.#unasked = this.#terms.stream && JSON_BODY.test(head.header('content-type') ?? '');
    this.#reader = this.#read(this.#unasked ? { ...this.#terms, stream: false } : this.#terms, (bytes) => {
      this.#firstTokenAt ??= performance.now();
      if (!this.#unasked) this.#outbox.write(bytes);
    });
  }

  data(chunk: Buffer): void {
    this.#options.onBytes(chunk.length);
    const reader = this.#reader;
    if (reader === undefined) return this.#collectError(chunk);
    reader.push(chunk);
    if (reader.failure !== undefined) {
      this.#call?.abort();
      return this.#conclude(reader.failure);
    }
    if (reader.done) {
      this.#call?.release();
      return this.#finish();
    }
    if (this.#left === undefined) return this.#options.allowance?.used(reader.contentBytes);
    this.#drainedBytes += chunk.length;
    if (this.#drainedBytes > (this.#options.drain?.bytesMax ?? LAST_READ_BYTES_MAX)) this.stop(this.#left);
  }

  end(): void {
    const reader = this.#reader;
    if (reader === undefined) return this.#conclude(this.#parseError());
    reader.end();
    if (reader.failure !== undefined) this.#conclude(reader.failure);
    else if (this.#unasked)
      this.#conclude(invalidResponse(this.#terms.providerName, 'did not stream although it was asked to'));
    else this.#finish();
  }

  fail(error: WaystationError): void {
    // What was read of an error's body is enough to know the error.
    if (this.#reader === undefined && this.#head !== undefined) this.#conclude(this.#parseError());
    else this.#conclude(error);
  }

  #collectError(chunk: Buffer): void {
    this.#errorBody.push(chunk.subarray(0, ERROR_BODY_BYTES_MAX - this.#errorBytes));
    this.#errorBytes += chunk.length;
    if (this.#errorBytes >= ERROR_BODY_BYTES_MAX) this.stop(this.#parseError());
  }

  #parseError(): WaystationError {
    const { providerName, secret } = this.#terms;
    return this.#parse({
      status: this.#head?.status ?? 0,
      header: (name) => this.#head?.header(name),
      body: Buffer.concat(this.#errorBody),
      providerName,
      nowMs: Date.now(),
      ...(secret === undefined ? {} : { secret }),
    });
  }

  #flow(): void {
    if (this.#isFull || this.#isUsedUp) this.#call?.pause();
    else this.#call?.resume();
  }

  // the end

  /** What came until now is the answer. The provider stops billing when it is cancelled. */
  #cutShort(): void {
    if (this.#settle === undefined || this.#responseOver || this.#left !== undefined) return;
    this.#call?.abort();
    this.#isCutShort = true;
    this.#reader?.cut?.();
    this.#finish();
  }

  /** The caller is gone or the deadline passed: close, or listen on for the usage where the provider bills anyway. */
  readonly #onAbort = (): void => {
    if (this.#settle === undefined || this.#left !== undefined) return;
    const { drain } = this.#options;
    const reason = asError(this.#signal.reason);
    if (this.#responseOver || this.#call?.sent !== true) return this.stop(reason);
    // Asked before this one counts among those that are listened to.
    const drains = drain?.allowed() === true;
    this.#left = reason;
    this.#outbox.discard();
    this.#call.resume();
    clearTimeout(this.#timer);
    if (drains) this.#timer = setTimeout(() => this.stop(reason), drain.ms);
    // A provider that has answered has billed. In a process that stood still the answer may lie in the socket, and is read before this runs.
    else setImmediate(() => this.stop(reason));
  };

  /** The response is whole: done once the caller's stream has all of it. */
  #finish(): void {
    this.#responseOver = true;
    if (this.#left !== undefined) this.#result(this.#left);
    else this.#outbox.whenEmpty(() => this.#result(undefined));
  }

  /** The response failed: what was delivered in part goes out before the error does. */
  #conclude(error: WaystationError): void {
    this.#responseOver = true;
    if (this.#left !== undefined || this.#outbox.sentBytes === 0) this.#result(error);
    else this.#outbox.whenEmpty(() => this.#result(error));
  }

  #result(reason: WaystationError | undefined): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    const error = this.#left ?? reason;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#outbox.discard();
    const totalBytes = this.#outbox.sentBytes;
    settle({
      outcome: error === undefined ? 'completed' : outcomeOf(error, totalBytes > 0),
      error,
      report: this.#isCutShort ? { ...this.report(), ...CUT_SHORT } : this.report(),
      upstreamStatus: this.#head?.status,
      timeToFirstTokenMs: this.#firstTokenAt === undefined ? undefined : this.#firstTokenAt - this.#startedAt,
      durationMs: this.ageMs,
      totalBytes,
      cutShort: this.#isCutShort ? true : undefined,
    });
  }
}

const outcomeOf = ({ code }: WaystationError, delivered: boolean): Outcome => {
  if (CANCELS.has(code)) return 'cancelled';
  if (code === 'passed_over') return 'passed-over';
  if (code === 'deadline_exceeded') return 'timed-out';
  if (code === 'provider_empty') return 'empty';
  return delivered ? 'failed-after-output' : 'failed-before-output';
};

const asError = (reason: unknown): WaystationError =>
  reason instanceof WaystationError
    ? reason
    : new WaystationError('cancelled', 'The caller gave this attempt up.', { cause: reason });

const invalidResponse = (providerName: string, what: string): WaystationError =>
  new WaystationError('provider_invalid_response', `${providerName} ${what}.`, {
    details: { provider_name: providerName },
  });

const journalUnavailable = (cause?: unknown): WaystationError =>
  new WaystationError(
    'journal_unavailable',
    'The journal cannot be written at the moment, so nothing may be spent. Try again shortly.',
    {
      ...(cause === undefined ? {} : { cause }),
    },
  );
