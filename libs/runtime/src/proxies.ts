// Through which proxy an address is called, as the usual variables say it. Apps put `proxyVariables` into their config; nothing else reads them.
// Lower case goes before upper case, as in curl and Node; what NO_PROXY means, and that loopback never goes through a proxy, is Go's reading:
// https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** Each URL with its credentials: never for a log. */
export interface Proxies {
  readonly http: URL | undefined;
  readonly https: URL | undefined;
  /** Whether an address is called directly. */
  exempts(url: URL): boolean;
}

type Exemption = (host: string, port: string) => boolean;

const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4');
LOCAL.addAddress('::1', 'ipv6');

const familyOf = (host: string): 'ipv4' | 'ipv6' | undefined => {
  const family = isIP(host);
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6';
};

const isLoopback = (host: string): boolean => {
  const family = familyOf(host);
  return family === undefined ? host === 'localhost' || host.endsWith('.localhost') : LOCAL.check(host, family);
};

/** `10.0.0.0/8`, `fd00::/8`. @returns undefined where it is none */
const readNetwork = (text: string): Exemption | undefined => {
  const [network = '', prefix = ''] = text.split('/');
  const family = familyOf(network);
  if (family === undefined || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 'ipv4' ? 32 : 128))
    return undefined;
  const addresses = new BlockList();
  addresses.addSubnet(network, Number(prefix), family);
  return (host) => {
    const hostFamily = familyOf(host);
    return hostFamily !== undefined && addresses.check(host, hostFamily);
  };
};

/** A host or an address, perhaps with a port: `example.com`, `.example.com`, `*.example.com:8443`, `[::1]:8080`, `::1`. */
const readHost = (text: string): Exemption => {
  const parts = isIP(text) === 0 ? /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) : null;
  const name = (parts?.[1] ?? text).replace(/^\[|\]$|\.$/g, '');
  const port = parts?.[2];
  const below = /^\*?\.(.+)$/.exec(name)?.[1];
  const wanted = domainToASCII(below ?? name) || (below ?? name);
  return (host, itsPort) => {
    if (port !== undefined && port !== itsPort) return false;
    if (below === undefined && host === wanted) return true;
    return isIP(host) === 0 && host.endsWith(`.${wanted}`);
  };
};

const proxyUrl = z
  .string()
  .optional()
  .transform((text, context) => {
    if (text === undefined || text === '') return undefined;
    const url = URL.parse(text.includes('://') ? text : `http://${text}`);
    if (url !== null && /^https?:$/.test(url.protocol) && isEncoded(url.username) && isEncoded(url.password))
      return url;
    const message = 'must be http://host:port or https://host:port, with user:password@ where the proxy asks for it';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const isEncoded = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
};

const noProxy = z
  .string()
  .optional()
  .transform((text, context) => {
    if (text === undefined || text === '') return undefined;
    const exemptions: Exemption[] = [];
    for (const entry of text.toLowerCase().split(/[\s,]+/)) {
      if (entry === '') continue;
      if (entry === '*') exemptions.push(() => true);
      else if (!entry.includes('/')) exemptions.push(readHost(entry));
      else {
        const network = readNetwork(entry);
        if (network !== undefined) exemptions.push(network);
        else
          context.addIssue({
            code: 'custom',
            message: `holds ${entry.slice(0, 100)}, which is no network such as 10.0.0.0/8`,
          });
      }
    }
    return exemptions;
  });

/** For an app's config, beside its own variables. */
export const proxyVariables = {
  http_proxy: proxyUrl,
  HTTP_PROXY: proxyUrl,
  https_proxy: proxyUrl,
  HTTPS_PROXY: proxyUrl,
  no_proxy: noProxy,
  NO_PROXY: noProxy,
};

export const proxiesOf = (env: z.output<z.ZodObject<typeof proxyVariables>>): Proxies => {
  const exemptions = env.no_proxy ?? env.NO_PROXY ?? [];
  return {
    http: env.http_proxy ?? env.HTTP_PROXY,
    https: env.https_proxy ?? env.HTTPS_PROXY,
    exempts(url) {
      const host = url.hostname.replace(/^\[|\]$|\.$/g, '');
      const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
      return isLoopback(host) || exemptions.some((exempts) => exempts(host, port));
    },
  };
};

/** @returns undefined: directly */
export const proxyFor = (url: URL, proxies: Proxies): URL | undefined => {
  const proxy = url.protocol === 'https:' ? proxies.https : proxies.http;
  return proxy === undefined || proxies.exempts(url) ? undefined : proxy;
};
