// A hold that is extended: what it tells is held, whatever billing answers and however often it is asked.
import fc from 'fast-check';
import { WaystationError, type LeaseRefusal } from '@waystation/contracts';
import { NOTHING, plus, type Amounts } from './amounts.js';
import { GrowingHold } from './growing-hold.js';
import { fitsLeft, type Hold, type Refused } from './lease-pool.js';
import { FIRST_SLICE_TOKENS, UNSEEN_TOKENS } from './plan-growth.js';

/** One picodollar a token, and 100 for the prompt. */
const usdAt = (tokens: number): Amounts => ({ usd: BigInt(100 + tokens), byok: 0n, requests: 0, tokens: 0 });

const setUp = (wallet: number, options: { readonly full?: number; readonly code?: LeaseRefusal['code'] } = {}) => {
  let amounts = usdAt(FIRST_SLICE_TOKENS);
  let now = 0;
  let fault: WaystationError | undefined;
  const asked: bigint[] = [];
  const own = { limit: BigInt(wallet) };
  const judge = (more: Amounts): Refused | undefined => {
    if (fault !== undefined) throw fault;
    const left = own.limit - amounts.usd;
    if (more.usd <= left) {
      amounts = plus(amounts, more);
      return undefined;
    }
    return {
      refused: {
        code: options.code ?? 'insufficient_credits',
        quotaId: 'wallet:default',
        scope: 'wallet',
        metric: 'usd',
        window: 'lifetime',
        asked: more.usd.toString(),
        left: left.toString(),
      },
    };
  };
  const hold: Hold = {
    leaseId: 'lease-test1',
    get amounts() {
      return amounts;
    },
    grow(more) {
      asked.push(more.usd);
      return Promise.resolve().then(() => judge(more));
    },
    settle: () => undefined,
    leaveOpen: () => undefined,
  };
  const growing = new GrowingHold({
    hold,
    fullTokens: options.full ?? 10_000,
    amountsAt: usdAt,
    now: () => (now += 5_000),
  });
  return {
    growing,
    hold,
    asked,
    own,
    set fault(error: WaystationError | undefined) {
      fault = error;
    },
  };
};
const FIRST = FIRST_SLICE_TOKENS - UNSEEN_TOKENS;

it('begins with the first slice, of which a little is kept for tokens that show no bytes', () => {
  expect(setUp(1_000).growing.heldOutputTokens).toBe(496);
});

it('grows step by step to all that can be made, and then needs no more', async () => {
  const { growing, asked } = setUp(100_000, { full: 1_200 });
  const told: (number | undefined)[] = [];
  while (growing.heldOutputTokens !== undefined) {
    expect(await growing.extend(growing.heldOutputTokens)).toBe(true);
    told.push(growing.heldOutputTokens);
  }
  expect([told, asked]).toEqual([
    [1_024 - UNSEEN_TOKENS, undefined],
    [512n, 176n],
  ]);
});

it('tells again what a lost answer told, without asking for more', async () => {
  const { growing, asked } = setUp(100_000);
  await growing.extend(FIRST);
  expect(await growing.extend(FIRST)).toBe(true);
  expect(asked).toHaveLength(1);
});

it('asks one question at a time', async () => {
  const { growing, asked } = setUp(100_000);
  const first = growing.extend(FIRST);
  expect(await growing.extend(FIRST)).toBe(false);
  expect([await first, asked.length]).toEqual([true, 1]);
});

it('takes what is left where that is less than a step, then is refused for good', async () => {
  const { growing, asked } = setUp(100 + FIRST_SLICE_TOKENS + 40);
  expect(await growing.extend(FIRST)).toBe(true);
  expect([growing.heldOutputTokens, growing.isRefused]).toEqual([FIRST + 40, false]);
  expect(await growing.extend(FIRST + 40)).toBe(true);
  expect([growing.heldOutputTokens, growing.isRefused, growing.refusal?.left]).toEqual([FIRST + 40, true, '0']);
  const questions = asked.length;
  expect(await growing.extend(FIRST + 40)).toBe(true);
  expect(asked).toHaveLength(questions);
});

it.each<[string, Partial<LeaseRefusal>, Partial<Amounts>, boolean]>([
  ['tokens', { metric: 'tokens', left: '40' }, { tokens: 40 }, true],
  ['fewer tokens', { metric: 'tokens', left: '39' }, { tokens: 40 }, false],
  ['money of a limit', { scope: 'key', left: '40' }, { usd: 20n, byok: 20n }, true],
  ['less money of a limit, whoever is paid', { scope: 'key', left: '39' }, { usd: 20n, byok: 20n }, false],
  ['credits', { scope: 'wallet', left: '20' }, { usd: 20n, byok: 20n }, true],
  ['fewer credits', { scope: 'wallet', left: '19' }, { usd: 20n, byok: 20n }, false],
])('what is left of %s decides what still fits', (_name, refusal, need, fits) => {
  const usd = {
    code: 'limit_exceeded',
    quotaId: 'q',
    scope: 'key',
    metric: 'usd',
    window: 'day',
    asked: '99',
  } as const;
  expect(fitsLeft({ ...NOTHING, ...need }, { ...usd, left: '0', ...refusal })).toBe(fits);
});

it('asks again after a refusal that may pass, and goes on when it has passed', async () => {
  const { growing, own } = setUp(100 + FIRST_SLICE_TOKENS, { code: 'in_flight' });
  await growing.extend(FIRST);
  expect(growing.isRefused).toBe(true);
  own.limit = 100_000n;
  expect(await growing.extend(FIRST)).toBe(true);
  expect([growing.isRefused, growing.refusal, (growing.heldOutputTokens ?? 0) > FIRST]).toEqual([
    false,
    undefined,
    true,
  ]);
});

it.each([
  ['says nothing while billing does not answer', 'no_responder', false, false],
  ['is refused where its lease can have no more', 'conflict', true, true],
] as const)('%s', async (_name, code, answered, refused) => {
  const set = setUp(100_000);
  set.fault = new WaystationError(code, 'no');
  expect([await set.growing.extend(FIRST), set.growing.isRefused]).toEqual([answered, refused]);
  expect(set.growing.heldOutputTokens).toBe(FIRST);
});

it('never tells more than is held', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 612, max: 20_000 }),
      fc.integer({ min: 513, max: 20_000 }),
      fc.array(fc.record({ known: fc.nat(20_000), limit: fc.integer({ min: 0, max: 5_000 }) }), { maxLength: 30 }),
      fc.constantFrom<LeaseRefusal['code']>('in_flight', 'insufficient_credits'),
      async (wallet, full, steps, code) => {
        const { growing, hold, own } = setUp(wallet, { full, code });
        for (const { known, limit } of steps) {
          await growing.extend(known);
          own.limit += BigInt(limit);
          const told = growing.heldOutputTokens ?? full;
          expect(usdAt(told).usd <= hold.amounts.usd).toBe(true);
          expect(hold.amounts.usd <= usdAt(full).usd).toBe(true);
        }
      },
    ),
  );
});
