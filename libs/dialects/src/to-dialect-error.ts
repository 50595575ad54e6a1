// WaystationError → what a client of a dialect sees. The only place that knows error envelopes; messages come from where the error was made.
// Shapes: the reference API's errors page. Nothing but the error's own message and details gets out.
import type { ErrorDetails, WaystationError } from '@waystation/contracts';

export type DialectName = 'openai-chat';

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

const openAiError = (error: WaystationError): DialectError => {
  const { status, type } = error.row;
  const { availability, ...details } = error.details ?? {};
  const retryAfterSeconds =
    error.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  const rateLimitHeaders = rateLimitHeadersOf(error);
  const metadata = { error_type: type, waystation_code: error.code, ...(toSnakeCase(details) as object) };
  const errorJson = JSON.stringify({
    code: status,
    message: error.message,
    metadata,
    ...(isObject(availability)
      ? {
          availability: {
            ...(toSnakeCase(availability) as object),
            ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
          },
        }
      : {}),
  });
  return {
    status,
    errorJson,
    body: `{"error":${errorJson}}`,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(rateLimitHeaders === undefined ? {} : { rateLimitHeaders }),
  };
};

export const toDialectError = (error: WaystationError, dialect: DialectName): DialectError => {
  switch (dialect) {
    case 'openai-chat':
      return openAiError(error);
    default: {
      const unreachable: never = dialect;
      return unreachable;
    }
  }
};
