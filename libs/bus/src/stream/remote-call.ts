// The reader's end of a stream whose writer is in another process. Hands over bytes in order, none missing, none twice; a gap is asked for,
// and what cannot be healed ends the stream with an error. `end` or `fail` comes exactly once, last.
import {
  AttemptCancel,
  AttemptCredit,
  WaystationError,
  decodeFrame,
  toWaystationError,
  type Frame,
  type StreamContract,
} from '@waystation/contracts';
import type { OpenStreamOptions, StreamCall, StreamReader } from '../bus.js';
import type { CoreMessage } from '../connection/core-connection.js';
import type { TurnTask } from '../connection/turn.js';
import { parseInboxSubject } from '../inbox/inbox.js';
import { encodeJson, errorFromBytes, parseJson, validate } from '../message/validate.js';
import { STATUS_NO_RESPONDERS } from '../rpc/rpc-caller.js';
import { BodySender } from './body-parts.js';
import { atDeadline } from './deadline.js';
import { partPayloadMax, resendAfterMs, type StreamPort } from './port.js';
import type { CancelReason } from './reasons.js';

/** Told when a call is over, and what its worker may forget. */
export interface CallOwner {
  closed(call: RemoteCall): void;
  /** The end arrived: the worker need not keep the stream any more. */
  received(worker: string, call: string, sequence: number, bytes: number): void;
}

export interface CallRequest {
  readonly subject: string;
  readonly message: Buffer;
  /** Set where the body follows in parts. */
  readonly body: Uint8Array | undefined;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the contract's own types were checked where the stream was opened
type AnyStream = StreamContract<any, any>;

export class RemoteCall implements StreamCall, TurnTask {
  readonly call: string;
  /** Of the turn. */
  waiting = false;

  readonly #port: StreamPort;
  readonly #owner: CallOwner;
  readonly #contract: AnyStream;
  readonly #reader: StreamReader<unknown>;
  readonly #request: CallRequest;
  readonly #epoch: number;
  readonly #sender: BodySender | undefined;
  #worker: string | undefined;
  #accepted = false;
  #sent = false;
  #over = false;
  #sequence = 0;
  #received = 0;
  #consumed = 0;
  #announced: number;
  /** A frame came since the last look. */
  #heard = false;
  #lastFrameAt = performance.now();
  #gapAskedAt = -Infinity;
  #acceptTimer: NodeJS.Timeout;
  readonly #acceptTimeoutMs: number;
  readonly #deadlineTimer: NodeJS.Timeout;

  constructor(
    port: StreamPort,
    owner: CallOwner,
    contract: AnyStream,
    call: string,
    request: CallRequest,
    options: OpenStreamOptions,
    reader: StreamReader<unknown>,
  ) {
    this.#port = port;
    this.#owner = owner;
    this.#contract = contract;
    this.call = call;
    this.#request = request;
    this.#reader = reader;
    this.#epoch = port.outage.epoch;
    this.#announced = port.bounds.streamWindow;
    this.#sender =
      request.body === undefined
        ? undefined
        : new BodySender(request.body, partPayloadMax(port), resendAfterMs(port), (subject, message) =>
            port.connection.publish(subject, message),
          );
    this.#acceptTimeoutMs = options.acceptTimeoutMs ?? port.times.acceptTimeoutMs;
    this.#acceptTimer = this.#startAcceptTimer();
    this.#deadlineTimer = atDeadline(options.deadlineAt, () => this.#deadlinePassed());
  }

  get isSent(): boolean {
    return this.#sent;
  }

  /** Sends the request, or again after the connection refused it. */
  send(): void {
    if (this.#over || this.#sent) return;
    this.#sent = this.#port.connection.publish(
      this.#request.subject,
      this.#request.message,
      this.#port.inbox.subjectOf(this.call),
    );
  }

  // the consumer's side

