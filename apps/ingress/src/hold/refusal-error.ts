// A refused lease → the error a client understands: which quota, what was asked, what is left, and whether waiting helps.
import {
  WaystationError,
  formatUsd,
  type ErrorCode,
  type ErrorDetails,
  type LeaseRefusal,
} from '@waystation/contracts';

export interface RefusalContext {
  /** Output tokens that the request could have made, and how many the remaining credit buys. */
  readonly outputTokens: number;
  readonly affordableTokens: number;
}

const amount = (refusal: LeaseRefusal, text: string): string =>
  refusal.metric === 'usd' ? `$${formatUsd(BigInt(text))}` : `${text} ${refusal.metric}`;

const nameOf = ({ scope, window, guardrailId }: LeaseRefusal): string => {
  if (scope === 'wallet') return 'the credits of this workspace';
  return guardrailId === undefined
    ? `the ${window} limit of this ${scope}`
    : `the ${window} budget of guardrail ${guardrailId}`;
};

const CODES: Readonly<Record<LeaseRefusal['code'], ErrorCode>> = {
  limit_exceeded: 'limit_exceeded',
  insufficient_credits: 'insufficient_credits',
  in_flight: 'in_flight',
  rate_limited: 'rate_limited',
  workspace_suspended: 'workspace_suspended',
};

const sentences = (refusal: LeaseRefusal, context: RefusalContext): string[] => {
  const need = `It needs up to ${amount(refusal, refusal.asked)} of ${nameOf(refusal)}; ${amount(refusal, refusal.left)} is left${refusal.limit === undefined ? '' : ` of ${amount(refusal, refusal.limit)}`}.`;
  switch (refusal.code) {
    case 'workspace_suspended':
      return ['This workspace is suspended.'];
    case 'rate_limited':
      return [`Rate limit exceeded: ${refusal.quotaId}.`, need];
    case 'in_flight':
      return ['The remaining credit is held by requests that are still running; try again when they are done.', need];
    case 'limit_exceeded':
    case 'insufficient_credits':
      return context.affordableTokens > 0
        ? [
            `This request requires more credits, or fewer max_tokens. You requested up to ${context.outputTokens} tokens, but can only afford ${context.affordableTokens}.`,
            need,
          ]
        : ['Insufficient credits.', need];
    default: {
      const unreachable: never = refusal.code;
      return unreachable;
    }
  }
};

const REMEDIES: Readonly<Record<LeaseRefusal['code'], string>> = {
  limit_exceeded: 'raise the limit, wait for its reset, or use another key',
  insufficient_credits: 'add credits to the workspace, or ask for fewer tokens',
  in_flight: 'wait for running requests to finish',
  rate_limited: 'slow down',
  workspace_suspended: 'ask the operator',
};

const detailsOf = (refusal: LeaseRefusal): ErrorDetails => ({
  limitSource: refusal.scope === 'wallet' ? 'waystation_credits' : `waystation_${refusal.scope}_limit`,
  remedyHint: REMEDIES[refusal.code],
  providerName: null,
  quota: {
    id: refusal.quotaId,
    scope: refusal.scope,
    ...(refusal.guardrailId === undefined ? {} : { guardrailId: refusal.guardrailId }),
    metric: refusal.metric,
    window: refusal.window,
    asked: amountText(refusal, refusal.asked),
    left: amountText(refusal, refusal.left),
    ...(refusal.limit === undefined ? {} : { limit: amountText(refusal, refusal.limit) }),
    ...(refusal.resetsAt === undefined ? {} : { resetsAt: new Date(refusal.resetsAt).toISOString() }),
  },
});

/** Why a stream that runs gets no more. Part of what is held is its own, so that waiting for it is no advice. */
export const exhaustedError = (refusal: LeaseRefusal): WaystationError => {
  const spent = refusal.scope === 'wallet' ? 'insufficient_credits' : 'limit_exceeded';
  const told: LeaseRefusal = refusal.code === 'in_flight' ? { ...refusal, code: spent } : refusal;
  return new WaystationError(
    CODES[told.code],
    `The output ends here: it could ${told.metric === 'tokens' ? 'take more tokens than are' : 'cost more than is'} held for it, and of ${nameOf(told)} only ${amount(told, told.left)} is left.`,
    { details: detailsOf(told) },
  );
};

export const refusalError = (refusal: LeaseRefusal, context: RefusalContext): WaystationError =>
  new WaystationError(CODES[refusal.code], sentences(refusal, context).join(' '), {
    details: detailsOf(refusal),
    ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
  });

/** USD as decimal text, counts as they are. */
const amountText = (refusal: LeaseRefusal, text: string): string =>
  refusal.metric === 'usd' ? formatUsd(BigInt(text)) : text;
