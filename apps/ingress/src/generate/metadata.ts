// How a generation was routed and what was done to it, as a client that asks for it is told (`X-OpenRouter-Metadata: enabled`). Shape: the reference API, section 21.
import type { WaystationError } from '@waystation/contracts';
import { routerOf } from '@waystation/tasks';
import type { Choice } from '../tasks/choose-for-task.js';
import type { AttemptRecord, Generation } from './generation.js';
import { ERRORS } from '@waystation/contracts';
import { stageOf } from '../screen/verdicts.js';

/** Something that this station did to the request before it went out, or to the answer before it went back. */
export interface PipelineStage {
  readonly type: 'guardrail' | 'plugin' | 'response_healing' | 'context_compression';
  readonly name: string;
  readonly guardrail_id?: string;
  readonly guardrail_scope?: string;
  readonly summary: string;
  /** Counts and words of ours; nothing of the prompt or the answer. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

const OK = 200;

const statusOf = ({ errorCode, upstreamStatus }: AttemptRecord): number =>
  upstreamStatus ?? (errorCode === undefined ? OK : ERRORS[errorCode].status);

/** The reference's words for how a model was chosen. */
const strategyOf = ({ router }: Choice): string => {
  const kind = routerOf(router);
  return kind === 'free' || kind === 'pareto' ? kind : 'auto';
};

/** Undefined where nothing was routed, and for our own faults. */
export const metadataJson = (generation: Generation, failure: WaystationError | undefined): string | undefined => {
  const { plan, request, attempts, served, continuedFrom, choice } = generation;
  if (plan === undefined || failure?.code === 'internal') return undefined;
  const pipeline = [...generation.verdicts.all.map((each) => stageOf(generation.caller, each)), ...generation.pipeline];
  const [first] = request.models;
  const meant = plan.aliases?.[first ?? ''];
  const reached = attempts.filter(({ dispatched }) => dispatched);
  const selected = (served ?? attempts.at(-1))?.planned;
  const total = plan.attempts.length + plan.excluded.filter(({ endpointId }) => endpointId !== undefined).length;
  const fellBack =
    selected !== undefined && request.models.length > 1 && !(meant ?? first ?? '').startsWith(selected.model);
  return JSON.stringify({
    requested: first ?? selected?.model ?? '',
    strategy:
      choice !== undefined ? strategyOf(choice) : fellBack ? 'fallback' : meant === undefined ? 'direct' : 'alias',
    region: null,
    summary: `available=${plan.attempts.length}${selected === undefined ? '' : `, selected=${selected.providerName}`}`,
    attempt: reached.length,
    is_byok: selected?.byok ?? false,
    ...(continuedFrom === undefined ? {} : { continued_from: continuedFrom.planned.providerName }),
    endpoints: {
      total,
      available: plan.attempts.map(({ endpointId, providerName, model }) => ({
        provider: providerName,
        model,
        selected: endpointId === selected?.endpointId,
      })),
    },
    attempts: reached.map((record) => ({
      provider: record.planned.providerName,
      model: record.planned.model,
      status: statusOf(record),
    })),
    ...(choice?.qualityFloor === undefined ? {} : { params: { quality_floor: choice.qualityFloor } }),
    ...(choice?.rule === undefined
      ? {}
      : { data: { rule: choice.rule, task_type: choice.task, difficulty: choice.difficulty } }),
    ...(pipeline.length === 0 ? {} : { pipeline }),
  });
};
