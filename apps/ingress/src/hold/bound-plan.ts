// What a plan may cost at most: the hold. One endpoint call never costs more, because the output cap that is held for is the one sent upstream.
import { boundCost } from '@waystation/catalog';
import type { ChatRequest } from '@waystation/dialects';
import type { PlannedAttempt } from '@waystation/contracts';
import { PIECE_CLASSES } from '@waystation/generation';
import { surchargeOf } from '@waystation/ledger';
import type { Amounts } from './amounts.js';
import type { QuotaSet } from './lease-pool.js';

/** Output cap where neither client nor workspace sets one. */
export const DEFAULT_OUTPUT_TOKENS = 16_384;
/** Below this many tokens an answer is worth nothing; some providers refuse less. */
export const OUTPUT_TOKENS_MIN = 16;

/** An endpoint, the most prompt it can be billed for, and the most output it may make for each choice. */
export interface BoundAttempt {
  readonly attempt: PlannedAttempt;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const inputBound = (request: ChatRequest, attempt: PlannedAttempt): number =>
  Math.min(request.inputTokensMax, attempt.context * (request.inputs ?? 1));

/** What fits behind the prompt. The bound on the prompt is generous; where it leaves too little room, the estimate with a margin decides. */
const roomForOutput = (request: ChatRequest, attempt: PlannedAttempt): number => {
  const byBound = attempt.context - request.inputTokensMax;
  const byEstimate = attempt.context - Math.ceil(request.features.inputTokensEstimate * 1.5);
  return Math.max(OUTPUT_TOKENS_MIN, byBound >= DEFAULT_OUTPUT_TOKENS ? byBound : byEstimate);
};

/**
 * The bound of each endpoint of the plan.
 * @param policyCap the cap of the policy, or a lower one that the credit buys; applied where the client set none
 */
export const boundAttempts = (
  request: ChatRequest,
  attempts: readonly PlannedAttempt[],
  policyCap: number,
): BoundAttempt[] =>
  attempts.map((attempt) => {
    const asked = request.outputTokensMax ?? request.features.maxOutputTokens;
    const most = Math.min(attempt.maxOutput ?? attempt.context, attempt.context);
    const outputTokens =
      asked === undefined ? Math.min(policyCap, most, roomForOutput(request, attempt)) : Math.min(asked, most);
    return { attempt, inputTokens: inputBound(request, attempt), outputTokens };
  });

const ONE_OF_EACH = Object.fromEntries(PIECE_CLASSES.map((name) => [name, 1]));

/** Whether no call of the endpoint ever costs anything. */
export const costsNothing = ({ price }: Pick<PlannedAttempt, 'price'>): boolean =>
  boundCost(price, { inputTokens: 1, outputTokens: 1, pieces: ONE_OF_EACH }) === 0n;

/**
 * The dearest endpoint of the plan decides, of ours and of those with an own key each, with what the workspace pays on top. Amounts that no quota of the set meters
 * are zero.
 */
export const amountsOf = (
  bounds: readonly BoundAttempt[],
  {
    choices,
    inputImages,
    pieces: named,
    features,
  }: Pick<ChatRequest, 'choices' | 'inputImages' | 'pieces' | 'features'>,
  set: QuotaSet,
): Amounts => {
  // Where images are made and paid by the piece, a completion is taken to make one.
  const pieces = { inputImages, outputImages: features.outputModalities.includes('image') ? choices : 0, ...named };
  let usd = 0n;
  let byok = 0n;
  let tokens = 0;
  for (const { attempt, inputTokens, outputTokens } of bounds) {
    const cost = boundCost(
      attempt.price,
      { inputTokens, outputTokens: outputTokens * choices, pieces },
      features.serviceTier || undefined,
    );
    const onTop = surchargeOf(cost, attempt.surchargePpm ?? 0);
    const credits = attempt.byok ? onTop : cost + onTop;
    if (credits > usd) usd = credits;
    if (attempt.byok && cost > byok) byok = cost;
    tokens = Math.max(tokens, inputTokens + outputTokens * choices);
  }
  return {
    usd,
    byok: set.metersByok ? byok : 0n,
    requests: set.metersRequests ? 1 : 0,
    tokens: set.metersTokens ? tokens : 0,
  };
};

/** The highest output cap whose hold fits; 0 where not even the smallest does. */
export const affordableCap = (
  request: ChatRequest,
  attempts: readonly PlannedAttempt[],
  set: QuotaSet,
  fits: (hold: Amounts) => boolean,
  policyCap: number,
): number => {
  const holdAt = (cap: number): Amounts => amountsOf(boundAttempts(request, attempts, cap), request, set);
  let low = 0;
  let high = policyCap;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(holdAt(middle))) low = middle;
    else high = middle - 1;
  }
  return low >= OUTPUT_TOKENS_MIN ? low : 0;
};
