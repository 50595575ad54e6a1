// Snapshots against a scripted feed: versions, heads, resyncs, broken entries.
import { SNAPSHOT_KEYS, type EndpointEntry, type KeyEntry } from '@waystation/contracts';
import type { Bus, KvWatchHandler } from '@waystation/bus';
import fc from 'fast-check';
import { watchCatalog, watchKeys, watchPolicies } from './snapshots.js';

/** The edge of NATS: hands over what a test feeds to it. */
const feedOf = () => {
  let handler: KvWatchHandler | undefined;
  let refusals = 0;
  const bus = {
    kv: async () => {
      if (refusals > 0) {
        refusals -= 1;
        throw new Error('no such bucket');
      }
      return {
        watch: async (_filter: string, given: KvWatchHandler) => (
          (handler = given),
          { silentMs: () => 7, stop: () => (handler = undefined) }
        ),
      };
    },
  } as unknown as Bus;
  return {
    bus,
    refuse: (times: number) => void (refusals = times),
    put: (key: string, value: unknown) => handler?.entry(key, value),
    synced: () => handler?.synced(),
    resync: () => handler?.resync?.(),
    watched: () => handler !== undefined,
  };
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

const hash = 'a'.repeat(64);
const keyOf = (version: number, more: Partial<KeyEntry> = {}): KeyEntry => ({
  v: 1,
  version,
  hash,
  label: 'sk-way-v1-abc...123',
  name: 'test',
  workspaceId: 'ws',
  kind: 'inference',
  disabled: false,
  deleted: false,
  createdAt: 1,
  includeByokInLimit: false,
  ...more,
});
const endpointOf = (id: string, version: number, context = 1000): EndpointEntry => ({
  v: 1,
  version,
  id,
  model: 'lab/small',
  provider: 'lab',
  tag: 'lab',
  upstreamModel: 'm',
  apis: ['chat'],
  context,
  inputModalities: ['text'],
  outputModalities: ['text'],
  supportedParameters: [],
  priceVersion: `price-${'0'.repeat(32)}`,
  price: { perUnit: { input: '1' } },
  enabled: true,
});
const headOf = (version: number, entities: number) => ({ v: 1, version, entities, at: 0 });

describe('a snapshot of keys', () => {
  it('is ready when everything stored was delivered, and follows changes', async () => {
    const feed = feedOf();
    const keys = watchKeys(feed.bus);
    const told: [string, KeyEntry | undefined][] = [];
    keys.onChange((id, entry) => told.push([id, entry]));
    expect(keys.silentMs()).toBe(Infinity);
    await turn();
    feed.put(SNAPSHOT_KEYS.key(hash), keyOf(1));
    expect(keys.ready).toBe(false);
    feed.synced();
    expect(keys.ready).toBe(true);
    expect(keys.silentMs()).toBe(7);
    feed.put(SNAPSHOT_KEYS.key(hash), keyOf(2, { disabled: true }));
    expect(keys.current.get(hash)).toMatchObject({ version: 2, disabled: true });
    feed.put(SNAPSHOT_KEYS.key(hash), undefined);
    expect(keys.current.has(hash)).toBe(false);
    expect(told.map(([id, entry]) => [id, entry?.version])).toEqual([
      [hash, 1],
      [hash, 2],
      [hash, undefined],
    ]);
  });

  it('never goes back to an older version, so a revocation cannot be undone by a late message', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 30 }), async (versions) => {
        const feed = feedOf();
        const keys = watchKeys(feed.bus);
        await turn();
        for (const version of versions) feed.put(SNAPSHOT_KEYS.key(hash), keyOf(version));
        expect(keys.current.get(hash)?.version).toBe(Math.max(...versions));
      }),
    ));

  it('ignores an entry that its schema refuses, keeps what it knew, and says so once', async () => {
    const feed = feedOf();
    const lines: string[] = [];
    const keys = watchKeys(feed.bus, {
      log: { warn: (fields, message) => lines.push(`${message} ${JSON.stringify(fields)}`) },
    });
    await turn();
    feed.put(SNAPSHOT_KEYS.key(hash), keyOf(1));
    feed.put(SNAPSHOT_KEYS.key(hash), { ...keyOf(2), name: 7 });
    feed.put(SNAPSHOT_KEYS.key(hash), { ...keyOf(3), name: 'secret-looking', hash: 'secret-looking' });
    feed.put('nonsense', keyOf(9));
    expect(keys.current.get(hash)?.version).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('secret-looking');
  });

  it('stays whole when the bucket was lost and comes back empty', async () => {
    const feed = feedOf();
    const keys = watchKeys(feed.bus);
    await turn();
    feed.put(SNAPSHOT_KEYS.key(hash), keyOf(1));
    feed.synced();
    feed.resync();
    feed.synced();
    expect(keys.current.get(hash)?.version).toBe(1);
    expect(keys.ready).toBe(true);
  });

  it('waits for a bucket that does not exist yet', async () => {
    const feed = feedOf();
    feed.refuse(2);
    const keys = watchKeys(feed.bus, { retryMs: 1 });
    while (!feed.watched()) await new Promise((resolve) => setTimeout(resolve, 2));
    feed.synced();
    expect(keys.ready).toBe(true);
    keys.stop();
  });
});

