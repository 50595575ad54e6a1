// The servers a process may connect to: those it was told, in random order, and those its cluster names. Each is tried in turn.
import { isIP } from 'node:net';
import { WaystationError } from '@waystation/contracts';

export interface Server {
  readonly host: string;
  readonly port: number;
  /** Whom the certificate must name; differs from the host where a cluster gave an address. */
  readonly tlsName: string;
  /** The URL asked for TLS. */
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

/** What the pool remembers of a server. */
export interface PooledServer extends Server {
  /** Named by the cluster, not by configuration: it goes when the cluster names it no more. */
  readonly learnt: boolean;
  /** When it was last dialled, on the clock of `performance.now`. */
  dialledAt: number;
}

export interface ServerPool {
  readonly size: number;
  /** The one to try next; after all others it comes again. */
  next(): PooledServer;
  /** Takes over which other servers the cluster has; they are asked with the name and credentials of the one that named them. */
  learn(urls: readonly string[], from: Server): void;
}

/** More servers than this a cluster need not name. */
const LEARNT_MAX = 64;
const PORT_DEFAULT = 4222;

/** Credentials in a URL must not reach a log line. */
export const hostsOf = (urls: string): string => urls.replaceAll(/\/\/[^@/,]*@/g, '//');

const read = (url: string): URL | undefined => {
  const whole = url.includes('://') ? url.trim() : `nats://${url.trim()}`;
  const parsed = URL.canParse(whole) ? new URL(whole) : undefined;
  return parsed !== undefined && parsed.hostname !== '' && /^(nats|tls):$/.test(parsed.protocol) ? parsed : undefined;
};
const isServer = (url: string): boolean => read(url) !== undefined;

/** `nats://user:password@host:port`, `nats://token@host`, `tls://host`, `host:port`. @throws WaystationError for what is no such URL. */
export const parseServer = (url: string): Server => {
  const parsed = read(url);
  if (parsed === undefined)
    throw new WaystationError(
      'bus_unavailable',
      `${hostsOf(url)} is no NATS server: use nats://host:port or tls://host:port.`,
    );
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const user = decodeURIComponent(parsed.username);
  const password = decodeURIComponent(parsed.password);
  return {
    host,
    port: parsed.port === '' ? PORT_DEFAULT : Number(parsed.port),
    tlsName: host,
    tls: parsed.protocol === 'tls:',
    ...(user === '' ? {} : password === '' ? { token: user } : { user, password }),
  };
};

const shuffled = <Item>(items: readonly Item[], random: () => number): Item[] => {
  const left = [...items];
  const mixed: Item[] = [];
  while (left.length > 0) mixed.push(...left.splice(Math.floor(random() * left.length), 1));
  return mixed;
};

/** @throws WaystationError for what is no URL of a server. */
export const createServerPool = (urls: string, random: () => number = Math.random): ServerPool => {
  const pooled = (server: Server, learnt: boolean): PooledServer => ({ ...server, learnt, dialledAt: -Infinity });
  let servers = shuffled(urls.split(','), random).map((url) => pooled(parseServer(url), false));

  return {
    get size() {
      return servers.length;
    },
    next() {
      const server = servers.shift() as PooledServer;
      servers.push(server);
      return server;
    },
    learn(named, from) {
      const addressOf = ({ host, port }: Server): string => `${host} ${port}`;
      const listed = named.slice(0, LEARNT_MAX).filter(isServer).map(parseServer);
      const current = new Set([...listed, from].map(addressOf));
      servers = servers.filter((server) => !server.learnt || current.has(addressOf(server)));
      const known = new Set(servers.map(addressOf));
      const added = shuffled(listed, random).filter((server) => !known.has(addressOf(server)));
      // The one in use stays last.
      servers.unshift(
        ...added.map(({ host, port }) =>
          pooled({ ...from, host, port, tlsName: isIP(host) === 0 ? host : from.tlsName }, true),
        ),
      );
    },
  };
};
