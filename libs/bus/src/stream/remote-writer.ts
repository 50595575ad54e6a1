// The writer's end of a stream whose reader is in another process. All bytes of one turn are one frame; frames stay here until the reader has
// them, at most the window's bytes, and are sent again when it says that they are missing. Never sends past the reader's credit.
import {
  FRAME_HEADER_BYTES,
  WaystationError,
  encodeFrame,
  toWaystationError,
  writeFrameHeader,
  type FrameKind,
} from '@waystation/contracts';
import type { StreamWriter } from '../bus.js';
import type { TurnTask } from '../connection/turn.js';
import { encodeJson } from '../message/validate.js';
import { Chunks } from './chunks.js';
import { LazyAbort } from './lazy-abort.js';
import { framePayloadMax, resendAfterMs, type StreamPort } from './port.js';

interface SentFrame {
  readonly sequence: number;
  /** Payload bytes before and with this frame. */
  readonly endsAt: number;
  readonly bytes: Buffer;
  /** -Infinity where the connection refused it. */
  sentAt: number;
}

/** What the host does when a writer changes state. */
export interface WriterOwner {
  /** The terminal frame was sent: frames are kept for resending. */
  finished(writer: RemoteWriter): void;
  /** Nothing is kept, nothing more will be sent. */
  closed(writer: RemoteWriter): void;
}

/** Looks without a word in either direction before a writer sends again by itself. */
const SILENT_LOOKS = 2;

type Phase = 'open' | 'ending' | 'finished' | 'closed';
const EMPTY = Buffer.alloc(0);

export class RemoteWriter implements StreamWriter<unknown>, TurnTask {
  readonly caller: string;
  readonly call: string;
  /** Of the turn. */
  waiting = false;

  readonly #port: StreamPort;
  readonly #owner: WriterOwner;
  readonly #toCaller: string;
  readonly #reply: string;
  readonly #abort = new LazyAbort();
  readonly #chunks = new Chunks();
  readonly #sent: SentFrame[] = [];
  readonly #drainedCallbacks: (() => void)[] = [];
  #phase: Phase = 'open';
  #accepted = false;
  #acceptTimer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #offset = 0;
  #creditUpTo: number;
  #held = false;
  #terminal: { readonly kind: 'end' | 'error'; readonly payload: Buffer } | undefined;
  #terminalSentAt = -Infinity;
  #resentAt = -Infinity;
  /** When anything was last sent to the reader, or heard of it. */
  #touchedAt = performance.now();

