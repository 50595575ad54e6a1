// Google's errors: a status in words, and details that say how long to wait and what was wrong. https://cloud.google.com/apis/design/errors#error_model
import type { ErrorCode, WaystationError } from '@waystation/contracts';
import { recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseProviderError } from '../provider-error.js';
import type { ErrorResponse } from '../spec.js';

/** `{error: {code, message, status, details}}`, or an array of it where a stream was asked for. */
const errorOf = (body: Buffer): JsonObject => {
  try {
    const told: unknown = JSON.parse(body.toString('utf8'));
    return recordOf(recordOf(Array.isArray(told) ? told[0] : told)['error']);
  } catch {
    return {};
  }
};

const detail = (error: JsonObject, type: string): JsonObject | undefined =>
  recordsOf(error['details']).find((each) => each['@type'] === `type.googleapis.com/google.rpc.${type}`);

/** Such as `34.4s`. https://protobuf.dev/reference/protobuf/google.protobuf/#duration */
const delayMs = (told: unknown): number | undefined => {
  const match = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(textOf(told) ?? '');
  return match === null ? undefined : Math.ceil(Number(match[1]) * 1_000);
};

/** A key that is wrong is told with 400. https://ai.google.dev/gemini-api/docs/troubleshooting */
const KEY_REASONS: ReadonlySet<string> = new Set(['API_KEY_INVALID', 'API_KEY_EXPIRED']);
const TOO_LONG = /input token count .{0,60}exceeds the maximum number of tokens/i;

const codeOf = (error: JsonObject): ErrorCode | undefined => {
  if (KEY_REASONS.has(textOf(detail(error, 'ErrorInfo')?.['reason']) ?? '')) return 'provider_auth';
  return TOO_LONG.test(textOf(error['message']) ?? '') ? 'context_length_exceeded' : undefined;
};

export const parseGeminiError = (response: ErrorResponse): WaystationError => {
  const error = errorOf(response.body);
  const waitMs = delayMs(detail(error, 'RetryInfo')?.['retryDelay']);
  const header = (name: string): string | undefined =>
    response.header(name) ?? (name === 'retry-after-ms' && waitMs !== undefined ? String(waitMs) : undefined);
  return parseProviderError({ ...response, header }, codeOf(error));
};
