// What clients get wrong: status, code and message as the reference says, quickly, and the service goes on.
import http from 'node:http';
import net from 'node:net';
import { SNAPSHOT_KEYS, newApiKey } from '@waystation/contracts';
import { randomBytes } from 'node:crypto';
import {
  completion,
  hashOf,
  inferenceKey,
  keyEntryOf,
  managementKey,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const LIMIT = 1_000_000;
let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress({ bodyBytesMax: LIMIT });
  ingress.bus.worker = serving([completion('fine')]);
});
afterEach(async () => {
  const response = await post(GOOD);
  expect([response.status, await response.json()]).toEqual([
    200,
    expect.objectContaining({ object: 'chat.completion' }),
  ]);
});
afterAll(async () => {
  await ingress.close();
});

const GOOD = JSON.stringify({ model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }] });
const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body,
  });

interface Told {
  readonly error: {
    readonly code: number;
    readonly message: string;
    readonly metadata: { readonly waystation_code: string };
  };
}
const told = async (response: Response): Promise<[number, string, string]> => {
  const { error } = (await response.json()) as Told;
  expect(error.code).toBe(response.status);
  return [response.status, error.metadata.waystation_code, error.message];
};

describe('a body', () => {
  const user = [{ role: 'user', content: 'x' }];
  it.each([
    [
      'that is no JSON',
      '{"model":',
      400,
      'malformed_json',
      'The request body is not valid JSON, or is nested deeper than 512 levels.',
    ],
    ['that is empty', '', 400, 'malformed_json', 'The request body is empty; expected a JSON object.'],
    [
      'of a wrong type',
      JSON.stringify({ model: 'a/b', messages: 'hi' }),
      400,
      'invalid_request',
      'messages: Expected array, received string',
    ],
    [
      'with a misspelt preference',
      JSON.stringify({ model: 'a/b', messages: user, provider: { Require_Parameters: true } }),
      400,
      'unknown_parameter',
      "Unrecognized key(s) in object: 'Require_Parameters'",
    ],
    [
      'nested 10⁵ levels deep',
      `{"messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      400,
      'malformed_json',
      'The request body is not valid JSON, or is nested deeper than 512 levels.',
    ],
    [
      'that sets a prototype',
      '{"__proto__":{"messages":[{"role":"user","content":"x"}]}}',
      400,
      'invalid_request',
      'messages: Invalid request: messages is required',
    ],
    [
      'with a number out of its range',
      JSON.stringify({ model: 'a/b', messages: user, temperature: 3 }),
      400,
      'invalid_request',
      'temperature: Number must be less than or equal to 2, received 3',
    ],
    ['without any model', JSON.stringify({ messages: user }), 400, 'invalid_request', 'No models provided'],
  ])('%s is refused', async (_name, body, ...expected) => {
    expect(await told(await post(body))).toEqual(expected);
  });

  // The reference names no status for a content type: what is JSON is taken, what is not is refused as malformed.
  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/octet-stream'])(
    'is taken though it claims to be %s',
    async (type) => {
      expect((await post(GOOD, { 'content-type': type })).status).toBe(200);
    },
  );

  it('that announces more than the limit is refused before it is read, and the client gets to read why', async () => {
    let heapMost = 0;
    const watch = setInterval(() => (heapMost = Math.max(heapMost, process.memoryUsage().arrayBuffers)), 1);
    const before = process.memoryUsage().arrayBuffers;
    const big = 60_000_000;
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = http.request(
        `${ingress.url}/api/v1/chat/completions`,
        { method: 'POST', headers: { authorization: `Bearer ${inferenceKey}`, 'content-length': String(big) } },
        (response) => {
          let body = '';
          response
            .on('data', (part: Buffer) => (body += part.toString()))
            .on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on('error', reject);
      const block = Buffer.alloc(1_000_000, 'x');
      const write = (left: number): void => {
        if (left === 0) return void request.end();
        request.write(block, () => write(left - block.length));
      };
      write(big);
    });
    clearInterval(watch);
    expect(answer.status).toBe(413);
    expect((JSON.parse(answer.body) as Told).error.message).toBe(
      `The request body is larger than ${LIMIT} bytes, the most that is taken.`,
    );
    expect(heapMost - before).toBeLessThan(30_000_000);
  });

  it('that grows past the limit without having announced it is refused when it does', async () => {
    const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${inferenceKey}` },
      body: new Blob([Buffer.alloc(LIMIT + 1, 'x')]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect((await told(response)).slice(0, 2)).toEqual([413, 'payload_too_large']);
  });
});

describe('a key', () => {
  const add = (changes: Parameters<typeof keyEntryOf>[1]): string => {
    const key = newApiKey(randomBytes);
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(key)), keyEntryOf(key, changes));
    return key;
  };
  const withHeader = (authorization: string): Promise<Response> => post(GOOD, { authorization });

  it('that is missing is 401', async () => {
    const response = await fetch(`${ingress.url}/api/v1/chat/completions`, { method: 'POST', body: GOOD });
    expect(await told(response)).toEqual([401, 'missing_credentials', 'Missing Authentication header']);
  });

  it.each([
    [
      'of another kind of authentication',
      () => 'Basic abc',
      401,
      'invalid_credentials',
      'Invalid Authentication header; expected "Authorization: Bearer <api key>"',
    ],
    [
      'with a wrong checksum',
      () => `Bearer ${inferenceKey.slice(0, -1)}${inferenceKey.endsWith('0') ? '1' : '0'}`,
      401,
      'invalid_credentials',
      'Invalid API key',
    ],
    ['nobody knows', () => `Bearer ${newApiKey(randomBytes)}`, 401, 'invalid_credentials', 'Invalid API key'],
    ['that was deleted', () => `Bearer ${add({ deleted: true })}`, 401, 'invalid_credentials', 'Invalid API key'],
    ['that is disabled', () => `Bearer ${add({ disabled: true })}`, 401, 'key_disabled', 'This API key is disabled'],
    ['that has expired', () => `Bearer ${add({ expiresAt: 1 })}`, 401, 'key_expired', 'This API key has expired'],
    [
      'of a workspace that is not there',
      () => `Bearer ${add({ workspaceId: 'other' })}`,
      401,
      'invalid_credentials',
      'Invalid API key',
    ],
    ['that is absurdly long', () => `Bearer ${'x'.repeat(5000)}`, 401, 'invalid_credentials', 'Invalid API key'],
  ])('%s is %i', async (_name, header, ...expected) => {
    expect(await told(await withHeader(header()))).toEqual(expected);
  });

  it('that is revoked is refused with the next request, although it was verified before', async () => {
    const key = add({});
    expect((await withHeader(`Bearer ${key}`)).status).toBe(200);
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(key)), keyEntryOf(key, { version: 2, disabled: true }));
    expect((await withHeader(`Bearer ${key}`)).status).toBe(401);
  });

  it('of a workspace that is suspended is 403, and says what to do', async () => {
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 2, suspended: true });
    const answer = await told(await post(GOOD));
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 3 });
    const message = 'This workspace is suspended. Only the operator of this station resumes it.';
    expect(answer).toEqual([403, 'workspace_suspended', message]);
  });
});

