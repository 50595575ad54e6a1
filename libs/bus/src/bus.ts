// What the rest of the project sees of the bus. App code cannot tell whether a handler lives in this process or behind NATS.
import type {
  AttemptEnd,
  AttemptRunRequest,
  BucketName,
  MoneyLine,
  Principal,
  RpcContract,
  SignalContract,
  StreamContract,
  TrailLine,
  WaystationError,
} from '@waystation/contracts';
import type { CancelReason } from './stream/reasons.js';

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Total time for the answer, in milliseconds. Default 5 000. */
  readonly timeoutMs?: number;
}

/** What a handler is told besides the request. */
export interface HandlerContext {
  /** Aborts when the deadline passed or the caller is lost. */
  readonly signal: AbortSignal;
  /** Unix ms after which nobody waits for the answer. */
  readonly deadlineAt: number;
  /** W3C trace context of the caller. */
  readonly traceparent?: string;
}

export interface Subscription {
  /** Takes no new messages; resolves when the running handlers have answered. */
  drain(): Promise<void>;
}

/** The reader's end of a stream. All callbacks run on the event loop turn in which the message arrived; `end` or `fail` comes exactly once, last. */
export interface StreamReader<End> {
  /** The worker took it (or its first bytes came). */
  accepted(workerInstance: string): void;
  /** Bytes in order, none missing, none twice. The buffer is only valid during the call unless copied. */
  data(bytes: Buffer): void;
  end(end: End): void;
  /**
   * `no_worker` (nobody subscribed), `worker_busy`: nothing was dispatched by this try. `accept_timeout`, `worker_lost`, `stream_gap`, `stream_stalled`,
   * `bus_unavailable`: it may have been. Others come from the worker.
   */
  fail(error: WaystationError): void;
}

/** The caller's grip on an open stream. */
export interface StreamCall {
  /** Token of this try; appears in the worker's log. */
  readonly call: string;
  /** Tells the sender that the reader has disposed of this many payload bytes in total, so that it may send more. Cheap; call it as often as you like. */
  consumed(totalBytes: number): void;
  /** Gives it up: no callback comes after this. Idempotent. */
  cancel(reason: CancelReason): void;
}

export interface OpenStreamOptions {
  /** Unix ms after which the stream is failed with `deadline_exceeded`. */
  readonly deadlineAt: number;
  /** Time for the accept, default 500 ms. */
  readonly acceptTimeoutMs?: number;
}

/** The writer's end of a stream, held by the worker. */
export interface StreamWriter<End> {
  readonly caller: string;
  readonly call: string;
  /** Aborts when the caller cancelled, its process is lost, or the deadline passed. `signal.reason` is a WaystationError. */
  readonly signal: AbortSignal;
  /** Declines: nothing was dispatched. Only before the first write. */
  busy(): void;
  /** Queues bytes; all bytes of one turn are one message, the first at once. False: the window or buffer is full, stop reading upstream until `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Called whenever writing may go on after a `false`. */
  drained(callback: () => void): void;
  end(end: End): void;
  fail(error: WaystationError): void;
}

export type RpcHandler<Request, Reply> = (request: Request, context: HandlerContext) => Promise<Reply> | Reply;
/** Runs until it has called `busy`, `end` or `fail`; a rejection becomes `fail`. The body is valid as long as the handler runs. */
export type StreamHandler<Request, End> = (
  request: Request,
  body: Buffer,
  writer: StreamWriter<End>,
  context: HandlerContext,
) => Promise<void> | void;

/** Durable lines. */
export interface Journal<Line> {
  /**
   * Queues a line; all lines of one turn are one message. Resolves when JetStream has acked it. While the bus is away lines wait in memory and are
   * sent again on reconnect under the same message id; the promise waits too.
   */
  append(line: Line): Promise<void>;
  /** As `append`, for a line that nobody waits for: it may wait some milliseconds for others, so that they share a message. */
  appendSoon(line: Line): Promise<void>;
  /** False after a failed publish until one succeeds, with more than 4 MiB unacked, or while the durable consumer is missing: refuse new paid work. */
  readonly healthy: boolean;
  readonly unackedBytes: number;
  /** Resolves when nothing is unacked, or rejects at the deadline with what is left. */
  flush(timeoutMs: number): Promise<void>;
}

/** A line of a batch as it came off the stream. */
export interface ConsumedLine {
  readonly line: unknown;
  /** `<stream sequence>/<index>`: where the line stands, for dead letters and replay. */
  readonly position: string;
  readonly instance: string;
  readonly deliveries: number;
  /** W3C trace context in which it was written, where that was traced. */
  readonly traceparent?: string;
}

