// Which further try a generation may make, and what it counts. Invariants: the number of tries is bounded, whatever is beyond the first of its request is taken from the
// retry budget, and one of them alone stands for the request.
import { nextAttemptId, type Generation } from '../generate/generation.js';
import type { BoundAttempt } from '../hold/bound-plan.js';
import type { PlanHold } from '../hold/take-hold.js';
import type { RetryBudget } from './retry-budget.js';

/** Tries in all, over all endpoints. */
const TRIES_MAX = 16;

/** A try when it begins. */
export interface Start {
  readonly bound: BoundAttempt;
  readonly attemptId: string;
  /** As in `AttemptRecord`. */
  readonly requests: number;
  /** Beyond the first of its request: it was taken from the retry budget. */
  readonly isFurther: boolean;
  readonly startedMs: number;
}

/** Undefined: no try is left, or the budget has none. */
export const beginTry = (
  generation: Generation,
  hold: PlanHold,
  bound: BoundAttempt,
  retries: RetryBudget,
): Start | undefined => {
  if (generation.begun >= TRIES_MAX) return undefined;
  // The first that was not passed over stands for the request; fallbacks are the same request.
  const counted = generation.attempts.some((record) => record.dispatched && record.outcome !== 'passed-over');
  if (counted && !retries.take()) return undefined;
  return {
    bound,
    attemptId: nextAttemptId(generation),
    requests: counted ? 0 : hold.hold.amounts.requests,
    isFurther: counted,
    startedMs: performance.now(),
  };
};

/** Beside a first that a worker has taken, which stands for the request. Undefined: no try is left, or the budget has none to spare. */
export const beginSecond = (generation: Generation, bound: BoundAttempt, retries: RetryBudget): Start | undefined => {
  if (generation.begun >= TRIES_MAX || !retries.takeSpare()) return undefined;
  return {
    bound,
    attemptId: nextAttemptId(generation),
    requests: 0,
    isFurther: true,
    startedMs: performance.now(),
  };
};
