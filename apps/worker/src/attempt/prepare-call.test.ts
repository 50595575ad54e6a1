// Who signs what: a signature covers exactly the request that arrives, every other credential is put beside it. And what a translated answer says again of its request.
import { SignatureV4 } from '@smithy/signature-v4';
import { createUpstreamClient, findProviderDialect, type Credential } from '@waystation/providers';
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { attemptBody, attemptRequest } from '../test-edge/attempt-request.js';
import type { Site, Sites } from '../site/sites.js';
import { prepareCall, type PreparedCall } from './prepare-call.js';

const AWS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'token/+=',
  region: 'eu-west-1',
};

interface Given {
  readonly credential: Credential;
  readonly dialect?: string;
  readonly baseUrl?: string;
  /** That the credential brings. */
  readonly ofCredential?: string;
  readonly headers?: readonly string[];
  readonly body?: Buffer;
  /** Of the client. */
  readonly clientDialect?: string;
}

const prepare = (given: Given): PreparedCall => {
  const { credential, dialect: name = 'bedrock-converse', baseUrl, headers = [], body = attemptBody() } = given;
  const { ofCredential } = given;
  const dialect = findProviderDialect(name);
  if (dialect === undefined) throw new Error(`${name} is not registered`);
  const siteAt = (address: string): Site => ({
    dialect,
    headers,
    quirks: {},
    target: {
      url: new URL(address),
      providerName: 'Lab',
      allowPrivateAddress: true,
      connectionsMax: 10,
      timeouts: { connectMs: 5_000, firstByteMs: 5_000, idleMs: 5_000 },
    },
    entry: {
      v: 1,
      version: 1,
      slug: 'lab',
      name: 'Lab',
      dialect: name,
      baseUrl: address,
      allowPrivateAddress: true,
      credentialId: 'operator-lab',
      dataPolicy: { retains: true, trains: true },
      billsAfterCancel: true,
    },
  });
  const sites: Sites = {
    of: () => siteAt(baseUrl ?? 'https://bedrock-runtime.eu-west-1.amazonaws.com'),
    at: (_provider, address) => siteAt(address),
  };
  const request = attemptRequest(body);
  return prepareCall(
    {
      ...request,
      dialect: given.clientDialect ?? request.dialect,
      attempt: { ...request.attempt, upstreamModel: 'anthropic.claude-sonnet-4-v1:0' },
    },
    body,
    sites,
    { credential, baseUrl: ofCredential },
  );
};

const headerOf = ({ message }: PreparedCall, name: string): string | undefined => {
  const at = message.headers.indexOf(name);
  return at < 0 ? undefined : message.headers[at + 1];
};

class Sha256 {
  readonly #hash;
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }
  update(bytes: unknown): void {
    this.#hash.update(bytes as string);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    throw new Error('is not asked for');
  }
}

interface Arrived {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What AWS would compute of the request as it arrived: of the headers that the request says are signed, with its own signer. */
const authorizationByAws = async ({ url, headers, body }: Arrived): Promise<string | undefined> => {
  const names = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
  const dated = String(headers['x-amz-date']);
  const signer = new SignatureV4({
    credentials: AWS,
    region: AWS.region,
    service: 'bedrock',
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: url,
      query: {},
      headers: Object.fromEntries(
        names.filter((name) => !name.startsWith('x-amz-')).map((name) => [name, String(headers[name])]),
      ),
      body,
    },
    { signingDate: new Date(dated.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')) },
  );
  return signed.headers['authorization'];
};

const arrive = async (prepared: (port: number) => PreparedCall): Promise<Arrived> => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const client = createUpstreamClient();
  try {
    return await new Promise<Arrived>((done, failed) => {
      server.on('request', (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          response.end('{}');
          done({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
        });
      });
      const { target, message } = prepared(port);
      client.send(target, message, {
        head: () => undefined,
        data: () => undefined,
        end: () => undefined,
        fail: failed,
      });
    });
  } finally {
    await client.close();
    server.close();
  }
};

describe('a call that is signed', () => {
  it.each([
    ['to a port of its own', '', []],
    ['below a path', '/gateway/', []],
    ['by another name', '', ['Host', 'bedrock-runtime.eu-west-1.amazonaws.com', 'x-team', 'a']],
  ])('arrives %s with the signature that AWS computes of it', async (_, path, headers) => {
    const arrived = await arrive((port) =>
      prepare({
        credential: { kind: 'aws', secret: JSON.stringify(AWS) },
        baseUrl: `http://127.0.0.1:${port}${path}`,
        headers,
      }),
    );
    expect(arrived.url).toContain('/model/anthropic.claude-sonnet-4-v1%3A0/converse-stream');
    expect(arrived.headers['x-amz-security-token']).toBe(AWS.sessionToken);
    expect(arrived.headers.authorization).toContain('SignedHeaders=accept;content-type;host;x-amz-date;');
    expect(arrived.headers.authorization).toBe(await authorizationByAws(arrived));
  });

  it('may carry a key of Bedrock as a bearer instead', () => {
    const prepared = prepare({ credential: { kind: 'bearer', secret: 'bedrock-api-key-1' } });
    expect(headerOf(prepared, 'authorization')).toBe('Bearer bedrock-api-key-1');
    expect(headerOf(prepared, 'x-amz-date')).toBeUndefined();
  });

  it.each([
    [
      'a dialect that does not sign',
      { dialect: 'openai-chat', credential: { kind: 'aws', secret: JSON.stringify(AWS) } },
      /which the dialect openai-chat cannot sign with/,
    ],
    [
      'a secret that holds no keys',
      { credential: { kind: 'aws', secret: 'sk-1' } },
      /needs accessKeyId, secretAccessKey and region/,
    ],
  ] as const)('is not sent for %s', (_, given, message) => {
    expect(() => prepare(given)).toThrow(
      expect.objectContaining({ code: 'provider_auth', message: expect.stringMatching(message) as string }),
    );
  });
});

it('a translated response says again what was asked, and when it was whole', () => {
  const body = Buffer.from('{"model":"lab/small","input":"hi","instructions":"Be brief.","temperature":0.5}');
  const call = prepare({
    ...{ credential: { kind: 'bearer', secret: 'k' }, dialect: 'openai-chat', baseUrl: 'https://lab.example' },
    ...{ body, clientDialect: 'openai-responses' },
  });
  const written: Buffer[] = [];
  const reader = call.read({ ...call.terms, stream: false }, (bytes) => written.push(bytes));
  reader.push(
    Buffer.from(
      '{"id":"1","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Yes"}}]}',
    ),
  );
  reader.end();
  expect(JSON.parse(Buffer.concat(written).toString())).toMatchObject({
    ...{ object: 'response', status: 'completed', instructions: 'Be brief.', temperature: 0.5 },
    completed_at: expect.any(Number) as unknown,
  });
});
