// AWS's own vectors, and AWS's own signer beside ours.
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import { bedrockConverse } from './bedrock-converse.js';
import { encodeAws, signAws } from './sign-aws.js';

const SECRET = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
};
const AT = Date.UTC(2015, 7, 30, 12, 36, 0);

const valueOf = (headers: readonly string[], name: string): string => headers[headers.indexOf(name) + 1] ?? '';
const signatureOf = (headers: readonly string[]): string =>
  /Signature=([0-9a-f]{64})$/.exec(valueOf(headers, 'authorization'))?.[1] ?? '';

describe('signatures', () => {
  it.each([
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-examples.html, and the suite that it comes with (aws-sig-v4-test-suite)
    [
      'the example of the documents',
      'GET',
      'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
      ['content-type', 'application/x-www-form-urlencoded; charset=utf-8'],
      '',
      'iam',
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    ],
    [
      'get-vanilla',
      'GET',
      'https://example.amazonaws.com/',
      [],
      '',
      'service',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      'https://example.amazonaws.com/?Param2=value2&Param1=value1',
      [],
      '',
      'service',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'post-vanilla',
      'POST',
      'https://example.amazonaws.com/',
      [],
      '',
      'service',
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    [
      'post-x-www-form-urlencoded',
      'POST',
      'https://example.amazonaws.com/',
      ['Content-Type', 'application/x-www-form-urlencoded'],
      'Param1=value1',
      'service',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('fit %s', (_, method, url, headers, body, service, signature) => {
    const signed = signAws({ method, url: new URL(url), headers, body: Buffer.from(body) }, SECRET, service, AT);
    expect(signatureOf(signed)).toBe(signature);
    expect(valueOf(signed, 'x-amz-date')).toBe('20150830T123600Z');
  });

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

  it.each([
    ['anthropic.claude-sonnet-4-20250514-v1:0', undefined],
    ['us.anthropic.claude-sonnet-4-20250514-v1:0', 'FwoGZXIvYXdzEBYaD+/='],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/my model (1)', undefined],
    ['größe+~*!', 'token'],
  ])('for the model %s are those that AWS’s own signer makes', async (model, sessionToken) => {
    const secret = { ...SECRET, ...(sessionToken === undefined ? {} : { sessionToken }) };
    const { translation, sign } = bedrockConverse;
    if (translation === undefined || sign === undefined) throw new Error('the dialect does not sign');
    const upstream = translation.buildRequest({
      call: {
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Grüß Gott' }] }],
        stream: true,
        sampling: {},
      },
      upstreamModel: model,
      quirks: {},
    });
    const url = new URL(`https://bedrock-runtime.us-east-1.amazonaws.com${upstream.path}`);
    expect(url.pathname).toBe(upstream.path);
    const ours = sign(upstream, url, JSON.stringify(secret), AT);
    const signer = new SignatureV4({
      credentials: secret,
      region: secret.region,
      service: 'bedrock',
      sha256: Sha256,
      applyChecksum: false,
    });
    const headers: Record<string, string> = { host: url.host };
    for (let at = 0; at < upstream.headers.length; at += 2)
      headers[upstream.headers[at] ?? ''] = upstream.headers[at + 1] ?? '';
    const theirs = await signer.sign(
      {
        method: 'POST',
        protocol: 'https:',
        hostname: url.hostname,
        path: upstream.path,
        query: {},
        headers,
        body: upstream.body,
      },
      { signingDate: new Date(AT) },
    );
    expect(valueOf(ours, 'authorization')).toBe(theirs.headers['authorization']);
    expect(ours.includes('x-amz-security-token')).toBe(sessionToken !== undefined);
  });

  it('name the port of a host that has one, as it is sent', () => {
    const headers = signAws(
      { method: 'POST', url: new URL('http://127.0.0.1:9100/model/m/converse'), headers: [], body: Buffer.from('{}') },
      SECRET,
      'bedrock',
      AT,
    );
    const other = signAws(
      { method: 'POST', url: new URL('http://127.0.0.1/model/m/converse'), headers: [], body: Buffer.from('{}') },
      SECRET,
      'bedrock',
      AT,
    );
    expect(signatureOf(headers)).not.toBe(signatureOf(other));
  });

  it('encode what is no letter, digit, or one of -._~', () => {
    expect(encodeAws("a/b:c d*e'(f)!~-._é")).toBe('a%2Fb%3Ac%20d%2Ae%27%28f%29%21~-._%C3%A9');
  });

  it.each(['', 'a bearer', '{}', '{"accessKeyId":"a","secretAccessKey":"b"}', '{"accessKeyId":'])(
    'are refused for the secret %j',
    (secret) => {
      const request = {
        path: '/',
        headers: [],
        body: Buffer.alloc(0),
        warnings: [],
        choices: 1,
        estimateInputTokens: () => undefined,
      };
      expect(() => bedrockConverse.sign?.(request, new URL('https://x.example/'), secret, AT)).toThrow(
        /needs accessKeyId, secretAccessKey and region/,
      );
    },
  );

  it('never show in what AWS answers where they do not fit', () => {
    const secret = { ...SECRET, sessionToken: 'FwoGZXIvYXdzEBYaD+/=' };
    const error = bedrockConverse.parseError({
      status: 403,
      header: (name) => (name === 'x-amzn-errortype' ? 'InvalidSignatureException' : undefined),
      body: Buffer.from(
        JSON.stringify({
          message: `The Canonical String should have been 'POST\n/\n\nx-amz-security-token:${secret.sessionToken}' for ${secret.accessKeyId}`,
        }),
      ),
      providerName: 'Lab',
      nowMs: 0,
      secret: JSON.stringify(secret),
    });
    expect(error.code).toBe('provider_auth');
    const raw = String(error.details?.['raw']);
    expect(raw).toContain('Canonical String');
    for (const part of [secret.sessionToken, secret.accessKeyId]) expect(raw).not.toContain(part);
  });
});
