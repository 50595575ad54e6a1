// Where conversations were served, against a scripted feed: the newest word counts, bounded, forgotten when it comes anew.
import type { Bus, KvWatchHandler } from '@waystation/bus';
import { affinityKeyOf } from './affinity-key.js';
import { watchAffinity } from './watch-affinity.js';

const start = async (max?: number) => {
  let handler: KvWatchHandler | undefined;
  const bus = {
    kv: async () => ({
      watch: async (_filter: string, given: KvWatchHandler) => (
        (handler = given),
        { silentMs: () => 0, stop: () => undefined }
      ),
    }),
  } as unknown as Bus;
  const watch = watchAffinity(bus, max === undefined ? {} : { max });
  await new Promise(setImmediate);
  return {
    watch,
    tell: (conversation: string, value: unknown) => handler?.entry(affinityKeyOf('w', 'm', conversation), value),
    resync: () => handler?.resync?.(),
    at: (conversation: string) => watch.of('w', 'm', conversation)?.endpointId,
  };
};
const entry = (endpointId: string) => ({ v: 1, endpointId, at: 1 });

describe('watchAffinity', () => {
  it('knows the newest word of a conversation, of its workspace and model alone', async () => {
    const { tell, at, watch } = await start();
    expect(at('c')).toBeUndefined();
    tell('c', entry('one'));
    tell('c', entry('two'));
    expect(at('c')).toBe('two');
    expect([watch.of('x', 'm', 'c'), watch.of('w', 'x', 'c'), watch.of('w', 'm', 'x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    tell('c', undefined);
    expect(at('c')).toBeUndefined();
  });

  it.each([[{ v: 2, endpointId: 'three', at: 1 }], [{ v: 1, at: 1 }], ['three']])(
    'forgets what %j is said of',
    async (broken) => {
      const { tell, at } = await start();
      tell('c', entry('one'));
      tell('c', broken);
      expect(at('c')).toBeUndefined();
    },
  );

  it('forgets what it heard first when there is too much', async () => {
    const { tell, at, watch } = await start(2);
    for (const conversation of ['a', 'b', 'a', 'c']) tell(conversation, entry(conversation));
    expect([at('a'), at('b'), at('c'), watch.size]).toEqual(['a', undefined, 'c', 2]);
  });

  it('begins anew with its bucket', async () => {
    const { tell, at, resync } = await start();
    tell('c', entry('one'));
    resync();
    expect(at('c')).toBeUndefined();
  });
});
