// Automatic top-ups over a real Postgres and a stand-in of Stripe's API: one at a time, within the day's bound, later after failures, and never twice.
import type { Principal, WaystationError } from '@waystation/contracts';
import { postgresDatabase } from '@waystation/testing';
import { grantCredits, readCredits } from '../credits/credits.js';
import { KEY_HASH, testLedger, type TestLedger } from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { chargeOrder, dueAutoTopUps, orderAutomatically, staleAutoOrders } from './auto-topup.js';
import type { Order } from './order-rows.js';
import type { StripeGateway } from './stripe-gateway.js';
import { WITHOUT_PAYMENTS, type StripeStandIn } from './stripe-stand-in.js';
import { startTestPayments, type TestPayments } from './test-payments.js';
import type { TopUpsHandler } from './topups.handler.js';

const USD = 1_000_000_000_000n;
const usd = (dollars: bigint): string => (dollars * USD).toString();
const NOON = Date.UTC(2026, 10, 26, 12);

let ledger: TestLedger;
let stripe: StripeStandIn;
let gateway: StripeGateway;
let payments: TopUpsHandler;
let send: TestPayments['send'];
let forget: TestPayments['forget'];
let count = 0;
let W = '';

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  ({ stripe, gateway, handler: payments, send, forget } = await startTestPayments(ledger));
}, 120_000);
afterAll(async () => {
  await stripe.stop();
  await ledger.drop();
});
beforeEach(() => {
  count += 1;
  W = `ws-${count}`;
  forget();
});
afterEach(async () => {
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
});

const principal = (): Principal => ({
  kind: 'key',
  workspaceId: W,
  keyHash: KEY_HASH,
  permissions: ['payments:write'],
});
/** A checkout that saved its card: $2 of credits. */
const saveCard = async (): Promise<void> => {
  const { order } = await payments.create({
    ...{ v: 1, principal: principal(), workspaceId: W, requestId: `request-${W}`, credits: usd(2n), currency: 'usd' },
    savePaymentMethod: true,
  });
  const session = { id: order.checkoutUrl?.split('/').at(-1), client_reference_id: order.orderId, amount_total: 280 };
  const paid = { currency: 'usd', payment_status: 'paid', payment_intent: `pi_${W}`, customer: 'cus_1' };
  await send('checkout.session.completed', { ...session, ...paid });
};
const set = (changes: Partial<Record<'threshold' | 'credits' | 'dailyMax', string>> & { enabled?: boolean } = {}) =>
  payments.putAuto({
    ...{ v: 1, principal: principal(), workspaceId: W },
    settings: { enabled: true, threshold: usd(5n), credits: usd(20n), dailyMax: usd(40n), ...changes },
  });
const tick = async (nowMs = NOON): Promise<Order | undefined> => {
  if (!(await dueAutoTopUps(ledger.writer, nowMs)).includes(W)) return undefined;
  const { order } = await orderAutomatically(ledger.writer, WITHOUT_PAYMENTS, W, nowMs);
  if (order !== undefined) await chargeOrder(ledger.writer, gateway, order, nowMs);
  return order;
};
const balance = async (): Promise<string> =>
  (await ledger.writer.transaction((runner) => readCredits(runner, W))).balance.toString();
const state = () => payments.getAuto({ v: 1, principal: principal(), workspaceId: W });
const ordersOf = () =>
  ledger.asAdmin<{ state: string }>(
    `select state from topup_order where workspace_id = $1 and kind = 'auto' order by created_at`,
    [W],
  );

test('below the threshold the saved card is charged with credits and fee, and the balance rises by the credits', async () => {
  await saveCard();
  expect(await set()).toMatchObject({ settings: { enabled: true, threshold: usd(5n) }, hasPaymentMethod: true });
  await tick();
  expect(await balance()).toBe(usd(22n));
  const { params } = stripe.asked.findLast(({ path }) => path === '/v1/payment_intents') ?? { params: {} };
  expect(params).toMatchObject({
    amount: '2110',
    currency: 'usd',
    customer: 'cus_1',
    payment_method: 'pm_1',
    off_session: 'true',
  });
  expect(await tick()).toBeUndefined();
});

test('the event of the payment, before or after, credits nothing more', async () => {
  await saveCard();
  await set();
  const order = await tick();
  const intent = {
    id: stripe.made[0],
    metadata: { order_id: order?.orderId },
    amount_received: 2_110,
    currency: 'usd',
  };
  expect(await send('payment_intent.succeeded', intent)).toBe('repeated');
  expect(await balance()).toBe(usd(22n));
});

