// Client certificates from the operator's variable to a server that serves nobody without one; what is refused at the start, and what is told later.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { ProviderEntry, WaystationError } from '@waystation/contracts';
import { ClientCertificate, createUpstreamClient, type UpstreamTarget } from '@waystation/providers';
import type { CatalogSnapshot, HeadSnapshot } from '@waystation/runtime';
import { createLabAuthority, startLabProxy } from '@waystation/testing';
import { workerConfig } from '../config.js';
import { keepClientCertificates } from './client-certificates.js';
import { createSites, type Sites } from './sites.js';

const authority = createLabAuthority();
const folder = mkdtempSync(path.join(tmpdir(), 'waystation-client-certificates-'));
const client = createUpstreamClient();
const closing: (() => unknown)[] = [() => client.close(), () => rmSync(folder, { recursive: true })];
afterAll(async () => {
  for (const close of closing) await close();
});

let written = 0;
const write = (text: string): string => {
  written += 1;
  const file = path.join(folder, `${written}.pem`);
  writeFileSync(file, text);
  return file;
};
const issue = (name: string, validDays?: readonly [number, number]) => {
  const { cert, key } = authority.issue(name, validDays);
  return { certFile: write(cert), keyFile: write(key) };
};
const caFile = write(authority.certificate);

const environment = (certificates: unknown, more: Readonly<Record<string, string>> = {}) => ({
  WAYSTATION_WORKER_PRIVATE_KEY: 'A'.repeat(43),
  WAYSTATION_WORKER_CA_FILE: caFile,
  WAYSTATION_WORKER_CLIENT_CERTIFICATES: typeof certificates === 'string' ? certificates : JSON.stringify(certificates),
  ...more,
});

const sitesOf = (certificates: unknown, baseUrl: string, more: Readonly<Record<string, string>> = {}): Sites => {
  const gateway: ProviderEntry = {
    ...{ v: 1, version: 1, slug: 'gateway', name: 'Gateway', dialect: 'openai-chat', baseUrl },
    ...{ allowPrivateAddress: true, dataPolicy: { retains: false, trains: false }, billsAfterCancel: true },
  };
  const catalog: HeadSnapshot<Pick<CatalogSnapshot, 'providers'>> = {
    current: { providers: new Map([['gateway', gateway]]) },
    ready: true,
    onChange: () => () => undefined,
    silentMs: () => 0,
    stop: () => undefined,
  };
  const { tls, timeouts, proxies, proxiedNames } = workerConfig.parse(environment(certificates, more));
  return createSites(catalog, { tls, timeouts, proxies, proxiedNames, connectionsMax: 4 });
};

/** Serves nobody without a certificate of the authority. @returns its port, and whom it served */
const gateway = async (): Promise<{ readonly port: number; readonly served: (string | undefined)[] }> => {
  const served: (string | undefined)[] = [];
  const demands = { requestCert: true, ca: authority.certificate, ...authority.issue('gateway.example') };
  const server: Server = createServer(demands, (socket: TLSSocket) => {
    const { subjectaltname } = socket.getPeerCertificate();
    socket.on('error', () => undefined);
    socket.on('data', () => {
      served.push(subjectaltname);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
    });
  });
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, served };
};

const ask = (target: UpstreamTarget): Promise<number | WaystationError> =>
  new Promise((resolve) => {
    let status = 0;
    client.send(
      target,
      { path: '/chat', query: '', headers: ['host', 'gateway.example'], body: Buffer.from('{}') },
      { head: (head) => void (status = head.status), data: () => undefined, end: () => resolve(status), fail: resolve },
    );
  });

