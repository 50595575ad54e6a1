// Why a generation ended, and what became of an attempt.

/** The normalised finish reason. The provider's own word is kept beside it as `nativeFinishReason`. */
export const FINISH_REASONS = ['stop', 'length', 'tool-calls', 'content-filter', 'error'] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/**
 * The outcome of an attempt or generation; the outcome policy (data, in libs/ledger) says which are charged.
 * `failed-before-output` never reached the client; `failed-after-output` delivered a part and then broke. `passed-over` is of attempts only: the caller turned
 * to something else before it had anything of it.
 */
export const OUTCOMES = [
  'completed',
  'empty',
  'refused',
  'failed-before-output',
  'failed-after-output',
  'cancelled',
  'timed-out',
  'passed-over',
] as const;
export type Outcome = (typeof OUTCOMES)[number];
