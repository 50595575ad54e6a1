// Fastify's and Node's own limits, and answers to what never becomes a request: broken HTTP, headers that are too large or too slow, paths that cannot be read.
import { WaystationError } from '@waystation/contracts';
import { openAiChat } from '@waystation/dialects';
import { requestIdOf } from '@waystation/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import { errorHead } from '../deliver/response-head.js';
import { readingOn } from './read-body.js';
import { dialectAt, refuse } from './refuse.js';

const HEADER_BYTES_MAX = 32 * 1024;
/** Longer than load balancers keep connections, so that it is them who close. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 30_000;
/** For a whole request to come in; large bodies on slow lines need time. */
const REQUEST_MS = 300_000;

const CLIENT_ERRORS: Readonly<Record<string, WaystationError>> = {
  HPE_HEADER_OVERFLOW: new WaystationError(
    'headers_too_large',
    `The request's headers are larger than ${HEADER_BYTES_MAX} bytes.`,
  ),
  ERR_HTTP_REQUEST_TIMEOUT: new WaystationError('request_timeout', 'The request did not arrive in time.'),
};
const NOT_HTTP = new WaystationError('invalid_request', 'The request is not valid HTTP.');

/** How long the rest of a broken request is read off, so that the client gets to read the answer instead of a reset. */
const LINGER_MS = 2_000;
const answered = new WeakSet<Socket>();

/** Node hands over the bare socket, once for each further piece that comes in: nothing of the request could be read. */
const onClientError = (error: Error & { code?: string }, socket: Socket): void => {
  if (answered.has(socket)) return;
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  answered.add(socket);
  const known = error.code === undefined ? undefined : CLIENT_ERRORS[error.code];
  // Of a body that did not come in time the request is known, and so is the client's dialect.
  const request = readingOn(socket);
  const answer = (request === undefined ? openAiChat : dialectAt(request.url)).toError(known ?? NOT_HTTP);
  const { status, body } = answer;
  const names = errorHead(answer, { requestId: request?.id ?? requestIdOf(undefined) });
  const head = names.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${names[at + 1]}\r\n`] : []));
  socket.end(`HTTP/1.1 ${status} Error\r\n${head.join('')}connection: close\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
};

/** The router could not read the path (bad escapes, parameters too long). */
const onFrameworkError = (_error: Error, request: FastifyRequest, reply: FastifyReply): void =>
  refuse(request, reply, new WaystationError('invalid_request', 'The path of the request cannot be read.'));

export const serverOptions = (): Record<string, unknown> => ({
  logger: false,
  exposeHeadRoutes: false,
  return503OnClosing: false,
  forceCloseConnections: false,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: REQUEST_MS,
  clientErrorHandler: onClientError,
  frameworkErrors: onFrameworkError,
  routerOptions: { maxParamLength: 512 },
  http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_MS },
  // Nest's middleware engine runs on every request; nothing here uses it.
  skipMiddie: true,
});
