// What a person is told of a charge, one story a case; in each the lines add up to the cost, and the cost to what was borne.
import type { PriceVector } from '@waystation/contracts';
import type { ChargeRow } from './read-generation.js';
import { renderStory } from './render-story.js';
import { renderWire } from './render-wire.js';
import { tellGeneration, totalOf } from './tell-generation.js';

const PRICES: Readonly<Record<string, PriceVector>> = {
  old: { perUnit: { input: '2', output: '5' }, perRequest: '7' },
  new: { perUnit: { input: '1', output: '5' } },
};

/** 10 × 2 + 20 × 5 + 7 = 127, delivered and paid. */
const row = (changes: Partial<ChargeRow> = {}): ChargeRow => ({
  attempt_id: 'att-1700000000-abcdefghijklmnopqrst-0',
  revision: 0,
  posting: '1',
  workspace_id: 'ws',
  key_hash: 'a'.repeat(64),
  member_id: null,
  end_user_id: null,
  tags: null,
  app: null,
  provider: 'lab',
  endpoint_id: 'lab/small@lab',
  model: 'lab/small',
  charged: '127',
  waste: '0',
  variance: '0',
  byok: '0',
  surcharge: '0',
  surcharge_ppm: 0,
  payer: 'credits',
  outcome: 'completed',
  outcome_by: 'ingress',
  served: true,
  policy_row: 'completed',
  price_version: 'old',
  price: PRICES[changes.price_version ?? 'old'] ?? null,
  price_from_ms: '0',
  usage: { input: 10, output: 20 },
  usage_source: 'provider',
  usage_by: 'ingress',
  service_tier: null,
  rerate_id: null,
  lease_id: 'lease-00000001',
  lease_instance: 'ingress-1',
  lease_granted: '5000',
  lease_held: '1000',
  lease_granted_at_ms: '0',
  lease_ends_at_ms: '60000',
  lease_closed_at_ms: null,
  quota_set: ['wallet:ws'],
  hold: '1000',
  settled_at_ms: '1',
  ...changes,
});

const tell = (...charges: ChargeRow[]) => tellGeneration({ charges, waiting: [] });
const explain = (...charges: ChargeRow[]) => {
  const { attempts } = tell(...charges);
  for (const { last, cost, surcharge, credits, waste, variance, byok, unbilled } of attempts) {
    expect(totalOf(last.lines ?? [])).toBe(cost);
    expect(credits + waste + variance + byok + unbilled).toBe(cost + surcharge);
  }
  return attempts;
};

test('a delivered completion: its lines, its price, the rule by which it was charged, and what was held', () => {
  explain(row());
  expect(renderWire(tell(row())).attempts).toEqual([
    {
      attemptId: 'att-1700000000-abcdefghijklmnopqrst-0',
      provider: 'lab',
      endpointId: 'lab/small@lab',
      model: 'lab/small',
      priceVersion: 'old',
      lines: [
        { unit: 'input', count: 10, pricedAs: 'input', unitPicodollars: '2', amountPicodollars: '20' },
        { unit: 'output', count: 20, pricedAs: 'output', unitPicodollars: '5', amountPicodollars: '100' },
        { unit: 'request', count: 1, pricedAs: 'request', unitPicodollars: '7', amountPicodollars: '7' },
      ],
      cost: '127',
      policyRow: 'completed',
      bearer: 'customer',
      why: 'The completion was delivered.',
      ...{ credits: '127', waste: '0', variance: '0', byok: '0', unbilled: '0' },
      hold: '1000',
      lease: { id: 'lease-00000001', endsAt: 60_000 },
      quotas: ['wallet:ws'],
      revisions: [
        {
          revision: 0,
          reason: 'Settled from what the ingress told.',
          ...{ credits: '127', waste: '0', variance: '0', byok: '0' },
          outcome: 'completed',
          outcomeBy: 'ingress',
          policyRow: 'completed',
          usage: { input: 10, output: 20 },
          usageSource: 'provider',
          usageBy: 'ingress',
          priceVersion: 'old',
          settledAt: 1,
        },
      ],
    },
  ]);
});

test('the customer is not told of whom, where and in which posting it was booked; the operator is', () => {
  const charge = row({ member_id: 'mem-1', end_user_id: 'eve', app: 'Chat', tags: ['nightly'] });
  expect(JSON.stringify(renderWire(tell(charge)))).not.toMatch(/ingress-1|aaaaaaaaaaaa|mem-1|eve|Chat|posting/);
  const entry = { id: '9', posting: '1', kind: 'settle', debit: 'held:ws', credit: 'payable:lab', amount: '127' };
  const story = renderStory('gen-1700000000-abcdefghijklmnopqrst', tell(charge), [entry]).join('\n');
  for (const line of [
    'Workspace ws, key aaaaaaaaaaaa…, member mem-1, end user eve, app Chat, tags nightly',
    '  Settled 1970-01-01 00:00:00 UTC',
    '  Lease lease-00000001 of ingress-1, granted 1970-01-01 00:00:00 UTC: 0.000000005 USD (5000 pUSD) in all, 0.000000001 USD (1000 pUSD) not settled; open',
    'Booked with others of the same posting:',
    '  posting 1, entry 9: settle held:ws → payable:lab, 0.000000000127 USD (127 pUSD)',
  ])
    expect(story).toContain(line);
});

