// A proxy for tests: tunnels and forwards whatever name it is told to one port of ours, and remembers what it was asked.
import { createServer as createHttp, request, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface LabProxyOptions {
  /** Where everything goes. */
  readonly port: number;
  /** What CONNECT is answered instead; undefined: nothing at all. */
  readonly answer?: ((socket: Socket) => void) | undefined;
  /** Speaks TLS, and asks for a client certificate. */
  readonly identity?: { readonly key: string; readonly cert: string };
}

export interface LabProxy {
  readonly port: number;
  readonly asked: { readonly line: string; readonly headers: IncomingMessage['headers'] }[];
  /** Connections of clients, and of the proxy to where they want to go. */
  readonly clients: Socket[];
  readonly upstreams: Socket[];
  close(): void;
}

export const startLabProxy = async ({ port, answer, identity }: LabProxyOptions): Promise<LabProxy> => {
  const asked: LabProxy['asked'] = [];
  const clients: Socket[] = [];
  const upstreams: Socket[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void =>
    void asked.push({ line: `${method} ${url}`, headers });
  const forward: RequestListener = (incoming, reply) => {
    note(incoming);
    const { pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path: pathname + search, headers, agent: false });
    onward.on('error', () => reply.destroy());
    onward.on('response', (response) => {
      reply.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(reply);
    });
    incoming.pipe(onward);
  };
  const server =
    identity === undefined
      ? createHttp(forward)
      : createHttps({ ...identity, requestCert: true, rejectUnauthorized: false }, forward);
  server.on(identity === undefined ? 'connection' : 'secureConnection', (socket: Socket | TLSSocket) => {
    clients.push(socket);
    socket.on('error', () => undefined);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    note(incoming);
    if (answer !== undefined) return answer(socket);
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstreams.push(upstream);
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    clients,
    upstreams,
    close() {
      server.close();
      for (const socket of [...clients, ...upstreams]) socket.destroy();
    },
  };
};
