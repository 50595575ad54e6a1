// Inference and management at two addresses: each serves its own, refuses the other's without looking at keys, and a station that is used through both keeps its books.
import { ask, complete, say } from './support/ask.ts';
import { openAccount } from './support/account.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';

const system = useSystem(() => ({ separateManagement: true }));
const KNOWN_WITHIN_MS = 10_000;

const refused = (message: string) => ({ status: 404, json: { error: { code: 404, message } } });
const AT_INFERENCE = 'Not Found: this address serves inference; what manages the station is served at another one';
const AT_MANAGEMENT = 'Not Found: this address serves what manages the station; inference is served at another one';

story(
  'keys are made at the one address and used at the other, and at neither the other way round',
  system,
  async () => {
    const { url, managementUrl, managementKey, apiKey } = system();
    expect(managementUrl).not.toBe(url);
    const account = await openAccount(system());

    const made = await ask(system(), 'POST', '/api/v1/keys', { name: 'of two' }, { key: managementKey });
    expect(made.status).toBe(201);
    for (const key of [managementKey, apiKey, 'sk-way-v1-nobody', null])
      expect(await ask(system(), 'POST', '/api/v1/keys', { name: 'stray' }, { key, url })).toMatchObject(
        refused(AT_INFERENCE),
      );
    const { json } = await ask(system(), 'GET', '/api/v1/keys', undefined, { key: managementKey });
    expect(json.data.map(({ name }: { name: string }) => name)).not.toContain('stray');

    const { key } = made.json as { key: string };
    await until('the new key is known', KNOWN_WITHIN_MS, async () =>
      (await ask(system(), 'GET', '/api/v1/key', undefined, { key })).status === 200 ? true : undefined,
    );
    expect(await account.complete('listeners-plain', say('here'), { key })).toMatchObject({ status: 200 });
    expect(await account.stream('listeners-stream', say('here too'), { key })).toMatchObject({ done: true });
    expect(await complete(system(), say('not here'), { key, url: managementUrl })).toMatchObject(
      refused(AT_MANAGEMENT),
    );

    for (const base of [url, managementUrl])
      expect((await ask(system(), 'GET', '/api/v1/models', undefined, { key: null, url: base })).status).toBe(200);
    const statusAt = async (base: string): Promise<number> => (await fetch(`${base}/console`)).status;
    expect([await statusAt(url), await statusAt(managementUrl)]).toEqual([404, 200]);
    await account.audit();
  },
);
