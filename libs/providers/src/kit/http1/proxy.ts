// What is said to a proxy and what its answers mean. Invariant: its credentials stand in one header field and nowhere else, least of all in an error.
import type { UpstreamListener, UpstreamProxy, UpstreamTarget } from '../upstream.js';
import { ProxyRefusal } from './http1-error.js';

/** How a request is written that a proxy reads and passes on. */
export interface Forwarding {
  /** Before the path. */
  readonly origin: string;
  /** Header lines for the proxy. */
  readonly fields: string;
}

const AUTHENTICATION_REQUIRED = 407;

/** https://www.rfc-editor.org/rfc/rfc7617#section-2 */
const fieldsFor = ({ url: { username, password } }: UpstreamProxy): string => {
  if (username === '' && password === '') return '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `proxy-authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
};

/** Plain requests are read by the proxy; what is secured goes through a tunnel that it does not look into. */
export const forwardingOf = ({ url, proxy }: UpstreamTarget): Forwarding | undefined =>
  proxy === undefined || url.protocol === 'https:' ? undefined : { origin: url.origin, fields: fieldsFor(proxy) };

/** @param authority host and port, https://www.rfc-editor.org/rfc/rfc9110#name-connect */
export const writeConnect = (authority: string, proxy: UpstreamProxy): string =>
  `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${fieldsFor(proxy)}\r\n`;

/** @returns why there is no tunnel; undefined: there is one */
export const refusalOf = (status: number): ProxyRefusal | undefined => {
  if (status >= 200 && status < 300) return undefined;
  return new ProxyRefusal(status === AUTHENTICATION_REQUIRED ? 'PROXY_AUTHENTICATION' : 'PROXY_REFUSED', status);
};

/** Of the answers to a forwarded request, the one that is certainly the proxy's own. A listener that throws loses its connection. */
export const refusingProxy = (listener: UpstreamListener): UpstreamListener => ({
  head(head) {
    if (head.status === AUTHENTICATION_REQUIRED) throw refusalOf(head.status);
    listener.head(head);
  },
  data: (chunk) => listener.data(chunk),
  end: () => listener.end(),
  fail: (error) => listener.fail(error),
});
