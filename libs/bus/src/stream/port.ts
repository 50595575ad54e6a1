// What the two ends of a stream share: the connection, the inbox, the clock and the bounds.
import type { CoreConnection } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import type { Turn } from '../connection/turn.js';
import type { Inbox } from '../inbox/inbox.js';
import type { Liveness } from '../liveness/liveness.js';
import type { LoopWatch } from '../liveness/loop-watch.js';
import type { BusTimes } from '../options.js';
import { FRAME_HEADER_BYTES } from '@waystation/contracts';

export interface StreamBounds {
  readonly streamWindow: number;
  readonly streamQueuedMax: number;
  readonly keptFinishedMax: number;
  readonly bodyMax: number;
  readonly bodiesReceivingMax: number;
}

export interface StreamPort {
  readonly instance: string;
  readonly connection: CoreConnection;
  readonly outage: Outage;
  readonly inbox: Inbox;
  readonly liveness: Liveness;
  readonly loop: LoopWatch;
  readonly turn: Turn;
  readonly times: BusTimes;
  readonly bounds: StreamBounds;
  /** A stream's request is about to be handled. */
  onTaken(contract: string, queuedMs: number): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
}

/** Larger frames would hold up the other streams of the connection. */
const FRAME_PAYLOAD_MAX = 128 * 1024;
/** Share of the message limit that a request may fill with its body in one piece. */
const WHOLE_BODY_SHARE = 0.75;
const PART_PAYLOAD_MAX = 512 * 1024;

export const framePayloadMax = (port: StreamPort): number =>
  Math.min(FRAME_PAYLOAD_MAX, port.connection.maxPayload - FRAME_HEADER_BYTES);
export const wholeBodyMax = (port: StreamPort): number => Math.floor(port.connection.maxPayload * WHOLE_BODY_SHARE);
export const partPayloadMax = (port: StreamPort): number =>
  Math.min(PART_PAYLOAD_MAX, port.connection.maxPayload - FRAME_HEADER_BYTES);
/** What was sent this long ago and is still missing is sent again. */
export const resendAfterMs = (port: StreamPort): number => Math.max(20, port.times.creditEveryMs / 4);
