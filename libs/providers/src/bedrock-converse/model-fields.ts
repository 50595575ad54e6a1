// What Converse has no word for and the makers of the models have: thinking and top_k, in `additionalModelRequestFields`. Which words, the endpoint's `family` says.
import type { GenerationCall } from '@waystation/generation';
import { reasoningEffort, reasoningTokens } from '../fit-call.js';
import type { Losses } from '../losses.js';
import type { Quirks } from '../spec.js';

type Json = Record<string, unknown>;

export interface ModelFields {
  readonly fields: Json;
  readonly maxTokens: number | undefined;
  /** Claude takes no temperature and no top_k while it thinks. */
  readonly thinks: boolean;
}

/** Output tokens that a share of is meant where neither client nor catalog set a limit. */
const OUTPUT_TOKENS_ASSUMED = 8_192;
/** https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html */
const THINKING_TOKENS = { min: 1_024, max: 128_000 } as const;
/** The least that is left to answer with beside the thinking. */
const ANSWER_TOKENS_MIN = 1_024;

interface Asked {
  readonly call: GenerationCall;
  readonly outputTokensMax: number | undefined;
  readonly quirks: Quirks;
  readonly losses: Losses;
}

/** The budget counts into `maxTokens`, so that it must lie below. */
const claudeBudget = ({ call, outputTokensMax, losses }: Asked): ModelFields => {
  const maxTokens = call.maxOutputTokens ?? outputTokensMax ?? OUTPUT_TOKENS_ASSUMED;
  const asked = reasoningTokens(call.reasoning, maxTokens);
  const none = { fields: {}, maxTokens: call.maxOutputTokens, thinks: false };
  if (asked === undefined || asked === 0) return none;
  const room = maxTokens - ANSWER_TOKENS_MIN;
  if (room < THINKING_TOKENS.min) {
    losses.lose('reasoning', 'The limit of output tokens leaves no room to reason; the model was not asked to.');
    return none;
  }
  const budget = Math.min(Math.max(asked, THINKING_TOKENS.min), THINKING_TOKENS.max, room);
  if (call.reasoning?.maxTokens !== undefined && budget < asked) losses.clamp('reasoning.max_tokens', budget);
  if (call.reasoning?.maxTokens !== undefined && budget > asked)
    losses.lose('reasoning.max_tokens', `The endpoint reasons with no less than ${budget} tokens; it was raised.`);
  return { fields: { thinking: { type: 'enabled', budget_tokens: budget } }, maxTokens, thinks: true };
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html: newer models choose for themselves, by effort */
const claudeAdaptive = ({ call, outputTokensMax }: Asked): ModelFields => {
  const { maxOutputTokens: maxTokens, reasoning } = call;
  const effort = reasoningEffort(reasoning, maxTokens ?? outputTokensMax ?? OUTPUT_TOKENS_ASSUMED);
  if (effort === undefined) return { fields: {}, maxTokens, thinks: false };
  if (effort === 'none') return { fields: { thinking: { type: 'disabled' } }, maxTokens, thinks: false };
  const word = effort === 'minimal' ? 'low' : effort;
  return { fields: { thinking: { type: 'adaptive' }, output_config: { effort: word } }, maxTokens, thinks: true };
};

/** Three words for seven. */
const EFFORT_OF_THREE = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
} as const;

const byEffort = (asked: Asked, say: (effort: 'low' | 'medium' | 'high') => Json, sayNot: Json): ModelFields => {
  const { call, outputTokensMax } = asked;
  const { maxOutputTokens: maxTokens, reasoning } = call;
  const effort = reasoningEffort(reasoning, maxTokens ?? outputTokensMax ?? OUTPUT_TOKENS_ASSUMED);
  if (effort === undefined) return { fields: {}, maxTokens, thinks: false };
  return { fields: effort === 'none' ? sayNot : say(EFFORT_OF_THREE[effort]), maxTokens, thinks: false };
};

/** https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html: at the highest effort no limit of output may be set, and we always must be able to. */
const nova = (asked: Asked): ModelFields =>
  byEffort(
    asked,
    (effort) => {
      if (effort === 'high')
        asked.losses.lose('reasoning', 'The endpoint takes no limit of output at high effort; medium was asked for.');
      return { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort === 'high' ? 'medium' : effort } };
    },
    { reasoningConfig: { type: 'disabled' } },
  );

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html */
const gptOss = (asked: Asked): ModelFields =>
  byEffort(asked, (effort) => ({ reasoning_effort: effort }), { reasoning_effort: 'low' });

const reasoningFields = (asked: Asked): ModelFields => {
  switch (asked.quirks['family']) {
    case 'claude':
      return asked.quirks['thinking'] === 'adaptive' ? claudeAdaptive(asked) : claudeBudget(asked);
    case 'nova':
      return nova(asked);
    case 'gpt-oss':
      return gptOss(asked);
    default:
      if (asked.call.reasoning?.effort !== undefined || asked.call.reasoning?.maxTokens !== undefined)
        asked.losses.leaveOut('reasoning');
      return { fields: {}, maxTokens: asked.call.maxOutputTokens, thinks: false };
  }
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html, https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html */
const topKFields = (topK: number | undefined, thinks: boolean, { quirks, losses }: Asked): Json => {
  if (topK === undefined) return {};
  if (quirks['family'] === 'claude' && !thinks) return { top_k: topK };
  if (quirks['family'] === 'nova') return { inferenceConfig: { topK } };
  losses.leaveOut('top_k');
  return {};
};

export const modelFieldsOf = (asked: Asked): ModelFields => {
  const reasoning = reasoningFields(asked);
  return {
    ...reasoning,
    fields: { ...reasoning.fields, ...topKFields(asked.call.sampling.topK, reasoning.thinks, asked) },
  };
};