test('a price version that somebody took away is told, and the cost is what was borne', () => {
  const told = tell(row({ price: null }));
  expect(told.attempts).toMatchObject([{ cost: 127n, unbilled: 0n, last: { lines: undefined } }]);
  expect(renderWire(told).attempts).toMatchObject([{ lines: [], cost: '127' }]);
  expect(renderStory('gen-1700000000-abcdefghijklmnopqrst', told, []).join('\n')).toContain(
    'price     old, which is not stored',
  );
});

test.each<[string, Partial<ChargeRow>, object]>([
  ['beyond the hold', { charged: '100', variance: '27' }, { credits: 100n, variance: 27n, unbilled: 0n }],
  ['an estimate beyond the hold', { charged: '100', usage_source: 'estimated' }, { credits: 100n, unbilled: 27n }],
  [
    'a failure that the provider bills',
    { charged: '0', waste: '127', policy_row: 'failed-before-output' },
    { waste: 127n, last: { bearer: 'nobody', why: 'The attempt failed before any output.' } },
  ],
  ['a failure that nobody bills', { charged: '0', policy_row: 'failed-before-output' }, { unbilled: 127n }],
  ['the customer’s own key', { charged: '0', byok: '127' }, { byok: 127n, credits: 0n, unbilled: 0n }],
  [
    'a markup',
    { charged: '137', surcharge: '10', surcharge_ppm: 75_000 },
    { credits: 137n, surcharge: 10n, last: { onTop: { account: 'markup', ratePpm: 75_000 } }, unbilled: 0n },
  ],
  [
    'a markup of what nobody is charged for',
    { charged: '0', waste: '127', surcharge_ppm: 75_000 },
    { credits: 0n, surcharge: 0n, last: { onTop: { account: 'markup', ratePpm: 75_000 } }, unbilled: 0n },
  ],
  [
    'the fee for the customer’s own key',
    { charged: '6', byok: '127', surcharge: '6', surcharge_ppm: 50_000, payer: 'byok' },
    {
      ...{ credits: 6n, byok: 127n, surcharge: 6n, unbilled: 0n },
      last: { onTop: { account: 'fees', ratePpm: 50_000 } },
    },
  ],
  ['a rule that the policy no longer has', { policy_row: 'gone' }, { last: { policyRow: 'gone' } }],
])('%s is told apart', (_name, changes, expected) => {
  const [attempt] = explain(row(changes));
  expect(attempt).toMatchObject(expected);
});

test('a rule that the policy no longer has comes without words', () => {
  expect(explain(row({ policy_row: 'gone' }))[0]?.last).not.toHaveProperty('why');
});

test.each<[Partial<ChargeRow>, string]>([
  [{ usage_by: 'worker' }, 'Settled from what the ingress told, with the usage that the worker told.'],
  [{ outcome_by: 'worker', usage_by: 'worker' }, 'Settled from what the worker told.'],
  [
    { outcome_by: 'nobody', usage_by: 'progress' },
    'Settled from the last progress of the worker, as an estimate: nobody told how much was used in the end.',
  ],
  [{ outcome_by: 'nobody', usage_by: 'nobody' }, 'Settled as begun and never heard of again.'],
  [{ usage_by: 'nobody' }, 'Settled from what the ingress told; nobody told any usage.'],
  [{ revision: 1 }, 'Corrected from what the ingress told.'],
  [{ revision: 1, rerate_id: 'r1' }, 'Brought to price version old by the re-rating r1.'],
])('%j: %s', (changes, reason) => {
  expect(explain(row(changes))[0]?.revisions[0]?.reason).toBe(reason);
});

test('revisions add up, and the bill is that of the last one', () => {
  const estimate = { usage: { output: 4 }, usage_source: 'estimated', outcome_by: 'nobody', usage_by: 'progress' };
  const [attempt] = explain(
    row({ ...estimate, charged: '27' }),
    row({ revision: 1, charged: '100' }),
    row({ revision: 2, charged: '-17', price_version: 'new', rerate_id: 'r1' }),
  );
  expect(attempt).toMatchObject({ credits: 110n, cost: 110n, last: { priceVersion: 'new' }, unbilled: 0n });
  expect(attempt?.revisions.map(({ credits }) => credits)).toEqual([27n, 100n, -17n]);
});

test('attempts of one generation stand side by side', () => {
  const other = row({ attempt_id: 'att-1700000000-abcdefghijklmnopqrst-1', lease_id: null, lease_ends_at_ms: null });
  const attempts = explain(row({ charged: '0' }), other);
  expect(attempts.map(({ attemptId, credits }) => [attemptId.at(-1), credits])).toEqual([
    ['0', 0n],
    ['1', 127n],
  ]);
  expect(attempts[1]).not.toHaveProperty('lease');
});
