// Which quotas a call meets, and the windows they count in.
import { quotaRef, type KeyEntry, type LimitSpec } from '@waystation/contracts';
import fc from 'fast-check';
import { dependsOnCall, quotaSetOf, type QuotaSubjects } from './quota-set.js';
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

const NOW = at('2026-08-06T12:34:56Z');
const setOf = (subjects: Partial<QuotaSubjects>, nowMs = NOW) =>
  quotaSetOf({ key, limits: [], free: false, ...subjects }, nowMs, (text) => text.replaceAll(/[^a-z0-9-]/gi, ''));

describe('quotaSetOf', () => {
  test('a key without a limit meets only the wallet of its workspace', () => {
    expect(setOf({})).toEqual([
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
    const quotas = setOf({ key: limited });
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
    expect(setOf({ key: { ...key, limit: '0' } })).toHaveLength(2);
  });

  const member = { ...key, memberId: 'm-1' };
  const limit = (over: Partial<LimitSpec>): LimitSpec => ({
    scope: 'workspace',
    metric: 'usd',
    window: 'day',
    limit: '7',
    ...over,
  });
  test.each<[string, LimitSpec, Partial<QuotaSubjects>, string[]]>([
    ['of the workspace meets every call', limit({}), {}, ['ws-1']],
    ['of each key meets this one', limit({ scope: 'key' }), {}, [key.hash]],
    ['of this key meets it', limit({ scope: 'key', scopeId: key.hash }), {}, [key.hash]],
    ['of another key does not', limit({ scope: 'key', scopeId: 'b' }), {}, []],
    ['of each member meets the key of a member', limit({ scope: 'member' }), { key: member }, ['m-1']],
    ['of each member does not meet the key of nobody', limit({ scope: 'member' }), {}, []],
    ['of another member does not', limit({ scope: 'member', scopeId: 'm-2' }), { key: member }, []],
    ['of each end user meets the one that is named', limit({ scope: 'end-user' }), { endUserId: 'u' }, ['u']],
    ['of each end user does not meet a call without one', limit({ scope: 'end-user' }), {}, []],
    ['of each tag meets all tags of a call', limit({ scope: 'tag' }), { tags: ['a', 'b'] }, ['a', 'b']],
    ['of one tag meets that one', limit({ scope: 'tag', scopeId: 'b' }), { tags: ['a', 'b'] }, ['b']],
    ['of free calls meets them', limit({ metric: 'requests', freeOnly: true }), { free: true }, ['ws-1']],
    ['of free calls does not meet others', limit({ metric: 'requests', freeOnly: true }), {}, []],
  ])('a limit %s', (_name, spec, subjects, expected) => {
    const quotas = setOf({ limits: [spec], ...subjects }).filter(({ scope }) => scope !== 'wallet');
    expect(quotas.map(({ scopeId }) => scopeId)).toEqual(expected);
    for (const quota of quotas) {
      expect(quota).toMatchObject({ ...{ scope: spec.scope, metric: spec.metric, window: 'day', limit: '7' } });
      expect(quota.windowStart).toBe(at('2026-08-06T00:00:00Z'));
    }
  });

  test('the limit for one of a scope stands in the place of the limit for each', () => {
    const limits = [limit({ scope: 'key' }), limit({ scope: 'key', scopeId: key.hash, limit: '900' })];
    const money = setOf({ limits }).filter(({ scope }) => scope === 'key');
    expect(money.map((quota) => quota.limit)).toEqual(['900']);
    expect(setOf({ limits: [...limits, limit({ scope: 'key', window: 'month' })] })).toHaveLength(3);
  });

  test('ids name workspace, whom, metric, window and its start, and not the limit', () => {
    const quotaOf = (over: Partial<LimitSpec>, workspaceId = 'ws-1') =>
      setOf({ key: { ...key, workspaceId }, limits: [limit(over)] }).find(({ scope }) => scope === 'workspace')?.id;
    expect(quotaOf({ limit: '9' })).toBe(quotaOf({}));
    const ids = [quotaOf({}), quotaOf({}, 'ws-2'), quotaOf({ metric: 'tokens' }), quotaOf({ window: 'week' })];
    expect(new Set(ids).size).toBe(4);
  });

  test('a quota says that only free calls meet it, and any other says nothing of it', () => {
    const quotaOf = (over: Partial<LimitSpec>) =>
      setOf({ limits: [limit({ metric: 'requests', ...over })], free: true }).find(
        ({ scope }) => scope === 'workspace',
      );
    expect(quotaOf({ freeOnly: true })).toMatchObject({ freeOnly: true });
    expect(quotaOf({ freeOnly: false })).not.toHaveProperty('freeOnly');
  });

  test('quotas are sorted by id, whatever the order of limits', () => {
    const limits = (['usd', 'requests', 'tokens'] as const).map((metric) => limit({ metric }));
    const ids = setOf({ limits }).map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect(setOf({ limits: limits.toReversed() }).map(({ id }) => id)).toEqual(ids);
  });

  test('only limits of end users, tags and free calls ask for more than the key', () => {
    expect(
      (['workspace', 'member', 'key', 'end-user', 'tag'] as const).filter((scope) => dependsOnCall({ scope })),
    ).toEqual(['end-user', 'tag']);
    expect(dependsOnCall({ scope: 'key', freeOnly: true })).toBe(true);
  });
});
