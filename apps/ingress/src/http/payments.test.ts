// /credits/… and the payment service's events over real HTTP: what reaches billing, in which shape, and what never does.
import { WEBHOOK_BYTES_MAX, WaystationError, type TopupOrder } from '@waystation/contracts';
import { expectDescribed } from '../test-edge/expect-described.js';
import { hashOf, inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
});
afterEach(async () => {
  await ingress.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}
const call = async (
  method: string,
  path: string,
  options: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> => {
  const { key, body, headers } = options;
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer['json'];
  expectDescribed(method, response, json);
  return { status: response.status, text, json };
};
const messageOf = (answer: Answer): string => (answer.json['error'] as { message: string }).message;
const askedOf = (name: string): Record<string, unknown>[] =>
  ingress.bus.asked.filter((each) => each.name === name).map(({ request }) => request);

const ORDER_ID = 'top-00000000-0000-0000-0000-000000000001';
const order: TopupOrder = {
  orderId: ORDER_ID,
  workspaceId: 'default',
  kind: 'checkout',
  state: 'open',
  credits: '20000000000000',
  fee: '1100000000000',
  currency: 'usd',
  refunded: '0',
  disputed: false,
  checkoutUrl: 'https://pay.test/1',
  createdAt: 1_700_000_000_000,
  refunds: [],
};
const KEY = { 'idempotency-key': 'request-0001' };

describe('POST /credits/topups', () => {
  beforeEach(() => {
    ingress.bus.rpc.set('billing.topup.create', () => ({ order }));
  });

  it('answers the order with the page to pay it on, amounts exact', async () => {
    const body = { amount: 20, save_payment_method: true };
    const answer = await call('POST', '/credits/topups', { key: managementKey, body, headers: KEY });
    expect(answer.status).toBe(201);
    expect(answer.text).toContain('"amount":20,"fee":1.1,"total":21.1,"currency":"usd"');
    expect(answer.json['data']).toMatchObject({ id: ORDER_ID, checkout_url: 'https://pay.test/1', state: 'open' });
    expect(askedOf('billing.topup.create')).toMatchObject([
      {
        workspaceId: 'default',
        requestId: 'request-0001',
        credits: '20000000000000',
        currency: 'usd',
        savePaymentMethod: true,
        principal: { kind: 'key', permissions: expect.arrayContaining(['payments:write']) as unknown },
      },
    ]);
  });

  it.each([
    ['14.54', '14540000000000'],
    [14.54, '14540000000000'],
    [0.1, '100000000000'],
    [1e-7, '100000'],
    [-5, '-5000000000000'],
  ])('reads the amount %j to the picodollar', async (amount, credits) => {
    await call('POST', '/credits/topups', { key: managementKey, body: { amount } });
    expect(askedOf('billing.topup.create')[0]).toMatchObject({ credits });
  });

  it.each([
    ['no body', '', 400, /not valid JSON/],
    ['no amount', {}, 400, /amount/],
    ['an amount that is none', { amount: 'much' }, 400, /amount: Expected an amount of USD, received much/],
    ['an absurd amount', { amount: 1e300 }, 400, /amount: Expected an amount of USD/],
    ['an unknown field', { amount: 5, fee: 0 }, 400, /"fee"/],
    ["another's workspace", { amount: 5, workspace_id: 'other' }, 404, /Workspace not found/],
    ['a request id that is too short', { amount: 5, id: 'x' }, 400, /id/],
  ])('refuses %s and asks nobody', async (_what, body, status, message) => {
    const answer = await call('POST', '/credits/topups', { key: managementKey, body });
    expect([answer.status, messageOf(answer)]).toEqual([status, expect.stringMatching(message)]);
    expect(ingress.bus.asked).toEqual([]);
  });

  it('says that payments are not configured', async () => {
    ingress.bus.rpc.set('billing.topup.create', () => {
      throw new WaystationError('payments_not_configured', 'Payments are not configured here');
    });
    const answer = await call('POST', '/credits/topups', { key: managementKey, body: { amount: 5 } });
    expect([answer.status, messageOf(answer)]).toEqual([503, 'Payments are not configured here']);
  });

  it('is not for inference keys', async () => {
    expect((await call('POST', '/credits/topups', { key: inferenceKey, body: { amount: 5 } })).status).toBe(403);
  });
});

describe('reading and refunding', () => {
  it('lists and reads orders of the own workspace', async () => {
    ingress.bus.rpc.set('billing.topup.list', () => ({ orders: [order] }));
    ingress.bus.rpc.set('billing.topup.get', () => ({ order }));
    const list = await call('GET', '/credits/topups?offset=50', { key: managementKey });
    expect(list.json['data']).toMatchObject([{ id: ORDER_ID }]);
    expect(askedOf('billing.topup.list')).toMatchObject([{ workspaceId: 'default', offset: 50 }]);
    expect((await call('GET', `/credits/topups/${ORDER_ID}`, { key: managementKey })).status).toBe(200);
    expect((await call('GET', '/credits/topups?offset=-1', { key: managementKey })).status).toBe(400);
  });

  it('row 16: passes a refund on with its id, and refuses one without', async () => {
    ingress.bus.rpc.set('billing.topup.refund', () => ({ order }));
    const path = `/credits/topups/${ORDER_ID}/refunds`;
    const body = { amount: 5, reason: 'asked' };
    expect((await call('POST', path, { key: managementKey, body, headers: KEY })).status).toBe(200);
    expect(askedOf('billing.topup.refund')).toMatchObject([
      { orderId: ORDER_ID, refundId: 'request-0001', credits: '5000000000000', manual: false, reason: 'asked' },
    ]);
    const without = await call('POST', path, { key: managementKey, body });
    expect([without.status, messageOf(without)]).toEqual([400, expect.stringMatching(/Idempotency-Key: Required/)]);
  });
});

describe('/credits/auto-topup', () => {
  it('is set and shown', async () => {
    const settings = {
      enabled: true,
      threshold: '5000000000000',
      credits: '20000000000000',
      dailyMax: '100000000000000',
    };
    ingress.bus.rpc.set('billing.autotopup.put', () => ({ settings, hasPaymentMethod: true, failures: 0 }));
    ingress.bus.rpc.set('billing.autotopup.get', () => ({ hasPaymentMethod: false, failures: 0 }));
    const body = { enabled: true, threshold: 5, amount: 20 };
    const put = await call('PUT', '/credits/auto-topup', { key: managementKey, body });
    expect(put.text).toContain('"enabled":true,"threshold":5,"amount":20,"daily_max":100,"has_payment_method":true');
    expect(askedOf('billing.autotopup.put')).toMatchObject([{ settings }]);
    const { json } = await call('GET', '/credits/auto-topup', { key: managementKey });
    expect(json['data']).toMatchObject({ enabled: false, threshold: null, has_payment_method: false });
  });
});

describe('POST /credits/grants', () => {
  const body = { amount: 100, reason: 'welcome' };

  it('is for keys of operators only', async () => {
    const answer = await call('POST', '/credits/grants', { key: managementKey, body, headers: KEY });
    expect([answer.status, messageOf(answer)]).toEqual([403, expect.stringMatching(/Only keys of an operator/)]);
    expect(ingress.bus.asked).toEqual([]);
  });

  describe('by an operator', () => {
    beforeEach(async () => {
      await ingress.close();
      ingress = await startIngress({ operatorKeyHashes: [hashOf(managementKey), hashOf(inferenceKey)] });
      ingress.bus.rpc.set('billing.credits.grant', () => ({ balance: '123000000000000' }));
    });

    it('gives credits without a fee', async () => {
      const more = { ...body, expires_at: '2027-01-01T00:00:00Z' };
      const answer = await call('POST', '/credits/grants', { key: managementKey, body: more, headers: KEY });
      expect(answer.text).toBe('{"data":{"id":"request-0001","workspace_id":"default","amount":100,"balance":123}}');
      expect(askedOf('billing.credits.grant')).toMatchObject([
        { grantId: 'request-0001', amount: '100000000000000', reason: 'welcome', expiresAt: Date.UTC(2027, 0, 1) },
      ]);
    });

    it('an inference key is never an operator', async () => {
      expect((await call('POST', '/credits/grants', { key: inferenceKey, body, headers: KEY })).status).toBe(403);
    });

    it.each([
      ['a negative amount', { ...body, amount: -1 }, 400, /amount: Expected more than zero/],
      ['nothing', { ...body, amount: 0 }, 400, /amount: Expected more than zero/],
      ['an absurd amount', { ...body, amount: 1e40 }, 400, /amount: Expected an amount of USD/],
      ['an unknown currency', { ...body, currency: 'eur' }, 400, /currency: Credits are granted in "usd"/],
      ['an expiry that is no time', { ...body, expires_at: 'soon' }, 400, /expires_at: Expected an ISO 8601/],
      ['no reason', { amount: 1 }, 400, /reason/],
      ['an unknown workspace', { ...body, workspace_id: 'nobody' }, 404, /Workspace not found/],
    ])('%s is refused, and billing is not asked', async (_what, sent, status, message) => {
      const answer = await call('POST', '/credits/grants', { key: managementKey, body: sent, headers: KEY });
      expect([answer.status, messageOf(answer)]).toEqual([status, expect.stringMatching(message)]);
      expect(ingress.bus.asked).toEqual([]);
    });
  });
});

describe('POST /webhooks/stripe', () => {
  const headers = { 'stripe-signature': 't=1,v1=00', 'content-type': 'application/json' };

  it('row 17: forwards the very bytes and their signature, without a key', async () => {
    ingress.bus.rpc.set('billing.stripe.event', () => ({ outcome: 'applied' }));
    const body = '{ "id": "evt_1",\n "ümlaut": "\\u00e9"}';
    const answer = await call('POST', '/webhooks/stripe', { body, headers });
    expect([answer.status, answer.text]).toEqual([200, '{"received":true,"outcome":"applied"}']);
    const [asked] = askedOf('billing.stripe.event');
    expect(Buffer.from(String(asked?.['body']), 'base64').toString()).toBe(body);
    expect(asked).toMatchObject({ signature: 't=1,v1=00' });
  });

  it.each([
    ['without a signature', { headers: {}, body: '{}' }, 400],
    ['without a body', { headers }, 400],
    ['with a signature that is too long', { headers: { 'stripe-signature': 'x'.repeat(3_000) }, body: '{}' }, 400],
    ['that is too large', { headers, body: 'x'.repeat(WEBHOOK_BYTES_MAX + 1) }, 413],
  ])('row 17: an event %s is refused and reaches nobody', async (_what, options, status) => {
    expect((await call('POST', '/webhooks/stripe', options)).status).toBe(status);
    expect(ingress.bus.asked).toEqual([]);
  });

  it.each([
    ['invalid_request', 400],
    ['unprocessable', 422],
    ['payments_not_configured', 503],
  ] as const)('row 17: what billing refuses as %s is answered with %s', async (code, status) => {
    ingress.bus.rpc.set('billing.stripe.event', () => {
      throw new WaystationError(code, 'no');
    });
    expect((await call('POST', '/webhooks/stripe', { body: '{}', headers })).status).toBe(status);
  });
});
