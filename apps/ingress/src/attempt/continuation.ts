// Whether, where and with what a stream that broke off is continued. Pure.
// Invariants: only where the client asked for it; only text; only at an endpoint of the same model that is said to go on with an assistant's words.
import { WaystationError } from '@waystation/contracts';
import { withAssistantText } from '@waystation/dialects';
import { outputTokens, type Warning } from '@waystation/generation';
import { readAgain } from '../generate/read-again.js';
import type { AttemptRecord, Generation, GenerationRequest } from '../generate/generation.js';
import { boundAttempts, type BoundAttempt } from '../hold/bound-plan.js';

const HEADER = 'x-waystation-continue';

/** `X-Waystation-Continue: 1`. @throws WaystationError `invalid_request` */
export const readContinue = (header: string | undefined): boolean => {
  const said = header?.trim();
  if (said === undefined || said === '0') return false;
  if (said === '1') return true;
  throw new WaystationError(
    'invalid_request',
    `${HEADER}: 1 or 0 is expected, received ${JSON.stringify(said.slice(0, 80))}`,
    { details: { field: HEADER } },
  );
};

/** Parameters whose answers are of one piece. */
const OF_ONE_PIECE: ReadonlySet<string> = new Set([
  'response_format',
  'structured_outputs',
  'logprobs',
  'top_logprobs',
]);

/** Why a wish cannot be met, whatever comes; undefined where it can. */
export const whyNotContinued = (
  { request, dialect }: Pick<GenerationRequest, 'request' | 'dialect'>,
  isScreened: boolean,
): string | undefined => {
  const { choices, stream, features } = request;
  if (!stream || !('joint' in dialect)) return 'only streams of chat completions and messages are';
  if (choices !== 1) return 'only one completion is';
  if (features.outputModalities.some((modality) => modality !== 'text')) return 'only text is';
  if (features.parameters.some((name) => OF_ONE_PIECE.has(name))) return 'what is asked for is of one piece';
  return isScreened ? 'content filters look at the answer' : undefined;
};

export const notContinued = (why: string): Warning => ({
  code: 'other',
  message: `A stream that breaks off is not continued: ${why}.`,
  field: HEADER,
});

/** The next endpoint that may go on: of the same model, and said to do so. Where nothing is said it does not. */
export const continuerOf = (broken: BoundAttempt, later: Iterable<BoundAttempt>): BoundAttempt | undefined => {
  for (const bound of later) {
    const { model, endpointId, quirks } = bound.attempt;
    if (model !== broken.attempt.model || endpointId === broken.attempt.endpointId) continue;
    if (quirks?.['continues'] === true) return bound;
  }
  return undefined;
};

/** Output of an attempt that went out, as far as anybody here knows. */
export const saidTokens = ({ usage, deliveredTokens = 0 }: AttemptRecord): number =>
  usage === 'pending' ? deliveredTokens : outputTokens(usage);

export interface Continuation {
  readonly bound: BoundAttempt;
  readonly request: Generation['request'];
  readonly body: Buffer;
}

/** The request with the text so far behind it, and what it can cost at most: what was said is taken from what may be. Undefined where the request cannot be put so. */
export const continuationOf = (
  generation: Generation,
  { attempt, outputTokens: most }: BoundAttempt,
  text: string,
  said: number,
): Continuation | undefined => {
  const body = generation.body.bytes === undefined ? undefined : withAssistantText(generation.body.bytes, text);
  if (body === undefined) return undefined;
  const request = readAgain(generation, body);
  const [bound] = boundAttempts(request, [attempt], most);
  if (bound === undefined) return undefined;
  return { request, body, bound: { ...bound, outputTokens: Math.max(1, Math.min(bound.outputTokens, most - said)) } };
};