  consumed(totalBytes: number): void {
    if (this.#over || totalBytes <= this.#consumed) return;
    this.#consumed = Math.min(totalBytes, this.#received);
    if (this.#consumed + this.#port.bounds.streamWindow - this.#announced >= this.#port.bounds.streamWindow / 2)
      this.#port.turn.add(this);
  }

  cancel(reason: CancelReason): void {
    if (this.#over) return;
    this.#close();
    this.#tellCancel(reason);
  }

  // the registry's side

  onMessage(message: CoreMessage): void {
    if (this.#over) return;
    if (message.status === STATUS_NO_RESPONDERS) {
      this.#nobody();
      return;
    }
    let frame: Frame;
    try {
      frame = decodeFrame(message.data);
    } catch (error) {
      this.#break(toWaystationError(error));
      return;
    }
    this.#heard = true;
    this.#lastFrameAt = performance.now();
    if (this.#worker === undefined) this.#meet(message.reply);
    try {
      this.#onFrame(frame);
    } catch (error) {
      this.#break(toWaystationError(error));
    }
  }

  /** Called every `creditEveryMs`. A stream that heard nothing repeats its credit, so that whatever was lost heals. */
  look(): void {
    if (this.#over || this.#worker === undefined) return;
    const { stallAfterMs } = this.#port.times;
    if (stallAfterMs > 0 && performance.now() - this.#lastFrameAt > stallAfterMs) {
      this.#break(new WaystationError('stream_stalled', `The stream sent nothing for ${stallAfterMs} ms.`));
      return;
    }
    if (this.#heard) this.#port.liveness.heard(this.#worker);
    else this.#sendCredit();
    this.#heard = false;
  }

  reconnected(): void {
    this.send();
    if (this.#worker !== undefined) this.#sendCredit();
  }

  fail(error: WaystationError): void {
    if (this.#over) return;
    this.#close();
    this.#reader.fail(error);
  }

  /** Fails it and tells the worker, who may be at work still. */
  giveUp(error: WaystationError, reason: CancelReason): void {
    if (this.#over) return;
    this.#close();
    this.#tellCancel(reason);
    this.#reader.fail(error);
  }

  atTurnEnd(): void {
    if (!this.#over) this.#sendCredit();
  }

  #onFrame(frame: Frame): void {
    switch (frame.kind) {
      case 'accept':
        this.#accept();
        return;
      case 'data':
        this.#accept();
        this.#onData(frame);
        return;
      case 'end':
      case 'error':
        this.#onTerminal(frame);
        return;
      case 'busy':
        this.fail(
          new WaystationError('worker_busy', 'The worker has no room for this attempt; another may.', {
            ...(this.#worker === undefined ? {} : { details: { worker: this.#worker } }),
          }),
        );
        return;
      case 'go-ask':
        this.#restartAcceptTimer();
        this.#sendCredit(true);
        return;
      case 'parts':
        this.#accept();
        this.#onParts(frame);
        return;
      case 'gone':
        this.fail(
          new WaystationError('stream_gap', 'Part of the stream was lost and is no longer kept by its worker.'),
        );
        return;
      default: {
        const never: never = frame.kind;
        throw new WaystationError('bad_message', `Frame kind ${String(never)} is not known.`);
      }
    }
  }

  #onData(frame: Frame): void {
    if (frame.sequence < this.#sequence) return;
    if (frame.sequence > this.#sequence) {
      this.#askForGap();
      return;
    }
    if (frame.offset !== this.#received) {
      throw new WaystationError(
        'stream_gap',
        `Frame ${frame.sequence} starts at byte ${frame.offset}, but ${this.#received} bytes came before it.`,
      );
    }
    this.#sequence += 1;
    this.#received += frame.payload.length;
    this.#reader.data(frame.payload);
  }

  #onTerminal(frame: Frame): void {
    if (frame.sequence > this.#sequence) {
      this.#askForGap();
      return;
    }
    if (frame.sequence !== this.#sequence || frame.offset !== this.#received) {
      throw new WaystationError(
        'stream_gap',
        `The stream ends after ${frame.sequence} frames and ${frame.offset} bytes, but ${this.#sequence} and ${this.#received} came.`,
      );
    }
    if (frame.kind === 'error') {
      this.#reportReceived();
      this.#accept();
      this.fail(errorFromBytes(frame.payload));
      return;
    }
    const end = validate(
      this.#contract.end,
      parseJson(frame.payload, `The end of ${this.#contract.name}`),
      `The end of ${this.#contract.name}`,
    ) as unknown;
    assertTotal(end, this.#received);
    this.#reportReceived();
    this.#accept();
    if (this.#over) return;
    this.#close();
    this.#reader.end(end);
  }

  #onParts(frame: Frame): void {
    const { inbox } = parseJson(frame.payload, 'A request for body parts') as { inbox?: unknown };
    const owner = typeof inbox === 'string' ? parseInboxSubject(inbox) : undefined;
    if (owner === undefined || owner.instance !== this.#worker || this.#sender === undefined) {
      throw new WaystationError(
        'bad_message',
        'A request for body parts must name an inbox of the worker that accepted.',
      );
    }
    this.#sender.asked(inbox as string, frame.sequence);
  }

  #askForGap(): void {
    const now = performance.now();
    if (now - this.#gapAskedAt < resendAfterMs(this.#port)) return;
    this.#gapAskedAt = now;
    this.#sendCredit();
  }

  #meet(reply: string): void {
    const worker = parseInboxSubject(reply);
    if (worker === undefined) return;
    this.#worker = worker.instance;
    this.#port.liveness.watch(worker.instance, this.#lost);
  }

  #accept(): void {
    if (this.#accepted) return;
    this.#accepted = true;
    clearTimeout(this.#acceptTimer);
    this.#reader.accepted(this.#worker ?? 'unknown');
  }

  readonly #lost = (): void => {
    this.#break(new WaystationError('worker_lost', 'The worker that served this stream is lost.'));
  };

  #nobody(): void {
    // Of a credit and not of the request, which somebody took: the worker may be back in a moment, and is lost when nothing is heard of it for long.
    if (this.#worker !== undefined) return;
    // Nobody got it, so it may go again: right after an outage the workers are still coming back.
    if (this.#port.outage.sinceReconnectMs() < this.#port.times.requestGraceMs) {
      this.#sent = false;
      setTimeout(() => this.send(), this.#port.times.reconnectWaitMs / 4).unref();
      return;
    }
    this.fail(new WaystationError('no_worker', 'No worker serves this provider at the moment.'));
  }

  #restartAcceptTimer(): void {
    if (this.#accepted) return;
    clearTimeout(this.#acceptTimer);
    this.#acceptTimer = this.#startAcceptTimer();
  }

  /** When our own loop stood still, timers fire before the accept that came meanwhile is read: what waits in the socket is read first. */
  #startAcceptTimer(): NodeJS.Timeout {
    return setTimeout(() => setImmediate(() => this.#acceptTimedOut()), this.#acceptTimeoutMs);
  }

  #acceptTimedOut(): void {
    if (this.#over || this.#accepted) return;
    const { outage } = this.#port;
    if (this.#epoch !== outage.epoch || !this.#sent) {
      // The request or its accept may be lost; a worker that took it says so again once both are back.
      if (outage.lastedMs() > 0 || outage.sinceReconnectMs() < this.#port.times.acceptTimeoutMs) {
        this.#restartAcceptTimer();
        return;
      }
      this.#break(new WaystationError('bus_unavailable', 'The message bus was interrupted before a worker accepted.'));
      return;
    }
    this.#break(
      new WaystationError('accept_timeout', `No worker accepted within ${this.#acceptTimeoutMs} ms.`, {
        ...(this.#worker === undefined ? {} : { details: { worker: this.#worker } }),
      }),
    );
  }

  #deadlinePassed(): void {
    this.giveUp(new WaystationError('deadline_exceeded', 'The deadline of the stream passed.'), 'deadline');
  }

  /** It cannot be healed. */
  #break(error: WaystationError): void {
    this.giveUp(error, this.#received > 0 ? 'given-up' : 'passed-over');
  }

  #reportReceived(): void {
    if (this.#worker !== undefined) this.#owner.received(this.#worker, this.call, this.#sequence, this.#received);
  }

  #sendCredit(go?: true): void {
    if (this.#worker === undefined) return;
    const upToByte = this.#consumed + this.#port.bounds.streamWindow;
    this.#announced = upToByte;
    this.#port.connection.publish(
      AttemptCredit.subjectOf(this.#worker),
      encodeJson({
        v: AttemptCredit.version,
        call: this.call,
        sequence: this.#sequence,
        upToByte,
        ...(go === undefined ? {} : { go }),
      }),
      this.#port.inbox.subjectOf(this.call),
    );
  }

  /** A worker that nobody knows yet is told when its first frame comes. */
  #tellCancel(reason: CancelReason): void {
    if (this.#worker !== undefined) sendCancel(this.#port, this.#worker, this.call, reason);
  }

  #close(): void {
    this.#over = true;
    clearTimeout(this.#acceptTimer);
    clearTimeout(this.#deadlineTimer);
    if (this.#worker !== undefined) this.#port.liveness.unwatch(this.#worker, this.#lost);
    this.#owner.closed(this);
  }
}

export const sendCancel = (port: StreamPort, worker: string, call: string, reason: CancelReason): void => {
  port.connection.publish(AttemptCancel.subjectOf(worker), encodeJson({ v: AttemptCancel.version, call, reason }));
};

/** An end that states the stream's bytes must state what came. @throws WaystationError `stream_gap` */
export const assertTotal = (end: unknown, receivedBytes: number): void => {
  if (end === null || typeof end !== 'object' || !('totalBytes' in end) || end.totalBytes === receivedBytes) return;
  throw new WaystationError('stream_gap', `The end states ${String(end.totalBytes)} bytes, but ${receivedBytes} came.`);
};
