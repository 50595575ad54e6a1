// A further address of an app: another server with the same handler and the same limits as its first, and the name of the one that a connection came in by.
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';

const names = new WeakMap<Socket, string>();

/** Name of the further listener that the connection came in by; undefined for the app's first. */
export const listenerOf = (socket: Socket): string | undefined => names.get(socket);

/** @param options what the first server was made with: Node does not tell all of it afterwards */
export const furtherServer = (
  name: string,
  first: Server,
  options: ServerOptions,
  handler: RequestListener,
): Server => {
  const { keepAliveTimeout, requestTimeout, headersTimeout } = first;
  const server = createServer({ ...options, keepAliveTimeout, requestTimeout, headersTimeout }, handler);
  server.timeout = first.timeout;
  server.maxHeadersCount = first.maxHeadersCount;
  server.maxRequestsPerSocket = first.maxRequestsPerSocket;
  server.on('connection', (socket) => void names.set(socket, name));
  // Whoever answers what is no HTTP listens at the first.
  server.on('clientError', (error, socket) => void first.emit('clientError', error, socket));
  return server;
};
