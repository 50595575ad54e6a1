// Which addresses a URL that a tenant gave may lead to: global unicast and nothing else. Everything private, local, reserved or tunnelled is refused, so that
// nobody reaches our own network or a cloud's metadata service through us. https://www.iana.org/assignments/iana-ipv4-special-registry (and ipv6)
import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { WaystationError } from '@waystation/contracts';

const blocked = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  blocked.addSubnet(network, prefix, 'ipv4');
}

/** Global unicast; what lies outside is local, mapped, multicast or not assigned. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
/** Inside of it, but no host of its own: protocol assignments with Teredo, documentation, 6to4. */
const special = new BlockList();
special.addSubnet('2001::', 23, 'ipv6');
special.addSubnet('2001:db8::', 32, 'ipv6');
special.addSubnet('2002::', 16, 'ipv6');
special.addSubnet('3fff::', 20, 'ipv6');

export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !blocked.check(address, 'ipv4');
  return (
    family === 6 && !address.includes('%') && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6')
  );
};

export const addressRefused = (host: string): WaystationError =>
  new WaystationError(
    'provider_unavailable',
    `The host ${host.slice(0, 253)} is not a public address. Only an operator may configure private ones.`,
    {
      details: { reason: 'private_address' },
    },
  );

/** @throws WaystationError where the URL's host is an address (in any spelling; URL parsing normalises them) that is not public */
export const refusePrivateLiteral = (url: URL): void => {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw addressRefused(host);
};

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/**
 * For the connecting socket: it connects to the very addresses that were checked here, so a name that changes its mind in between changes nothing.
 * One private address among public ones refuses the host.
 */
export const publicLookup = (host: string, options: LookupOptions, callback: LookupCallback): void => {
  resolve(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    if (addresses.length === 0 || addresses.some((each) => !isPublicAddress(each.address))) {
      return callback(addressRefused(host), []);
    }
    const [first] = addresses;
    if (options.all === true || first === undefined) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};
