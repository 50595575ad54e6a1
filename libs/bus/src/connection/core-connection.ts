// The one small interface between the bus and a NATS client. Everything else in libs/bus is written against it, so that another client
// (or, in tests, a network that loses messages) can take its place.
import type { BusState } from '../bus.js';

/**
 * A message as it came off the wire. Views into the bytes the socket gave: valid beyond the call, never written to.
 * Whoever keeps one keeps the chunk it came in: 64 KiB at most, or the message itself where it is larger.
 */
export interface CoreMessage {
  readonly subject: string;
  /** Empty where the sender gave none. */
  readonly reply: string;
  readonly data: Uint8Array;
  /** NATS status (`503` no responders, `100` heartbeat, …); 0 for ordinary messages. */
  readonly status: number;
  /** Text behind the status code. */
  readonly description: string;
  header(name: string): string | undefined;
}

export interface CoreSubscription {
  /** Takes no new messages; resolves when those the server had already sent were handed over. */
  drain(): Promise<void>;
}

/** Name and value; neither may hold line breaks. */
export type CoreHeaders = readonly (readonly [name: string, value: string])[];

/** A subject the server refused us. */
export interface PermissionRefusal {
  readonly operation: 'publish' | 'subscription';
  readonly subject: string;
}

export interface CoreConnection {
  readonly state: BusState;
  /** Largest payload with headers that the server takes, in bytes. */
  readonly maxPayload: number;
  onState(listener: (state: BusState) => void): void;
  onRefusal(listener: (refusal: PermissionRefusal) => void): void;
  /**
   * Sends at the end of this event-loop turn, in order, one socket write for all messages of the turn.
   * False, and dropped, while not connected: whoever needs the message keeps it and sends it again. The payload must not change afterwards.
   */
  publish(subject: string, payload: Uint8Array, reply?: string, headers?: CoreHeaders): boolean;
  /** Survives reconnects. */
  subscribe(subject: string, queue: string | undefined, onMessage: (message: CoreMessage) => void): CoreSubscription;
  /** Resolves when the server has processed all that was published before; rejects when the connection is lost first. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
