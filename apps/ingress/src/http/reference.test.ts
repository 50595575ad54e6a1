// The API's reference is served to everybody: the same document that docs holds, and a page of it.
import { describeApi } from '../openapi/describe-api.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(async () => {
  await ingress.close();
});

test.each(['/api/v1/openapi.json', '/v1/openapi.json'])(
  '%s is the document, for any web page to read',
  async (path) => {
    const response = await fetch(`${ingress.url}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(describeApi())));
  },
);

test('/docs is a page that may run nothing', async () => {
  const response = await fetch(`${ingress.url}/docs`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(await response.text()).toContain('createChatCompletion');
});

test('other methods are told what is allowed', async () => {
  const response = await fetch(`${ingress.url}/docs`, { method: 'POST', body: '{}' });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
});
