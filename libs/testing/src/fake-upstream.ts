// A provider that does exactly what a test's script says, down to the socket, and remembers what it was asked.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  json(): unknown;
  /** Whether the client has gone before the answer was finished. */
  readonly abandoned: boolean;
  /** Resolves when the connection's answer is over: finished, or the client has gone. */
  readonly over: Promise<void>;
}

export interface UpstreamReply {
  json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** 200 and an event stream of `data:` lines, the first at once, then one every `everyMs`; stops when the client leaves. Ends the answer unless told not to. */
  sse(lines: Iterable<unknown>, options?: { readonly everyMs?: number; readonly end?: boolean }): Promise<void>;
  /** Cuts the connection in the middle of whatever was sent. */
  hangUp(): void;
  readonly raw: ServerResponse;
}

export type UpstreamScript = (request: UpstreamRequest, reply: UpstreamReply) => void | Promise<void>;

export interface FakeUpstream {
  /** Without path. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, in order of arrival of their bodies. */
  readonly requests: readonly UpstreamRequest[];
  /** From now on. */
  script(script: UpstreamScript): void;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024 * 1024;

export async function fakeUpstream(first: UpstreamScript): Promise<FakeUpstream> {
  let script = first;
  const requests: UpstreamRequest[] = [];
  const sockets = new Set<Socket>();
  const faults: unknown[] = [];

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await record(incoming, outgoing);
    requests.push(request);
    await script(request, replyTo(outgoing, request));
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => {
      faults.push(error);
      outgoing.destroy();
    });
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    script(next) {
      script = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      if (faults.length > 0) throw new AggregateError(faults, 'a script of the fake upstream failed');
    },
  };
}

async function record(incoming: IncomingMessage, outgoing: ServerResponse): Promise<UpstreamRequest> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_BYTES_MAX) throw new Error(`a body of more than ${BODY_BYTES_MAX} bytes`);
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body,
    json: () => JSON.parse(body.toString('utf8')) as unknown,
    get abandoned() {
      return outgoing.destroyed && !outgoing.writableFinished;
    },
    over: new Promise((resolve) => outgoing.once('close', resolve)),
  };
}

function replyTo(outgoing: ServerResponse, request: UpstreamRequest): UpstreamReply {
  return {
    raw: outgoing,
    json(status, body, headers = {}) {
      outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    },
    async sse(lines, { everyMs = 0, end = true } = {}) {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      let begun = false;
      for (const line of lines) {
        if (begun && everyMs > 0) await sleep(everyMs);
        if (request.abandoned) return;
        const text = typeof line === 'string' ? line : JSON.stringify(line);
        // Until the kernel has it, so that a hang-up afterwards loses nothing that was sent.
        await new Promise<void>((resolve) => outgoing.write(`data: ${text}\n\n`, () => resolve()));
        begun = true;
      }
      if (end) outgoing.end();
    },
    hangUp() {
      outgoing.destroy();
    },
  };
}
