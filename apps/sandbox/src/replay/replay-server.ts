// A provider that answers with a recording, over HTTP and by the sandbox's own wire code. What it is asked is judged by the sandbox's readers first: a request that a real
// provider would refuse gets no recording.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { BadCall, type Dialect } from '../dialects/dialect.js';
import { findRoute, type Route } from '../dialects/registry.js';
import type { Script } from '../script/script.js';
import { createOutlet } from '../server/outlet.js';
import { wireOf } from './wire.js';

export type Played =
  | { readonly kind: 'stream'; readonly lines: readonly string[]; readonly wire: Script['wire'] }
  | { readonly kind: 'body'; readonly status: number; readonly bytes: Buffer };

export interface ReplayServer {
  readonly origin: string;
  /** What the calls from now on are answered with. */
  play(played: Played): void;
  /** Sockets that are open now. */
  readonly open: ReadonlySet<Socket>;
  /** Sockets that there ever were. */
  readonly opened: number;
  close(): Promise<void>;
}

const playLines = async (
  response: ServerResponse,
  dialect: Dialect,
  lines: readonly string[],
  wire: Script['wire'],
): Promise<void> => {
  const { event, end, binary = false } = wireOf(dialect.name);
  response.writeHead(200, { 'content-type': dialect.binaryStreamType ?? 'text/event-stream; charset=utf-8' });
  const outlet = createOutlet(response, wire, binary);
  for (const line of lines) await outlet.write(event(line));
  if (end !== '') await outlet.write(end);
  response.end();
};

const refusalOf = (
  { dialect, facts }: Route,
  query: URLSearchParams,
  request: IncomingMessage,
  body: Buffer,
): BadCall | undefined => {
  try {
    dialect.readCall({
      ...facts,
      body: JSON.parse(body.toString()) as unknown,
      query,
      header: (name) => request.headers[name]?.toString(),
    });
    return undefined;
  } catch (thrown) {
    if (thrown instanceof BadCall) return thrown;
    throw thrown;
  }
};

const answer = async (request: IncomingMessage, response: ServerResponse, played: Played): Promise<void> => {
  const body = await buffer(request);
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://lab');
  const route = findRoute(pathname);
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  const refusal = refusalOf(route, searchParams, request, body);
  if (refusal !== undefined) {
    response.writeHead(refusal.status).end(route.dialect.error(refusal.status, refusal.message));
    return;
  }
  if (played.kind === 'stream') return playLines(response, route.dialect, played.lines, played.wire);
  response.writeHead(played.status, { 'content-type': 'application/json', 'content-length': played.bytes.length });
  response.end(played.bytes);
};

export const startReplayServer = async (): Promise<ReplayServer> => {
  let now: Played = { kind: 'body', status: 500, bytes: Buffer.from('{}') };
  let opened = 0;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (request, response) => {
    answer(request, response, now).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    opened += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    play(played) {
      now = played;
    },
    open,
    get opened() {
      return opened;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
