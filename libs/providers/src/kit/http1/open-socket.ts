// How connections to one target are opened: directly, where addresses are guarded as they are resolved, or through a proxy; TLS with the target's authorities, and a client certificate for whom there is one.
import { clientCertificateFor } from '../client-certificate.js';
import { publicLookup } from '../guard-address.js';
import type { UpstreamTarget } from '../upstream.js';
import { createProxiedOpener } from './open-through-proxy.js';
import {
  createTlsDoor,
  openTcp,
  prepared,
  secureContextsOf,
  serverNameOf,
  whereIs,
  type SocketOpener,
} from './socket.js';

/** @param namedHost the host that the requests name; the one of the URL unless a header says otherwise */
export const createSocketOpener = (target: UpstreamTarget, namedHost: string): SocketOpener => {
  const { url, allowPrivateAddress, tls, proxy } = target;
  const secured =
    url.protocol === 'https:'
      ? {
          secureContext: secureContextsOf(tls?.caFile, clientCertificateFor(target, namedHost)),
          servername: serverNameOf(namedHost),
          ALPNProtocols: ['http/1.1'],
        }
      : undefined;
  if (proxy !== undefined) return createProxiedOpener(target, proxy, secured);
  const where = { ...whereIs(url), ...(allowPrivateAddress ? {} : { lookup: publicLookup }) };
  if (secured === undefined) return { open: (user) => openTcp(user, where) };
  const openTls = createTlsDoor(secured);
  return { open: (user) => prepared(openTls(user, where)) };
};
