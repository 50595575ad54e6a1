// What the witnesses said of an attempt, and what follows from it. The ingress knows best what the client got; the usage comes from whoever read the
// provider's answer to the end. Order and repetition of testimony do not matter: each part is kept from its best source.
import { outputTokens, type Outcome, type Usage, type UsageSource } from '@waystation/generation';

/** From weakest to strongest. */
const OUTCOME_SOURCES = ['nobody', 'worker', 'ingress'] as const;
const USAGE_SOURCES = ['nobody', 'progress', 'worker', 'ingress'] as const;
export type OutcomeWitness = (typeof OUTCOME_SOURCES)[number];
export type UsageWitness = (typeof USAGE_SOURCES)[number];

export interface Evidence {
  readonly outcomeBy: OutcomeWitness;
  readonly outcome: Outcome;
  /** Whether the client got output of it. Only the ingress knows. */
  readonly served: boolean;
  readonly usageBy: UsageWitness;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  /** The tier that served. Comes with the usage. */
  readonly serviceTier?: string | undefined;
  /** Orders progress lines. */
  readonly sequence: number;
  /** Output tokens that the client got, where the ingress counted them itself. What is charged without a final count is no less. */
  readonly delivered: number;
}

/** Nothing known but that it began. */
export const NO_EVIDENCE: Evidence = {
  outcomeBy: 'nobody',
  outcome: 'failed-before-output',
  served: false,
  usageBy: 'nobody',
  usage: {},
  usageSource: 'estimated',
  sequence: 0,
  delivered: 0,
};

const isBetterOutcome = (a: Evidence, b: Evidence): boolean =>
  OUTCOME_SOURCES.indexOf(a.outcomeBy) > OUTCOME_SOURCES.indexOf(b.outcomeBy);

const isBetterUsage = (a: Evidence, b: Evidence): boolean => {
  const rank = USAGE_SOURCES.indexOf(a.usageBy) - USAGE_SOURCES.indexOf(b.usageBy);
  return rank === 0 ? a.usageBy === 'progress' && a.sequence > b.sequence : rank > 0;
};

/** What is known from both. Between equals the first stands. */
export const merge = (known: Evidence, heard: Evidence): Evidence => {
  const { outcomeBy, outcome, served } = isBetterOutcome(heard, known) ? heard : known;
  const { usageBy, usage, usageSource, serviceTier, sequence } = isBetterUsage(heard, known) ? heard : known;
  const delivered = Math.max(known.delivered, heard.delivered);
  return {
    ...{ outcomeBy, outcome, served, usageBy, usage, usageSource, sequence, delivered },
    ...(serviceTier === undefined ? {} : { serviceTier }),
  };
};

/** Whether hearing this would change what is known. */
export const addsTo = (known: Evidence, heard: Evidence): boolean =>
  isBetterOutcome(heard, known) || isBetterUsage(heard, known) || heard.delivered > known.delivered;

/** Nothing better can come: it settles at once. */
export const isComplete = (evidence: Evidence): boolean =>
  evidence.outcomeBy === 'ingress' && (evidence.usageBy === 'ingress' || evidence.usageBy === 'worker');

/** The usage with no less output than was delivered. */
const withDelivered = (usage: Usage, delivered: number): Usage => {
  const missing = delivered - outputTokens(usage);
  return missing > 0 ? { ...usage, output: (usage['output'] ?? 0) + missing } : usage;
};

/**
 * What is charged from, when no more is waited for. Without the ingress, an attempt that produced output counts as delivered; unless the ingress went on without
 * it (`wentOnWithout`: it has closed the generation, or begun a later attempt): then another attempt serves the client. Without a final count, the last progress stands, as an estimate,
 * and the ingress's own count of what it delivered where that is more: a worker that is lost takes up to two seconds of progress with it. A prompt that nobody told
 * of is not charged: what the tokenizer makes of it may be more than the provider did.
 */
export const conclude = (
  evidence: Evidence,
  wentOnWithout: boolean,
): {
  readonly outcome: Outcome;
  readonly served: boolean;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
} => {
  const { outcomeBy, usageBy, usage } = evidence;
  const isFinal = usageBy === 'ingress' || usageBy === 'worker';
  const hasOutput = outputTokens(usage) > 0;
  return {
    outcome: outcomeBy === 'nobody' && hasOutput ? 'failed-after-output' : evidence.outcome,
    served: outcomeBy === 'ingress' ? evidence.served : hasOutput && !wentOnWithout,
    usage: isFinal ? usage : withDelivered(usage, evidence.delivered),
    usageSource: isFinal ? evidence.usageSource : 'estimated',
  };
};
