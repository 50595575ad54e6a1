// Witnesses: the best source of each part stands, whatever the order and however often it is heard.
import { OUTCOMES } from '@waystation/generation';
import fc from 'fast-check';
import { addsTo, conclude, isComplete, merge, NO_EVIDENCE, type Evidence } from './evidence.js';

const ingress: Evidence = {
  ...NO_EVIDENCE,
  outcomeBy: 'ingress',
  outcome: 'completed',
  served: true,
  usageBy: 'ingress',
  usage: { output: 5 },
  usageSource: 'provider',
};
const pending: Evidence = { ...NO_EVIDENCE, outcomeBy: 'ingress', outcome: 'cancelled', served: true };
/** Its worker was lost; the ingress knows what went through its hands. */
const delivered: Evidence = { ...pending, outcome: 'failed-after-output', delivered: 8 };
const worker: Evidence = {
  ...NO_EVIDENCE,
  outcomeBy: 'worker',
  outcome: 'completed',
  usageBy: 'worker',
  usage: { output: 7 },
  usageSource: 'provider',
};
const progress = (sequence: number): Evidence => ({
  ...NO_EVIDENCE,
  usageBy: 'progress',
  usage: { output: sequence },
  usageSource: 'provider',
  sequence,
});

const heard = (...all: Evidence[]): Evidence => all.reduce(merge, NO_EVIDENCE);

test.each<[string, Evidence, boolean, Partial<Evidence>]>([
  ['the ingress alone is complete', heard(ingress), true, { outcome: 'completed', usage: { output: 5 } }],
  ['the ingress without usage is not', heard(pending), false, { outcome: 'cancelled', usageBy: 'nobody' }],
  ['nor is the worker alone', heard(worker), false, { outcome: 'completed', usage: { output: 7 } }],
  [
    'the outcome of the ingress and the usage of the worker are',
    heard(worker, pending),
    true,
    { outcome: 'cancelled', usage: { output: 7 } },
  ],
  ['an ingress that knows the usage is believed', heard(worker, ingress), true, { usage: { output: 5 } }],
  ['progress completes nothing', heard(pending, progress(3)), false, { usage: { output: 3 } }],
  ['the latest progress stands', heard(progress(3), progress(9), progress(4)), false, { usage: { output: 9 } }],
  ['a final count beats any progress', heard(worker, progress(99)), false, { usage: { output: 7 } }],
])('%s', (_name, evidence, complete, expected) => {
  expect(isComplete(evidence)).toBe(complete);
  expect(evidence).toMatchObject(expected);
});

test('the order in which witnesses are heard, and repetition, do not matter', () => {
  const all = [ingress, pending, worker, progress(1), progress(2)];
  const lost = [delivered, progress(2), progress(1)];
  // Two words of one witness on one part cannot disagree in truth; here one of them is taken at a time.
  const sets = fc.constantFrom(
    [ingress, worker, progress(1), progress(2)],
    [pending, worker, progress(2), progress(1)],
    all.slice(1),
    lost,
  );
  fc.assert(
    fc.property(
      sets.chain((set) =>
        fc.tuple(
          fc.constant(set),
          fc.shuffledSubarray(set, { minLength: set.length }),
          fc.array(fc.constantFrom(...set)),
        ),
      ),
      ([set, shuffled, again]) => {
        const evidence = heard(...shuffled);
        expect(evidence).toEqual(heard(...set));
        for (const each of again) expect(addsTo(evidence, each)).toBe(false);
        expect(heard(...shuffled, ...again)).toEqual(evidence);
      },
    ),
  );
});

test('something is added exactly when merging changes something', () => {
  const evidence = fc.record({
    outcomeBy: fc.constantFrom('nobody' as const, 'worker' as const, 'ingress' as const),
    outcome: fc.constantFrom(...OUTCOMES),
    served: fc.boolean(),
    usageBy: fc.constantFrom('nobody' as const, 'progress' as const, 'worker' as const, 'ingress' as const),
    usage: fc.record({ output: fc.nat(9) }),
    usageSource: fc.constant('provider' as const),
    sequence: fc.nat(3),
    delivered: fc.nat(3),
  });
  fc.assert(
    fc.property(evidence, evidence, (known, more) => {
      const merged = merge(known, more);
      const sources = ({ outcomeBy, usageBy, sequence, delivered }: Evidence) => [
        outcomeBy,
        usageBy,
        sequence,
        delivered,
      ];
      if (addsTo(known, more)) expect(sources(merged)).not.toEqual(sources(known));
      else expect(merged).toEqual(known);
    }),
  );
});

describe('conclude', () => {
  test.each<[string, Evidence, boolean, ReturnType<typeof conclude>]>([
    [
      'believes the ingress on what was served',
      ingress,
      true,
      { outcome: 'completed', served: true, usage: { output: 5 }, usageSource: 'provider' },
    ],
    [
      'counts output that only a worker saw as delivered',
      worker,
      false,
      { outcome: 'completed', served: true, usage: { output: 7 }, usageSource: 'provider' },
    ],
    [
      'but not where the ingress has closed the generation without it, or begun another attempt',
      worker,
      true,
      { outcome: 'completed', served: false, usage: { output: 7 }, usageSource: 'provider' },
    ],
    [
      'counts an attempt without output as not delivered',
      { ...worker, usage: { input: 9 } },
      false,
      { outcome: 'completed', served: false, usage: { input: 9 }, usageSource: 'provider' },
    ],
    [
      'marks progress as an estimate of a stream that broke',
      progress(3),
      false,
      { outcome: 'failed-after-output', served: true, usage: { output: 3 }, usageSource: 'estimated' },
    ],
    [
      'knows of an attempt that only began that nothing came',
      NO_EVIDENCE,
      false,
      { outcome: 'failed-before-output', served: false, usage: {}, usageSource: 'estimated' },
    ],
    [
      'keeps the outcome of the ingress over what progress suggests',
      merge(pending, progress(3)),
      false,
      { outcome: 'cancelled', served: true, usage: { output: 3 }, usageSource: 'estimated' },
    ],
    [
      'charges no less than was delivered, though no progress was told',
      delivered,
      false,
      { outcome: 'failed-after-output', served: true, usage: { output: 8 }, usageSource: 'estimated' },
    ],
    [
      'raises the last progress to what was delivered, reasoning included',
      merge({ ...progress(3), usage: { input: 9, output: 3, reasoning: 1 } }, delivered),
      false,
      {
        outcome: 'failed-after-output',
        served: true,
        usage: { input: 9, output: 7, reasoning: 1 },
        usageSource: 'estimated',
      },
    ],
    [
      'leaves progress beyond what was delivered as it is',
      merge(progress(9), delivered),
      false,
      { outcome: 'failed-after-output', served: true, usage: { output: 9 }, usageSource: 'estimated' },
    ],
    [
      'believes a final count over what was delivered',
      merge(worker, delivered),
      false,
      { outcome: 'failed-after-output', served: true, usage: { output: 7 }, usageSource: 'provider' },
    ],
  ])('%s', (_name, evidence, wentOnWithout, expected) => {
    expect(conclude(evidence, wentOnWithout)).toEqual(expected);
  });
});
