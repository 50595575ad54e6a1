// The plugin context-compression: where the plan's endpoints take less than the prompt has, the prompt is shortened, read again and planned again, so that plan and hold are of
// what is sent. Invariant: what goes out fits by the estimate that routing goes by, or the request is refused.
import { WaystationError, type PlannedAttempt, type RoutePlanReply } from '@waystation/contracts';
import type { ChatRequest } from '@waystation/dialects';
import type { Generation } from '../generate/generation.js';
import { readAgain } from '../generate/read-again.js';

/** Held free for the answer where the client does not say how long it may be. */
const OUTPUT_TOKENS = 1_024;
/** The estimate may be too low: of the room that is there, so much is filled. */
const FILLED = 0.8;
/** Messages that an endpoint takes, by its dialect. The reference API, section 9. */
const MESSAGES_MAX: ReadonlyMap<string, number> = new Map([['anthropic-messages', 1_000]]);

const roomIn = ({ context }: PlannedAttempt, { features }: ChatRequest, unsaid: number): number =>
  context - Math.min(features.maxOutputTokens ?? unsaid, Math.floor(context / 2));

const messagesMaxOf = (attempts: readonly PlannedAttempt[], { features }: ChatRequest): number | undefined => {
  if (features.compression !== 'always') return undefined;
  const most = Math.min(...attempts.map(({ dialect }) => MESSAGES_MAX.get(dialect) ?? Infinity));
  return features.messageCount > most ? most : undefined;
};

/** Whether it is too long for the endpoint that is tried first. */
const isTooLong = (first: PlannedAttempt, request: ChatRequest): boolean => {
  const { inputTokensEstimate: tokens, compression } = request.features;
  return compression === 'always' ? tokens > roomIn(first, request, 0) : tokens > first.context;
};

const cannot = (tokens: number, target: number): WaystationError =>
  new WaystationError(
    'context_length_exceeded',
    `The prompt has about ${tokens} tokens, and cannot be shortened to the ${target} that the endpoint has room for: what has to be kept of it is longer. Shorten the system prompt, the first or the last message, or max_tokens.`,
  );

/**
 * Undefined where nothing has to be shortened.
 * @param plan again, of the generation's new request
 * @throws WaystationError `context_length_exceeded`, and what planning throws
 */
export const compressPrompt = (
  generation: Generation,
  { attempts }: RoutePlanReply,
  plan: () => Promise<RoutePlanReply>,
): Promise<RoutePlanReply> | undefined => {
  const { request, dialect, body } = generation;
  const [first] = attempts;
  if (request.features.compression === undefined || first === undefined || body.bytes === undefined) return undefined;
  const messagesMax = messagesMaxOf(attempts, request);
  const tooLong = isTooLong(first, request);
  if ((!tooLong && messagesMax === undefined) || !('shorten' in dialect)) return undefined;

  const before = request.features;
  const room = Math.min(...attempts.map((attempt) => roomIn(attempt, request, OUTPUT_TOKENS)));
  const target = tooLong ? Math.floor(room * FILLED) : before.inputTokensEstimate;
  const shorter = dialect.shorten(body.bytes, { tokens: before.inputTokensEstimate - target, messagesMax });
  if (shorter === undefined) throw cannot(before.inputTokensEstimate, target);
  const reread = readAgain(generation, shorter);
  // What is short enough now is not shortened again.
  const again = { ...reread, features: { ...reread.features, compression: undefined } };
  if (again.features.inputTokensEstimate > target) throw cannot(before.inputTokensEstimate, target);

  body.bytes = shorter;
  generation.request = again;
  const data = {
    tokensBefore: before.inputTokensEstimate,
    tokensAfter: again.features.inputTokensEstimate,
    messagesBefore: before.messageCount,
    messagesAfter: again.features.messageCount,
  };
  const summary = `The prompt was shortened out of its middle, from about ${data.tokensBefore} tokens in ${data.messagesBefore} messages to ${data.tokensAfter} in ${data.messagesAfter}.`;
  generation.pipeline.push({ type: 'context_compression', name: 'context-compression', summary, data });
  generation.warnings.push({ code: 'other', message: summary, field: 'messages' });
  return plan();
};
