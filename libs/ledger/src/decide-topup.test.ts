// Top-ups, refunds and disputes, one line a case.
import { emptyBook, entriesOf, evolve, type Book, type Decided } from './book.js';
import {
  decideChargeback,
  decideChargebackReversal,
  decideOutsideRefund,
  decideRefund,
  decideRefundFailure,
  decideTopUp,
  feeToRefund,
  refundableOf,
  type FeeRefundPolicy,
} from './decide-topup.js';
import { foldBalances, type Entry } from './entry.js';
import { leftOf } from './payment.js';
import { fromCents } from './topup-fee.js';

const usd = (dollars: bigint): bigint => fromCents(dollars * 100n);
const ORDER = { orderId: 'top-1', workspaceId: 'w', credits: usd(20n), fee: fromCents(110n) };

interface World {
  readonly book: Book;
  readonly entries: Entry[];
  apply<Answer>(decided: Decided<Answer>): Answer;
}
const world = (): World => {
  const book = emptyBook();
  const entries: Entry[] = [];
  return {
    book,
    entries,
    apply({ events, answer }) {
      for (const event of events) {
        evolve(book, event);
        entries.push(...entriesOf(event));
      }
      return answer;
    },
  };
};
const paid = (): World => {
  const made = world();
  made.apply(decideTopUp(made.book, ORDER));
  return made;
};
const refund = (
  { book, apply }: World,
  refundId: string,
  credits: bigint | undefined,
  policy: FeeRefundPolicy = 'never',
  refundable = refundableOf(book, 'w', 0n, 0n),
) => apply(decideRefund(book, { refundId, orderId: 'top-1', credits, policy, refundable }));

test('row 20: what the card is charged is credits and fee, and no cent is lost', () => {
  const { book, entries } = paid();
  expect(entries).toEqual([
    { kind: 'top-up', debit: 'cash', credit: 'credits:w', amount: usd(20n), workspaceId: 'w' },
    { kind: 'top-up', debit: 'cash', credit: 'fees', amount: fromCents(110n), workspaceId: 'w' },
  ]);
  expect(book.quotas.get('wallet:w')).toMatchObject({ limit: usd(20n), posted: 0n, held: 0n });
});

test('row 17: an order that was paid is credited once, however often it is said', () => {
  const { book, entries, apply } = paid();
  apply(decideTopUp(book, ORDER));
  apply(decideTopUp(book, { ...ORDER, credits: usd(1_000n) }));
  expect(entries).toHaveLength(2);
});

describe('row 16', () => {
  test('a refund twice is one refund', () => {
    const made = paid();
    expect(refund(made, 'r-1', usd(5n))).toEqual({ refunded: { credits: usd(5n), fee: 0n } });
    expect(refund(made, 'r-1', usd(5n))).toEqual({ refunded: { credits: usd(5n), fee: 0n } });
    expect(foldBalances(made.entries).get('credits:w')).toBe(usd(15n));
  });

  test('another amount under the same id is a conflict', () => {
    const made = paid();
    refund(made, 'r-1', usd(5n));
    expect(refund(made, 'r-1', usd(6n)).rejected?.code).toBe('conflict');
  });

  test.each([
    ['above the original', [], usd(21n), /21 USD is more than what is left of order top-1: at most 20 USD/],
    ['above what is left unrefunded', [usd(5n), usd(5n)], usd(11n), /at most 10 USD/],
    ['of nothing that is left', [usd(20n)], undefined, /nothing left/],
    ['of a negative amount', [], -1n, /more than zero/],
    ['of zero', [], 0n, /more than zero/],
  ])('a refund %s is refused and changes nothing', (_name, before, credits, message) => {
    const made = paid();
    before.forEach((each, index) => refund(made, `before-${index}`, each));
    const entries = made.entries.length;
    expect(refund(made, 'r-x', credits).rejected).toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(message) as unknown,
    });
    expect(made.entries).toHaveLength(entries);
  });

  test('a refund above what is free is refused and says what is free', () => {
    const made = paid();
    expect(refund(made, 'r-1', usd(5n), 'never', usd(3n)).rejected?.message).toMatch(/only 3 USD .* are free/);
  });

  test('an order that was never paid cannot be refunded', () => {
    expect(refund(world(), 'r-1', usd(1n)).rejected?.code).toBe('unprocessable');
  });

  test('a refund that the payment service refused in the end gives the credits back, once', () => {
    const made = paid();
    refund(made, 'r-1', usd(5n));
    made.apply(decideRefundFailure(made.book, 'top-1', 'r-1'));
    made.apply(decideRefundFailure(made.book, 'top-1', 'r-1'));
    expect(foldBalances(made.entries).get('credits:w')).toBe(usd(20n));
    expect(made.book.quotas.get('wallet:w')?.limit).toBe(usd(20n));
    expect(refund(made, 'r-2', undefined)).toEqual({ refunded: { credits: usd(20n), fee: 0n } });
  });
});