  constructor(
    port: StreamPort,
    owner: WriterOwner,
    caller: string,
    call: string,
    toCaller: string,
    creditUpTo: number,
  ) {
    this.#port = port;
    this.#owner = owner;
    this.caller = caller;
    this.call = call;
    this.#toCaller = toCaller;
    this.#reply = port.inbox.subjectOf(call);
    this.#creditUpTo = Math.min(creditUpTo, port.bounds.streamWindow);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  /** Bytes kept for resending. */
  get keptBytes(): number {
    let bytes = 0;
    for (const frame of this.#sent) bytes += frame.bytes.length;
    return bytes + (this.#terminal?.payload.length ?? 0);
  }
  get isOver(): boolean {
    return this.#phase !== 'open' || this.#abort.aborted;
  }

  // the handler's side

  busy(): void {
    if (this.#phase !== 'open' || this.#sequence > 0 || this.#chunks.bytes > 0) return;
    this.#publish('busy', 0, 0, EMPTY);
    this.#close();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#phase !== 'open') return false;
    this.#chunks.push(bytes);
    if (this.#chunks.bytes > this.#port.bounds.streamQueuedMax) {
      this.abort(
        new WaystationError(
          'overloaded',
          `The stream's writer queued more than ${this.#port.bounds.streamQueuedMax} bytes behind a full window.`,
        ),
        true,
      );
      return false;
    }
    this.#port.turn.add(this);
    if (this.#offset + this.#chunks.bytes < this.#creditUpTo) return true;
    this.#held = true;
    return false;
  }

  drained(callback: () => void): void {
    this.#drainedCallbacks.push(callback);
  }

  end(end: unknown): void {
    this.#finish('end', end);
  }

  fail(error: WaystationError): void {
    this.#finish('error', toWaystationError(error).toWire());
  }

  // the host's side

  /** A separate accept follows unless the first bytes come in time. */
  acceptSoon(withinMs: number): void {
    this.#acceptTimer = setTimeout(() => this.accept(), withinMs);
  }

  accept(): void {
    if (this.#accepted || this.#phase !== 'open') return;
    this.#accepted = true;
    this.#publish('accept', 0, 0, EMPTY);
  }

  askGo(): void {
    this.#publish('go-ask', 0, 0, EMPTY);
  }

  askPart(next: number, received: number, inbox: string): void {
    this.#accepted = true;
    this.#publish('parts', next, received, encodeJson({ inbox }));
  }

  /** The reader has all frames before `sequence` and takes bytes up to `upToByte`. */
  credit(sequence: number, upToByte: number): void {
    if (this.#phase === 'closed' || sequence > this.#sequence) return;
    this.#touchedAt = performance.now();
    while (this.#sent.length > 0 && (this.#sent[0] as SentFrame).sequence < sequence) this.#sent.shift();
    const first = this.#sent[0];
    const readerHas = first === undefined ? this.#offset : first.endsAt - (first.bytes.length - FRAME_HEADER_BYTES);
    this.#creditUpTo = Math.max(this.#creditUpTo, Math.min(upToByte, readerHas + this.#port.bounds.streamWindow));
    this.#resendMissing(sequence);
    this.#port.turn.add(this);
  }

  /** Our own connection is back: what was on its way may be lost. */
  reconnected(): void {
    this.#resendAll();
  }

  /** Called every `creditEveryMs`. A reader that says nothing although something awaits it may not have got it, and may not know whom to ask. */
  look(): void {
    if (performance.now() - this.#touchedAt > this.#port.times.creditEveryMs * SILENT_LOOKS) this.#resendAll();
  }

  /** Ends it from outside: the handler's signal aborts; the reader is told unless nobody is left to read. */
  abort(reason: WaystationError, tellReader: boolean): void {
    if (this.#phase === 'closed') return;
    // What its handler has ended and only waits for the turn or the reader's credit is not turned into a failure.
    if (tellReader && this.#phase === 'ending') this.atTurnEnd();
    this.#chunks.clear();
    if (tellReader && this.#phase !== 'finished') {
      this.#phase = 'open';
      this.#finish('error', reason.toWire());
      this.atTurnEnd();
    } else if (!tellReader) this.#close();
    this.#abort.abort(reason);
  }

  /** The reader has everything, or the time for asking is over. */
  discard(): void {
    this.#close();
  }

  atTurnEnd(): void {
    if (this.#phase === 'closed') return;
    const payloadMax = framePayloadMax(this.#port);
    while (this.#chunks.bytes > 0 && this.#offset < this.#creditUpTo) {
      const length = Math.min(this.#chunks.bytes, this.#creditUpTo - this.#offset, payloadMax);
      const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
      writeFrameHeader(bytes, 'data', this.#sequence, this.#offset);
      this.#chunks.take(length, bytes, FRAME_HEADER_BYTES);
      this.#offset += length;
      const frame: SentFrame = { sequence: this.#sequence, endsAt: this.#offset, bytes, sentAt: -Infinity };
      this.#sequence += 1;
      this.#sent.push(frame);
      this.#sendFrame(frame);
    }
    if (this.#phase === 'ending' && this.#chunks.bytes === 0) {
      this.#phase = 'finished';
      this.#stopAcceptTimer();
      this.#sendTerminal();
      this.#owner.finished(this);
    } else if (
      this.#held &&
      this.#phase === 'open' &&
      this.#chunks.bytes === 0 &&
      this.#creditUpTo - this.#offset >= this.#port.bounds.streamWindow / 4
    ) {
      this.#held = false;
      for (const callback of this.#drainedCallbacks) callback();
    }
  }

  #finish(kind: 'end' | 'error', message: unknown): void {
    if (this.#phase !== 'open') return;
    this.#terminal = { kind, payload: encodeJson(message) };
    this.#phase = 'ending';
    this.#port.turn.add(this);
  }

  /** The reader waits for `sequence`: sends again from there on, unless that may still be on its way. */
  #resendMissing(sequence: number): void {
    const now = performance.now();
    const resendAfter = resendAfterMs(this.#port);
    if (now - this.#resentAt < resendAfter) return;
    const sentAt = this.#sent[0]?.sentAt ?? (sequence === this.#sequence ? this.#terminalSentAt : now);
    if (now - sentAt >= resendAfter) this.#resendAll();
  }

  /** Everything the reader may not have: at most the window's bytes. */
  #resendAll(): void {
    if (this.#phase === 'closed') return;
    if (this.#accepted && this.#sequence === 0 && this.#phase === 'open') this.#publish('accept', 0, 0, EMPTY);
    if (this.#sent.length === 0 && this.#phase !== 'finished') return;
    this.#resentAt = performance.now();
    for (const frame of this.#sent) this.#sendFrame(frame);
    if (this.#phase === 'finished') this.#sendTerminal();
  }

  #sendFrame(frame: SentFrame): void {
    if (this.#port.connection.publish(this.#toCaller, frame.bytes, this.#reply)) frame.sentAt = performance.now();
    this.#touchedAt = frame.sentAt;
    if (this.#accepted) return;
    this.#accepted = true;
    this.#stopAcceptTimer();
  }

  #sendTerminal(): void {
    const terminal = this.#terminal;
    if (terminal !== undefined && this.#publish(terminal.kind, this.#sequence, this.#offset, terminal.payload))
      this.#terminalSentAt = performance.now();
  }

  #publish(kind: FrameKind, sequence: number, offset: number, payload: Buffer): boolean {
    this.#touchedAt = performance.now();
    return this.#port.connection.publish(this.#toCaller, encodeFrame(kind, sequence, offset, payload), this.#reply);
  }

  #stopAcceptTimer(): void {
    if (this.#acceptTimer !== undefined) clearTimeout(this.#acceptTimer);
    this.#acceptTimer = undefined;
  }

  #close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#stopAcceptTimer();
    this.#chunks.clear();
    this.#sent.length = 0;
    this.#owner.closed(this);
  }
}
