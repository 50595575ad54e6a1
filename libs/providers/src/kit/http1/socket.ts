// What sockets have in common, however they are opened: whom they are for, how they are watched, and TLS.
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls';
import type { ClientCertificate, ClientIdentity } from '../client-certificate.js';
import { Http1Error } from './http1-error.js';

/** What is read lies in the buffer until the callback returns. */
export interface ReadInto {
  readonly buffer: Buffer;
  callback(byteCount: number): true;
}

/** Whom a socket is for. After `failed` nothing more is told. */
export interface SocketUser {
  /** Absent: it listens for `data` itself. */
  readonly onread?: ReadInto;
  /** A request may be written to it. It is not the one that `open` gave where that leads to a proxy. */
  ready(socket: Socket): void;
  failed(error: Error): void;
  /** The other side sends no more. */
  ended(): void;
}

export interface SocketOpener {
  /** @returns what to destroy as long as none is ready */
  open(user: SocketUser): Socket;
}

const TCP_KEEP_ALIVE_MS = 60_000;

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '');

export const whereIs = ({ protocol, hostname, port }: URL): { readonly host: string; readonly port: number } => ({
  host: withoutBrackets(hostname),
  port: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port),
});

/** A name to prove, never an address: https://www.rfc-editor.org/rfc/rfc6066#section-3 */
export const serverNameOf = (host: string): string => {
  const name = withoutBrackets(host.replace(/:\d+$/, ''));
  return isIP(name) === 0 ? name : '';
};

export type TlsTerms = Omit<ConnectionOptions, 'secureContext'> & {
  /** Asked for each connection: another one where a client certificate was renewed. */
  readonly secureContext: () => SecureContext;
};

/** The authorities are read once, here. */
export const secureContextsOf = (caFile?: string, certificate?: ClientCertificate): (() => SecureContext) => {
  const ca = caFile === undefined ? undefined : [...getCACertificates('default'), readFileSync(caFile)];
  let made: { readonly of: ClientIdentity | undefined; readonly context: SecureContext } | undefined;
  return () => {
    const identity = certificate?.identity;
    if (made !== undefined && made.of === identity) return made.context;
    const { cert, key, passphrase } = identity ?? {};
    made = { of: identity, context: createSecureContext({ ca, cert, key, passphrase }) };
    return made.context;
  };
};

export const prepared = (socket: Socket): Socket => socket.setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);

const watched = <Watched extends Socket>(socket: Watched, user: Pick<SocketUser, 'failed' | 'ended'>): Watched =>
  socket
    .on('error', (error) => user.failed(error))
    .on('end', () => user.ended())
    .on('close', () => user.failed(new Http1Error('CLOSED', 'the connection was closed')));

const onreadOf = ({ onread }: SocketUser) => (onread === undefined ? {} : { onread });

export const openTcp = (user: SocketUser, where: TcpNetConnectOpts): Socket => {
  const socket = prepared(connectTcp({ ...where, ...onreadOf(user) }));
  return watched(socket, user).once('connect', () => user.ready(socket));
};

/** Node reads into a buffer only where it has opened the socket itself, so that in a tunnel each piece is copied there. */
const readInto = ({ buffer, callback }: ReadInto, socket: Socket): void => {
  socket.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += buffer.length) callback(bytes.copy(buffer, 0, at));
  });
};

/** Opens TLS with one side, over a new connection or a tunnel, each time with the session of the last time, as long as the certificate that it stands for is shown. */
export const createTlsDoor = ({ secureContext: secureContexts, ...terms }: TlsTerms) => {
  let last: { readonly context: SecureContext; readonly session: Buffer } | undefined;
  return (user: SocketUser, over: TcpNetConnectOpts | { readonly socket: Socket; readonly host: string }): Socket => {
    const isTunnel = 'socket' in over;
    // `onread` is an option of any socket, which the types of TLS leave out.
    const reading = isTunnel ? {} : onreadOf(user);
    const context = secureContexts();
    const resumed = last?.context === context ? { session: last.session } : {};
    const options = { ...terms, secureContext: context, ...over, ...reading, ...resumed };
    const socket = connectTls(options).on('session', (session) => (last = { context, session }));
    if (isTunnel && user.onread !== undefined) readInto(user.onread, socket);
    return watched(socket, user).once('secureConnect', () => user.ready(socket));
  };
};
