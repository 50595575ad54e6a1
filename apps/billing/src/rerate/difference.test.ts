// Differences and their CSV: exact sums, one line an attempt, and nothing that a spreadsheet would run.
import type { SelectedCharge } from './selected-charges.js';
import { add, borneBy, decideAt, differenceInfo, differencesCsv, NO_TOTALS, totalsInfo } from './difference.js';

const GENERATION = 'gen-1795694400-abcdefghijABCDEFGHIJ';
const charge = (
  more: Partial<SelectedCharge['backing']> = {},
  usageSource: 'provider' | 'estimated' = 'provider',
): SelectedCharge => ({
  backing: {
    ...{ generationId: GENERATION, attemptId: `att-${GENERATION.slice(4)}-0`, workspaceId: 'ws', keyHash: 'a' },
    ...{
      provider: 'p',
      endpointId: 'm@p',
      model: 'm',
      hold: '100',
      quotaSet: [],
      priceVersion: 'price-old',
      byok: false,
    },
    ...more,
  },
  evidence: {
    ...{ outcomeBy: 'ingress', outcome: 'completed', served: true, usageBy: 'ingress', sequence: 0, delivered: 0 },
    ...{ usage: { input: 10, output: 5 }, usageSource },
  },
  borne: { charged: 15n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n },
});
const at = (price: string) => ({ perUnit: { input: price, output: price } });

test.each<[string, SelectedCharge, string, Partial<SelectedCharge['borne']>]>([
  ['a charge at another price costs what the price says', charge(), '2', { charged: 30n }],
  ['beyond the hold it is variance', charge(), '10', { charged: 100n, variance: 50n }],
  ['but not where the usage is only an estimate', charge({}, 'estimated'), '10', { charged: 100n }],
  ['a key of the customer’s own is charged nothing', charge({ byok: true }), '2', { byok: 30n }],
  [
    'its fee is of the new cost',
    charge({ byok: true, surchargePpm: 50_000 }),
    '2',
    { byok: 30n, charged: 2n, surcharge: 2n },
  ],
  ['a markup is of the new cost', charge({ surchargePpm: 75_000 }), '2', { charged: 32n, surcharge: 2n }],
  ['a markup is within the hold', charge({ surchargePpm: 500_000 }), '5', { charged: 100n, surcharge: 25n }],
])('%s', (_name, each, price, expected) => {
  const nothing = { charged: 0n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n };
  expect(borneBy(decideAt(each, at(price)))).toEqual({ ...nothing, ...expected });
});

test('totals are the sum of differences; one that costs the same counts as unchanged', () => {
  const differences = ['1', '3'].map((price) => ({ charge: charge(), after: borneBy(decideAt(charge(), at(price))) }));
  expect(totalsInfo(differences.reduce(add, NO_TOTALS))).toEqual({
    attempts: 2,
    changed: 1,
    before: { charged: '30', waste: '0', variance: '0', byok: '0', surcharge: '0' },
    after: { charged: '60', waste: '0', variance: '0', byok: '0', surcharge: '0' },
    chargedDifference: '30',
    payableDifference: '30',
  });
});

describe('as CSV', () => {
  const difference = (model: string) =>
    differenceInfo({
      charge: charge({ model }),
      versionAfter: 'price-new',
      after: { charged: 3n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n },
    });

  test('pages together are one file with one head line', () => {
    const pages = [differencesCsv([difference('m')], true), differencesCsv([difference('n')], false)];
    const lines = pages.join('').split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^generation_id,attempt_id,workspace_id,/);
    expect(lines[1]).toBe(
      `${GENERATION},att-${GENERATION.slice(4)}-0,ws,m@p,m,,price-old,price-new,15,3,-12,0,0,-12,0`,
    );
  });

  test.each([
    ['a,b', '"a,b"'],
    ['say "m"', '"say ""m"""'],
    ['=1+1', "'=1+1"],
    ['@sum', "'@sum"],
    ['-a', "'-a"],
  ])('%s is written %s', (model, written) => {
    expect(differencesCsv([difference(model)], false).split(GENERATION)[1]).toContain(`,m@p,${written},`);
  });
});
