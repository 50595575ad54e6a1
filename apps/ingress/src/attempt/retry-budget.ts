// How many further attempts this process may make, as fallbacks and as seconds beside a first: a fifth of the requests that it serves, and a reserve for a burst. When everything
// fails, or is slow, they must not multiply what providers get. Invariant: over n requests there are never more than 1.2 n + the reserve attempts.

/** For the half second in which an endpoint has gone and routers do not know yet. */
export const RETRY_RESERVE = 500;
const PER_REQUEST = 0.2;

export interface RetryBudget {
  /** A request has come. */
  began(): void;
  /** Whether one more attempt may be made for a request that has had one. */
  take(): boolean;
  /** The same for one that nobody needs: half of the reserve is left to those that do. */
  takeSpare(): boolean;
  /** It reached no provider. */
  giveBack(): void;
}

/** @param onRefused told of an attempt that was not made */
export const createRetryBudget = (
  onRefused: (what: 'fallback' | 'second') => void,
  reserve = RETRY_RESERVE,
): RetryBudget => {
  let left = reserve;
  const add = (tokens: number): void => void (left = Math.min(reserve, left + tokens));
  return {
    began: () => add(PER_REQUEST),
    take() {
      if (left < 1) {
        onRefused('fallback');
        return false;
      }
      left -= 1;
      return true;
    },
    takeSpare() {
      if (left - 1 < reserve / 2) {
        onRefused('second');
        return false;
      }
      left -= 1;
      return true;
    },
    giveBack: () => add(1),
  };
};
