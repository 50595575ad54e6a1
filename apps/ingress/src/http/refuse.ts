// Answers a request with an error in the client's own dialect. A body that is still coming in is read off for a while, so that the client gets to read
// the answer instead of a broken connection.
import type { WaystationError } from '@waystation/contracts';
import {
  anthropicMessages,
  openAiChat,
  openAiCompletions,
  openAiResponses,
  type PublicDialect,
} from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorHead } from '../deliver/response-head.js';

/** How much of an unwanted body is read off, and for how long. */
const LINGER_BYTES_MAX = 256 * 1024 * 1024;
const LINGER_MS = 5_000;

/** Whoever asks at a path of a dialect is answered in it; everything else speaks as chat completions do. */
const DIALECTS: ReadonlyMap<string | undefined, PublicDialect> = new Map([
  ['messages', anthropicMessages],
  ['responses', openAiResponses],
  ['completions', openAiCompletions],
]);

export const dialectAt = (url: string): PublicDialect =>
  DIALECTS.get(/^(?:\/api)?\/v1\/([a-z]+)(?:[/?]|$)/.exec(url)?.[1]) ?? openAiChat;

const bodyIsOpen = (request: FastifyRequest): boolean =>
  !request.raw.complete &&
  (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined);

export const refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  error: WaystationError,
  extraHeaders: readonly string[] = [],
): void => {
  const { raw } = reply;
  reply.hijack();
  if (raw.headersSent || raw.destroyed) return void raw.end();
  const converted = dialectAt(request.url).toError(error);
  const head = [...errorHead(converted, { requestId: request.id }), ...extraHeaders];
  if (!bodyIsOpen(request)) {
    raw.writeHead(converted.status, head);
    raw.end(converted.body);
    return;
  }
  raw.writeHead(converted.status, [...head, 'connection', 'close']);
  raw.write(converted.body);
  linger(request, () => raw.end());
};

const linger = (request: FastifyRequest, done: () => void): void => {
  let bytes = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.raw.off('data', count);
    done();
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES_MAX) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.raw.once('end', end).once('close', end).on('data', count).resume();
};
