// What a provider's refusal means to us, as one table. The message never quotes the provider: its text may quote the prompt, and messages are
// recorded. The text goes, bounded and without addresses or keys, into the details that only the client sees.
import { WaystationError, type ErrorCode } from '@waystation/contracts';
import type { ErrorResponse } from './spec.js';

const RAW_CHARS_MAX = 2_000;
const CODE_CHARS_MAX = 64;
/** A longer rest than this is not believed. */
const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

/** Words in `error.code` and `error.type` that say more than the status. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  context_length_exceeded: 'context_length_exceeded',
  string_above_max_length: 'context_length_exceeded',
  content_policy_violation: 'content_policy_violation',
  content_filter: 'content_policy_violation',
  rate_limit_exceeded: 'provider_rate_limited',
  rate_limit_error: 'provider_rate_limited',
  insufficient_quota: 'provider_rate_limited',
  overloaded_error: 'provider_overloaded',
  engine_overloaded_error: 'provider_overloaded',
  invalid_api_key: 'provider_auth',
  authentication_error: 'provider_auth',
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
  ThrottlingException: 'provider_rate_limited',
  ServiceQuotaExceededException: 'provider_rate_limited',
  ModelNotReadyException: 'provider_overloaded',
  ModelTimeoutException: 'provider_timeout',
  ModelErrorException: 'provider_unavailable',
  ModelStreamErrorException: 'provider_unavailable',
};

/** How providers say that a prompt is too long where they have no code for it. */
const CONTEXT_LENGTH =
  /context (length|window|size)|maximum context|prompt is too long|input (is too long|length and `?max_tokens)|too many (input )?tokens|reduce the length/i;

const byStatus = (status: number): ErrorCode => {
  switch (status) {
    case 401:
    case 402: // the operator's account there is empty
    case 403:
      return 'provider_auth';
    case 404: // the catalog names a model or path that the provider does not have
      return 'provider_unavailable';
    case 408:
    case 504:
    case 524: // https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/error-524/
      return 'provider_timeout';
    case 429:
      return 'provider_rate_limited';
    case 498: // https://console.groq.com/docs/errors: capacity exceeded
    case 503:
    case 529: // https://docs.anthropic.com/en/api/errors: overloaded
      return 'provider_overloaded';
    default:
      if (status >= 500) return 'provider_unavailable';
      if (status >= 400) return 'provider_rejected';
      return 'provider_invalid_response';
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

interface ErrorWords {
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly message: string | undefined;
}

/** `{error: {message, type, code}}`, `{error: "text"}`, `{message, code}`, `{detail}`, or an array of one of them. */
const readWords = (body: unknown): ErrorWords => {
  const outer = Array.isArray(body) ? (body[0] as unknown) : body;
  if (!isRecord(outer)) return { code: undefined, type: undefined, message: textOf(outer) };
  const inner = isRecord(outer['error']) ? outer['error'] : outer;
  return {
    code: textOf(inner['code']),
    type: textOf(inner['type']),
    message: textOf(inner['message']) ?? textOf(outer['error']) ?? textOf(inner['detail']),
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The provider's text without addresses, keys and control characters, cut. */
export const scrub = (text: string, secret: string | undefined): string =>
  (secret === undefined || secret.length < 4 ? text : text.replaceAll(secret, '[removed]'))
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>\\]+/gi, '[address removed]')
    .replace(/\b(?:sk|pk|rk|gsk|xai|key|Bearer)[-_ ][\w*.-]{8,}/gi, '[key removed]')
    // eslint-disable-next-line no-control-regex -- control characters are what is removed
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, ' ')
    .slice(0, RAW_CHARS_MAX);

/** `Retry-After` in seconds or as a date, or `retry-after-ms`, as milliseconds from now. */
export const retryAfterMs = (header: (name: string) => string | undefined, nowMs: number): number | undefined => {
  const precise = Number(header('retry-after-ms') ?? Number.NaN);
  const text = header('retry-after');
  const seconds =
    text === undefined
      ? Number.NaN
      : /^\s*\d+(\.\d+)?\s*$/.test(text)
        ? Number(text)
        : (Date.parse(text) - nowMs) / 1000;
  const ms = Number.isFinite(precise) ? precise : seconds * 1000;
  return Number.isFinite(ms) ? Math.round(Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX)) : undefined;
};

const describe = (code: ErrorCode, name: string, status: number): string => {
  switch (code) {
    case 'context_length_exceeded':
      return `The prompt is longer than ${name} allows for this model. Shorten it or choose a model with a larger context.`;
    case 'content_policy_violation':
      return `${name} refused the request by its content policy.`;
    case 'provider_rejected':
      return `${name} refused the request with status ${status}. Its own words are in \`raw\`.`;
    case 'provider_auth':
      return `${name} does not accept the credential that is configured for it (status ${status}). The operator has to check it.`;
    case 'provider_rate_limited':
      return `${name} is limiting the rate of requests.`;
    case 'provider_overloaded':
      return `${name} is overloaded (status ${status}).`;
    case 'provider_timeout':
      return `${name} gave up after a timeout of its own (status ${status}).`;
    default:
      return `${name} answered with an error (status ${status}).`;
  }
};

/** The error of a whole response. `known`: what the dialect read out of words of its own. */
export const parseProviderError = (response: ErrorResponse, known?: ErrorCode): WaystationError => {
  const text = response.body.toString('utf8');
  const words = readWords(parseJson(text));
  return toError(response.status, words, text, response, known);
};

/** The error inside of a response that began with 200. `text` is the event or body, `status` what the error itself says, if it does. */
export const parseInBandError = (
  text: string,
  context: Pick<ErrorResponse, 'providerName' | 'secret'>,
): WaystationError => {
  const words = readWords(parseJson(text));
  const told = Number(words.code);
  const status = Number.isInteger(told) && told >= 400 && told <= 599 ? told : 502;
  return toError(status, words, text, { ...context, header: () => undefined, nowMs: 0 });
};

const toError = (
  status: number,
  words: ErrorWords,
  text: string,
  context: Pick<ErrorResponse, 'providerName' | 'secret' | 'header' | 'nowMs'>,
  known?: ErrorCode,
): WaystationError => {
  const named = [words.code, words.type].flatMap((word) =>
    word !== undefined && Object.hasOwn(CODES, word) ? [CODES[word]] : [],
  )[0];
  const isTooLong = (status === 400 || status === 413 || status === 422) && CONTEXT_LENGTH.test(words.message ?? '');
  const code = known ?? named ?? (isTooLong ? 'context_length_exceeded' : byStatus(status));
  const rest = retryAfterMs(context.header, context.nowMs);
  const providerCode = words.code ?? words.type;
  return new WaystationError(code, describe(code, context.providerName, status), {
    details: {
      raw: scrub(text, context.secret),
      provider_name: context.providerName,
      ...(providerCode === undefined
        ? {}
        : { provider_code: scrub(providerCode, context.secret).slice(0, CODE_CHARS_MAX) }),
      upstream_status: status,
    },
    ...(rest === undefined ? {} : { retryAfterMs: rest }),
  });
};
