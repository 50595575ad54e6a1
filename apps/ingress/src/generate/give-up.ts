// Why and when a generation is given up from our side. One listener at a time, no events: this runs for every request.

export type GiveUpReason = 'client-gone' | 'shutdown';

export interface GiveUp {
  readonly reason: GiveUpReason | undefined;
  /** Told at most once; replaces the listener before. Undefined: nobody listens. */
  listen(listener: (() => void) | undefined): void;
  /** Only the first call counts. */
  now(reason: GiveUpReason): void;
}

export const createGiveUp = (): GiveUp => {
  let reason: GiveUpReason | undefined;
  let listener: (() => void) | undefined;
  return {
    get reason() {
      return reason;
    },
    listen(next) {
      listener = next;
    },
    now(why) {
      if (reason !== undefined) return;
      reason = why;
      listener?.();
    },
  };
};
