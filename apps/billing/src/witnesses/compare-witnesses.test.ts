// When two witnesses of an attempt contradict each other, one pair a line.
import { NO_EVIDENCE, type Evidence } from '@waystation/ledger';
import { contradictionOf, differenceOf, type DisagreementKind } from './compare-witnesses.js';

const whole = { outcome: 'completed', usage: { input: 10, output: 20 }, usageSource: 'provider' } as const;
const ingress = (said: Partial<Evidence> = {}): Evidence => ({
  ...{ ...NO_EVIDENCE, outcomeBy: 'ingress', usageBy: 'ingress', served: true },
  ...{ ...whole, ...said },
});
const worker = (said: Partial<Evidence> = {}): Evidence => ({
  ...{ ...NO_EVIDENCE, outcomeBy: 'worker', usageBy: 'worker' },
  ...{ ...whole, ...said },
});
/** What is left of a worker's line without a final usage. */
const unread = { usageBy: 'nobody', usage: {}, usageSource: 'estimated' } as const;
/** At the priority tier twice as much. */
const price = {
  perUnit: { input: '3', output: '5' },
  serviceTiers: { priority: { perUnit: { input: '6', output: '10' } } },
};

test.each<[string, Evidence, Evidence, DisagreementKind | undefined, bigint]>([
  ['both say the same', ingress(), worker(), undefined, 0n],
  [
    'a class of zero is as good as none',
    ingress(),
    worker({ usage: { input: 10, output: 20, cacheRead: 0 } }),
    undefined,
    0n,
  ],
  ['the worker read more', ingress(), worker({ usage: { input: 10, output: 22 } }), 'usage', 10n],
  ['the worker read less', ingress(), worker({ usage: { input: 10 } }), 'usage', -100n],
  [
    'the same tokens in another class',
    ingress(),
    worker({ usage: { input: 9, cacheRead: 1, output: 20 } }),
    'usage',
    0n,
  ],
  ['the same count, by whom differs', ingress(), worker({ usageSource: 'estimated' }), 'usage', 0n],
  ['the same count at another service tier', ingress(), worker({ serviceTier: 'priority' }), 'usage', 130n],
  ['another outcome', ingress(), worker({ outcome: 'failed-after-output' }), 'outcome', 0n],
  [
    'another outcome and usage',
    ingress({ outcome: 'empty' }),
    worker({ usage: { input: 1 } }),
    'usage-and-outcome',
    -127n,
  ],
  ['an outcome without a final usage, the same', ingress(), worker(unread), undefined, 0n],
  ['an outcome without a final usage, another', ingress(), worker({ ...unread, outcome: 'cancelled' }), 'outcome', 0n],
  ['an outcome and progress only', ingress(), worker({ usageBy: 'progress', usage: { output: 3 } }), undefined, 0n],
  [
    'an ingress that left, and a worker that read on',
    ingress({ ...unread, outcome: 'cancelled' }),
    worker(),
    undefined,
    0n,
  ],
  [
    'an ingress that left, with the usage its worker told',
    ingress({ outcome: 'cancelled', usageBy: 'worker' }),
    worker(),
    undefined,
    0n,
  ],
  [
    'an ingress that turned elsewhere',
    ingress({ ...unread, outcome: 'passed-over' }),
    worker({ outcome: 'cancelled' }),
    undefined,
    0n,
  ],
  ['one witness twice', ingress(), ingress({ usage: { input: 1 } }), undefined, 0n],
  ['the other one twice', worker(), worker({ usage: { input: 1 } }), undefined, 0n],
  ['nothing but that it began', ingress(), NO_EVIDENCE, undefined, 0n],
  [
    'progress of an attempt that is over',
    ingress(),
    { ...NO_EVIDENCE, usageBy: 'progress', usage: { output: 1 } },
    undefined,
    0n,
  ],
])('%s, whichever is heard first', (_name, first, second, kind, difference) => {
  for (const found of [contradictionOf(first, second), contradictionOf(second, first)]) {
    expect(found?.kind).toBe(kind);
    if (found === undefined) continue;
    expect([found.ingress, found.worker]).toEqual([first, second]);
    expect(differenceOf(found, price)).toBe(difference);
  }
});
