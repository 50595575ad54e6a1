// Walks the plan: the next endpoint while the client has seen nothing, another worker while nothing was dispatched, and nothing after the first output, but for one continuation where the client asked for it.
// Every try has its own attempt id and its own record; the number of tries is bounded.
import type { Bus } from '@waystation/bus';
import { WaystationError, type AttemptRunRequest, type ErrorDetails } from '@waystation/contracts';
import { usedUp } from '../generate/availability.js';
import type { AttemptRecord, Generation } from '../generate/generation.js';
import type { BoundAttempt } from '../hold/bound-plan.js';
import { NOTHING } from '../hold/amounts.js';
import { holdOf, type PlanHold } from '../hold/take-hold.js';
import { beginSecond, beginTry, type Start } from './begin-try.js';
import { continuationOf, continuerOf, saidTokens } from './continuation.js';
import { secondOf } from './hedge.js';
import { nextStep } from './next-step.js';
import { openAttempt, type Lane, type Try } from './open-attempt.js';
import { raceAttempts, type Entrant, type Raced } from './race-attempts.js';
import { failureOf, recordBeside, recordOf } from './record-try.js';
import type { RetryBudget } from './retry-budget.js';

/** Tries at one endpoint, while a worker is left that has not declined. NATS may ask one again that has; that costs a millisecond. */
const TRIES_PER_ENDPOINT_MAX = 8;
/** Of these, how many may end without an accept: each costs the client a wait. */
export const UNANSWERED_MAX = 2;
const SKIP_INSTANCES_MAX = 8;

/** What is absent is `undefined` and not left out: an object that is put together with spreads costs twenty times as much, and on the wire JSON knows neither. */
const requestFor = (
  generation: Generation,
  hold: PlanHold,
  { bound, attemptId, requests }: Start,
  skip: readonly string[] | undefined,
): AttemptRunRequest => ({
  v: 1,
  attemptId,
  generationId: generation.generationId,
  identity: generation.identity,
  attempt: bound.attempt,
  dialect: generation.request.features.dialect,
  stream: generation.request.stream,
  frames: 'passthrough',
  spans: generation.request.spans,
  outputCap: hold.capped ? bound.outputTokens : undefined,
  inputTokensEstimate: generation.request.features.inputTokensEstimate,
  inputs: generation.request.inputs,
  inputImages: generation.request.inputImages || undefined,
  serviceTier: generation.request.features.serviceTier || undefined,
  leaseId: hold.hold.leaseId,
  holdPicodollars: holdOf(hold).toString(),
  heldOutputTokens: hold.growing?.heldOutputTokens,
  requests: requests || undefined,
  holdTokens: hold.hold.amounts.tokens || undefined,
  quotaSet: hold.quotaIds,
  deadlineAt: generation.deadlineAt,
  skipInstances: skip?.slice(0, SKIP_INSTANCES_MAX),
});

const instanceOf = (error: WaystationError, worker: string | undefined): string | undefined => {
  const named = error.details?.['worker'];
  return worker ?? (typeof named === 'string' ? named : undefined);
};

const previousErrors = (generation: Generation): object[] =>
  generation.attempts
    .filter((record) => record.errorCode !== undefined)
    .slice(0, -1)
    .map((record) => ({
      provider: record.planned.providerName,
      model: record.planned.model,
      code: record.errorCode,
      message: record.errorMessage,
    }));

/** Names of our processes are for our logs. */
const withoutWorker = (details: ErrorDetails | undefined): ErrorDetails =>
  Object.fromEntries(Object.entries(details ?? {}).filter(([name]) => name !== 'worker'));

/** The last error, with those before it. */
const withHistory = (generation: Generation, error: WaystationError, bound: BoundAttempt): WaystationError => {
  const history = previousErrors(generation);
  return new WaystationError(error.code, error.message, {
    details: {
      providerName: bound.attempt.providerName,
      ...withoutWorker(error.details),
      ...(history.length === 0 ? {} : { previousErrors: history }),
      ...(error.code === 'credential_full'
        ? { availability: usedUp(generation.request.models, bound.attempt.provider) }
        : {}),
    },
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    cause: error,
  });
};

