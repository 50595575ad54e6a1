// The history of prices over real HTTP: only for management keys, exact, and bad questions refused.
import { expectDescribed } from '../test-edge/expect-described.js';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
  ingress.bus.rpc.set('billing.prices.list', () => ({
    prices: [
      {
        endpointId: 'lab/small@alpha/eu',
        version: `price-${'b'.repeat(32)}`,
        price: { perUnit: { input: '250000', output: '600000' }, perRequest: '1' },
        effectiveAt: Date.UTC(2026, 11, 1),
      },
      {
        endpointId: 'lab/small@alpha/eu',
        version: `price-${'a'.repeat(32)}`,
        price: { perUnit: { input: '150000', output: '600000' } },
        effectiveAt: Date.UTC(2026, 0, 1),
        endedAt: Date.UTC(2026, 11, 1),
      },
    ],
    total: 2,
  }));
});
afterAll(async () => {
  await ingress.close();
});

const get = async (query: string, key = managementKey): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${ingress.url}/api/v1/prices${query}`, { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  expectDescribed('GET', response, JSON.parse(text));
  return { status: response.status, text };
};

it('tells each price with its version and from when to when it held', async () => {
  const { status, text } = await get('?endpoint=lab%2Fsmall%40alpha%2Feu&limit=5&offset=0');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    data: [
      {
        endpoint: 'lab/small@alpha/eu',
        model: 'lab/small',
        version: `price-${'b'.repeat(32)}`,
        effective_at: '2026-12-01T00:00:00.000Z',
        ended_at: null,
        pricing: { prompt: '0.00000025', completion: '0.0000006', request: '0.000000000001', image: '0' },
      },
      {
        endpoint: 'lab/small@alpha/eu',
        model: 'lab/small',
        version: `price-${'a'.repeat(32)}`,
        effective_at: '2026-01-01T00:00:00.000Z',
        ended_at: '2026-12-01T00:00:00.000Z',
        pricing: { prompt: '0.00000015', completion: '0.0000006', request: '0', image: '0' },
      },
    ],
    total_count: 2,
  });
  expect(ingress.bus.asked.at(-1)).toMatchObject({
    name: 'billing.prices.list',
    request: { endpointId: 'lab/small@alpha/eu', limit: 5, offset: 0 },
  });
});

it('asks for the prices of all endpoints of a model', async () => {
  expect((await get('?model=lab/small')).status).toBe(200);
  expect(ingress.bus.asked.at(-1)?.request).toMatchObject({ model: 'lab/small', limit: 100, offset: 0 });
});

it('is not for inference keys', async () => {
  expect((await get('', inferenceKey)).status).toBe(403);
});

it.each([
  ['?limit=0', 'limit: Expected a whole number from 1 to 500'],
  ['?limit=501', 'limit: Expected a whole number from 1 to 500'],
  ['?limit=1.5', 'limit: Expected a whole number from 1 to 500'],
  ['?offset=-1', 'offset: Expected a whole number from 0 to 1000000'],
  ['?endpoint=', 'endpoint: Expected one id'],
  ['?endpoint=a&endpoint=b', 'endpoint: Expected one id'],
  [`?model=${'m'.repeat(257)}`, 'model: Expected one id'],
  ['?provider=lab', 'provider: Unknown parameter'],
])('refuses %s', async (query, problem) => {
  const { status, text } = await get(query);
  expect(status).toBe(400);
  expect(text).toContain(problem);
});
