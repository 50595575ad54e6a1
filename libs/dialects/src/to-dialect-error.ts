// WaystationError → what a client of a dialect sees; messages come from where the error was made. Shapes: the reference API's errors page.
// Nothing but the error's own message and details gets out.
import type { ErrorDetails, WaystationError } from '@waystation/contracts';

export type DialectName = 'openai-chat' | 'openai-completions' | 'openai-responses' | 'anthropic-messages';

export interface DialectError {
  readonly status: number;
  /** The whole body as JSON text. */
  readonly body: string;
  /** Its `error` object alone, for a chunk of a stream. */
  readonly errorJson: string;
  /** Whole seconds for a `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  /** `X-RateLimit-*` headers of a rate that was exceeded, name after value after name. */
  readonly rateLimitHeaders?: readonly string[];
}

/** Deeper or longer details than any of ours are cut. */
const DEPTH_MAX = 6;
const ITEMS_MAX = 64;

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Details are written in camel case everywhere; the dialect spells members in snake case. Values stay as they are. */
const toSnakeCase = (value: unknown, depth = 0): unknown => {
  if (depth > DEPTH_MAX) return undefined;
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => toSnakeCase(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ITEMS_MAX)
      .map(([name, item]) => [snakeCase(name), toSnakeCase(item, depth + 1)]),
  );
};

const isObject = (value: unknown): value is ErrorDetails => typeof value === 'object' && value !== null;

/** Of the quota that refused, as its error's details tell it. The reset is in Unix milliseconds, as the reference has it. */
const rateLimitHeadersOf = (error: WaystationError): readonly string[] | undefined => {
  const quota = error.code === 'rate_limited' ? error.details?.['quota'] : undefined;
  if (!isObject(quota)) return undefined;
  const { limit, left, resetsAt } = quota;
  const reset = typeof resetsAt === 'string' ? Date.parse(resetsAt) : Number.NaN;
  return [
    ...(typeof limit === 'string' ? ['x-ratelimit-limit', limit] : []),
    ...(typeof left === 'string' ? ['x-ratelimit-remaining', left] : []),
    ...(Number.isNaN(reset) ? [] : ['x-ratelimit-reset', String(reset)]),
  ];
};

const retryAfterOf = ({ retryAfterMs }: WaystationError): number | undefined =>
  retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));

/** What is said of the error beside code and message. */
const metadataOf = (error: WaystationError): object => {
  // `availability` is told beside the metadata.
  const details = Object.fromEntries(Object.entries(error.details ?? {}).filter(([name]) => name !== 'availability'));
  return { error_type: error.row.type, waystation_code: error.code, ...(toSnakeCase(details) as object) };
};

const availabilityOf = (error: WaystationError): object => {
  const availability = error.details?.['availability'];
  if (!isObject(availability)) return {};
  const retryAfter = retryAfterOf(error);
  return {
    availability: {
      ...(toSnakeCase(availability) as object),
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    },
  };
};

const openAiError = (error: WaystationError): { errorJson: string; body: string } => {
  const { message } = error;
  const code = error.row.status;
  const errorJson = JSON.stringify({ code, message, metadata: metadataOf(error), ...availabilityOf(error) });
  return { errorJson, body: `{"error":${errorJson}}` };
};

/** https://docs.anthropic.com/en/api/errors, by our error types; all else is `api_error`. The reference knows no `request_too_large`: that is `invalid_request_error`. */
const MESSAGES_TYPES: Readonly<Record<string, string>> = {
  authentication: 'authentication_error',
  permission_denied: 'permission_error',
  payment_required: 'billing_error',
  not_found: 'not_found_error',
  rate_limit_exceeded: 'rate_limit_error',
  provider_overloaded: 'overloaded_error',
  timeout: 'timeout_error',
};
const CLIENTS_FAULT_FROM = 400;
const SERVERS_FAULT_FROM = 500;

const messagesType = ({ row: { type, status } }: WaystationError): string =>
  MESSAGES_TYPES[type] ??
  (status >= CLIENTS_FAULT_FROM && status < SERVERS_FAULT_FROM ? 'invalid_request_error' : 'api_error');

const messagesError = (
  error: WaystationError,
  generationId: string | undefined,
): { errorJson: string; body: string } => {
  const errorJson = JSON.stringify({
    type: messagesType(error),
    message: error.message,
    error_type: error.row.type,
    metadata: metadataOf(error),
    ...availabilityOf(error),
  });
  return {
    errorJson,
    body: `{"type":"error","error":${errorJson},"request_id":${JSON.stringify(generationId ?? null)}}`,
  };
};

/** The words of Responses for our error types; all else is `server_error`. The reference API, section 4.1. */
const RESPONSES_CODES: Readonly<Record<string, string>> = {
  rate_limit_exceeded: 'rate_limit_exceeded',
  context_length_exceeded: 'invalid_prompt',
  invalid_request: 'invalid_prompt',
  content_policy_violation: 'image_content_policy_violation',
};

const responsesError = (error: WaystationError): { errorJson: string; body: string } => {
  const { message, row } = error;
  const errorJson = JSON.stringify({ code: RESPONSES_CODES[row.type] ?? 'server_error', message });
  const beside = JSON.stringify({ error_type: row.type, metadata: metadataOf(error), ...availabilityOf(error) });
  return { errorJson, body: `{"error":${errorJson},${beside.slice(1)}` };
};

const wordsOf = (
  error: WaystationError,
  dialect: DialectName,
  generationId: string | undefined,
): { errorJson: string; body: string } => {
  switch (dialect) {
    case 'openai-chat':
    case 'openai-completions':
      return openAiError(error);
    case 'openai-responses':
      return responsesError(error);
    case 'anthropic-messages':
      return messagesError(error, generationId);
    default: {
      const unreachable: never = dialect;
      return unreachable;
    }
  }
};

/** @param generationId of the generation that failed, for dialects whose errors name it */
export const toDialectError = (error: WaystationError, dialect: DialectName, generationId?: string): DialectError => {
  const retryAfterSeconds = retryAfterOf(error);
  const rateLimitHeaders = rateLimitHeadersOf(error);
  return {
    status: error.row.status,
    ...wordsOf(error, dialect, generationId),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(rateLimitHeaders === undefined ? {} : { rateLimitHeaders }),
  };
};