test('a card that takes its time is credited by its event, and nothing is ordered meanwhile', async () => {
  await saveCard();
  await set();
  stripe.chargeStatus = 'processing';
  const order = await tick();
  expect([await balance(), await tick()]).toEqual([usd(2n), undefined]);
  const intent = {
    id: stripe.made[0],
    metadata: { order_id: order?.orderId },
    amount_received: 2_110,
    currency: 'usd',
  };
  expect(
    await send('payment_intent.succeeded', { ...intent, amount_received: 2_000 }).catch(
      (error: WaystationError) => error.code,
    ),
  ).toBe('unprocessable');
  expect(await send('payment_intent.succeeded', intent)).toBe('applied');
  expect(await balance()).toBe(usd(22n));
});

test('twenty processes at once make one order', async () => {
  await saveCard();
  await set();
  const made = await Promise.all(
    Array.from({ length: 20 }, () => orderAutomatically(ledger.writer, WITHOUT_PAYMENTS, W, NOON)),
  );
  expect(made.filter(({ order }) => order !== undefined)).toHaveLength(1);
  expect(await ordersOf()).toHaveLength(1);
});

test('the database itself refuses a second open order', async () => {
  await saveCard();
  await set();
  await orderAutomatically(ledger.writer, WITHOUT_PAYMENTS, W, NOON);
  const again = ledger.writer.query(
    `insert into topup_order (order_id, workspace_id, request_id, kind, credits_cents, fee_cents, currency) values ('top-x', $1, 'x', 'auto', 1, 0, 'usd')`,
    [W],
  );
  await expect(again).rejects.toThrow(/topup_order_auto/);
});

test('a declined card waits longer after each failure, and new settings try at once', async () => {
  await saveCard();
  await set();
  stripe.fault = 'declined';
  await tick(NOON);
  expect(await state()).toMatchObject({
    failures: 1,
    lastFailure: expect.stringMatching(/declined/) as unknown,
    nextTryAt: NOON + 60_000,
  });
  expect(await tick(NOON + 59_999)).toBeUndefined();
  await tick(NOON + 60_000);
  expect(await state()).toMatchObject({ failures: 2, nextTryAt: NOON + 180_000 });
  expect((await ordersOf()).map((order) => order.state)).toEqual(['failed', 'failed']);
  stripe.fault = undefined;
  await set();
  await tick(NOON + 60_001);
  expect([await balance(), (await state()).failures]).toEqual([usd(22n), 0]);
});

test('a card that wants its owner is a failure', async () => {
  await saveCard();
  await set();
  stripe.chargeStatus = 'requires_action';
  await tick();
  expect((await state()).lastFailure).toMatch(/without its owner/);
});

test('a process that dies between order and charge leaves an order that is charged later, once', async () => {
  await saveCard();
  await set();
  stripe.fault = 'answer-lost';
  await tick().then(
    () => Promise.reject(new Error('an unknown outcome was expected')),
    (error: WaystationError) => expect(error.code).toBe('payments_unavailable'),
  );
  expect((await ordersOf()).map((order) => order.state)).toEqual(['open']);
  stripe.fault = undefined;
  for (const left of await staleAutoOrders(ledger.writer, 'open', 0))
    if (left.workspaceId === W) await chargeOrder(ledger.writer, gateway, left, NOON);
  expect([await balance(), stripe.made.length]).toEqual([usd(22n), 1]);
});

test('the bound of the day holds', async () => {
  await saveCard();
  await set({ threshold: usd(1_000n) });
  // One moment for all of them: at midnight another day begins.
  const nowMs = Date.now();
  for (let each = 0; each < 4; each += 1) await tick(nowMs);
  expect(await balance()).toBe(usd(42n));
});

test('a workspace that disputes a payment is not charged again', async () => {
  await saveCard();
  await set();
  await send('charge.dispute.created', {
    id: `dp_${W}`,
    payment_intent: `pi_${W}`,
    amount: 280,
    currency: 'usd',
    status: 'needs_response',
  });
  expect(await orderAutomatically(ledger.writer, WITHOUT_PAYMENTS, W, NOON)).toEqual({ decision: 'suspended' });
});

test('without a saved card of its own a workspace cannot set it', async () => {
  await grantCredits(ledger.writer, { grantId: `grant-${W}`, workspaceId: W, amount: USD, reason: 'test' });
  await expect(set()).rejects.toMatchObject({
    code: 'unprocessable',
    message: expect.stringMatching(/save_payment_method/) as unknown,
  });
});

test.each([
  ['a negative threshold', { threshold: '-1' }, /threshold/],
  ['a negative amount', { credits: usd(-20n) }, /amount: -20 USD/],
  ['an amount that is too small', { credits: '1' }, /amount/],
  ['a bound below one order', { dailyMax: usd(19n) }, /daily_max: 19 USD is outside of what it may be, 20 to/],
])('%s is refused and nothing is set', async (_what, changes, message) => {
  await saveCard();
  await expect(set(changes)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(message) as unknown,
  });
  expect((await state()).settings).toBeUndefined();
});
