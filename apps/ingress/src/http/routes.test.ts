// Every route that exists is in the table, and every line of the table is a route that is guarded as the line says.
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { prepareHttp } from './prepare-http.js';
import { ROUTES } from './routes.js';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(async () => {
  await ingress.close();
});

const call = async (method: string, path: string, key?: string): Promise<{ status: number; message: string }> => {
  const concrete = path
    .replace(':hash', '0'.repeat(64))
    .replace(':author', 'lab')
    .replace(':slug', 'small')
    .replace(':file', 'console.css');
  const response = await fetch(`${ingress.url}${concrete}`, {
    method,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{}' }),
  });
  const text = await response.text();
  return {
    status: response.status,
    message: /^\{"(?:error|type)"/.test(text) ? (JSON.parse(text) as { error: { message: string } }).error.message : '',
  };
};

describe.each(ROUTES)('$method $path ($access)', ({ method, path, access }) => {
  it('is registered', async () => {
    expect((await call(method, path, access === 'management' ? managementKey : inferenceKey)).message).not.toMatch(
      /nothing at this path|is not allowed here/,
    );
  });

  it(access === 'public' ? 'is open to everybody' : 'is closed without a key', async () => {
    const { status } = await call(method, path);
    if (access === 'public') expect([200, 400, 404]).toContain(status);
    else expect(status).toBe(401);
  });

  it('admits the kinds of key that it should, and no other', async () => {
    const refusedTo = async (key: string): Promise<boolean> =>
      (await call(method, path, key)).message.match(/Only management keys|cannot be used for inference/) !== null;
    expect([await refusedTo(inferenceKey), await refusedTo(managementKey)]).toEqual([
      access === 'management',
      access === 'inference',
    ]);
  });
});

describe('a route without a line in the table', () => {
  it('cannot be registered', () => {
    const fastify = new FastifyAdapter().getInstance();
    prepareHttp(fastify, {} as never, 1);
    expect(() => fastify.get('/api/v1/secret', () => 'open')).toThrow(
      'GET /api/v1/secret has no line in the table of routes',
    );
  });
});
