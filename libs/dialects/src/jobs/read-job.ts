// What the requests of all jobs have in common: models, routing preferences, the end user, and that nothing streams and no output is capped.
import type { FieldSpan, RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { CHAT_LIMITS, type ChatRequest } from '../openai-chat/chat-request.js';
import { aBoolean, aStringOf, checkOptional, refuse, type JsonObject } from '../openai-chat/check-type.js';
import type { Modality } from '../openai-chat/measure-messages.js';
import { readProviderPreferences } from '../openai-chat/read-provider-preferences.js';
import type { JobName } from '../public-dialect.js';
import { readModels } from '../request/read-models.js';

/** Ours: routing, observability and billing controls that no provider may see. */
export const OWN_JOB_FIELDS = [
  'models',
  'provider',
  'route',
  'session_id',
  'trace',
  'plugins',
  'usage',
  'preset',
] as const;
/** Taken without effect so far; each is told as a warning instead of being dropped in silence. */
const WITHOUT_EFFECT = ['plugins', 'preset'] as const;

/** What a worker needs spans of, beside what a job has of its own. */
export const jobFields = (own: readonly string[] = []): ReadonlySet<string> =>
  new Set(['model', 'user', ...OWN_JOB_FIELDS, ...own]);

export interface JobMeasures {
  readonly api: JobName;
  readonly bodyBytes: number;
  readonly tokens: { readonly max: number; readonly estimate: number; readonly longest: number };
  readonly inputs: number;
  readonly images: number;
  readonly modalities: Iterable<Modality>;
  readonly pieces?: Readonly<Record<string, number>>;
  /** Where text is made. */
  readonly outputTokensMax?: number;
}

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

const warningsOf = (body: JsonObject): Warning[] =>
  WITHOUT_EFFECT.filter((field) => isSet(body[field])).map((field) => ({
    code: 'unsupported-parameter',
    message: `${field} has no effect here.`,
    field,
  }));

/** @throws WaystationError `invalid_request`, `unknown_parameter` */
export const readJob = (body: JsonObject, spans: FieldSpan[], measures: JobMeasures): ChatRequest => {
  const { api, tokens, pieces, outputTokensMax } = measures;
  checkOptional('stream', body['stream'], aBoolean);
  if (body['stream'] === true) refuse('stream', `${api} does not stream; leave it out`);
  checkOptional('user', body['user'], aStringOf(CHAT_LIMITS.userCharacters));
  checkOptional('session_id', body['session_id'], aStringOf(CHAT_LIMITS.sessionCharacters));
  const endUserId = (body['user'] as string | null | undefined) ?? undefined;
  const sessionId = (body['session_id'] as string | null | undefined) ?? undefined;
  const features: RouteFeatures = {
    api,
    dialect: api,
    stream: false,
    bodyBytes: measures.bodyBytes,
    inputTokensEstimate: tokens.estimate,
    longestInputTokens: tokens.longest,
    // Nothing that a cap could be put on is made.
    maxOutputTokens: 0,
    parameters: [],
    inputModalities: [...measures.modalities],
    outputModalities: [],
    toolCount: 0,
    messageCount: measures.inputs,
  };
  return {
    models: readModels(body),
    stream: false,
    preferences: readProviderPreferences(body['provider'], body['route']),
    features,
    spans,
    inputTokensMax: tokens.max,
    inputs: measures.inputs,
    inputImages: measures.images,
    ...(pieces === undefined ? {} : { pieces }),
    ...(outputTokensMax === undefined ? {} : { outputTokensMax }),
    choices: 1,
    ...(endUserId === undefined ? {} : { endUserId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    warnings: warningsOf(body),
  };
};