/** Raw bytes in, the status line and body out. */
const raw = (bytes: string): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = net.connect(ingress.port, '127.0.0.1', () => socket.write(bytes));
    socket
      .on('data', (part) => (text += part.toString()))
      .on('close', () => resolve(text))
      // Who is slow to read is cut off by the server, and has the answer all the same.
      .on('error', () => undefined);
  });

describe('HTTP', () => {
  it.each([
    [
      'a header of a megabyte',
      `GET /api/v1/models HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(1_000_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid_request'],
    [
      'a content length that is no number',
      'POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('%s is answered with an error and the connection closed', async (_name, bytes, status, code) => {
    const text = await raw(bytes);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((JSON.parse(text.split('\r\n\r\n')[1] ?? '') as Told).error).toMatchObject({
      code: status,
      metadata: { waystation_code: code },
    });
  });

  it('requests in a pipeline are answered in order', async () => {
    const one = (close: boolean): string =>
      `POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${inferenceKey}\r\nContent-Length: ${GOOD.length}\r\n${close ? 'Connection: close\r\n' : ''}\r\n${GOOD}`;
    const text = await raw(
      `${one(false)}${one(false)}GET /api/v1/models/count HTTP/1.1\r\nHost: x\r\n\r\n${one(true)}`,
    );
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(text.indexOf('"count":1')).toBeGreaterThan(text.indexOf('chat.completion'));
    expect(text.indexOf('"count":1')).toBeLessThan(text.lastIndexOf('chat.completion'));
  });
});

describe('a path', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/api/v1/nothing', 404],
    ['GET', '/api/v1/chat/completions', 405],
    ['HEAD', '/api/v1/models', 405],
    ['PUT', '/api/v1/keys', 405],
    ['GET', '/api/v1/models/', 404],
    ['GET', '//api/v1/models', 404],
    ['GET', '/api/v1//keys', 404],
    ['GET', '/API/V1/keys', 404],
    ['GET', '/api%2fv1/keys', 404],
    ['GET', '/api/v1/keys%2f', 404],
    ['GET', '/api/v1/keys/%zz', 400],
    ['GET', '/console/..%2f..%2fpackage.json', 404],
    ['GET', '/api/v1/keys/../keys', 404],
  ])('%s %s is %i', async (method, path, status) => {
    const text = await raw(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [head, body] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (method !== 'HEAD') expect((JSON.parse(body ?? '') as Told).error.code).toBe(status);
    if (status === 405) expect(head).toMatch(/^allow: /im);
  });
});

describe('a preflight', () => {
  it('is allowed from any page', async () => {
    const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect((await post(GOOD)).headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('the guard', () => {
  it('lets an inference key do nothing that is for management keys', async () => {
    for (const [method, path] of [
      ['GET', '/keys'],
      ['POST', '/keys'],
      ['GET', `/keys/${'0'.repeat(64)}`],
      ['PATCH', `/keys/${'0'.repeat(64)}`],
      ['DELETE', `/keys/${'0'.repeat(64)}`],
      ['GET', '/credits'],
    ]) {
      const response = await fetch(`${ingress.url}/api/v1${path}`, {
        method: method ?? '',
        headers: { authorization: `Bearer ${inferenceKey}` },
      });
      expect(await told(response)).toEqual([
        403,
        'permission_denied',
        'Only management keys can perform this operation',
      ]);
    }
    expect(
      (await fetch(`${ingress.url}/console/data/status`, { headers: { authorization: `Bearer ${managementKey}` } }))
        .status,
    ).toBe(200);
    expect(await told(await fetch(`${ingress.url}/console/data/status`))).toEqual([
      401,
      'missing_credentials',
      'Missing Authentication header',
    ]);
  });
});
