// Header blocks of inference answers, built from parts that are made once.
import type { DialectError } from '@waystation/dialects';
import type { AnswerHead, CacheTold } from './delivery.js';

/** Said with every answer of the API: any web page may call it, with its own key. */
export const CORS_HEADERS: readonly string[] = [
  'access-control-allow-origin',
  '*',
  'access-control-expose-headers',
  'X-Generation-Id, X-Request-Id, X-Waystation-Output-Cap, X-OpenRouter-Cache-Status, X-OpenRouter-Cache-Age, X-OpenRouter-Cache-TTL, X-OpenRouter-Cache-Source-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset',
];

const STREAM: readonly string[] = [
  'content-type',
  'text/event-stream; charset=utf-8',
  'cache-control',
  'no-cache',
  'x-accel-buffering',
  'no',
  ...CORS_HEADERS,
];
const JSON_TYPE = 'application/json; charset=utf-8';
const BODY: readonly string[] = ['cache-control', 'no-cache', ...CORS_HEADERS];

/** https://openrouter.ai/docs/guides/features/response-caching */
const cacheHeaders = (told: CacheTold): string[] => {
  const headers = ['x-openrouter-cache-status', told.status, 'x-openrouter-cache-ttl', String(told.ttlSeconds)];
  return told.status === 'MISS'
    ? headers
    : [...headers, 'x-openrouter-cache-age', String(told.ageSeconds), 'x-openrouter-cache-source-id', told.sourceId];
};

const told = ({ generationId, requestId, outputCap, cache }: AnswerHead): string[] => [
  'x-request-id',
  requestId,
  ...(generationId === undefined ? [] : ['x-generation-id', generationId]),
  ...(outputCap === undefined ? [] : ['x-waystation-output-cap', String(outputCap)]),
  ...(cache === undefined ? [] : cacheHeaders(cache)),
];

export const streamHead = (head: AnswerHead): string[] => [...STREAM, ...told(head)];

export const bodyHead = (head: AnswerHead, bytes: number, contentType = JSON_TYPE): string[] => [
  'content-type',
  contentType,
  ...BODY,
  'content-length',
  String(bytes),
  ...told(head),
];

export const errorHead = (error: DialectError, head: AnswerHead): string[] => {
  const block = bodyHead(head, Buffer.byteLength(error.body));
  return [
    ...block,
    ...(error.retryAfterSeconds === undefined ? [] : ['retry-after', String(error.retryAfterSeconds)]),
    ...(error.rateLimitHeaders ?? []),
  ];
};
