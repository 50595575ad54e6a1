// Why and when a generation is given up from our side. One listener at a time, no events: this runs for every request.

/** The last two are of one try: another one took its place. */
export type GiveUpReason = 'client-gone' | 'shutdown' | 'blocked' | 'given-up' | 'passed-over';

export interface GiveUp {
  readonly reason: GiveUpReason | undefined;
  /** Told at most once; replaces the listener before. Undefined: nobody listens. */
  listen(listener: (() => void) | undefined): void;
  /** Only the first call counts. */
  now(reason: GiveUpReason): void;
}

/** A class and no literal with a getter: V8 makes a shape of its own for each of those, and whoever reads it looks it up anew. */
class Once implements GiveUp {
  reason: GiveUpReason | undefined;
  #listener: (() => void) | undefined;

  listen(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }

  now(reason: GiveUpReason): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.#listener?.();
  }
}

export const createGiveUp = (): GiveUp => new Once();
