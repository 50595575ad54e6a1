// A TCP balancer for tests that roll replicas: round robin over those that are ready, byte for byte, open connections left alone.
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

export interface BalancerTarget {
  readonly host?: string;
  readonly port: number;
  /** Answers 200 while the target takes new connections. Without it, a target that accepts a connection is ready. */
  readonly readyUrl?: string;
}

export interface TcpBalancer {
  readonly url: string;
  readonly port: number;
  /** Connections given to each target, in the order of the targets. */
  readonly counts: readonly number[];
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

const PROBE_EVERY_MS = 100;
const PROBE_TIMEOUT_MS = 1_000;

export async function tcpBalancer(targets: readonly BalancerTarget[]): Promise<TcpBalancer> {
  const ready = targets.map(() => true);
  const counts = targets.map(() => 0);
  const sockets = new Set<Socket>();
  let turn = 0;

  const probe = async (): Promise<void> => {
    await Promise.all(
      targets.map(async ({ readyUrl }, index) => {
        if (readyUrl === undefined) return;
        const answer = await fetch(readyUrl, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).catch(() => undefined);
        await answer?.body?.cancel();
        ready[index] = answer?.ok === true;
      }),
    );
  };
  let probing = Promise.resolve();
  await probe();
  const timer = setInterval(() => (probing = probing.then(probe)), PROBE_EVERY_MS);

  /** Ready ones first, beginning with whose turn it is; the others only when nothing else is left. */
  const order = (): number[] => {
    const indexes = targets.map((_, index) => (turn + index) % targets.length);
    turn += 1;
    return [...indexes.filter((index) => ready[index]), ...indexes.filter((index) => !ready[index])];
  };

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
  };

  const join = (client: Socket, candidates: readonly number[]): void => {
    const [index, ...rest] = candidates;
    const target = index === undefined ? undefined : targets[index];
    if (index === undefined || target === undefined) return void client.destroy();
    const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port });
    let joined = false;
    upstream.once('connect', () => {
      joined = true;
      counts[index] = (counts[index] ?? 0) + 1;
      client.pipe(upstream);
      upstream.pipe(client);
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    });
    upstream.on('error', () => {
      if (joined) client.destroy();
      else join(client, rest);
    });
    track(upstream);
  };

  const server: Server = createServer({ pauseOnConnect: false }, (client) => {
    track(client);
    client.on('error', () => client.destroy());
    join(client, order());
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
    counts,
    async close() {
      clearInterval(timer);
      await probing;
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
