// Money comes in, over a real Postgres and a stand-in of Stripe's API: orders, events, refunds and disputes, and what of it must change nothing.
import { postgresDatabase } from '@waystation/testing';
import { WaystationError, type Principal, type TopupOrder } from '@waystation/contracts';
import { readCredits } from '../credits/credits.js';
import { grantPromo } from '../promo/promo.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { delivered, generationFinished, KEY_HASH, testLedger, type TestLedger } from '../test-ledger.js';
import { askLease, grantLease } from '../test-lease.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { payOut, pendingRefunds } from './refund-topup.js';
import { signedEvent, WITHOUT_PAYMENTS, type StripeStandIn } from './stripe-stand-in.js';
import { startTestPayments, type TestPayments } from './test-payments.js';
import type { TopUpsHandler } from './topups.handler.js';

const USD = 1_000_000_000_000n;
const usd = (dollars: number): string => ((BigInt(Math.round(dollars * 100)) * USD) / 100n).toString();

let ledger: TestLedger;
let stripe: StripeStandIn;
let tested: TestPayments;
let payments: TopUpsHandler;
let send: TestPayments['send'];
let forget: TestPayments['forget'];
let count = 0;
let W = '';

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  tested = await startTestPayments(ledger);
  ({ stripe, handler: payments, send, forget } = tested);
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

const principal = (workspaceId = W): Principal => ({
  kind: 'key',
  workspaceId,
  keyHash: KEY_HASH,
  permissions: ['credits:read', 'payments:write'],
});
const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };

let requests = 0;
const topUp = async (
  dollars: number,
  changes: { requestId?: string; currency?: string; savePaymentMethod?: boolean; credits?: string } = {},
): Promise<TopupOrder> => {
  requests += 1;
  const request = {
    requestId: `request-${requests}`,
    currency: 'usd',
    savePaymentMethod: false,
    credits: usd(dollars),
  };
  const { order } = await payments.create({ v: 1, principal: principal(), workspaceId: W, ...request, ...changes });
  return order;
};
const sessionIdOf = (order: TopupOrder): string => order.checkoutUrl?.split('/').at(-1) ?? '';
const paidSession = (order: TopupOrder, changes: object = {}) => ({
  id: sessionIdOf(order),
  client_reference_id: order.orderId,
  amount_total: Number((BigInt(order.credits) + BigInt(order.fee)) / 10_000_000_000n),
  currency: 'usd',
  payment_status: 'paid',
  payment_intent: `pi_${order.orderId}`,
  customer: null,
  ...changes,
});
const pay = async (dollars: number): Promise<TopupOrder> => {
  const order = await topUp(dollars);
  expect(await send('checkout.session.completed', paidSession(order))).toBe('applied');
  return order;
};
const balance = async (workspaceId = W): Promise<string> =>
  (await ledger.writer.transaction((runner) => readCredits(runner, workspaceId))).balance.toString();
const accounts = async (): Promise<Record<string, bigint>> => {
  const rows = await ledger.asAdmin<{ account: string; amount: string }>('select account, amount from balance');
  return Object.fromEntries(rows.map(({ account, amount }) => [account, BigInt(amount)]));
};
const notices = async (kind: string): Promise<Record<string, unknown>[]> =>
  (
    await ledger.asAdmin<{ body: Record<string, unknown> }>(
      `select body from notice where body->>'workspaceId' = $1 and body->>'kind' = $2 order by id`,
      [W, kind],
    )
  ).map(({ body }) => body);
const refusal = async (work: Promise<unknown>): Promise<WaystationError> => {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof WaystationError) return outcome;
  throw new Error(`refused with a WaystationError was expected, and it was ${String(outcome)}`);
};
const spend = async (dollars: number): Promise<void> => {
  const hold = BigInt(usd(dollars));
  const leaseId = `lease-0000${String(count).padStart(4, '0')}`;
  await grantLease(ledger.writer, { leaseId, workspaceId: W, usd: hold });
  const price = { perUnit: { input: (hold / 10n).toString() } };
  const line = generationFinished(
    { workspaceId: W, leaseId, hold, price, quotaSet: [`wallet:${W}`] },
    { usage: { input: 10 } },
  );
  await settleLines(ledger.writer, new PriceBook(), delivered(line), { witnessWaitMs: 1, graceMs: 1 });
};

