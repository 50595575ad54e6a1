// What billing refuses to start with, and what it takes where nothing is said.
import { billingConfig } from './config.js';

const URLS = {
  WAYSTATION_BILLING_WRITER_URL: 'postgres://writer@127.0.0.1/x',
  WAYSTATION_BILLING_READER_URL: 'postgres://reader@127.0.0.1/x',
};
const STRIPE = {
  WAYSTATION_STRIPE_SECRET_KEY: 'sk_test_1',
  WAYSTATION_STRIPE_WEBHOOK_SECRET: 'whsec_1',
  WAYSTATION_TOPUP_SUCCESS_URL: 'https://example.com/paid',
  WAYSTATION_TOPUP_CANCEL_URL: 'https://example.com/left',
};
const faultsOf = (env: Record<string, string | undefined>): string[] => {
  const read = billingConfig.safeParse({ ...URLS, ...env });
  return read.success ? [] : read.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
};

test('without a key nobody can pay, and nothing else is asked for', () => {
  expect(billingConfig.parse(URLS).payments).toEqual({
    feePolicy: { basisPoints: 550n, leastCents: 80n },
    feeRefund: 'never',
    leastCents: 100n,
    mostCents: 1_000_000n,
  });
});

test.each([[undefined], [''], ['  ']])(
  'row 17: with a key and the webhook secret %j billing refuses to start',
  (secret) => {
    expect(faultsOf({ ...STRIPE, WAYSTATION_STRIPE_WEBHOOK_SECRET: secret })).toEqual([
      expect.stringMatching(/^WAYSTATION_STRIPE_WEBHOOK_SECRET is required where WAYSTATION_STRIPE_SECRET_KEY is set/),
    ]);
  },
);

test.each([
  ['WAYSTATION_TOPUP_SUCCESS_URL', undefined],
  ['WAYSTATION_TOPUP_CANCEL_URL', undefined],
  ['WAYSTATION_STRIPE_API_URL', 'ftp://x'],
  ['WAYSTATION_TOPUP_FEE_PERCENT', '5,5'],
  ['WAYSTATION_TOPUP_FEE_PERCENT', '-1'],
  ['WAYSTATION_TOPUP_FEE_LEAST_USD', '0.805'],
  ['WAYSTATION_TOPUP_LEAST_USD', '-1'],
  ['WAYSTATION_TOPUP_FEE_REFUND', 'always'],
])('%s = %j is refused by its name', (name, value) => {
  expect(faultsOf({ ...STRIPE, [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
});

test('fees, bounds and the address of the API are what is written', () => {
  const { payments } = billingConfig.parse({
    ...URLS,
    ...STRIPE,
    WAYSTATION_STRIPE_API_URL: 'http://127.0.0.1:12111',
    WAYSTATION_TOPUP_FEE_PERCENT: '3.25',
    WAYSTATION_TOPUP_FEE_LEAST_USD: '0',
    WAYSTATION_TOPUP_FEE_REFUND: 'proportional',
    WAYSTATION_TOPUP_LEAST_USD: '5',
    WAYSTATION_TOPUP_MOST_USD: '250.50',
  });
  expect(payments).toMatchObject({
    feePolicy: { basisPoints: 325n, leastCents: 0n },
    feeRefund: 'proportional',
    leastCents: 500n,
    mostCents: 25_050n,
    stripe: { secretKey: 'sk_test_1', webhookSecret: 'whsec_1' },
  });
  expect(payments.stripe?.apiUrl.port).toBe('12111');
});

test.each([
  [{}, undefined],
  [{ HTTPS_PROXY: 'http://u:p@proxy.example:3128' }, 'http://u:p@proxy.example:3128/'],
  [{ HTTPS_PROXY: 'http://proxy.example', no_proxy: 'stripe.com' }, undefined],
  [{ HTTP_PROXY: 'http://proxy.example' }, undefined],
])('with %j the payment service is called through %s', (env, proxy) => {
  expect(billingConfig.parse({ ...URLS, ...STRIPE, ...env }).payments.stripe?.proxy?.href).toBe(proxy);
});
