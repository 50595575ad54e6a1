// The client over TLS: whose certificate it believes, which name it asks for, whom it shows its own certificate, and that the rest is as without.
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import type { WaystationError } from '@waystation/contracts';
import { createLabAuthority } from '@waystation/testing';
import { ClientCertificate, clientCertificateFor } from './client-certificate.js';
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
  /** Names of the client certificates that it was shown, by connection. */
  readonly shown: (string | undefined)[];
}

const lab = async (answer: (socket: TLSSocket) => void, asking: TlsOptions = {}): Promise<Lab> => {
  const sockets: TLSSocket[] = [];
  const shown: Lab['shown'] = [];
  const server = createServer({ ...identity, ...asking, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    sockets.push(socket);
    shown.push(socket.getPeerCertificate().subjectaltname);
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, sockets, shown };
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
    let outcome: Promise<Outcome> | undefined;
    const paused = await new Promise<UpstreamCall>((resolve) => {
      let isPaused = false;
      outcome = send(targetOf(server), 'lab.example', (call) => {
        if (isPaused) return;
        isPaused = true;
        call.pause();
        resolve(call);
      });
    });
    await sleep(300);
    expect(written).toBeLessThan(total);
    paused.resume();
    expect(await outcome).toEqual({ bytes: total, error: undefined });
  }, 120_000);

  it('that is cut off in its answer is broken', async () => {
    const server = await lab((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'));
    expect((await send(targetOf(server), 'lab.example')).error?.code).toBe('provider_stream_broken');
  });
});

