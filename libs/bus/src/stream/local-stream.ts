// A stream whose reader and writer live in one process: the handler is called directly, with the request and the body as they are.
// Same semantics as over the wire: busy, accept, window, one delivery per turn, cancel, deadline; nothing is encoded, validated or copied.
import { WaystationError, toWaystationError } from '@waystation/contracts';
import type { OpenStreamOptions, StreamCall, StreamReader, StreamWriter } from '../bus.js';
import type { TurnTask } from '../connection/turn.js';
import { Chunks } from './chunks.js';
import { atDeadline } from './deadline.js';
import { LazyAbort } from './lazy-abort.js';
import type { StreamPort } from './port.js';
import { assertTotal } from './remote-call.js';
import { cancelError, type CancelReason } from './reasons.js';

export class LocalStream implements StreamCall, StreamWriter<unknown>, TurnTask {
  readonly caller: string;
  readonly call: string;
  /** Of the turn. */
  waiting = false;

  readonly #port: StreamPort;
  readonly #reader: StreamReader<unknown>;
  readonly #onClosed: (stream: LocalStream) => void;
  readonly #abort = new LazyAbort();
  readonly #chunks = new Chunks();
  readonly #drainedCallbacks: (() => void)[] = [];
  readonly #acceptTimer: NodeJS.Timeout;
  readonly #deadlineTimer: NodeJS.Timeout;
  #accepted = false;
  #over = false;
  #delivered = 0;
  #consumed = 0;
  #held = false;
  #terminal: { readonly end: unknown } | { readonly error: WaystationError } | undefined;

  constructor(
    port: StreamPort,
    call: string,
    options: OpenStreamOptions,
    reader: StreamReader<unknown>,
    onClosed: (stream: LocalStream) => void,
  ) {
    this.#port = port;
    this.caller = port.instance;
    this.call = call;
    this.#reader = reader;
    this.#onClosed = onClosed;
    this.#acceptTimer = setTimeout(() => this.#accept(), port.times.acceptAfterMs);
    this.#deadlineTimer = atDeadline(options.deadlineAt, () =>
      this.giveUp(new WaystationError('deadline_exceeded', 'The deadline of the stream passed.')),
    );
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  get isOver(): boolean {
    return this.#over || this.#terminal !== undefined;
  }

  // the reader's side

  consumed(totalBytes: number): void {
    if (this.#over || totalBytes <= this.#consumed) return;
    this.#consumed = Math.min(totalBytes, this.#delivered);
    if (this.#chunks.bytes > 0 || this.#held || this.#terminal !== undefined) this.#port.turn.add(this);
  }

  cancel(reason: CancelReason): void {
    if (this.#over) return;
    this.#close();
    this.#abort.abort(cancelError(reason));
  }

  // the writer's side

  busy(): void {
    if (this.isOver || this.#delivered > 0 || this.#chunks.bytes > 0) return;
    this.#close();
    this.#reader.fail(
      new WaystationError('worker_busy', 'The worker has no room for this attempt; another may.', {
        details: { worker: this.#port.instance },
      }),
    );
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOver) return false;
    this.#chunks.push(bytes);
    if (this.#chunks.bytes > this.#port.bounds.streamQueuedMax) {
      this.giveUp(
        new WaystationError(
          'overloaded',
          `The stream's writer queued more than ${this.#port.bounds.streamQueuedMax} bytes behind a full window.`,
        ),
      );
      return false;
    }
    this.#port.turn.add(this);
    if (this.#delivered + this.#chunks.bytes < this.#consumed + this.#port.bounds.streamWindow) return true;
    this.#held = true;
    return false;
  }

  drained(callback: () => void): void {
    this.#drainedCallbacks.push(callback);
  }

  end(end: unknown): void {
    this.#finish({ end });
  }

  fail(error: WaystationError): void {
    this.#finish({ error: toWaystationError(error) });
  }

  // the host's side

  /** Ends it on both sides. */
  giveUp(error: WaystationError): void {
    if (this.#over) return;
    this.#close();
    this.#abort.abort(error);
    this.#reader.fail(error);
  }

  atTurnEnd(): void {
    const { streamWindow } = this.#port.bounds;
    while (!this.#over && this.#chunks.bytes > 0 && this.#delivered < this.#consumed + streamWindow) {
      this.#accept();
      const bytes = this.#chunks.read(Math.min(this.#chunks.bytes, this.#consumed + streamWindow - this.#delivered));
      this.#delivered += bytes.length;
      this.#reader.data(bytes);
    }
    if (this.#over) return;
    if (this.#terminal !== undefined && this.#chunks.bytes === 0) this.#deliverTerminal(this.#terminal);
    else if (
      this.#held &&
      this.#chunks.bytes === 0 &&
      this.#consumed + streamWindow - this.#delivered >= streamWindow / 4
    ) {
      this.#held = false;
      for (const callback of this.#drainedCallbacks) callback();
    }
  }

  #finish(terminal: { readonly end: unknown } | { readonly error: WaystationError }): void {
    if (this.isOver) return;
    this.#terminal = terminal;
    this.#port.turn.add(this);
  }

  #deliverTerminal(terminal: { readonly end: unknown } | { readonly error: WaystationError }): void {
    this.#accept();
    if (this.#over) return;
    this.#close();
    if ('error' in terminal) {
      this.#reader.fail(terminal.error);
      return;
    }
    try {
      assertTotal(terminal.end, this.#delivered);
    } catch (error) {
      this.#reader.fail(toWaystationError(error));
      return;
    }
    this.#reader.end(terminal.end);
  }

  #accept(): void {
    if (this.#accepted || this.#over) return;
    this.#accepted = true;
    clearTimeout(this.#acceptTimer);
    this.#reader.accepted(this.#port.instance);
  }

  #close(): void {
    this.#over = true;
    clearTimeout(this.#acceptTimer);
    clearTimeout(this.#deadlineTimer);
    this.#chunks.clear();
    this.#onClosed(this);
  }
}
