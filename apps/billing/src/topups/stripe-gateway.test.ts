// The payment service behind a proxy.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { createStripeGateway } from './stripe-gateway.js';

const asked: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];
let proxy: Server;
beforeAll(async () => {
  proxy = createServer(({ method, url, headers }, reply) => {
    asked.push({ method, url, headers });
    reply.end('{"id":"pi_1","status":"succeeded","amount_received":100,"currency":"usd"}');
  });
  proxy.on('connect', ({ method, url, headers }: IncomingMessage, socket) => {
    asked.push({ method, url, headers });
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterEach(() => void (asked.length = 0));
afterAll(() => proxy.close());

const ask = (apiUrl: string): Promise<unknown> => {
  const gateway = createStripeGateway({
    secretKey: 'sk_test_1',
    webhookSecret: 'whsec_1',
    apiUrl: new URL(apiUrl),
    proxy: new URL(`http://waystation:s3cret@127.0.0.1:${(proxy.address() as AddressInfo).port}`),
    successUrl: 'https://example.com/paid',
    cancelUrl: 'https://example.com/left',
  });
  return gateway.standingOf('pi_1');
};

it('is asked through it, which gets its credentials', async () => {
  expect(await ask('http://stripe.example:8080')).toMatchObject({ paymentIntent: 'pi_1', receivedCents: 100n });
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    method: 'GET',
    url: 'http://stripe.example:8080/v1/payment_intents/pi_1',
    headers: { 'proxy-authorization': `Basic ${Buffer.from('waystation:s3cret').toString('base64')}` },
  });
});

it('is asked through tunnels where it speaks TLS, and a refusal tells no credentials', async () => {
  const error: unknown = await ask('https://stripe.example').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'payments_unavailable' });
  expect(asked[0]).toMatchObject({ method: 'CONNECT', url: 'stripe.example:443' });
  expect(asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  expect(inspect(error, { depth: 10 })).not.toMatch(/s3cret|d2F5c3RhdGlvbj/);
});
