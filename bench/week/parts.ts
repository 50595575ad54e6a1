// The product's own pieces that stand in applications: what is measured gives them, built, and what tests gives them from the sources. Libraries are imported where they are needed.
import type * as NextSteps from '../../apps/ingress/src/attempt/next-step.js';
import type * as RetryBudgets from '../../apps/ingress/src/attempt/retry-budget.js';
import type * as OpenaiChats from '../../apps/sandbox/src/dialects/openai-chat/openai-chat.js';
import type * as Replies from '../../apps/sandbox/src/reply/plan-reply.js';
import type * as PromptCaches from '../../apps/sandbox/src/reply/prompt-cache.js';
import type * as Scripts from '../../apps/sandbox/src/script/script.js';
import type * as EndpointHealths from '../../apps/worker/src/health/endpoint-health.js';

export interface Parts {
  /** Of the ingress. */
  readonly nextStep: (typeof NextSteps)['nextStep'];
  readonly createRetryBudget: (typeof RetryBudgets)['createRetryBudget'];
  /** Of the worker. */
  readonly EndpointHealth: (typeof EndpointHealths)['EndpointHealth'];
  /** Of the sandbox. */
  readonly scriptOf: (typeof Scripts)['scriptOf'];
  readonly planReply: (typeof Replies)['planReply'];
  readonly createPromptCache: (typeof PromptCaches)['createPromptCache'];
  readonly sandboxDialect: (typeof OpenaiChats)['openaiChat'];
}
