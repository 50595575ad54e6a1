// What comes before the story of a generation where its client wishes for an answer that was given before: such an answer is given again, with nothing planned, held,
// attempted or charged; otherwise the generation runs as ever, and its answer is kept. Two that ask at once both run, as in the reference.
// https://openrouter.ai/docs/guides/features/response-caching
// Invariants: nothing is looked for or kept where policy or request forbid that anything be retained; only whole, good answers that depend on nothing but their
// question are kept; whatever happens to what is kept, the generation runs.
import { mayKeepAnswers, mergeRules, rulesOfPolicy, rulesOfPreferences } from '@waystation/policy';
import { routerOf } from '@waystation/tasks';
import type { Delivery } from '../deliver/delivery.js';
import { generate, type GenerateDeps } from '../generate/generate.js';
import type { GiveUp } from '../generate/give-up.js';
import type { Generation, GenerationRequest } from '../generate/generation.js';
import { placeOf, type AnswerPlace } from './answer-place.js';
import type { CacheWish } from './cache-wish.js';
import { RecordingDelivery, type Recording } from './recording-delivery.js';
import { replay } from './replay.js';

/** Where the reference offers it. */
const APIS: ReadonlySet<string> = new Set(['chat', 'responses', 'messages', 'embeddings']);
/** Longer requests are not compared with others: it would take this process longer than others should wait. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Whether anything of it may be kept, by everything that has a say. What is not known yet may forbid it. */
const mayBeKept = ({ caller, request }: GenerationRequest): boolean =>
  caller.policies !== undefined &&
  mayKeepAnswers(mergeRules([...caller.policies.map(rulesOfPolicy), rulesOfPreferences(request.preferences)]));

const modelsOf = ({ caller, request }: GenerationRequest): readonly string[] =>
  request.models.length > 0 ? request.models : [caller.workspace.defaultModel].filter((model) => model !== undefined);

/** Where models are chosen by the workspace's rules, those are among what holds for the call. */
const choosingRules = (asked: GenerationRequest): { readonly id: string; readonly version: number }[] => {
  const { id, version } = asked.caller.workspace;
  return modelsOf(asked).some((model) => routerOf(model) !== undefined) ? [{ id: `task rules of ${id}`, version }] : [];
};

const placeFor = (asked: GenerationRequest, { secret }: CacheWish): AnswerPlace | undefined => {
  const { caller, request, body } = asked;
  const { bytes } = body;
  if (!APIS.has(request.features.api) || bytes === undefined || bytes.length > BODY_BYTES_MAX) return undefined;
  return placeOf(secret, {
    workspaceId: caller.workspace.id,
    keyHash: caller.key.hash,
    policies: [...(caller.policies ?? []), ...choosingRules(asked)],
    api: request.features.api,
    stream: request.stream,
    models: modelsOf(asked),
    body: bytes,
  });
};

const FORBIDDEN = {
  code: 'other',
  message:
    'The answer is neither looked for nor kept: zero data retention is asked for, or data collection denied, by the request or by a guardrail.',
  field: 'X-OpenRouter-Cache',
} as const;

/** Not what ran out of credit, or was stopped by a filter: the next time it may be another. */
const isWorthKeeping = ({ end, head, choice }: Generation): boolean =>
  // A rule that chose the model may forbid what the request allowed.
  (choice === undefined || mayKeepAnswers(rulesOfPreferences(choice.preferences))) &&
  end?.outcome === 'completed' &&
  end.cutShort !== true &&
  head.outputCap === undefined &&
  end.finishReason !== 'error' &&
  end.finishReason !== 'content-filter';

const keep = (
  { answers }: GenerateDeps,
  place: AnswerPlace,
  generation: Generation,
  { data, tail, contentType }: Recording,
  ttlSeconds: number,
): void => {
  const { end, served } = generation;
  const kept = {
    generationId: generation.generationId,
    model: served?.planned.model,
    provider: served?.planned.provider,
    providerName: served?.planned.providerName,
    endpointId: served?.planned.endpointId,
    finishReason: end?.finishReason,
    nativeFinishReason: end?.nativeFinishReason,
    contentType,
  };
  answers.keep(place, { kept, data, tail }, ttlSeconds);
};

/** As `generate`: answers whether anything may have reached a provider. */
export const generateOrReplay = (
  deps: GenerateDeps,
  asked: GenerationRequest,
  delivery: Delivery,
  giveUp: GiveUp,
): Promise<boolean> =>
  asked.cache === undefined
    ? generate(deps, asked, delivery, giveUp)
    : replayOrGenerate(deps, asked, asked.cache, delivery, giveUp);

const replayOrGenerate = async (
  deps: GenerateDeps,
  asked: GenerationRequest,
  wish: CacheWish,
  delivery: Delivery,
  giveUp: GiveUp,
): Promise<boolean> => {
  if (!mayBeKept(asked)) {
    const request = { ...asked.request, warnings: [...asked.request.warnings, FORBIDDEN] };
    return generate(deps, { ...asked, request }, delivery, giveUp);
  }
  const place = placeFor(asked, wish);
  if (place === undefined) return generate(deps, asked, delivery, giveUp);
  if (wish.clear) deps.answers.forget(place);
  const found = wish.clear ? undefined : await deps.answers.find(place);
  if (found !== undefined) {
    replay(deps, asked, delivery, found);
    return false;
  }
  asked.head.cache = { status: 'MISS', ttlSeconds: wish.ttlSeconds };
  const recorder = new RecordingDelivery(delivery);
  const answered = (generation: Generation): void => {
    const { recording } = recorder;
    if (recording !== undefined && isWorthKeeping(generation))
      keep(deps, place, generation, recording, wish.ttlSeconds);
  };
  return generate(deps, { ...asked, answered }, recorder, giveUp);
};