/** The error of a continuation, in its record and for the client. */
const endedAgain = (
  generation: Generation,
  error: WaystationError,
  { start }: Pick<Entrant<Start>, 'start'>,
): WaystationError => {
  const record = generation.attempts.at(-1);
  if (record !== undefined) {
    record.errorCode = error.code;
    record.errorMessage = error.message;
  }
  return withHistory(generation, error, start.bound);
};

/** What is known of the workers as a whole. */
export interface WorkerView {
  /** How many were heard of late. */
  live(): number;
  /** How long to wait for one to accept, where so many tries can be made. */
  acceptTimeoutMs(tries: number): number;
}

const alone = ({ delivery }: Generation, start: Start, tried: Try): Raced<Start> => ({
  decides: { start, tried, delivered: delivery.delivered, endedMs: performance.now(), outrun: false, isSecond: false },
  others: [],
});

const noEndpointLeft = (): WaystationError =>
  new WaystationError('overloaded', 'No endpoint took the request.', { retryAfterMs: 1000 });

/** A hold of its own for a continuation. */
export type HoldMore = (request: Generation['request'], bound: BoundAttempt) => Promise<PlanHold | undefined>;

interface Walk {
  readonly bus: Bus;
  readonly workers: WorkerView;
  readonly retries: RetryBudget;
  readonly generation: Generation;
  readonly holdMore: HoldMore;
}

/**
 * Another endpoint goes on with what broke off, once: held for anew, and charged for itself. Undefined where none may, where there is no credit for it, or where the budget of
 * retries has nothing left; then it stays broken.
 */
const continueFrom = async (
  { bus, workers, retries, generation, holdMore }: Walk,
  broken: { readonly bound: BoundAttempt; readonly record: AttemptRecord; readonly error: WaystationError },
  later: Iterable<BoundAttempt>,
): Promise<Entrant<Start> | undefined> => {
  const { joinable } = generation;
  const text = joinable?.text;
  const bound = text === undefined ? undefined : continuerOf(broken.bound, later);
  if (joinable === undefined || text === undefined || bound === undefined) return undefined;
  if (broken.error.row.retry !== 'next-endpoint') return undefined;
  const continuation = continuationOf(generation, bound, text, saidTokens(broken.record));
  if (continuation === undefined) return undefined;
  const hold = await holdMore(continuation.request, continuation.bound).catch(() => undefined);
  if (hold === undefined) return undefined;
  const start =
    generation.giveUp.reason === undefined ? beginTry(generation, hold, continuation.bound, retries) : undefined;
  if (start === undefined) {
    hold.hold.settle(NOTHING);
    return undefined;
  }
  generation.request = continuation.request;
  generation.body.bytes = continuation.body;
  joinable.join();
  const tried = await openAttempt(
    bus,
    generation,
    requestFor(generation, hold, start, undefined),
    workers.acceptTimeoutMs(Math.max(1, workers.live())),
  );
  const { delivered } = joinable;
  const entrant = { start, tried, delivered, endedMs: performance.now(), outrun: false, isSecond: false };
  const record = recordOf(entrant);
  record.hold = hold;
  generation.attempts.push(record);
  if (!record.dispatched) retries.giveBack();
  if (delivered) {
    generation.continuedFrom = broken.record;
    generation.served = record;
    generation.warnings.push({
      code: 'other',
      message: `${broken.record.planned.providerName} broke off; ${record.planned.providerName} went on with its text.`,
    });
  }
  return entrant;
};

/**
 * Resolves when an attempt served the client to its end, or the generation was given up. The delivery is not ended: the bill comes first.
 * @throws WaystationError the last failure, when nothing is left to try or output was already delivered
 */