describe('a client certificate', () => {
  const demanding = { requestCert: true, ca: authority.certificate };
  const asking = { ...demanding, rejectUnauthorized: false };
  let written = 0;
  const write = (text: string): string => {
    written += 1;
    const file = path.join(folder, `client-${written}.pem`);
    writeFileSync(file, text);
    return file;
  };
  const issued = (name: string) => {
    const { key, cert } = authority.issue(name);
    return { certFile: write(cert), keyFile: write(key) };
  };
  const tlsFor = (origin: string, certificate: ClientCertificate): UpstreamTarget['tls'] => ({
    caFile,
    clientCertificates: new Map([[origin, certificate]]),
  });

  it('is shown to a server that serves nobody without one, and without it the refusal says so', async () => {
    const server = await lab((socket) => socket.write(OK), demanding);
    const tls = tlsFor('https://lab.example', new ClientCertificate(issued('worker.example')));
    expect((await send(targetOf(server, tls), 'lab.example')).bytes).toBe(2);
    expect(server.shown).toEqual(['DNS:worker.example']);
    const { error } = await send(targetOf(server), 'lab.example');
    expect(error).toMatchObject({ code: 'provider_unavailable' });
    expect(error?.message).toContain('asks for another client certificate');
  });

  it.each(['https://other.example', 'https://lab.example:8443'])(
    'that is for %s is not shown to who asks for one at another origin',
    async (origin) => {
      const server = await lab((socket) => socket.write(OK), asking);
      const tls = tlsFor(origin, new ClientCertificate(issued('worker.example')));
      expect((await send(targetOf(server, tls), 'lab.example')).bytes).toBe(2);
      expect(server.shown).toEqual([undefined]);
    },
  );

  it.each([
    ['https://lab.example', 'lab.example', true],
    ['https://LAB.example:443/v1', 'lab.example', true],
    ['https://10.0.0.5:8443', 'lab.example', true],
    ['https://lab.example', 'other.example', false],
    ['https://lab.example:8443', 'lab.example:8443', false],
    ['http://lab.example', 'lab.example', false],
    ['https://lab.example.evil.example', 'lab.example.evil.example', false],
    // An address is proved where it is connected to, whatever a header says.
    ['https://10.0.0.5:8443', '10.0.0.9', false],
    ['https://10.0.0.9', '10.0.0.5', true],
  ])(
    'for https://lab.example and https://10.0.0.9: at %s, which is asked as %s, it is shown: %s',
    (url, host, isShown) => {
      const certificate = new ClientCertificate(issued('worker.example'));
      const clientCertificates = new Map(
        ['https://lab.example', 'https://10.0.0.9'].map((each) => [each, certificate]),
      );
      const found = clientCertificateFor({ url: new URL(url), tls: { clientCertificates } }, host);
      expect(found).toBe(isShown ? certificate : undefined);
    },
  );

  it('shares no connection with calls that are to show none', async () => {
    const server = await lab((socket) => socket.write(OK), asking);
    const tls = tlsFor('https://lab.example', new ClientCertificate(issued('worker.example')));
    for (const each of [tls, { caFile }, tls, { caFile }]) {
      expect((await send(targetOf(server, each), 'lab.example')).bytes).toBe(2);
      await sleep(5);
    }
    expect(server.shown).toEqual(['DNS:worker.example', undefined]);
  });

  it('may have a key that a passphrase opens', async () => {
    const { key, cert } = authority.issue('worker.example');
    const sealed = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'öffne',
    });
    const files = { certFile: write(cert), keyFile: write(sealed.toString()), passphraseFile: write('öffne\n') };
    const server = await lab((socket) => socket.write(OK), demanding);
    const tls = tlsFor('https://lab.example', new ClientCertificate(files));
    expect((await send(targetOf(server, tls), 'lab.example')).bytes).toBe(2);
  });

  it('that was renewed is shown by the next connection; what cannot be used never takes its place', async () => {
    const closing = OK.replace('\r\n', '\r\nconnection: close\r\n');
    const server = await lab((socket) => socket.write(closing), demanding);
    const files = issued('first.example');
    const certificate = new ClientCertificate(files);
    const ask = async (): Promise<void> => {
      expect((await send(targetOf(server, tlsFor('https://lab.example', certificate)), 'lab.example')).bytes).toBe(2);
      await sleep(20);
    };
    await ask();
    expect(certificate.readAgain()).toBe(false);
    const second = authority.issue('second.example');
    writeFileSync(files.certFile, second.cert);
    expect(() => certificate.readAgain()).toThrow('is not the one of the certificate');
    await ask();
    writeFileSync(files.keyFile, second.key);
    expect(certificate.readAgain()).toBe(true);
    await ask();
    expect(server.shown).toEqual(['DNS:first.example', 'DNS:first.example', 'DNS:second.example']);
  });

  it('says which file is wrong, and nothing of what is in it', () => {
    const { key, cert } = authority.issue('worker.example');
    const sealed = createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' })
      .toString();
    const certFile = write(cert);
    const keyFile = write(key);
    const cases: [ConstructorParameters<typeof ClientCertificate>[0], string][] = [
      [{ certFile: '/nowhere.pem', keyFile }, 'the certificate /nowhere.pem cannot be read (ENOENT)'],
      [{ certFile, keyFile: '/nowhere.key' }, 'the key /nowhere.key cannot be read (ENOENT)'],
      [{ certFile, keyFile, passphraseFile: '/nowhere' }, 'the passphrase /nowhere cannot be read (ENOENT)'],
      [{ certFile: keyFile, keyFile }, `the certificate ${keyFile} is no PEM of a certificate`],
      [{ certFile, keyFile: certFile }, `the key ${certFile} is no PEM of a private key`],
      [{ certFile, keyFile: issued('other.example').keyFile }, `is not the one of the certificate ${certFile}`],
    ];
    for (const [files, message] of cases) expect(() => new ClientCertificate(files)).toThrow(message);
    const sealedFile = write(sealed);
    expect(() => new ClientCertificate({ certFile, keyFile: sealedFile })).toThrow(
      'is encrypted: name its passphraseFile',
    );
    const wrong = write('wrong');
    expect(() => new ClientCertificate({ certFile, keyFile: sealedFile, passphraseFile: wrong })).toThrow(
      `is not opened by the passphrase in ${wrong}`,
    );
  });
});
