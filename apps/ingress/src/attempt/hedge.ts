// Whether, after how long and where a second endpoint is asked beside the first. Pure.
// Invariant: only what may be repeated, and only where the loser costs the station a prompt at most and the customer nothing.
import { WaystationError } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import type { GenerationRequest } from '../generate/generation.js';
import type { BoundAttempt } from '../hold/bound-plan.js';

/** Text that is written once; jobs, and answers that are more than text, are not made twice. */
const APIS: ReadonlySet<string> = new Set(['chat', 'completions', 'responses', 'messages']);

export interface Hedge {
  /** Undefined: one endpoint at a time. */
  readonly afterMs?: number;
  readonly warning?: Warning;
}

const HEADER = 'x-waystation-hedge';
const warn = (code: Warning['code'], message: string): Warning => ({ code, message, field: HEADER });
const alone = (why: string): Hedge => ({ warning: warn('other', `One endpoint is asked at a time: ${why}.`) });

/**
 * What becomes of the wish for a second endpoint.
 * @param afterMsMin what the station allows at least; undefined: it allows none
 */
export const hedgeOf = (
  {
    hedgeAfterMs,
    idempotencyKey,
    request: { features },
  }: Pick<GenerationRequest, 'hedgeAfterMs' | 'idempotencyKey' | 'request'>,
  afterMsMin: number | undefined,
): Hedge => {
  if (hedgeAfterMs === undefined) return {};
  if (afterMsMin === undefined) return alone('this station does not hedge');
  if (idempotencyKey !== undefined) return alone('the request has an Idempotency-Key');
  if (!APIS.has(features.api) || features.outputModalities.some((modality) => modality !== 'text'))
    return alone('only text is asked for twice');
  if (hedgeAfterMs >= afterMsMin) return { afterMs: hedgeAfterMs };
  return {
    afterMs: afterMsMin,
    warning: warn('clamped', `A second endpoint is asked after ${afterMsMin} ms, and no sooner.`),
  };
};

/** Longer than this no stream is silent that still comes. */
const AFTER_MS_MAX = 60_000;

/** `X-Waystation-Hedge: 800`. Undefined where there is no such header. @throws WaystationError `invalid_request` */
export const readHedge = (header: string | undefined): number | undefined => {
  if (header === undefined) return undefined;
  const afterMs = /^[1-9]\d{0,4}$/.test(header.trim()) ? Number(header) : Infinity;
  if (afterMs > AFTER_MS_MAX)
    throw new WaystationError(
      'invalid_request',
      `${HEADER}: milliseconds from 1 to ${AFTER_MS_MAX} are expected, received ${JSON.stringify(header.slice(0, 80))}`,
      { details: { field: HEADER } },
    );
  return afterMs;
};

/** An own key would be billed for both, and a provider that bills on after a cancel would have to be paid whole. */
const mayLose = ({ attempt }: BoundAttempt): boolean => !attempt.byok && !attempt.billsAfterCancel;

/** The next endpoint of the same model that may be asked beside `first`. */
export const secondOf = (first: BoundAttempt, later: readonly BoundAttempt[]): BoundAttempt | undefined =>
  mayLose(first)
    ? later.find(
        (bound) =>
          mayLose(bound) &&
          bound.attempt.model === first.attempt.model &&
          bound.attempt.endpointId !== first.attempt.endpointId,
      )
    : undefined;
