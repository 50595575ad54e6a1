// Which holds grow with their stream, and by how much at a time. Pure.
// A byte of visible output counts as at most one token, so that what was relayed bounds what was billed, whatever the tokenizer.
import type { PlannedAttempt } from '@waystation/contracts';
import type { ChatRequest } from '@waystation/dialects';
import { windowEnd } from '@waystation/ledger';
import type { BoundAttempt } from './bound-plan.js';
import type { QuotaSet } from './lease-pool.js';

/** What is held for the output of a stream when it begins. */
export const FIRST_SLICE_TOKENS = 512;
/** The most that is held ahead at one time. */
export const STEP_TOKENS_MAX = 8_192;
/** Tokens that show no bytes (the end mark, the frame of a tool call). Held, and not counted on. */
export const UNSEEN_TOKENS = 16;
/** A step that was used up sooner than this was too short: the next is twice as long. */
const STEP_MS_MIN = 1_000;

export interface GrowthTerms {
  readonly request: ChatRequest;
  readonly attempts: readonly PlannedAttempt[];
  readonly set: QuotaSet;
  /** Unix ms by which the generation is over. */
  readonly deadlineAt: number;
}

/** Parameters by which a client asks for reasoning, or hides it. */
const REASONING: ReadonlySet<string> = new Set(['reasoning', 'include_reasoning', 'reasoning_effort']);

const isVisible = ({ features }: ChatRequest): boolean =>
  features.outputModalities.every((modality) => modality === 'text') &&
  !features.parameters.some((name) => REASONING.has(name));

/** A hold grows only in its lease, and no lease outlives a window of its quotas. */
const windowsLast = (set: QuotaSet, deadlineAt: number): boolean =>
  set.quotas.every((quota) => (windowEnd(quota.window, quota.windowStart) ?? Infinity) > deadlineAt);

/** A stream by an own key must not end because credit for the station's capacity, which it does not use, has run out. */
const isOfOneKind = (attempts: readonly PlannedAttempt[]): boolean =>
  attempts.every(({ byok }) => byok === attempts[0]?.byok);

/**
 * Where output is streamed and visible and every endpoint of the plan stops billing on cancel. A client that names a cap wants it held whole: what it asked
 * for is then certain, or refused at once.
 */
export const mayGrow = ({ request, attempts, set, deadlineAt }: GrowthTerms): boolean =>
  request.stream &&
  request.features.maxOutputTokens === undefined &&
  request.choices === 1 &&
  isVisible(request) &&
  isOfOneKind(attempts) &&
  attempts.every((attempt) => !attempt.billsAfterCancel && attempt.showsOutput === true) &&
  windowsLast(set, deadlineAt);

/** The bounds with no more output than so many tokens. */
export const boundsUpTo = (bounds: readonly BoundAttempt[], tokens: number): BoundAttempt[] =>
  bounds.map((bound) => (bound.outputTokens <= tokens ? bound : { ...bound, outputTokens: tokens }));

/** Output tokens that a hold covers, the step by which it last grew, and when that was. */
export interface Cover {
  readonly tokens: number;
  readonly step: number;
  readonly grownAtMs: number;
}

/** The next cover: a step further, a longer one where the last was used up quickly, and never beyond all that can be made. */
export const nextCover = ({ tokens, step, grownAtMs }: Cover, fullTokens: number, nowMs: number): Cover => {
  const next = nowMs - grownAtMs < STEP_MS_MIN ? Math.min(step * 2, STEP_TOKENS_MAX) : step;
  return { tokens: Math.min(tokens + next, fullTokens), step: next, grownAtMs: nowMs };
};
