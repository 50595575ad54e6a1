// One generation in flight: what was asked, by whom, and what became known of it so far. Made by `generate`, written to by its parts, read by `finish`.
import {
  attemptIdOf,
  type AttemptEnd,
  type DecisionRecorded,
  type ErrorCode,
  type Identity,
  type PlannedAttempt,
  type RoutePlanReply,
  type RoutePlanRequest,
  type WaystationError,
} from '@waystation/contracts';
import type { ChatRequest, FileNote, JobDialect, PublicDialect } from '@waystation/dialects';
import type { Outcome, Usage, UsageSource, Warning } from '@waystation/generation';
import type { Billed } from './bill-generation.js';
import type { OpenSpan } from '@waystation/runtime';
import type { PipelineStage } from './metadata.js';
import type { Verdicts } from '../screen/verdicts.js';
import type { Caller } from '../auth/caller.js';
import type { GiveUp } from './give-up.js';
import type { AnswerHead, Delivery } from '../deliver/delivery.js';
import type { JoinableStream } from '../deliver/joinable-stream.js';
import type { PlanHold } from '../hold/take-hold.js';
import type { PresetUse } from '../presets/use-preset.js';
import type { CacheWish } from '../replay/cache-wish.js';
import type { Choice } from '../tasks/choose-for-task.js';

/** The client's own bytes. Let go when output came: no other attempt will need them, and streams can be long. */
export interface RequestBody {
  bytes: Buffer | undefined;
}

/** What the HTTP edge hands over. */
export interface GenerationRequest {
  readonly generationId: string;
  readonly requestId: string;
  readonly caller: Caller;
  readonly request: ChatRequest;
  /** That the client speaks. */
  readonly dialect: PublicDialect | JobDialect;
  readonly body: RequestBody;
  /** What the answer's headers say; the hold may add to it. */
  readonly head: AnswerHead;
  readonly userAgent?: string | undefined;
  /** Where it is traced. */
  readonly trace?: OpenSpan | undefined;
  /** The client's own name for the request: with it, the request is run once. */
  readonly idempotencyKey?: string | undefined;
  /** The client wants to be told how it was routed. */
  readonly wantsMetadata?: boolean;
  /** Why its routing decision is kept with it. Absent: it is not. */
  readonly keepsDecision?: DecisionRecorded['because'] | undefined;
  readonly app?: Identity['app'] | undefined;
  readonly tags?: Identity['tags'] | undefined;
  /** Without a first byte for so many milliseconds a second endpoint is asked, too. */
  readonly hedgeAfterMs?: number | undefined;
  /** Where its stream breaks off another endpoint is to go on with it. */
  readonly continues?: boolean;
  /** Whose settings stand in the request. */
  readonly preset?: PresetUse | undefined;
  /** What the client says that it is about. */
  readonly task?: string | undefined;
  /** The client takes an answer that was given before, and lets its own be kept. */
  readonly cache?: CacheWish | undefined;
  /** Told once, when the answer was delivered whole. Must not throw. */
  readonly answered?: ((generation: Generation) => void) | undefined;
}

/** One try at one endpoint, as it goes into the journal. */
export interface AttemptRecord {
  readonly attemptId: string;
  readonly planned: PlannedAttempt;
  readonly startedMs: number;
  worker?: string | undefined;
  /** Whether it can have reached the provider. */
  dispatched: boolean;
  /** 1 where it stands for the generation in quotas that count requests. */
  readonly requests: number;
  outcome: Outcome;
  errorCode?: ErrorCode | undefined;
  errorMessage?: string | undefined;
  usage: Usage | 'pending';
  usageSource: UsageSource;
  /** Output tokens that went to the client, where its usage is not known here. */
  deliveredTokens?: number | undefined;
  /** That it was served at, as far as anybody said. */
  serviceTier?: string | undefined;
  upstreamStatus?: number | undefined;
  latencyMs?: number | undefined;
  durationMs?: number | undefined;
  /** Of its own, beside that of the plan. */
  hold?: PlanHold | undefined;
}

export interface Generation extends Omit<GenerationRequest, 'request'> {
  /** As it is sent: a plugin may have changed body and request. */
  request: ChatRequest;
  readonly identity: Identity;
  /** Content filters may stand before the one that it began with. */
  delivery: Delivery;
  readonly createdAt: number;
  /** Monotonic ms. */
  readonly startedMs: number;
  /** Tries that were begun; those that are over are in `attempts`. */
  begun: number;
  /** Unix ms after which it is given up. */
  readonly deadlineAt: number;
  /** Why it was given up from our side: the client left, or the process ends. */
  readonly giveUp: GiveUp;
  readonly attempts: AttemptRecord[];
  readonly warnings: Warning[];
  /** What this station did to request or answer, in order. */
  readonly pipeline: PipelineStage[];
  /** What content filters found, in prompt and answer. */
  readonly verdicts: Verdicts;
  /** Why its answer is not given, where a content filter stopped it. */
  blocked: WaystationError | undefined;
  /** Of files that were read for it, to be told with the answer. */
  fileNotes: readonly FileNote[] | undefined;
  /** The models in the place of a router's name, where the request has one. */
  choice: Choice | undefined;
  plan: RoutePlanReply | undefined;
  /** What the plan was asked for with: what is sent may have been changed since. */
  planAsked: RoutePlanRequest | undefined;
  /** The end of the attempt that served, where it came. */
  end: AttemptEnd | undefined;
  served: AttemptRecord | undefined;
  /** What was charged for it, once that is known here. */
  billed: Billed | undefined;
  /** Why it ended without an answer. */
  failure: WaystationError | undefined;
  /** When the plan was there, and then the hold, on the clock of `startedMs`. */
  plannedMs: number | undefined;
  heldMs: number | undefined;
  /** What broke off before, where `served` went on with its text. */
  continuedFrom: AttemptRecord | undefined;
  /** Set where a stream that breaks off may be continued. */
  joinable: JoinableStream | undefined;
  /** From accept of the request to the first byte of output. */
  firstByteMs: number | undefined;
}

/** Each is given once. */
export const nextAttemptId = (generation: Generation): string => {
  generation.begun += 1;
  return attemptIdOf(generation.generationId, generation.begun - 1);
};

export const identityOf = ({ caller, request, app, tags }: GenerationRequest): Identity => ({
  workspaceId: caller.workspace.id,
  keyHash: caller.key.hash,
  memberId: caller.key.memberId,
  endUserId: request.endUserId,
  sessionId: request.sessionId,
  app,
  tags,
});