export interface ConsumeOptions {
  /** Most lines handed over at once; asked anew for each batch where it changes. */
  readonly batchLines: number | (() => number);
  /** Most messages delivered and not yet acked. */
  readonly maxInFlight: number;
  /** After what was there has been taken, what comes next gathers on the server for so long, default 0. A line that finds nobody busy is handed over at once. */
  readonly lingerMs?: number;
}

/** Handed lines are acked when the handler resolves (after its database commit) and redelivered when it rejects. A batch that is not even JSON comes as one line with `line: undefined`. */
export type ConsumeHandler = (lines: readonly ConsumedLine[]) => Promise<void>;

export interface Consumer extends Subscription {
  /** Messages stored and not yet acked by this durable. */
  pending(): Promise<number>;
  /** Stream sequence up to which (inclusive) everything is acked, and the stream's last sequence. */
  progress(): Promise<{ ackFloor: number; lastSequence: number }>;
}

export interface KvWatchHandler {
  /** `value` is parsed JSON, undefined for a deletion. Not validated: the snapshot validates. */
  entry(key: string, value: unknown): void;
  /** Everything stored is about to be delivered again, from the start: what does not come before `synced` is gone. */
  resync?(): void;
  /** All that was stored when the watch began has been delivered. Called again after every reconnect's resync. */
  synced(): void;
}

export interface KvBucket {
  get(key: string): Promise<unknown>;
  /** True if the key did not exist and now does. */
  create(key: string, value: unknown): Promise<boolean>;
  put(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): Promise<string[]>;
  /** Watches keys that match (`>` for all). Survives reconnects. `live()` is false when nothing was heard (entries or heartbeats) for the given time. */
  watch(filter: string, handler: KvWatchHandler): Promise<KvWatch>;
}
export interface KvWatch {
  /** Milliseconds since the server was last known to be feeding this watch. */
  silentMs(): number;
  stop(): void;
}

export type BusState = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface Bus {
  /** This process, unique per start: `<service>-<random>`. */
  readonly instance: string;
  readonly state: BusState;
  onState(listener: (state: BusState) => void): void;
  /** Whether the server answers a ping within so many milliseconds. A server that stands still counts as connected for a while, and this tells it from a slow handler. */
  answersWithin(timeoutMs: number): Promise<boolean>;

  request<Request, Reply>(
    contract: RpcContract<Request, Reply>,
    request: Request,
    options?: RequestOptions,
  ): Promise<Reply>;
  handle<Request, Reply>(
    contract: RpcContract<Request, Reply>,
    handler: RpcHandler<Request, Reply>,
  ): Promise<Subscription>;

  /** `key` chooses the subject (the provider). The body follows the metadata raw, in parts if it is larger than a message may be. */
  openStream<Request, End>(
    contract: StreamContract<Request, End>,
    key: string,
    request: Request,
    body: Uint8Array,
    options: OpenStreamOptions,
    reader: StreamReader<End>,
  ): StreamCall;
  /** `keys` undefined: all of them. One queue group name for both. */
  handleStream<Request, End>(
    contract: StreamContract<Request, End>,
    keys: readonly string[] | undefined,
    handler: StreamHandler<Request, End>,
  ): Promise<Subscription>;

  /** `instance` is the addressed one, or our own for signals to all. Lost while disconnected. */
  signal<Message>(contract: SignalContract<Message>, instance: string, message: Message): void;
  /** `instance` undefined: from or to anybody. */
  onSignal<Message>(
    contract: SignalContract<Message>,
    instance: string | undefined,
    handler: (message: Message) => void,
  ): Promise<Subscription>;

  readonly facts: Journal<MoneyLine>;
  readonly trail: Journal<TrailLine>;
  consume(stream: 'FACTS' | 'TRAIL', options: ConsumeOptions, handler: ConsumeHandler): Promise<Consumer>;

  kv(bucket: BucketName): Promise<KvBucket>;

  /** Drains subscriptions, flushes journals, says `leaving`, closes. Within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** The stream that matters most, spelled out for readers of this file. */
export type AttemptReader = StreamReader<AttemptEnd>;
export type AttemptWriter = StreamWriter<AttemptEnd>;
export type AttemptHandler = StreamHandler<AttemptRunRequest, AttemptEnd>;
/** What a management handler checks before it does anything. */
export type PrincipalCheck = (contract: RpcContract<unknown, unknown>, principal: Principal) => void;
