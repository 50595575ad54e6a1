// Connections through a proxy: a CONNECT tunnel with TLS inside for https targets; for plain ones the connection to the proxy itself, which reads the requests.
// Invariant: nothing is asked of the proxy before the target's name passed the guard, and nothing of the target goes through a tunnel before the proxy said that there is one.
import { isIP, type Socket } from 'node:net';
import { WaystationError } from '@waystation/contracts';
import { publicLookup } from '../guard-address.js';
import type { UpstreamProxy, UpstreamTarget } from '../upstream.js';
import { Http1Error } from './http1-error.js';
import { refusalOf, writeConnect } from './proxy.js';
import { ResponseParser } from './response-parser.js';
import {
  createTlsDoor,
  openTcp,
  prepared,
  secureContextsOf,
  serverNameOf,
  whereIs,
  type SocketOpener,
  type SocketUser,
  type TlsTerms,
} from './socket.js';

/** Checks the target's host as far as that can be done here, and tells what the proxy is to be told. Perhaps in the same turn. */
type Guard = (callback: (error: Error | null, host: string) => void) => void;

/** Whether the name has yet to be checked; private addresses as such were refused before. */
const isGuarded = ({ url, allowPrivateAddress }: UpstreamTarget): boolean =>
  !allowPrivateAddress && isIP(whereIs(url).host) === 0;

const cannotPin = ({ url }: UpstreamTarget): WaystationError =>
  new WaystationError(
    'provider_unavailable',
    `The host ${url.hostname.slice(0, 253)} is spoken to without TLS, so that a proxy resolves its name whatever was checked. Use https, or let an operator choose otherwise.`,
    { details: { reason: 'proxy_cannot_pin' } },
  );

const createGuard = (target: UpstreamTarget, names: UpstreamProxy['names'], lookup: typeof publicLookup): Guard => {
  const { host } = whereIs(target.url);
  if (!isGuarded(target) || names === 'trust') return (callback) => callback(null, host);
  return (callback) =>
    lookup(host, {}, (error, address) =>
      callback(error, names === 'pin' && typeof address === 'string' ? address : host),
    );
};

/** Opens the connection to the proxy itself. It gets the operator's authorities, but no client certificate: those are for providers. */
const createProxyDoor = ({ url }: UpstreamProxy, caFile: string | undefined): ((user: SocketUser) => Socket) => {
  const where = whereIs(url);
  if (url.protocol === 'http:') return (user) => openTcp(user, where);
  const openTls = createTlsDoor({
    secureContext: secureContextsOf(caFile),
    servername: serverNameOf(url.hostname),
    ALPNProtocols: ['http/1.1'],
  });
  return (user) => prepared(openTls(user, where));
};

const failedAtProxy = (cause: Error): Http1Error =>
  new Http1Error('PROXY_FAILED', 'the connection to the proxy failed', { cause });

/** Reads the answer to CONNECT and leaves the socket to whoever is next. `answered` is called once, with the reason why there is no tunnel or nothing. */
const readAnswer = (socket: Socket, answered: (refusal: Http1Error | undefined) => void): void => {
  const parser = new ResponseParser();
  const read = (bytes: Buffer): void => {
    const behind = parser.push(bytes, 0, bytes.length);
    if (parser.failure === undefined && parser.head === undefined) return;
    socket.off('data', read);
    const refusal = parser.head === undefined ? undefined : refusalOf(parser.head.status);
    if (refusal !== undefined) return answered(refusal);
    // In a tunnel the client speaks first: nobody asked for what comes behind the answer.
    const isOdd = behind !== undefined || parser.leftover;
    const failure = parser.failure ?? (isOdd ? new Http1Error('CLOSED', 'the proxy spoke unasked') : undefined);
    answered(failure === undefined ? undefined : failedAtProxy(failure));
  };
  socket.on('data', read);
};

/** @param secured how TLS is spoken with the target; undefined: not at all */
export const createProxiedOpener = (
  target: UpstreamTarget,
  proxy: UpstreamProxy,
  secured: TlsTerms | undefined,
  lookup = publicLookup,
): SocketOpener => {
  const guard = createGuard(target, proxy.names, lookup);
  const openProxy = createProxyDoor(proxy, target.tls?.caFile);
  const { host: targetHost, port } = whereIs(target.url);
  if (secured === undefined && isGuarded(target) && proxy.names === 'pin') throw cannotPin(target);
  const openTls = secured === undefined ? undefined : createTlsDoor(secured);
  return {
    open(user) {
      let isThrough = false;
      const enter = (socket: Socket, host: string): void => {
        if (openTls === undefined) {
          isThrough = true;
          return user.ready(socket);
        }
        readAnswer(socket, (refusal) => {
          if (refusal !== undefined) return user.failed(refusal);
          isThrough = true;
          // Without a name to prove, an address is: of the target, not of the proxy, which TLS would take.
          openTls(user, { socket, host: targetHost });
        });
        socket.write(writeConnect(`${isIP(host) === 6 ? `[${host}]` : host}:${port}`, proxy));
      };
      return openProxy({
        // In a tunnel only TLS reads into the one buffer.
        ...(openTls === undefined && user.onread !== undefined ? { onread: user.onread } : {}),
        ready: (socket) =>
          guard((error, host) => {
            if (socket.destroyed) return;
            if (error === null) enter(socket, host);
            else user.failed(error);
          }),
        failed: (error) => user.failed(isThrough ? error : failedAtProxy(error)),
        ended: () => {
          if (isThrough) user.ended();
          else user.failed(failedAtProxy(new Http1Error('CLOSED', 'the proxy closed the connection')));
        },
      });
    },
  };
};