describe('row 20', () => {
  test.each([
    [1, 0.8],
    [10, 0.8],
    [14.54, 0.8],
    [20, 1.1],
    [100, 5.5],
  ])('row 20: a top-up of $%s is charged with $%s of fee, and no cent is lost', async (credits, fee) => {
    const before = await accounts();
    const order = await topUp(credits);
    expect(order).toMatchObject({ state: 'open', credits: usd(credits), fee: usd(fee), currency: 'usd' });
    const items = stripe.asked[0]?.params ?? {};
    expect(Number(items['line_items[0][price_data][unit_amount]'])).toBe(Math.round(credits * 100));
    expect(Number(items['line_items[1][price_data][unit_amount]'])).toBe(Math.round(fee * 100));
    await send('checkout.session.completed', paidSession(order));
    const after = await accounts();
    expect(await balance()).toBe(usd(credits));
    expect((after['fees'] ?? 0n) - (before['fees'] ?? 0n)).toBe(BigInt(usd(fee)));
    expect((before['cash'] ?? 0n) - (after['cash'] ?? 0n)).toBe(BigInt(usd(credits)) + BigInt(usd(fee)));
  });
});

describe('an order', () => {
  test('is the same for the same request id, at Stripe too', async () => {
    const first = await topUp(20, { requestId: 'request-same' });
    const again = await topUp(20, { requestId: 'request-same' });
    expect(again).toEqual(first);
    expect(stripe.asked).toHaveLength(1);
    expect((await refusal(topUp(21, { requestId: 'request-same' }))).code).toBe('conflict');
  });

  test('whose page could not be opened is opened when the request is repeated', async () => {
    stripe.fault = 'down';
    expect((await refusal(topUp(20, { requestId: 'request-down' }))).code).toBe('payments_unavailable');
    stripe.fault = undefined;
    expect((await topUp(20, { requestId: 'request-down' })).checkoutUrl).toMatch(/^https:\/\/pay\.test\//);
    const keys = new Set(stripe.asked.map(({ idempotencyKey }) => idempotencyKey));
    expect(keys.size).toBe(1);
  });

  test.each([
    [
      'a negative amount',
      { credits: '-1000000000000' },
      'invalid_request',
      /outside of what it may be, 1 to 10000 USD/,
    ],
    ['nothing', { credits: '0' }, 'invalid_request', /outside/],
    ['an absurd amount', { credits: usd(10_000.01) }, 'invalid_request', /outside/],
    ['a part of a cent', { credits: '1000000000001' }, 'invalid_request', /not a whole number of cents/],
    ['an unknown currency', { currency: 'doge' }, 'invalid_request', /"doge" is not taken/],
    ['another real currency', { currency: 'eur' }, 'invalid_request', /"eur" is not taken/],
  ])('for %s is refused, and nothing is made', async (_name, changes, code, message) => {
    const refused = await refusal(topUp(20, changes));
    expect(refused.code).toBe(code);
    expect(refused.message).toMatch(message);
    expect(stripe.asked).toEqual([]);
    expect(await ledger.asAdmin(`select 1 from topup_order where workspace_id = $1`, [W])).toEqual([]);
  });

  test('of another workspace does not exist', async () => {
    const order = await pay(20);
    const stranger = principal('ws-stranger');
    const named = { v: 1, principal: stranger, orderId: order.orderId } as const;
    expect((await refusal(payments.get({ ...named, workspaceId: 'ws-stranger' }))).code).toBe('not_found');
    expect((await refusal(payments.get({ ...named, workspaceId: W }))).code).toBe('not_found');
    const refund = { ...named, refundId: 'refund-0001', manual: false, reason: '' };
    expect((await refusal(payments.refund({ ...refund, workspaceId: 'ws-stranger' }))).code).toBe('not_found');
    const { orders } = await payments.list({ v: 1, principal: stranger, workspaceId: 'ws-stranger' });
    expect(orders).toEqual([]);
  });

  test('is refused clearly where payments are not configured', async () => {
    const without = tested.handlerWith(WITHOUT_PAYMENTS, undefined);
    const request = { requestId: 'request-none', currency: 'usd', savePaymentMethod: false, credits: usd(20) };
    const refused = await refusal(without.create({ v: 1, principal: principal(), workspaceId: W, ...request }));
    expect(refused.code).toBe('payments_not_configured');
    expect(refused.row.status).toBe(503);
  });

  test('what is wrong with a request is told first, also where payments are not configured', async () => {
    const without = tested.handlerWith(WITHOUT_PAYMENTS, undefined);
    const asked = { v: 1, principal: principal(), workspaceId: W } as const;
    const order = { ...asked, requestId: 'request-none', savePaymentMethod: false };
    const orderId = 'top-00000000-0000-0000-0000-000000000000';
    const back = { ...asked, orderId, refundId: 'refund-none', manual: false, reason: '' };
    for (const [work, status] of [
      [without.create({ ...order, credits: usd(-5), currency: 'usd' }), 400],
      [without.create({ ...order, credits: usd(5), currency: 'doge' }), 400],
      [without.refund({ ...back, credits: '1' }), 400],
      [without.refund(back), 404],
    ] as const)
      expect((await refusal(work)).row.status).toBe(status);
  });
});

const SESSION = { id: 'cs_1', amount_total: 2_110, currency: 'usd', payment_status: 'paid' };

describe('row 17', () => {
  test.each([
    ['with another secret', { secret: 'whsec_other' }],
    ['that is too old', { atSeconds: Math.floor(Date.now() / 1000) - 3_600 }],
  ])('row 17: an event signed %s is refused and changes nothing', async (_name, options) => {
    const order = await topUp(20);
    const refused = await refusal(send('checkout.session.completed', paidSession(order), options));
    expect(refused.row.status).toBe(400);
    expect(await balance()).toBe('0');
  });

  test.each(['', 't=1,v1=00', 'nonsense'])('row 17: the signature %j is refused with 400', async (signature) => {
    const { body } = signedEvent('checkout.session.completed', {});
    const refused = await refusal(payments.event({ v: 1, signature, body: body.toString('base64') }));
    expect(refused.row.status).toBe(400);
  });

  test('row 17: a body that was changed on its way is refused', async () => {
    const order = await topUp(20);
    const { body, signature } = signedEvent('checkout.session.completed', paidSession(order));
    const changed = Buffer.from(body.toString().replace('"usd"', '"USD"'));
    expect((await refusal(payments.event({ v: 1, signature, body: changed.toString('base64') }))).row.status).toBe(400);
  });

  test('row 17: a replayed event, and another event of the same payment, are no-ops', async () => {
    const order = await topUp(20);
    const once = { id: `evt_${W}` };
    expect(await send('checkout.session.completed', paidSession(order), once)).toBe('applied');
    expect(await send('checkout.session.completed', paidSession(order), once)).toBe('repeated');
    expect(await send('checkout.session.async_payment_succeeded', paidSession(order))).toBe('repeated');
    expect(await balance()).toBe(usd(20));
  });

  test('row 17: twenty copies at once credit once', async () => {
    const order = await topUp(20);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        send('checkout.session.completed', paidSession(order), { id: `evt_${W}_${index % 5}` }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
    expect(await balance()).toBe(usd(20));
  });

  test.each([
    ['another amount', { amount_total: 2_111 }, /is for 21\.1 USD, the event for 21\.11 USD; nothing was credited/],
    ['a smaller amount', { amount_total: 1 }, /nothing was credited/],
    ['another currency', { currency: 'eur' }, /is in usd, the event in "eur"/],
    ['another page', { id: 'cs_other' }, /another page/],
  ])('row 17: %s than our order is refused with 422 and credits nothing', async (_name, changes, message) => {
    const order = await topUp(20);
    const session = { ...paidSession(order), ...changes };
    const refused = await refusal(send('checkout.session.completed', session));
    expect(refused.row.status).toBe(422);
    expect(refused.message).toMatch(message);
    expect(await balance()).toBe('0');
    // The very event may come again once the reason is gone: it was not counted as seen.
    expect(await send('checkout.session.completed', paidSession(order))).toBe('applied');
  });

  test.each([
    ['an order that is not ours', { ...SESSION, client_reference_id: 'top-0' }],
    ['no order at all', { ...SESSION, client_reference_id: null }],
    ['somebody else, shaped otherwise', { id: 'cs_1', mode: 'setup', amount_total: null }],
  ])('row 17: an event about %s credits nobody', async (_name, session) => {
    expect(await send('checkout.session.completed', session)).toBe('ignored');
  });

  test('row 17: what a page is paid with is said by the page alone, whatever currency its payment is in', async () => {
    const order = await topUp(20);
    const intent = { id: 'pi_1', metadata: { order_id: order.orderId }, amount_received: 1_850, currency: 'eur' };
    expect(await send('payment_intent.succeeded', intent)).toBe('ignored');
    expect(await balance()).toBe('0');
  });

  test('an event of a type that means nothing to us is taken and ignored, a malformed one is refused', async () => {
    expect(await send('customer.created', { id: 'cus_1' })).toBe('ignored');
    expect(
      (await refusal(send('checkout.session.completed', { id: 1, client_reference_id: 'top-1' }))).row.status,
    ).toBe(422);
  });
});

describe('a payment that takes its time', () => {
  test('is processing until it succeeds, then credited', async () => {
    const order = await topUp(20);
    await send('checkout.session.completed', paidSession(order, { payment_status: 'unpaid' }));
    const state = async () =>
      (await payments.get({ v: 1, principal: principal(), workspaceId: W, orderId: order.orderId })).order.state;
    expect([await state(), await balance()]).toEqual(['processing', '0']);
    await send('checkout.session.async_payment_succeeded', paidSession(order));
    expect([await state(), await balance()]).toEqual(['paid', usd(20)]);
  });

  test.each([
    ['checkout.session.async_payment_failed', 'failed'],
    ['checkout.session.expired', 'expired'],
  ])('%s ends the order without credits', async (type, state) => {
    const order = await topUp(20);
    await send(type, paidSession(order, { payment_status: 'unpaid' }));
    const { order: after } = await payments.get({
      v: 1,
      principal: principal(),
      workspaceId: W,
      orderId: order.orderId,
    });
    expect([after.state, await balance()]).toEqual([state, '0']);
  });
});

const refund = (
  order: TopupOrder,
  refundId: string,
  dollars?: number,
  changes: { manual?: boolean; principal?: Principal } = {},
) =>
  payments.refund({
    ...{
      v: 1,
      principal: principal(),
      workspaceId: W,
      orderId: order.orderId,
      refundId,
      manual: false,
      reason: 'asked',
    },
    ...(dollars === undefined ? {} : { credits: usd(dollars) }),
    ...changes,
  });

describe('row 16', () => {
  test('row 16: a refund twice is one refund, here and at Stripe', async () => {
    const order = await pay(20);
    await refund(order, 'refund-0001', 5);
    const { order: after } = await refund(order, 'refund-0001', 5);
    expect(after).toMatchObject({
      refunded: usd(5),
      refunds: [{ state: 'done', credits: usd(5), fee: '0', via: 'stripe' }],
    });
    expect([await balance(), stripe.made.length]).toEqual([usd(15), 1]);
    expect((await refusal(refund(order, 'refund-0001', 6))).code).toBe('conflict');
  });

  test('row 16: ten copies of a refund at once pay out once', async () => {
    const order = await pay(20);
    await Promise.all(Array.from({ length: 10 }, () => refund(order, 'refund-0001', 5)));
    expect([await balance(), stripe.made.length]).toEqual([usd(15), 1]);
  });

  test.each([
    ['above the original', [], 20.01],
    ['above what is left unrefunded', [12, 5], 3.01],
  ])('row 16: a refund %s is refused with 422 and changes nothing', async (_name, before, dollars) => {
    const order = await pay(20);
    for (const [index, each] of before.entries()) await refund(order, `refund-b-${index}`, each);
    const had = await balance();
    const refused = await refusal(refund(order, 'refund-over', dollars));
    expect(refused.row.status).toBe(422);
    expect([await balance(), stripe.made.length]).toEqual([had, before.length]);
  });

  test('row 16: credits that are spent or held cannot be refunded, and the refusal says what is free', async () => {
    const order = await pay(20);
    await spend(12.5);
    const refused = await refusal(refund(order, 'refund-spent', 8));
    expect([refused.row.status, refused.message]).toEqual([422, expect.stringMatching(/only 7\.5 USD .* are free/)]);
    await refund(order, 'refund-free', 7.5);
    expect(await balance()).toBe('0');
  });

  test('promotional credits cannot be paid out: what is left of them is not free', async () => {
    const order = await pay(20);
    const lot = { lotId: `lot-${W}`, workspaceId: W, amount: BigInt(usd(10)), expiresAtMs: Date.now() + 60_000 };
    await grantPromo(ledger.writer, { ...lot, reason: 'welcome', nowMs: Date.now() });
    await spend(4);
    await refund(order, 'refund-all', 20);
    expect(await balance()).toBe(usd(6));
    const refused = await refusal(refund(await pay(10), 'refund-more', 10.01));
    expect(refused.row.status).toBe(422);
  });

  test('credits that were spent beyond the promotional ones are not free', async () => {
    const order = await pay(20);
    const lot = { lotId: `lot-${W}`, workspaceId: W, amount: BigInt(usd(10)), expiresAtMs: Date.now() + 60_000 };
    await grantPromo(ledger.writer, { ...lot, reason: 'welcome', nowMs: Date.now() });
    await spend(13);
    expect((await refusal(refund(order, 'refund-over', 17.01))).message).toMatch(/only 17 USD/);
    await refund(order, 'refund-free', 17);
  });

  test.each([0, -1])('a refund of %s USD is refused', async (dollars) => {
    const order = await pay(20);
    expect((await refusal(refund(order, 'refund-none', dollars))).row.status).toBe(422);
  });

  test('a refund of a part of a cent is refused', async () => {
    const order = await pay(20);
    const asked = { v: 1, principal: principal(), workspaceId: W, orderId: order.orderId, manual: false } as const;
    const work = payments.refund({ ...asked, refundId: 'refund-part', credits: '1', reason: '' });
    expect((await refusal(work)).code).toBe('invalid_request');
  });

  test('a refund of an order that nobody paid is refused', async () => {
    expect((await refusal(refund(await topUp(20), 'refund-0001'))).row.status).toBe(422);
  });

  test('a refund that Stripe refuses gives the credits back, and its id stays spent', async () => {
    const order = await pay(20);
    stripe.fault = 'refused';
    expect((await refusal(refund(order, 'refund-0001', 5))).row.status).toBe(422);
    expect(await balance()).toBe(usd(20));
    stripe.fault = undefined;
    expect((await refusal(refund(order, 'refund-0001', 5))).message).toMatch(/use a new id/);
    await refund(order, 'refund-0002', 5);
    expect([await balance(), stripe.made.length]).toEqual([usd(15), 1]);
  });

  test('a refund whose answer was lost is finished by the job, and paid out once', async () => {
    const order = await pay(20);
    stripe.fault = 'answer-lost';
    expect((await refusal(refund(order, 'refund-0001', 5))).code).toBe('payments_unavailable');
    expect(await balance()).toBe(usd(15));
    stripe.fault = undefined;
    const [pending, ...others] = await pendingRefunds(ledger.writer, 0);
    expect(others).toEqual([]);
    if (pending) await payOut(ledger.writer, tested.gateway, pending);
    const { order: after } = await refund(order, 'refund-0001', 5);
    expect([after.refunds[0]?.state, stripe.made.length]).toEqual(['done', 1]);
  });

  test('a refund that failed at the bank later gives the credits back', async () => {
    const order = await pay(20);
    await refund(order, 'refund-0001', 5);
    const object = { id: 're_1', metadata: { order_id: order.orderId, refund_id: 'refund-0001' } };
    expect(await send('refund.failed', object)).toBe('applied');
    expect(await send('refund.failed', object)).toBe('ignored');
    expect(await balance()).toBe(usd(20));
  });

  test('only an operator books a refund that was paid out another way, and Stripe is not asked', async () => {
    const order = await pay(20);
    expect((await refusal(refund(order, 'refund-hand', 5, { manual: true }))).code).toBe('permission_denied');
    await refund(order, 'refund-hand', 5, { manual: true, principal: OPERATOR });
    expect([await balance(), stripe.made]).toEqual([usd(15), []]);
  });

  test("the event of our own refund takes nothing more; one that was made in Stripe's console takes its credits", async () => {
    const order = await pay(20);
    await refund(order, 'refund-0001', 5);
    const charge = { id: 'ch_1', payment_intent: `pi_${order.orderId}`, currency: 'usd' };
    expect(await send('charge.refunded', { ...charge, amount_refunded: 500 })).toBe('ignored');
    expect(await balance()).toBe(usd(15));
    expect(await send('charge.refunded', { ...charge, amount_refunded: 800 })).toBe('applied');
    expect(await send('charge.refunded', { ...charge, amount_refunded: 800 })).toBe('ignored');
    expect(await balance()).toBe(usd(12));
    expect(
      (await refusal(send('charge.refunded', { ...charge, amount_refunded: 900, currency: 'eur' }))).row.status,
    ).toBe(422);
  });
});

describe('a dispute', () => {
  const disputeOf = (order: TopupOrder, changes: object = {}) => ({
    id: `dp_${order.orderId}`,
    payment_intent: `pi_${order.orderId}`,
    amount: 2_110,
    currency: 'usd',
    status: 'needs_response',
    ...changes,
  });

  test('takes the credits below zero, suspends the workspace, and no call is admitted any more', async () => {
    const order = await pay(20);
    await spend(15);
    expect(await send('charge.dispute.created', disputeOf(order))).toBe('applied');
    expect(await send('charge.dispute.funds_withdrawn', disputeOf(order))).toBe('repeated');
    expect(await balance()).toBe(usd(-15));
    expect(await notices('suspension')).toMatchObject([{ suspended: true, workspaceId: W }]);
    const answer = await askLease(ledger.writer, { leaseId: `lease-broke-${count}`, workspaceId: W, usd: 1n });
    expect(answer).toMatchObject({ refused: { scope: 'wallet' } });
  });

  test('that is won restores what it took and lifts the suspension', async () => {
    const order = await pay(20);
    await spend(15);
    await send('charge.dispute.created', disputeOf(order));
    await send('charge.dispute.closed', disputeOf(order, { status: 'won' }));
    expect(await send('charge.dispute.closed', disputeOf(order, { status: 'won' }))).toBe('repeated');
    expect(await balance()).toBe(usd(5));
    expect((await notices('suspension')).map(({ suspended }) => suspended)).toEqual([true, false]);
    const [wallet] = await ledger.asAdmin(`select overdrawn from quota where id = $1`, [`wallet:${W}`]);
    expect(wallet).toEqual({ overdrawn: false });
  });

  test('that is lost keeps what it took, and the workspace stays suspended', async () => {
    const order = await pay(20);
    await send('charge.dispute.created', disputeOf(order));
    await send('charge.dispute.closed', disputeOf(order, { status: 'lost' }));
    expect(await balance()).toBe('0');
    expect(await notices('suspension')).toHaveLength(1);
  });

  test('that was lost after its credits were spent leaves a debt, which the next top-up pays first', async () => {
    const order = await pay(20);
    await spend(15);
    await send('charge.dispute.created', disputeOf(order));
    await send('charge.dispute.closed', disputeOf(order, { status: 'lost' }));
    expect(await balance()).toBe(usd(-15));
    await pay(20);
    expect(await balance()).toBe(usd(5));
    const [wallet] = await ledger.asAdmin(`select overdrawn from quota where id = $1`, [`wallet:${W}`]);
    expect(wallet).toEqual({ overdrawn: false });
  });

  test('of two that stand, winning one does not lift the suspension', async () => {
    const [first, second] = [await pay(20), await pay(20)];
    await send('charge.dispute.created', disputeOf(first));
    await send('charge.dispute.created', disputeOf(second));
    await send('charge.dispute.closed', disputeOf(first, { status: 'won' }));
    expect((await notices('suspension')).map(({ suspended }) => suspended)).toEqual([true, true]);
    expect(await balance()).toBe(usd(20));
  });

  test.each([
    ['lost', '0'],
    ['won', usd(20)],
  ])('whose end (%s) overtakes its beginning comes to the same', async (status, left) => {
    const order = await pay(20);
    await send('charge.dispute.closed', disputeOf(order, { status }));
    expect(await send('charge.dispute.created', disputeOf(order))).toBe('repeated');
    expect(await balance()).toBe(left);
  });

  test("in the customer's own currency takes all that is left, since its part cannot be told", async () => {
    const order = await pay(20);
    await send('charge.dispute.created', disputeOf(order, { amount: 1, currency: 'eur' }));
    expect(await balance()).toBe('0');
    expect(await notices('suspension')).toHaveLength(1);
  });

  test('that is only an inquiry takes nothing', async () => {
    const order = await pay(20);
    expect(await send('charge.dispute.created', disputeOf(order, { status: 'warning_needs_response' }))).toBe(
      'ignored',
    );
    expect(await balance()).toBe(usd(20));
  });

  test('after a refund takes only what is left of the payment', async () => {
    const order = await pay(20);
    await refund(order, 'refund-0001', 15);
    await send('charge.dispute.created', disputeOf(order));
    expect(await balance()).toBe('0');
  });
});

test('what happened is told to the audit, with who did it', async () => {
  const order = await pay(20);
  await refund(order, 'refund-0001', 5);
  expect((await notices('audit')).map(({ action, actor }) => [action, actor])).toEqual([
    ['topup.ordered', { kind: 'key', keyHash: KEY_HASH }],
    ['topup.paid', { kind: 'service', reason: 'payment-service' }],
    ['topup.refunded', { kind: 'key', keyHash: KEY_HASH }],
  ]);
});
