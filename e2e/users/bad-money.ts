// What people get wrong about money, over every route that takes amounts: a clear 4xx that names the field, and afterwards the books are as they were, entry by
// entry. Prices come by the operator's file alone; what is wrong there is in apps/control/src/config-file.
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask, complete, say, type Answer } from '../support/ask.ts';
import { newKey, usageOf } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

type Body = Readonly<Record<string, unknown>> | string;
/** What is wrong, the call, and how it is refused. `{key}` stands for the hash of a key that has spent. */
type Case = readonly [what: string, method: string, path: string, body: Body, status: number, message: RegExp];

const SETTLED_WITHIN_MS = 20_000;
const LEASES_OVER_MS = 90_000;

const TOPUPS = '/credits/topups';
const UNKNOWN_TOPUP = `${TOPUPS}/top-00000000-0000-0000-0000-000000000000`;
const AUTO = '/credits/auto-topup';
const GRANTS = '/credits/grants';
const BUDGETS = '/workspaces/default/budgets';
const LIMITS = '/workspaces/default/limits';
const gift = { amount: 5, reason: 'test' };
const auto = { enabled: true, threshold: 5, amount: 20 };
const rate = { scope: 'workspace', metric: 'tokens', window: 'day', limit: 1_000_000 };

const CASES: readonly Case[] = [
  ['a negative top-up', 'POST', TOPUPS, { amount: -5 }, 400, /^amount: -5 USD is outside/],
  ['a top-up of nothing', 'POST', TOPUPS, { amount: 0 }, 400, /^amount: 0 USD is outside/],
  [
    'a top-up of a part of a cent',
    'POST',
    TOPUPS,
    { amount: 5.001 },
    400,
    /^amount: 5\.001 USD is not a whole number of/,
  ],
  ['a top-up beyond the bound', 'POST', TOPUPS, { amount: 1_000_000 }, 400, /^amount: 1000000 USD is outside/],
  ['an absurd top-up', 'POST', TOPUPS, { amount: 1e300 }, 400, /^amount: Expected an amount of USD/],
  ['a top-up of infinity', 'POST', TOPUPS, '{"amount": 1e999}', 400, /^amount: /],
  ['a top-up of text', 'POST', TOPUPS, { amount: 'much' }, 400, /^amount: Expected an amount of USD, received much/],
  ['a top-up in an unknown currency', 'POST', TOPUPS, { amount: 5, currency: 'doge' }, 400, /^currency: "doge" is not/],
  ['a top-up that names its fee', 'POST', TOPUPS, { amount: 5, fee: 0 }, 400, /"fee"/],
  ['a refund of an order that is not', 'POST', `${UNKNOWN_TOPUP}/refunds`, { id: 'refund-0001' }, 404, /no top-up/],
  ['a refund without an id', 'POST', `${UNKNOWN_TOPUP}/refunds`, {}, 400, /^Idempotency-Key: Required/],
  [
    'an automatic top-up of less than nothing',
    'PUT',
    AUTO,
    { ...auto, amount: -20 },
    400,
    /^amount: -20 USD is outside/,
  ],
  [
    'a threshold below nothing',
    'PUT',
    AUTO,
    { ...auto, threshold: -1 },
    400,
    /^threshold: -1 USD is less than nothing/,
  ],
  ['a bound of a day below one order', 'PUT', AUTO, { ...auto, daily_max: 10 }, 400, /^daily_max: 10 USD is outside/],
  ['a negative grant', 'POST', GRANTS, { ...gift, amount: -5 }, 400, /^amount: Expected more than zero/],
  ['a grant of nothing', 'POST', GRANTS, { ...gift, amount: 0 }, 400, /^amount: Expected more than zero/],
  ['an absurd grant', 'POST', GRANTS, { ...gift, amount: 1e40 }, 400, /^amount: Expected an amount of USD/],
  ['a grant finer than a picodollar', 'POST', GRANTS, { ...gift, amount: '0.0000000000001' }, 400, /^amount: /],
  ['a grant in an unknown currency', 'POST', GRANTS, { ...gift, currency: 'eur' }, 400, /^currency: .*"usd"/],
  ['a grant without a reason', 'POST', GRANTS, { amount: 5 }, 400, /^reason: /],
  [
    'a grant that has expired',
    'POST',
    GRANTS,
    { ...gift, id: 'grant-0001-bad', expires_at: '2020-01-01T00:00:00Z' },
    400,
    /expir/i,
  ],
  ['a key with a negative limit', 'POST', '/keys', { name: 'k', limit: -1 }, 400, /^limit: Expected a non-negative/],
  [
    'a key with an absurd limit',
    'POST',
    '/keys',
    { name: 'k', limit: 1e300 },
    400,
    /^limit: Expected a number of USD below/,
  ],
  [
    'a key with a limit of no window',
    'POST',
    '/keys',
    { name: 'k', limit: 1, limit_reset: 'hourly' },
    400,
    /^limit_reset: /,
  ],
  ['a limit of a key below what it spent', 'PATCH', '/keys/{key}', { limit: 1e-12 }, 422, /^limit: .* is below the \$/],
  ['a negative limit of a key', 'PATCH', '/keys/{key}', { limit: -1 }, 400, /^limit: Expected a non-negative/],
  ['a negative budget', 'PUT', `${BUDGETS}/daily`, { limit_usd: -1 }, 400, /^limit_usd: Expected a non-negative/],
  ['a budget of nothing', 'PUT', `${BUDGETS}/daily`, { limit_usd: 0 }, 400, /^limit_usd: Expected a number above 0/],
  [
    'an absurd budget',
    'PUT',
    `${BUDGETS}/daily`,
    { limit_usd: 1e15 },
    400,
    /^limit_usd: Expected a number of USD below/,
  ],
  ['a budget of an unknown window', 'PUT', `${BUDGETS}/hourly`, { limit_usd: 1 }, 400, /^interval: Expected 'daily'/],
  [
    'a budget below what is spent',
    'PUT',
    `${BUDGETS}/daily`,
    { limit_usd: 1e-12 },
    422,
    /^limit_usd: .* is below the \$/,
  ],
  [
    'windows that overlap: a day beyond its month',
    'PUT',
    `${BUDGETS}/daily`,
    { limit_usd: 5_000 },
    400,
    /day must be below/,
  ],
  [
    'windows that overlap: all time below its month',
    'PUT',
    `${BUDGETS}/lifetime`,
    { limit_usd: 4_000 },
    400,
    /must be below/,
  ],
  ['a negative rate', 'PUT', LIMITS, { ...rate, limit: -1 }, 400, /^limit: /],
  ['a rate of a part of a token', 'PUT', LIMITS, { ...rate, limit: 1.5 }, 400, /^limit: /],
  [
    'a rate in an unknown unit',
    'PUT',
    LIMITS,
    { ...rate, metric: 'eur' },
    400,
    /^metric: Expected 'usd' \| 'requests' \| 'tokens'/,
  ],
  ['a rate of an unknown window', 'PUT', LIMITS, { ...rate, window: 'hour' }, 400, /^window: /],
  ['a month that is none', 'GET', '/statements/2026-13', '', 400, /2026-13|month/],
];

