// Which quotas a call meets, and the windows they count in.
import { quotaRef, type KeyEntry } from '@waystation/contracts';
import fc from 'fast-check';
import { quotaSetOf } from './quota-set.js';
import { windowEnd, windowStart, type QuotaWindow } from './quota-window.js';

const at = (text: string): number => Date.parse(text);
const key: KeyEntry = {
  v: 1,
  version: 1,
  hash: 'a'.repeat(64),
  label: 'sk-way-v1-abc...xyz',
  name: 'test',
  workspaceId: 'ws-1',
  kind: 'inference',
  disabled: false,
  deleted: false,
  createdAt: 0,
  includeByokInLimit: false,
};

describe('windows', () => {
  test.each<[QuotaWindow, string, string, string | undefined]>([
    ['minute', '2026-08-06T12:34:56.789Z', '2026-08-06T12:34:00Z', '2026-08-06T12:35:00Z'],
    ['day', '2026-08-06T23:59:59.999Z', '2026-08-06T00:00:00Z', '2026-08-07T00:00:00Z'],
    ['day', '2026-08-06T00:00:00Z', '2026-08-06T00:00:00Z', '2026-08-07T00:00:00Z'],
    ['week', '2026-08-06T12:00:00Z', '2026-08-03T00:00:00Z', '2026-08-10T00:00:00Z'],
    ['week', '2026-08-03T00:00:00Z', '2026-08-03T00:00:00Z', '2026-08-10T00:00:00Z'],
    ['week', '2026-08-02T23:59:59.999Z', '2026-07-27T00:00:00Z', '2026-08-03T00:00:00Z'],
    ['month', '2028-02-29T12:00:00Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
    ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['lifetime', '2026-08-06T12:00:00Z', '1970-01-01T00:00:00Z', undefined],
  ])('the %s of %s starts at %s and ends before %s', (window, instant, start, end) => {
    expect(windowStart(window, at(instant))).toBe(at(start));
    expect(windowEnd(window, at(start))).toBe(end === undefined ? undefined : at(end));
  });

  test('every instant lies in exactly one window of a kind, and weeks start on Mondays', () => {
    const windows = fc.constantFrom<QuotaWindow>('minute', 'day', 'week', 'month');
    fc.assert(
      fc.property(windows, fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') }), (window, instant) => {
        const start = windowStart(window, instant);
        const end = windowEnd(window, start) ?? 0;
        expect(start <= instant && instant < end).toBe(true);
        expect(windowStart(window, end - 1)).toBe(start);
        expect(windowStart(window, end)).toBe(end);
        if (window === 'week') expect(new Date(start).getUTCDay()).toBe(1);
      }),
    );
  });
});

describe('quotaSetOf', () => {
  test('a key without a limit meets only the wallet of its workspace', () => {
    expect(quotaSetOf(key, at('2026-08-06T12:00:00Z'))).toEqual([
      { id: 'wallet:ws-1', scope: 'wallet', scopeId: 'ws-1', metric: 'usd', window: 'lifetime', windowStart: 0 },
    ]);
  });

  test.each([
    [undefined, 'lifetime', 0],
    ['daily', 'day', at('2026-08-06T00:00:00Z')],
    ['weekly', 'week', at('2026-08-03T00:00:00Z')],
    ['monthly', 'month', at('2026-08-01T00:00:00Z')],
  ] as const)('a limit that resets %s is a quota of the current %s', (limitReset, window, start) => {
    const limited: KeyEntry = {
      ...key,
      limit: '5000000000000',
      includeByokInLimit: true,
      ...(limitReset ? { limitReset } : {}),
    };
    const quotas = quotaSetOf(limited, at('2026-08-06T12:00:00Z'));
    expect(quotas.map((quota) => quota.id)).toEqual([`key:${key.hash}:usd:${window}:${start}`, 'wallet:ws-1']);
    expect(quotas[0]).toMatchObject({
      scope: 'key',
      scopeId: key.hash,
      metric: 'usd',
      window,
      windowStart: start,
      limit: '5000000000000',
      includeByok: true,
    });
    for (const quota of quotas) expect(quotaRef.safeParse(quota).success).toBe(true);
  });

  test('a limit of zero is a limit', () => {
    expect(quotaSetOf({ ...key, limit: '0' }, 0)).toHaveLength(2);
  });
});
