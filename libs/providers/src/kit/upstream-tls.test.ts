// The client over TLS: whose certificate it believes, which name it asks for, whom it shows its own certificate, and that the rest is as without.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import type { WaystationError } from '@waystation/contracts';
import { createLabAuthority } from './test-edge/lab-authority.js';
import { createUpstreamClient, type UpstreamCall, type UpstreamTarget } from './upstream-client.js';

const authority = createLabAuthority();
const identity = authority.issue('lab.example');

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-tls-'));
const caFile = path.join(folder, 'authority.pem');
writeFileSync(caFile, authority.certificate);

const client = createUpstreamClient();
const servers: Server[] = [];
afterAll(async () => {
  await client.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

interface Lab {
  readonly port: number;
  readonly sockets: TLSSocket[];
}

const lab = async (answer: (socket: TLSSocket) => void, asking: TlsOptions = {}): Promise<Lab> => {
  const sockets: TLSSocket[] = [];
  const server = createServer({ ...identity, ...asking, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets };
};

const targetOf = ({ port }: Lab, tls: UpstreamTarget['tls'] = { caFile }): UpstreamTarget => ({
  url: new URL(`https://127.0.0.1:${port}`),
  providerName: 'Lab',
  allowPrivateAddress: true,
  connectionsMax: 10,
  timeouts: { connectMs: 1_000, firstByteMs: 2_000, idleMs: 2_000 },
  ...(tls === undefined ? {} : { tls }),
});

interface Outcome {
  readonly bytes: number;
  readonly error: WaystationError | undefined;
}

const send = (
  target: UpstreamTarget,
  host: string | undefined,
  onData: (call: UpstreamCall) => void = () => undefined,
): Promise<Outcome> =>
  new Promise((resolve) => {
    let bytes = 0;
    const call: UpstreamCall = client.send(
      target,
      { path: '/chat', query: '', headers: host === undefined ? [] : ['host', host], body: Buffer.from('{}') },
      {
        head: () => undefined,
        data: (chunk) => {
          bytes += chunk.length;
          onData(call);
        },
        end: () => resolve({ bytes, error: undefined }),
        fail: (error) => resolve({ bytes, error }),
      },
    );
  });

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('over TLS, a request', () => {
  it('reaches a server that an authority of the operator vouches for, by HTTP/1.1, and its connection is used again', async () => {
    const server = await lab((socket) => socket.write(OK));
    const target = targetOf(server);
    for (let times = 0; times < 3; times += 1) {
      expect(await send(target, 'lab.example')).toEqual({ bytes: 2, error: undefined });
      await sleep(5);
    }
    expect(server.sockets).toHaveLength(1);
    expect(server.sockets[0]?.alpnProtocol).toBe('http/1.1');
    expect((server.sockets[0] as { servername?: string | false } | undefined)?.servername).toBe('lab.example');
  });

  it.each<[string, UpstreamTarget['tls'], string | undefined]>([
    ['an unknown authority', undefined, 'lab.example'],
    ['a certificate for another name', { caFile }, 'other.example'],
    ['a certificate without the address', { caFile }, undefined],
  ])('is not sent to %s', async (_, tls, host) => {
    let read = 0;
    const server = await lab(() => (read += 1));
    const { error } = await send({ ...targetOf(server), ...(tls === undefined ? { tls: {} } : { tls }) }, host);
    expect(error).toMatchObject({ code: 'provider_unavailable' });
    expect(error?.message).toContain('could not prove its identity');
    expect(read).toBe(0);
  });

  it('shows its certificate to a server that serves nobody without one', async () => {
    const { key, cert } = authority.issue('worker.example');
    const certFile = path.join(folder, 'worker.pem');
    const keyFile = path.join(folder, 'worker.key');
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const server = await lab((socket) => socket.write(OK), { requestCert: true, ca: authority.certificate });
    expect((await send(targetOf(server, { caFile, certFile, keyFile }), 'lab.example')).bytes).toBe(2);
    expect(server.sockets[0]?.getPeerCertificate().subjectaltname).toBe('DNS:worker.example');
    expect((await send(targetOf(server), 'lab.example')).error?.code).toBe('provider_unavailable');
  });

  it('opens its next connection with the session of the last', async () => {
    const reused: boolean[] = [];
    const server = await lab((socket) => {
      reused.push(socket.isSessionReused());
      socket.write(OK.replace('\r\n', '\r\nconnection: close\r\n'));
    });
    const target = targetOf(server);
    for (let times = 0; times < 2; times += 1) {
      expect((await send(target, 'lab.example')).bytes).toBe(2);
      await sleep(20);
    }
    expect(reused).toEqual([false, true]);
  });

  it('is paused so that the server has to wait, and loses nothing', async () => {
    const total = 16 * 1024 * 1024;
    let written = 0;
    const server = await lab((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const write = (): void => {
        while (written < total) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536, 0x78))) return void socket.once('drain', write);
        }
      };
      write();
    });
    let paused = false;
    let grip: UpstreamCall | undefined;
    const outcome = send(targetOf(server), 'lab.example', (call) => {
      grip = call;
      if (!paused) call.pause();
      paused = true;
    });
    await sleep(300);
    expect(written).toBeLessThan(total);
    grip?.resume();
    expect(await outcome).toEqual({ bytes: total, error: undefined });
  });

  it('that is cut off in its answer is broken', async () => {
    const server = await lab((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'));
    expect((await send(targetOf(server), 'lab.example')).error?.code).toBe('provider_stream_broken');
  });
});
