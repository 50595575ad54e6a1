// What a process must say to connect. Times are configuration, so that tests can run with short ones.

/** Every time constant of the bus, in milliseconds, with its default. */
export const BUS_TIMES = {
  acceptTimeoutMs: 500,
  /** A separate accept frame is sent when no data was within this time. */
  acceptAfterMs: 150,
  aliveEveryMs: 1_000,
  lostAfterMs: 3_000,
  /** How often a waiting reader repeats its credit. */
  creditEveryMs: 500,
  /** A reader that got nothing (not even keep-alives of the protocol) for this long fails with `stream_stalled`. 0: never. */
  stallAfterMs: 0,
  /** How long a finished stream is kept for resending. */
  keepFinishedMs: 30_000,
  pingEveryMs: 2_000,
  reconnectWaitMs: 250,
  /** While disconnected for longer than this, new requests and streams fail at once with `bus_unavailable`; streams that were open fail too. */
  disconnectGraceMs: 4_000,
  rpcTimeoutMs: 5_000,
  journalAckTimeoutMs: 2_000,
  /** A journal that awaits acks and heard none for so long is not healthy until one comes: callers are sent away within a second of NATS standing still. */
  journalSilenceMs: 700,
  /** What a consumer did not ack, reject or report as being worked on for so long is delivered again. */
  ackWaitMs: 10_000,
  /** How often a journal looks whether its durable consumer is there. */
  durableCheckEveryMs: 5_000,
  /** Requests made while disconnected wait this long for the reconnect before they fail with `bus_unavailable`. */
  requestGraceMs: 400,
} as const;
export type BusTimes = { readonly [K in keyof typeof BUS_TIMES]: number };

export const BUS_BYTES = {
  /** Payload bytes that a writer may have sent and not yet been credited for, and that it keeps for resending. */
  streamWindow: 1024 * 1024,
  /** What a writer may have queued behind a full window; a handler that goes on writing after `false` beyond it fails its stream. */
  streamQueuedMax: 64 * 1024 * 1024,
  /** Frames of finished streams kept for resending, all streams of a process together; the oldest go first. */
  keptFinishedMax: 64 * 1024 * 1024,
  /** The largest body of a stream's request. */
  bodyMax: 64 * 1024 * 1024,
  /** Bodies being received in parts, all of a process together; more are answered busy. */
  bodiesReceivingMax: 256 * 1024 * 1024,
  journalUnackedMax: 4 * 1024 * 1024,
  /** Lines waiting for the bus beyond this are refused with `journal_unavailable`. */
  journalWaitingMax: 64 * 1024 * 1024,
} as const;

export interface BusOptions {
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  /** First part of the inbox prefix and of the instance name; decides the permissions. */
  readonly service: string;
  /** Services living in this process, told in the liveness beat. */
  readonly services: readonly string[];
  readonly release: string;
  readonly times?: Partial<BusTimes>;
  /** How long the first connection may take, in milliseconds. Default 10 000; later ones are tried for ever. */
  readonly connectTimeoutMs?: number;
  /** Copies of each stream and bucket that this process provisions: 1 on one server, 3 in a cluster. Default 1. */
  readonly streamReplicas?: number;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** A request over the wire is about to be handled, so long after it was sent by its sender's clock. */
  readonly onTaken?: (contract: string, queuedMs: number) => void;
  /** Structured log lines of the bus. */
  readonly log?: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}
