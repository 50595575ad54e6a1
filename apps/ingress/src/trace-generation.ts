// What a trace says of a generation. Of those that were not sampled, the ones that went wrong on our side or a provider's are told after the fact, from what is known of them
// here: errors are never lost to sampling, and what goes well pays nothing for that.
// Invariant: names, counts and codes, as everywhere in traces.
import type { Attributes } from '@opentelemetry/api';
import { ERRORS, type ErrorCode, type WaystationError } from '@waystation/contracts';
import { inputTokens, outputTokens } from '@waystation/generation';
import { isTracing, operationOf, tellPast, type PastSpan } from '@waystation/runtime';
import type { Billed } from './generate/bill-generation.js';
import type { AttemptRecord, Generation, GenerationRequest } from './generate/generation.js';

/** Traces told after the fact, of one process in a second: an outage is told by its first ones. */
const TOLD_PER_SECOND_MAX = 20;

/** Known when it begins. */
export const beginningOf = ({
  generationId,
  caller,
  request,
}: Pick<GenerationRequest, 'generationId' | 'caller' | 'request'>): Attributes => ({
  'gen_ai.operation.name': operationOf(request.features.api),
  ...(request.models[0] === undefined ? {} : { 'gen_ai.request.model': request.models[0] }),
  ...(request.features.maxOutputTokens === undefined
    ? {}
    : { 'gen_ai.request.max_tokens': request.features.maxOutputTokens }),
  'waystation.request.stream': request.stream,
  'waystation.generation.id': generationId,
  'waystation.workspace.id': caller.workspace.id,
});

/** Known when it is over. */
const endingOf = ({ served, attempts, end, generationId }: Generation, billed: Billed | undefined): Attributes => {
  const planned = (served ?? attempts.at(-1))?.planned;
  return {
    'gen_ai.response.id': generationId,
    'waystation.attempts': attempts.length,
    ...(planned === undefined
      ? {}
      : { 'gen_ai.response.model': planned.model, 'gen_ai.provider.name': planned.provider }),
    ...(end?.finishReason === undefined ? {} : { 'gen_ai.response.finish_reasons': [end.finishReason] }),
    ...(billed === undefined
      ? {}
      : {
          'gen_ai.usage.input_tokens': inputTokens(billed.usage),
          'gen_ai.usage.output_tokens': outputTokens(billed.usage),
          'waystation.cost.picodollars': billed.bill.cost.toString(),
        }),
  };
};

const isOurs = (code: ErrorCode | undefined): boolean => code !== undefined && ERRORS[code].fault !== 'client';

const pastAttempt = (record: AttemptRecord, operation: string, offsetMs: number): PastSpan => {
  const { planned, startedMs, durationMs = 0, errorCode, upstreamStatus, attemptId } = record;
  return {
    name: `${operation} ${planned.model}`,
    kind: 'client',
    attributes: {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': planned.provider,
      'gen_ai.request.model': planned.model,
      'waystation.attempt.id': attemptId,
      'waystation.endpoint.id': planned.endpointId,
      ...(upstreamStatus === undefined ? {} : { 'http.response.status_code': upstreamStatus }),
    },
    startMs: offsetMs + startedMs,
    endMs: offsetMs + startedMs + durationMs,
    errorCode,
  };
};

const pastOf = (generation: Generation, failure: WaystationError | undefined, billed: Billed | undefined): PastSpan => {
  const nowMs = performance.now();
  /** From the monotonic clock to Unix time. */
  const offsetMs = Date.now() - nowMs;
  const { startedMs, plannedMs, heldMs, attempts, request } = generation;
  const stage = (name: string, fromMs: number, toMs: number): PastSpan => ({
    name,
    kind: 'internal',
    attributes: {},
    startMs: offsetMs + fromMs,
    endMs: offsetMs + toMs,
  });
  return {
    name: 'generation',
    kind: 'server',
    attributes: {
      ...beginningOf(generation),
      ...endingOf(generation, billed),
      'waystation.told': 'after the fact',
    },
    startMs: offsetMs + startedMs,
    endMs: offsetMs + nowMs,
    errorCode: failure?.code,
    children: [
      ...(plannedMs === undefined ? [] : [stage('plan', startedMs, plannedMs)]),
      ...(plannedMs === undefined || heldMs === undefined ? [] : [stage('hold', plannedMs, heldMs)]),
      ...attempts.map((record) => pastAttempt(record, operationOf(request.features.api), offsetMs)),
    ],
  };
};

/** Answers what to call when a generation is over. */
export const traceFinished = (): ((
  generation: Generation,
  failure: WaystationError | undefined,
  billed: Billed | undefined,
) => void) => {
  let second = 0;
  let told = 0;
  const mayTell = (): boolean => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, told] = [now, 0];
    told += 1;
    return told <= TOLD_PER_SECOND_MAX;
  };
  return (generation, failure, billed) => {
    const { trace, attempts } = generation;
    if (trace !== undefined) {
      trace.set(endingOf(generation, billed));
      return trace.end(failure?.code);
    }
    if (!isTracing()) return;
    if (!isOurs(failure?.code) && !attempts.some(({ errorCode }) => isOurs(errorCode))) return;
    if (mayTell()) tellPast(pastOf(generation, failure, billed));
  };
};
