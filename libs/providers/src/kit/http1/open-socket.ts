// How connections to one target are opened: addresses guarded where they are resolved, TLS with the target's authorities and its last session.
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, rootCertificates } from 'node:tls';
import { publicLookup } from '../guard-address.js';
import type { UpstreamTarget, UpstreamTls } from '../upstream.js';

export interface SocketOpener {
  /** The event that says that a request may be written. */
  readonly readyEvent: 'connect' | 'secureConnect';
  open(onread: OnReadOpts): Socket;
}

const TCP_KEEP_ALIVE_MS = 60_000;

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '');

/** A name to prove, never an address: https://www.rfc-editor.org/rfc/rfc6066#section-3 */
const serverNameOf = (host: string): string => {
  const name = withoutBrackets(host.replace(/:\d+$/, ''));
  return isIP(name) === 0 ? name : '';
};

const secureContextOf = (tls: UpstreamTls = {}) =>
  createSecureContext({
    ...(tls.caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(tls.caFile)] }),
    ...(tls.certFile === undefined ? {} : { cert: readFileSync(tls.certFile) }),
    ...(tls.keyFile === undefined ? {} : { key: readFileSync(tls.keyFile) }),
  });

/**
 * Files are read once, here.
 * @param namedHost the host that the requests name; the one of the URL unless a header says otherwise
 */
export const createSocketOpener = (target: UpstreamTarget, namedHost: string): SocketOpener => {
  const { url, allowPrivateAddress, tls } = target;
  const isTls = url.protocol === 'https:';
  const where = {
    host: withoutBrackets(url.hostname),
    port: Number(url.port === '' ? (isTls ? 443 : 80) : url.port),
    ...(allowPrivateAddress ? {} : { lookup: publicLookup }),
  };
  if (!isTls) {
    return {
      readyEvent: 'connect',
      open: (onread) => prepared(connectTcp({ ...where, onread })),
    };
  }
  const secured = {
    ...where,
    secureContext: secureContextOf(tls),
    servername: serverNameOf(namedHost),
    ALPNProtocols: ['http/1.1'],
  };
  let session: Buffer | undefined;
  return {
    readyEvent: 'secureConnect',
    open: (onread) => {
      // `onread` is an option of any socket, which the types of TLS leave out.
      const options = { ...secured, onread, ...(session === undefined ? {} : { session }) };
      return prepared(connectTls(options).on('session', (latest) => (session = latest)));
    },
  };
};

const prepared = (socket: Socket): Socket => socket.setNoDelay(true).setKeepAlive(true, TCP_KEEP_ALIVE_MS);
