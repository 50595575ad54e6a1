// Makes a link: resolves the name, connects, reads the greeting, changes to TLS where either side asks for it, introduces us, and waits for the answer.
// Either a link that the server accepted comes out, or an error, and no socket stays behind.
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { WaystationError } from '@waystation/contracts';
import type { BusOptions } from '../options.js';
import { createLink, type Link, type LinkEvents } from './link.js';
import { INFO_BYTES_MAX, ProtocolError } from './protocol/parse.js';
import { isAuthorizationError } from './protocol/server-error.js';
import { parseServerInfo, type ServerInfo } from './protocol/server-info.js';
import type { Server } from './servers.js';
import type { Turn } from './turn.js';

/** JetStream consumer creation by subject, and consumer limits: what provisioning and permissions rely on. */
const SERVER_MINIMUM = { major: 2, minor: 10 } as const;

const assertServerVersion = (version: string): void => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > SERVER_MINIMUM.major || (major === SERVER_MINIMUM.major && minor >= SERVER_MINIMUM.minor)) return;
  throw new WaystationError(
    'bus_unavailable',
    `NATS server ${version} is too old; Waystation needs ${SERVER_MINIMUM.major}.${SERVER_MINIMUM.minor} or newer.`,
  );
};

/** For one address, from the first packet to the server's acceptance. */
const DIAL_TIMEOUT_MS = 2_000;

/** The server does not let us in. */
export class AuthorizationError extends Error {}

export interface DialParts {
  readonly options: BusOptions;
  readonly pingEveryMs: number;
  readonly turn: Turn;
  /** Of the link, once it is accepted. */
  readonly events: LinkEvents;
  /** Aborted when the connection is closed for good. */
  readonly closing: AbortSignal;
}

/** Leaves the socket paused, with what came behind the greeting still in it. */
const readGreeting = (socket: Socket): Promise<{ info: ServerInfo; more: boolean }> =>
  new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n');
      if (end < 0 && bytes.length <= INFO_BYTES_MAX) return;
      socket.off('data', onData);
      socket.pause();
      const text = bytes.toString('utf8', 0, end);
      const rest = bytes.subarray(end + 2);
      if (end < 0 || !text.startsWith('INFO ')) {
        reject(new ProtocolError('the server does not greet as NATS does'));
        return;
      }
      if (rest.length > 0) socket.unshift(rest);
      try {
        resolve({ info: parseServerInfo(text.slice('INFO '.length)), more: rest.length > 0 });
      } catch (error) {
        reject(error as ProtocolError);
      }
    };
    socket.on('data', onData);
  });

const startTls = async (socket: Socket, address: string, server: Server, files: BusOptions['tls']): Promise<Socket> => {
  const read = (file: string | undefined): Promise<string> | undefined =>
    file === undefined ? undefined : readFile(file, 'utf8');
  // Read anew each time, so that renewed certificates are taken without a restart.
  const [ca, cert, key] = await Promise.all([read(files?.caFile), read(files?.certFile), read(files?.keyFile)]);
  const secure = connectTls({
    socket,
    host: address,
    ...(isIP(server.tlsName) === 0 ? { servername: server.tlsName } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  // The first error fails the wait; one that follows it would end the process.
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect');
  return secure;
};

const connectLine = (options: BusOptions, server: Server, info: ServerInfo, tls: boolean): string => {
  const user = options.user ?? server.user;
  const password = options.password ?? server.password;
  return `CONNECT ${JSON.stringify({
    verbose: false,
    pedantic: false,
    protocol: 1,
    lang: 'waystation',
    version: options.release,
    name: `waystation-${options.service}`,
    // Without headers a server cannot say that nobody is subscribed.
    headers: info.headers,
    no_responders: info.headers,
    tls_required: tls,
    user,
    pass: password,
    auth_token: user === undefined ? server.token : undefined,
  })}`;
};

const introduce = async (tcp: Socket, address: string, server: Server, parts: DialParts): Promise<Link> => {
  const { options, events } = parts;
  await once(tcp, 'connect');
  const { info, more } = await readGreeting(tcp);
  assertServerVersion(info.version);
  const offered = info.tlsRequired || info.tlsAvailable;
  if (!offered && (server.tls || options.tls !== undefined)) throw new Error('the server does not offer TLS');
  // Whoever put words between the greeting and the handshake is not the server.
  if (offered && more) throw new ProtocolError('the server spoke before the TLS handshake');
  const socket = offered ? await startTls(tcp, address, server, options.tls) : tcp;

  let accepted = false;
  const link = createLink(socket, info, parts.pingEveryMs, parts.turn, {
    message: events.message,
    info: (changed) => accepted && events.info(changed),
    error(text) {
      if (accepted) events.error(text);
      else link.end(isAuthorizationError(text) ? new AuthorizationError(text) : new Error(text));
    },
    ended: (cause) => accepted && events.ended(cause),
  });
  link.line(connectLine(options, server, info, offered));
  try {
    await link.barrier();
  } catch (error) {
    link.end();
    throw error;
  }
  if (!link.alive) throw new Error('the server closed the connection');
  accepted = true;
  return link;
};

const dialAddress = async (address: string, server: Server, parts: DialParts): Promise<Link> => {
  const tcp = connectTcp({ host: address, port: server.port, noDelay: true });
  const failed = new Promise<never>((_resolve, reject) => {
    tcp.once('close', () => reject(new Error('the server closed the connection')));
    // Stays: an error of a socket that nobody listens to would end the process.
    tcp.on('error', reject);
  });
  failed.catch(() => undefined);
  const giveUp = (): void =>
    void tcp.destroy(new Error(`${address}:${server.port} did not answer within ${DIAL_TIMEOUT_MS} ms`));
  const timer = setTimeout(giveUp, DIAL_TIMEOUT_MS);
  const onClosing = (): void => void tcp.destroy();
  parts.closing.addEventListener('abort', onClosing, { once: true });
  const introduced = introduce(tcp, address, server, parts);
  introduced.catch(() => undefined);
  try {
    return await Promise.race([introduced, failed]);
  } catch (error) {
    tcp.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    parts.closing.removeEventListener('abort', onClosing);
  }
};

/** Tries every address of the server's name, in random order. @throws WaystationError when the server is too old, AuthorizationError when it refuses us, Error otherwise: of the last address. */
export const dial = async (server: Server, parts: DialParts): Promise<Link> => {
  const addresses =
    isIP(server.host) === 0 ? (await lookup(server.host, { all: true })).map(({ address }) => address) : [server.host];
  let failure: unknown = new Error(`${server.host} has no address`);
  while (addresses.length > 0 && !parts.closing.aborted) {
    const [address] = addresses.splice(Math.floor(Math.random() * addresses.length), 1);
    try {
      return await dialAddress(address as string, server, parts);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
};