export const attemptInOrder = async (
  bus: Bus,
  workers: WorkerView,
  retries: RetryBudget,
  generation: Generation,
  hold: PlanHold,
  onRaced: (ended: readonly Pick<Entrant<unknown>, 'isSecond' | 'outrun'>[]) => void,
  holdMore: HoldMore,
): Promise<'served' | 'given-up'> => {
  if (generation.giveUp.reason !== undefined) return 'given-up';
  const live = Math.max(1, workers.live());
  retries.began();
  let last: WaystationError | undefined;
  const left = new Set(hold.bounds);
  let hedgeAfterMs = generation.hedgeAfterMs;
  const keep = ({ start, isSecond }: Entrant<Start>, record: AttemptRecord): void => {
    generation.attempts.push(record);
    if (record.dispatched) return;
    if (start.isFurther) retries.giveBack();
    // It can still have its turn.
    if (isSecond) left.add(start.bound);
  };
  for (const bound of hold.bounds) {
    // Where it is gone it was the second of two.
    if (!left.delete(bound)) continue;
    let skip: Set<string> | undefined;
    let unanswered = 0;
    let unknown = 0;
    for (let ordinal = 0; ordinal < TRIES_PER_ENDPOINT_MAX; ordinal += 1) {
      const first = beginTry(generation, hold, bound, retries);
      if (first === undefined) throw last ?? noEndpointLeft();
      const open = (each: Start, lane?: Lane): Promise<Try> =>
        openAttempt(
          bus,
          generation,
          requestFor(generation, hold, each, skip && [...skip]),
          workers.acceptTimeoutMs(live),
          lane,
        );
      const second = hedgeAfterMs === undefined ? undefined : secondOf(bound, [...left]);
      const { decides, others } =
        hedgeAfterMs === undefined || second === undefined
          ? alone(generation, first, await open(first))
          : await raceAttempts({
              generation,
              afterMs: hedgeAfterMs,
              first,
              beginSecond() {
                const beside = beginSecond(generation, second, retries);
                if (beside === undefined) return undefined;
                hedgeAfterMs = undefined;
                left.delete(second);
                return beside;
              },
              open,
              isAnswer: ({ result }) => result.kind === 'ended' && failureOf(result.end) === undefined,
            });
      const { start, tried, delivered } = decides;
      for (const other of others) keep(other, recordBeside(other));
      const record = recordOf(decides);
      keep(decides, record);
      if (others.length > 0) onRaced([...others, decides]);
      // What a filter stopped was made for this client, whether it saw any of it or not.
      if (delivered || generation.blocked !== undefined) generation.served = record;

      const { result } = tried;
      if (result.kind === 'given-up') return 'given-up';
      const failure = result.kind === 'failed' ? result.error : failureOf(result.end);
      if (result.kind === 'ended' && (failure === undefined || (delivered && result.end.outcome === 'empty'))) {
        generation.served = record;
        generation.end = result.end;
        return 'served';
      }
      const error = failure ?? noEndpointLeft();
      record.errorCode = error.code;
      record.errorMessage = error.message;
      last = withHistory(generation, error, start.bound);
      if (delivered) {
        const walk = { bus, workers, retries, generation, holdMore };
        const further = await continueFrom(walk, { bound: start.bound, record, error }, left);
        if (further === undefined) throw last;
        const { result: end } = further.tried;
        if (end.kind === 'given-up') return 'given-up';
        const broken = end.kind === 'failed' ? end.error : failureOf(end.end);
        if (end.kind === 'ended' && broken === undefined && further.delivered) {
          generation.end = end.end;
          return 'served';
        }
        throw endedAgain(generation, broken ?? noEndpointLeft(), further);
      }
      const next = nextStep(error);
      if (next === 'stop') throw last;
      if (decides.isSecond) break;
      const instance = instanceOf(error, tried.worker);
      if (instance !== undefined) (skip ??= new Set()).add(instance);
      if (error.code === 'accept_timeout') {
        unanswered += 1;
        if (instance === undefined) unknown += 1;
      }
      if (next === 'next-endpoint' || unanswered >= UNANSWERED_MAX || (skip?.size ?? 0) + unknown >= live) break;
    }
  }
  throw last ?? noEndpointLeft();
};