describe('an operator’s client certificate', () => {
  it('opens a gateway that serves nobody without one; a tenant who names the same address does not get in by it', async () => {
    const { port, served } = await gateway();
    const sites = sitesOf(
      [{ origins: ['https://gateway.example'], ...issue('station.example') }],
      `https://127.0.0.1:${port}`,
    );
    expect(await ask(sites.of('gateway').target)).toBe(200);
    const ofTenant = { ...sites.at('gateway', `https://127.0.0.1:${port}`).target, allowPrivateAddress: true };
    expect(await ask(ofTenant)).toMatchObject({ code: 'provider_unavailable' });
    expect(served).toEqual(['DNS:station.example']);
  });

  it('opens it through a proxy as well', async () => {
    const { port, served } = await gateway();
    const proxy = await startLabProxy({ port });
    closing.push(() => proxy.close());
    const sites = sitesOf(
      [{ origins: ['https://gateway.example'], ...issue('station.example') }],
      'https://gateway.example/v1',
      { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` },
    );
    expect(await ask(sites.of('gateway').target)).toBe(200);
    expect(proxy.asked.map(({ line }) => line)).toEqual(['CONNECT gateway.example:443']);
    expect(served).toEqual(['DNS:station.example']);
  });
});

describe('at the start', () => {
  const good = issue('station.example');
  const of = (more: object): unknown => [{ origins: ['https://a.example'], ...good, ...more }];

  it.each<[string, unknown, string]>([
    ['no JSON', '[{', 'must be a JSON list'],
    ['no list', { origins: [] }, 'must be a JSON list'],
    ['no origin', of({ origins: [] }), 'at 0.origins'],
    ['no key', [{ origins: ['https://a.example'], certFile: good.certFile }], 'at 0.keyFile'],
    ['a word too much', of({ pass: 'x' }), 'pass'],
    ['an origin without TLS', of({ origins: ['http://a.example'] }), 'must be an origin'],
    ['an address with a path', of({ origins: ['https://a.example/v1'] }), 'must be an origin'],
    ['an address with a user', of({ origins: ['https://u@a.example'] }), 'must be an origin'],
    ['every host below', of({ origins: ['https://'] }), 'must be an origin'],
    ['a file that is not there', of({ certFile: '/nowhere.pem' }), '/nowhere.pem cannot be read (ENOENT)'],
    ['the key of another', of({ keyFile: issue('other.example').keyFile }), 'is not the one of the certificate'],
    [
      'an origin twice',
      of({ origins: ['https://a.example', 'https://a.example:443'] }),
      'names https://a.example twice',
    ],
  ])('%s is refused', (_, certificates, message) => {
    const { error } = workerConfig.safeParse(environment(certificates));
    expect(error?.issues.map(({ path: [variable] }) => variable)).toEqual(['WAYSTATION_WORKER_CLIENT_CERTIFICATES']);
    expect(error?.issues[0]?.message).toContain(message);
  });

  it.each([
    ['WAYSTATION_WORKER_CERT_FILE', good.certFile, 'is not read any more'],
    ['WAYSTATION_WORKER_KEY_FILE', good.keyFile, 'is not read any more'],
    ['WAYSTATION_WORKER_CA_FILE', '/nowhere.pem', 'ENOENT'],
    ['WAYSTATION_WORKER_CA_FILE', good.keyFile, 'must be a file with certificates as PEM'],
  ])('%s=%s is refused', (variable, value, message) => {
    const { error } = workerConfig.safeParse(environment([], { [variable]: value }));
    expect(error?.issues.map((issue) => [issue.path[0], issue.message])).toEqual([
      [variable, expect.stringContaining(message)],
    ]);
  });
});

describe('while the worker runs', () => {
  const lines: string[] = [];
  const note = (_about: unknown, message?: string): void => void lines.push(message ?? '');
  const log = { info: note, warn: note, error: note };
  const until = async (count: number): Promise<void> => {
    for (let waited = 0; lines.length < count; waited += 5) {
      if (waited > 10_000) throw new Error(`waited in vain for line ${count} of ${JSON.stringify(lines)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  beforeEach(() => void lines.splice(0));

  it.each<[readonly [number, number], string[]]>([
    [[-1, 30], []],
    [[-1, 10], ['a client certificate expires soon']],
    [[-10, -1], ['a client certificate has expired: providers will refuse it']],
    [[1, 30], ['a client certificate is not valid yet']],
  ])('a certificate that is valid from %j days is told of as it is', (validDays, told) => {
    const certificate = new ClientCertificate(issue('station.example', validDays));
    const certificates = new Map([
      ['https://a.example', certificate],
      ['https://b.example', certificate],
    ]);
    keepClientCertificates(certificates, { log, everyMs: 60_000 })();
    expect(lines).toEqual(told);
  });

  it('files that change are read again; a fault is told once, and leaves what was good', async () => {
    const files = issue('first.example', [-1, 30]);
    const certificate = new ClientCertificate(files);
    const stop = keepClientCertificates(new Map([['https://a.example', certificate]]), { log, everyMs: 5 });
    const second = authority.issue('second.example', [-1, 30]);
    writeFileSync(files.certFile, second.cert);
    await until(1);
    expect(certificate.identity.subject).toBe('DNS:first.example');
    writeFileSync(files.keyFile, second.key);
    await until(2);
    stop();
    expect(certificate.identity.subject).toBe('DNS:second.example');
    expect(lines).toEqual([
      'a client certificate was changed and cannot be used; the one of before stays',
      'client certificate renewed',
    ]);
  });
});
