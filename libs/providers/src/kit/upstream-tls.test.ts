// The client over TLS: whose certificate it believes, which name it asks for, and that the rest is as without. The authority and its certificate are made here, byte by byte,
// since node:crypto reads certificates but writes none. https://www.rfc-editor.org/rfc/rfc5280#section-4.1
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { WaystationError } from '@waystation/contracts';
import { createUpstreamClient, type UpstreamCall, type UpstreamTarget } from './upstream-client.js';

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]));
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const TRUE = der(0x01, Buffer.from([0xff]));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const BASIC_CONSTRAINTS = oid('551d13');
const ALTERNATIVE_NAMES = oid('551d11');

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
const utcTime = (date: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\..*/g, '')
        .slice(2)}Z`,
    ),
  );

interface CertificateTerms {
  readonly serial: number;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly extension: Buffer;
}

const certificate = ({ serial, subject, publicKey, issuer, issuerKey, extension }: CertificateTerms): string => {
  const dayMs = 86_400_000;
  const signed = sequence(
    der(0xa0, integer(2)),
    integer(serial),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(utcTime(new Date(Date.now() - dayMs)), utcTime(new Date(Date.now() + dayMs))),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const whole = sequence(signed, ECDSA_SHA256, bits(sign('sha256', signed, issuerKey)));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
};

const authorityKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const serverKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issued = { issuer: 'Lab authority', issuerKey: authorityKeys.privateKey };
const authority = certificate({
  ...issued,
  serial: 1,
  subject: 'Lab authority',
  publicKey: authorityKeys.publicKey,
  extension: sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
});
const leaf = certificate({
  ...issued,
  serial: 2,
  subject: 'Lab',
  publicKey: serverKeys.publicKey,
  extension: sequence(ALTERNATIVE_NAMES, der(0x04, sequence(der(0x82, Buffer.from('lab.example'))))),
});

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-tls-'));
const caFile = path.join(folder, 'authority.pem');
writeFileSync(caFile, authority);

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

const lab = async (answer: (socket: TLSSocket) => void): Promise<Lab> => {
  const sockets: TLSSocket[] = [];
  const key = serverKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const server = createServer({ key, cert: leaf, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
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