test.each([
  ['never', usd(20n), 0n],
  ['proportional', usd(20n), fromCents(110n)],
  ['proportional', usd(10n), fromCents(55n)],
  ['proportional', fromCents(1n), 0n],
  ['proportional', fromCents(10n), fromCents(1n)],
] as const)('with the fee policy %s, %s of credits bring back %s of fee', (policy, credits, fee) => {
  const payment = paid().book.payments.get('top-1');
  expect(payment && feeToRefund(payment, credits, policy)).toBe(fee);
});

test('partial refunds of a proportional fee together bring back exactly the fee', () => {
  const made = paid();
  for (const [index, credits] of [usd(7n), usd(6n), fromCents(333n), undefined].entries())
    refund(made, `r-${index}`, credits, 'proportional');
  const balances = foldBalances(made.entries);
  expect([balances.get('cash'), balances.get('fees'), balances.get('credits:w')]).toEqual([0n, 0n, 0n]);
});

describe('a chargeback', () => {
  const spent = (): World => {
    const made = paid();
    const wallet = made.book.quotas.get('wallet:w');
    if (wallet) made.book.quotas.set(wallet.id, { ...wallet, posted: usd(15n) });
    return made;
  };
  const total = ORDER.credits + ORDER.fee;
  const chargeback = { disputeId: 'd-1', orderId: 'top-1', amount: total };

  test('takes credits below zero where they were spent, and the fee with them', () => {
    const made = spent();
    made.apply(decideChargeback(made.book, chargeback));
    made.apply(decideChargeback(made.book, chargeback));
    expect(made.book.quotas.get('wallet:w')).toMatchObject({ limit: 0n, posted: usd(15n) });
    expect(foldBalances(made.entries)).toEqual(
      new Map([
        ['cash', 0n],
        ['credits:w', 0n],
        ['fees', 0n],
      ]),
    );
  });

  test('of a part takes that part, credits first', () => {
    const made = paid();
    made.apply(decideChargeback(made.book, { ...chargeback, amount: usd(8n) }));
    expect(leftOf(made.book.payments.get('top-1') ?? { ...ORDER, refunds: new Map(), chargebacks: new Map() })).toEqual(
      {
        credits: usd(12n),
        fee: fromCents(110n),
      },
    );
  });

  test('never takes more than refunds have left', () => {
    const made = paid();
    refund(made, 'r-1', usd(12n));
    made.apply(decideChargeback(made.book, chargeback));
    expect(foldBalances(made.entries).get('cash')).toBe(0n);
  });

  test('that was won gives back what it took, once', () => {
    const made = spent();
    made.apply(decideChargeback(made.book, chargeback));
    made.apply(decideChargebackReversal(made.book, 'top-1', 'd-1'));
    made.apply(decideChargebackReversal(made.book, 'top-1', 'd-1'));
    expect(foldBalances(made.entries).get('cash')).toBe(-total);
    expect(made.book.quotas.get('wallet:w')?.limit).toBe(usd(20n));
  });

  test('that was won leaves the whole payment to be refunded', () => {
    const made = paid();
    made.apply(decideChargeback(made.book, chargeback));
    expect(refund(made, 'r-1', undefined).rejected?.code).toBe('unprocessable');
    made.apply(decideChargebackReversal(made.book, 'top-1', 'd-1'));
    expect(refund(made, 'r-1', undefined)).toEqual({ refunded: { credits: usd(20n), fee: 0n } });
  });

  test('of an order that nobody knows takes nothing', () => {
    expect(decideChargeback(emptyBook(), chargeback).events).toEqual([]);
  });
});

test('money that was given back past us takes its credits with it, below zero if need be, and counts once', () => {
  const made = paid();
  const outside = { refundId: 'outside-1', orderId: 'top-1', amount: usd(4n) };
  made.apply(decideOutsideRefund(made.book, outside));
  made.apply(decideOutsideRefund(made.book, outside));
  expect(foldBalances(made.entries).get('credits:w')).toBe(usd(16n));
});

test.each([
  ['all of it where nothing is used', usd(20n), 0n, 0n, 0n, 0n, usd(20n)],
  ['less what is spent and what is held', usd(20n), usd(5n), usd(4n), 0n, 0n, usd(11n)],
  ['the same where leases have spent what the wallet was not told', usd(20n), usd(5n), usd(4n), usd(1n), 0n, usd(11n)],
  ['less what is promotional', usd(20n), 0n, 0n, 0n, usd(8n), usd(12n)],
  ['what is held counts against the promotional part first', usd(20n), 0n, usd(5n), 0n, usd(8n), usd(12n)],
  ['nothing below zero', usd(1n), usd(5n), 0n, 0n, 0n, 0n],
])('refundable is %s', (_name, limit, posted, held, unbooked, promotional, expected) => {
  const { book } = paid();
  const wallet = book.quotas.get('wallet:w');
  if (wallet) book.quotas.set(wallet.id, { ...wallet, limit, posted, held });
  expect(refundableOf(book, 'w', unbooked, promotional)).toBe(expected);
});
