// Which money an attempt stands on and whose it is: what every witness of it says alike. Kept with an attempt that waits, and written with its charge.
import { z } from 'zod';
import type { Identity, MoneyLine } from '@waystation/contracts';

export const backing = z.object({
  generationId: z.string(),
  attemptId: z.string(),
  workspaceId: z.string(),
  keyHash: z.string(),
  memberId: z.string().optional(),
  endUserId: z.string().optional(),
  sessionId: z.string().optional(),
  appReferer: z.string().optional(),
  appTitle: z.string().optional(),
  /** Sorted, each once, at least one. */
  tags: z.array(z.string()).optional(),
  provider: z.string(),
  endpointId: z.string(),
  model: z.string(),
  leaseId: z.string().optional(),
  /** Picodollars as text. */
  hold: z.string(),
  /** 1 where the attempt stands for its generation's request. */
  requests: z.number().optional(),
  /** Tokens held for it. */
  holdTokens: z.number().optional(),
  quotaSet: z.array(z.string()),
  priceVersion: z.string(),
  byok: z.boolean(),
  /** Parts per million on top of what it costs. */
  surchargePpm: z.number().optional(),
});
export type Backing = z.infer<typeof backing>;

type AttemptLine = Extract<MoneyLine, { kind: 'attempt.started' | 'attempt.finished' }>;
type Summary = Extract<MoneyLine, { kind: 'generation.finished' }>['attempts'][number];

/** Postgres holds no U+0000, and a user id or a title may. */
const stored = (text: string): string => text.replaceAll('\0', '\uFFFD');

/** A call that names a tag twice carries it once. */
const tagsOf = ({ tags = [] }: Identity): Pick<Backing, 'tags'> =>
  tags.length === 0 ? {} : { tags: [...new Set(tags.map(stored))].sort() };
/** What a witness says is held. */
export type Held = Partial<Pick<Backing, 'hold' | 'holdTokens'>>;

/** Holds only grow: of two witnesses the one that knows of more is right. Money as text, without leading zeros. */
export const withHold = (known: Backing, { hold = known.hold, holdTokens = 0 }: Held): Backing => {
  const isMore = hold !== known.hold && BigInt(hold) > BigInt(known.hold);
  const areMore = holdTokens > (known.holdTokens ?? 0);
  return isMore || areMore ? { ...known, ...(isMore ? { hold } : {}), ...(areMore ? { holdTokens } : {}) } : known;
};

export const backingOf = (generationId: string, identity: Identity, attempt: AttemptLine | Summary): Backing => ({
  generationId,
  attemptId: attempt.attemptId,
  workspaceId: identity.workspaceId,
  keyHash: identity.keyHash,
  ...(identity.memberId === undefined ? {} : { memberId: stored(identity.memberId) }),
  ...(identity.endUserId === undefined ? {} : { endUserId: stored(identity.endUserId) }),
  ...(identity.sessionId === undefined ? {} : { sessionId: stored(identity.sessionId) }),
  ...(identity.app?.referer === undefined ? {} : { appReferer: stored(identity.app.referer) }),
  ...(identity.app?.title === undefined ? {} : { appTitle: stored(identity.app.title) }),
  ...tagsOf(identity),
  provider: attempt.provider,
  endpointId: attempt.endpointId,
  model: attempt.model,
  ...(attempt.leaseId === undefined ? {} : { leaseId: attempt.leaseId }),
  hold: attempt.holdPicodollars,
  ...(attempt.requests === undefined ? {} : { requests: attempt.requests }),
  ...(attempt.holdTokens === undefined ? {} : { holdTokens: attempt.holdTokens }),
  quotaSet: attempt.quotaSet,
  priceVersion: attempt.priceVersion,
  byok: attempt.byok,
  ...(attempt.surchargePpm === undefined ? {} : { surchargePpm: attempt.surchargePpm }),
});