describe('a snapshot of the catalog', () => {
  it('is swapped only at a head, whole', async () => {
    const feed = feedOf();
    const catalog = watchCatalog(feed.bus);
    const revisions: number[] = [];
    catalog.onChange((current) => revisions.push(current.revision));
    await turn();
    feed.put(SNAPSHOT_KEYS.endpoint('lab/a'), endpointOf('lab/a', 1));
    feed.put(SNAPSHOT_KEYS.head, headOf(1, 1));
    expect(catalog.ready).toBe(false);
    feed.synced();
    expect(catalog.ready).toBe(true);
    const before = catalog.current;
    feed.put(SNAPSHOT_KEYS.endpoint('lab/a'), endpointOf('lab/a', 2, 2000));
    feed.put(SNAPSHOT_KEYS.endpoint('lab/b'), endpointOf('lab/b', 2));
    expect(catalog.current).toBe(before);
    feed.put(SNAPSHOT_KEYS.head, headOf(2, 2));
    expect([...catalog.current.endpoints.keys()].sort()).toEqual(['lab/a', 'lab/b']);
    expect(before.endpoints.get('lab/a')?.context).toBe(1000);
    expect(revisions).toEqual([1, 2]);
  });

  it('is not ready when a watch begins in the middle of a publication, and is at its end', async () => {
    const feed = feedOf();
    const catalog = watchCatalog(feed.bus);
    await turn();
    feed.put(SNAPSHOT_KEYS.head, headOf(1, 1));
    feed.put(SNAPSHOT_KEYS.endpoint('lab/a'), endpointOf('lab/a', 2));
    feed.synced();
    expect(catalog.ready).toBe(false);
    feed.put(SNAPSHOT_KEYS.head, headOf(2, 1));
    expect(catalog.ready).toBe(true);
  });

  it('serves the old revision while a lost bucket is written anew, and forgets what is not in the new one', async () => {
    const feed = feedOf();
    const catalog = watchCatalog(feed.bus);
    await turn();
    for (const id of ['lab/a', 'lab/b']) feed.put(SNAPSHOT_KEYS.endpoint(id), endpointOf(id, 1));
    feed.put(SNAPSHOT_KEYS.head, headOf(1, 2));
    feed.synced();
    feed.resync();
    feed.synced();
    expect(catalog.current.endpoints.size).toBe(2);
    feed.put(SNAPSHOT_KEYS.endpoint('lab/b'), endpointOf('lab/b', 1));
    feed.put(SNAPSHOT_KEYS.head, headOf(3, 1));
    expect([...catalog.current.endpoints.keys()]).toEqual(['lab/b']);
  });

  it('counts an entry that its schema refuses as there, so that one bad endpoint does not stop the rest', async () => {
    const feed = feedOf();
    const catalog = watchCatalog(feed.bus);
    await turn();
    feed.put(SNAPSHOT_KEYS.endpoint('lab/a'), endpointOf('lab/a', 1));
    feed.put(SNAPSHOT_KEYS.endpoint('lab/b'), { ...endpointOf('lab/b', 1), context: -1 });
    feed.put(SNAPSHOT_KEYS.head, headOf(1, 2));
    feed.synced();
    expect([...catalog.current.endpoints.keys()]).toEqual(['lab/a']);
  });

  it('shows at every moment a set that control once declared complete, wherever the watch began', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(fc.constantFrom('lab/a', 'lab/b', 'lab/c'), fc.boolean()), { maxLength: 4 }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.nat({ max: 30 }),
        async (publications, startAt) => {
          // The log of the bucket, as control writes it: changes, then a head.
          const state = new Map<string, number>();
          const log: { key: string; value: unknown }[] = [];
          const declared = new Set(['{}']);
          publications.forEach((changes, index) => {
            const version = index + 1;
            for (const [id, keep] of new Map(changes)) {
              if (keep) state.set(id, version);
              else if (!state.delete(id)) continue;
              log.push({ key: SNAPSHOT_KEYS.endpoint(id), value: keep ? endpointOf(id, version) : undefined });
            }
            log.push({ key: SNAPSHOT_KEYS.head, value: headOf(version, state.size) });
            declared.add(JSON.stringify(Object.fromEntries([...state].sort())));
          });
          // A watch that begins late gets the last value per key, in the order of writing, then the rest live.
          const start = Math.min(startAt, log.length);
          const stored = log
            .slice(0, start)
            .filter((each, at, all) => all.findLastIndex((other) => other.key === each.key) === at);
          const feed = feedOf();
          const catalog = watchCatalog(feed.bus);
          await turn();
          const seen = (): string =>
            JSON.stringify(
              Object.fromEntries(
                [...catalog.current.endpoints].map(([id, entry]) => [id, entry.version] as const).sort(),
              ),
            );
          const check = (): void => expect(declared).toContain(seen());
          for (const { key, value } of stored) {
            feed.put(key, value);
            check();
          }
          feed.synced();
          check();
          for (const { key, value } of log.slice(start)) {
            feed.put(key, value);
            check();
          }
          expect(seen()).toBe(JSON.stringify(Object.fromEntries([...state].sort())));
        },
      ),
    ));
});

describe('a snapshot of policies', () => {
  it('holds policies by id', async () => {
    const feed = feedOf();
    const policies = watchPolicies(feed.bus);
    await turn();
    feed.put(SNAPSHOT_KEYS.policy('head'), { v: 1, version: 1, id: 'head', zdr: true });
    feed.put(SNAPSHOT_KEYS.head, headOf(1, 1));
    feed.synced();
    expect(policies.current.policies.get('head')?.zdr).toBe(true);
  });
});