export const badMoney = (system: () => RunningSystem): void => {
  describe('bad input about money', () => {
    const manage = (method: string, path: string, body?: Body): Promise<Answer> =>
      ask(system(), method, `/api/v1${path}`, body === '' ? undefined : body, { key: system().managementKey });
    let hash = '';

    /** A key that has spent, and a budget of the month that others can overlap. Nothing is on its way any more. */
    beforeAll(async () => {
      const made = await newKey(system());
      hash = made.hash;
      expect((await complete(system(), say('Spend something.'), { key: made.key })).status).toBe(200);
      await until('it is booked', SETTLED_WITHIN_MS, async () =>
        (await usageOf(system(), made.key)) > 0 ? true : undefined,
      );
      expect((await manage('PUT', `${BUDGETS}/monthly`, { limit_usd: 5_000 })).status).toBe(200);
      await invariants(system(), { withinMs: SETTLED_WITHIN_MS + LEASES_OVER_MS, withoutLeases: true });
    }, 180_000);
    afterAll(async () => {
      await manage('DELETE', `${BUDGETS}/monthly`);
    });

    /** All that money is: the ledger itself, what was bought and spent, and every limit. */
    const booksOf = async (): Promise<Readonly<Record<string, unknown>>> => {
      const { entries, debits, credits, problems } = await invariants(system());
      const shown: Record<string, unknown> = { entries, debits, credits, problems };
      for (const path of ['/credits', TOPUPS, AUTO, '/keys', BUDGETS, LIMITS]) {
        const { status, text } = await manage('GET', path);
        shown[path] = `${status} ${text}`;
      }
      return shown;
    };

    for (const [what, method, path, body, status, message] of CASES) {
      story(`${what} → ${status}, and the books are as they were`, system, async () => {
        const before = await booksOf();
        const { status: answered, json, text } = await manage(method, path.replace('{key}', hash), body);
        expect({ status: answered, message: json?.error?.message ?? text }).toEqual({
          status,
          message: expect.stringMatching(message),
        });
        expect(await booksOf()).toEqual(before);
      });
    }
  });
};
