// What a handler is told besides its request. The abort signal is made only when somebody looks at it: most handlers never do.
import { WaystationError } from '@waystation/contracts';
import type { HandlerContext } from '../bus.js';

export class CallContext implements HandlerContext {
  readonly deadlineAt: number;
  readonly traceparent?: string;
  #abort: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deadlineAt: number, traceparent: string | undefined) {
    this.deadlineAt = deadlineAt;
    if (traceparent !== undefined) this.traceparent = traceparent;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#timer = setTimeout(
        () => abort.abort(new WaystationError('deadline_exceeded', 'Nobody waits for this answer any more.')),
        Math.max(0, this.deadlineAt - Date.now()),
      );
      this.#timer.unref();
    }
    return this.#abort.signal;
  }

  /** The handler has answered. */
  done(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}
