// What a proxy is told under each choice of the operator, where names lead somewhere public.
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { publicLookup } from '../guard-address.js';
import type { UpstreamProxy } from '../upstream.js';
import { createProxiedOpener } from './open-through-proxy.js';

const toAddress =
  (address: string): typeof publicLookup =>
  (_host, _options, callback) =>
    callback(null, address, address.includes(':') ? 6 : 4);

it.each<[UpstreamProxy['names'], string, string]>([
  ['check', '93.184.215.14', 'lab.example:8443'],
  ['trust', '93.184.215.14', 'lab.example:8443'],
  ['pin', '93.184.215.14', '93.184.215.14:8443'],
  ['pin', '2606:2800::1', '[2606:2800::1]:8443'],
])('under %s, of a name that is at %s it is told %s', async (names, address, authority) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const opener = createProxiedOpener(
    {
      url: new URL('https://lab.example:8443'),
      providerName: 'Lab',
      allowPrivateAddress: false,
      connectionsMax: 1,
      timeouts: { connectMs: 1_000, firstByteMs: 1_000, idleMs: 1_000 },
    },
    { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), names },
    { servername: 'lab.example', secureContext: () => createSecureContext() },
    toAddress(address),
  );
  const socket = opener.open({ ready: () => undefined, failed: () => undefined, ended: () => undefined });
  const proxy = await accepted;
  const said = await new Promise<Buffer>((resolve) => proxy.once('data', resolve));
  expect(said.toString()).toBe(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  socket.destroy();
  proxy.destroy();
  server.close();
});
