// Ends an HTTP server in order: no new connections, idle ones closed at once, busy ones when their answer is out, all that is left when the time is over.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** A connection that becomes idle between two looks is closed at the next. */
const LOOK_EVERY_MS = 50;

export const drainHttp = async (server: Server, withinMs: number): Promise<void> => {
  if (!server.listening) return;
  // Whoever reuses a busy connection for one more request is told to open another next time.
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const look = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
  const late = setTimeout(() => server.closeAllConnections(), withinMs);
  await closed;
  clearInterval(look);
  clearTimeout(late);
};
