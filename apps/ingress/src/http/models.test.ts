// What is listed of a catalog with more than conversations in it: by what it makes, by whom, page by page, and what a key may use of it.
import {
  SNAPSHOT_KEYS,
  type EndpointEntry,
  type ModelEntry,
  type PolicyEntry,
  type ProviderEntry,
} from '@waystation/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectDescribed } from '../test-edge/expect-described.js';
import { inferenceKey, keyEntryOf, managementKey, workspace } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const AT = 1_700_000_000_000;
const stamp = { v: 1 as const, version: 2 };

const provider = (slug: string, region: string, retains: boolean): ProviderEntry => ({
  ...{ ...stamp, slug, name: `The ${slug}`, dialect: 'openai-chat', baseUrl: 'http://127.0.0.1:1/v1' },
  ...{ allowPrivateAddress: true, billsAfterCancel: false, credentialId: `credential-${slug}` },
  dataPolicy: { retains, trains: false, region },
});
const model = (id: string): ModelEntry => ({
  ...{ ...stamp, id, name: id, created: AT / 1_000, context: 1_000 },
  ...{ inputModalities: ['text'], outputModalities: ['text'] },
});
const endpoint = (of: string, id: string, api: string, perUnit: Record<string, string>): EndpointEntry => ({
  ...{ ...stamp, id: `${of}/${id}`, model: id, provider: of, tag: of, upstreamModel: id, apis: [api], context: 1_000 },
  ...{ inputModalities: ['text'], outputModalities: ['text'], supportedParameters: [], enabled: true },
  ...{ priceVersion: `price-${'0'.repeat(32)}`, price: { perUnit } },
});

const ENDPOINTS = [
  endpoint('near', 'lab/talk', 'chat', { input: '1', output: '1' }),
  endpoint('far', 'lab/talk', 'chat', { input: '1', output: '1' }),
  endpoint('far', 'lab/vectors', 'embeddings', { input: '1', output: '0' }),
  endpoint('far', 'lab/ranks', 'rerank', { input: '1', output: '0' }),
  endpoint('near', 'lab/paint', 'images', { input: '5000000', output: '0', outputImages: '40000000000' }),
  endpoint('near', 'lab/voice', 'speech', { input: '0', output: '0', characters: '1' }),
  endpoint('near', 'lab/ears', 'transcriptions', { input: '0', output: '0', seconds: '1' }),
];
const MODELS = [...new Set(ENDPOINTS.map((each) => each.model))];

let ingress: TestIngress;
const get = async (path: string, key?: string) => {
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
  });
  const body: unknown = await response.json();
  expectDescribed('GET', response, body);
  return { status: response.status, body };
};
const idsOf = ({ body }: { readonly body: unknown }): string[] =>
  (body as { data: { id: string }[] }).data.map(({ id }) => id).sort();

beforeAll(async () => {
  ingress = await startIngress();
  const { bus } = ingress;
  const entities = [
    ...MODELS.map((id) => [SNAPSHOT_KEYS.model(id), model(id)] as const),
    ...[provider('near', 'eu', false), provider('far', 'us', true)].map(
      (each) => [SNAPSHOT_KEYS.provider(each.slug), each] as const,
    ),
    ...ENDPOINTS.map((each) => [SNAPSHOT_KEYS.endpoint(each.id), each] as const),
  ];
  for (const [key, entry] of entities) bus.put('catalog', key, entry);
  bus.put('catalog', SNAPSHOT_KEYS.head, { v: 1, version: 2, entities: entities.length + 5, at: AT });
  while (!idsOf(await get('/models?output_modalities=all')).includes('lab/talk')) await sleep(5);
});
afterAll(() => ingress.close());

describe('models', () => {
  it.each([
    ['', ['lab/small', 'lab/talk']],
    ['?output_modalities=embeddings', ['lab/vectors']],
    ['?output_modalities=rerank,speech', ['lab/ranks', 'lab/voice']],
    ['?output_modalities=transcription', ['lab/ears']],
    ['?output_modalities=image', ['lab/paint']],
    ['?zdr=true&q=talk', ['lab/talk']],
    ['?zdr=true&output_modalities=embeddings', []],
    ['?region=us&output_modalities=all', ['lab/ranks', 'lab/talk', 'lab/vectors']],
    ['?providers=The%20near&output_modalities=image,text', ['lab/paint', 'lab/talk']],
  ])('%s are %j', async (query, ids) => {
    expect(idsOf(await get(`/models${query}`))).toEqual(ids);
    expect((await get(`/models/count${query}`)).body).toEqual({ data: { count: ids.length } });
  });

  it('come page by page, each with the same filters', async () => {
    const first = (await get('/models?output_modalities=all&region=us&limit=2')).body as {
      links: { next: string };
      total_count: number;
    };
    expect(first.total_count).toBe(3);
    const next = new URL(first.links.next, ingress.url);
    expect(Object.fromEntries(next.searchParams)).toEqual({
      ...{ output_modalities: 'all', region: 'us', limit: '2', offset: '2' },
    });
    const rest = await get(next.pathname.replace('/api/v1', '') + next.search);
    expect([idsOf(rest).length, (rest.body as typeof first).links.next]).toEqual([1, null]);
  });

  it('that make embeddings, and those that make images, have lists of their own', async () => {
    const vectors = await get('/embeddings/models');
    expect(idsOf(vectors)).toEqual(['lab/vectors']);
    const images = await get('/images/models');
    expect(images.body).toEqual({
      data: [
        expect.objectContaining({
          id: 'lab/paint',
          architecture: { input_modalities: ['text'], output_modalities: ['image'] },
          endpoints: '/api/v1/images/models/lab/paint/endpoints',
        }),
      ],
    });
  });

  it('that make images tell the price of each thing that is billed', async () => {
    const { body } = await get('/images/models/lab/paint/endpoints');
    expect(body).toMatchObject({
      id: 'lab/paint',
      endpoints: [
        {
          ...{ provider_name: 'The near', provider_slug: 'near', provider_tag: 'near' },
          pricing: [
            { billable: 'output_image', unit: 'image', cost_usd: 0.04 },
            { billable: 'input_text', unit: 'token', cost_usd: 0.000005 },
          ],
        },
      ],
    });
    expect((await get('/images/models/lab/talk/endpoints')).status).toBe(404);
  });
});

describe('models that a key may use', () => {
  let version = 10;
  /** In the bucket of policies. */
  let entities = 0;
  const policyOf = async (policy: Partial<PolicyEntry>): Promise<void> => {
    version += 1;
    entities += 1;
    const { bus } = ingress;
    const id = `policy-${version}`;
    bus.put('policies', SNAPSHOT_KEYS.policy(id), { v: 1, version, id, ...policy });
    bus.put('policies', SNAPSHOT_KEYS.head, { v: 1, version, entities, at: AT });
    bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version, policyId: id });
    while ((await get('/models/user', inferenceKey)).status !== 200) await sleep(5);
  };
  const usable = async (query = '?output_modalities=all', key = inferenceKey): Promise<string[]> =>
    idsOf(await get(`/models/user${query}`, key));

  it('need a key, of either kind', async () => {
    expect((await get('/models/user')).status).toBe(401);
    expect((await get('/models/user', managementKey)).status).toBe(200);
  });

  it('have a credential, and the filters of all models', async () => {
    // Nobody has a credential for the providers of lab/small.
    expect(await usable()).toEqual(MODELS.toSorted());
    expect(await usable('')).toEqual(['lab/talk']);
  });

  it.each<[string, Partial<PolicyEntry>, string[]]>([
    ['models', { allowedModels: ['lab/talk', 'lab/ears'] }, ['lab/ears', 'lab/talk']],
    ['providers', { ignoredProviders: ['near'] }, ['lab/ranks', 'lab/talk', 'lab/vectors']],
    ['regions', { regions: ['us'] }, ['lab/ranks', 'lab/talk', 'lab/vectors']],
    ['zero retention', { zdr: true }, ['lab/ears', 'lab/paint', 'lab/talk', 'lab/voice']],
    ['what nothing meets', { allowedModels: ['lab/none'] }, []],
  ])('are those that a guardrail of %s leaves', async (_name, policy, ids) => {
    await policyOf(policy);
    expect(await usable()).toEqual(ids);
  });

  it('are those that the key’s own guardrail leaves of them', async () => {
    await policyOf({ ignoredProviders: ['far'] });
    const own = `policy-${version}`;
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: version + 1 });
    const key = keyEntryOf(inferenceKey, { version: 99, policyId: own });
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(key.hash), key);
    expect(await usable()).toEqual(['lab/ears', 'lab/paint', 'lab/talk', 'lab/voice']);
    expect(await usable('?output_modalities=all', managementKey)).toEqual(MODELS.toSorted());
  });

  it('are also those that an own key of the workspace serves, and none that another workspace’s would', async () => {
    const ownKeyOf = async (workspaceId: string): Promise<void> => {
      entities += 1;
      const id = `own-${workspaceId}`;
      const used = { disabled: false, isFallback: false, alwaysUse: false, sortOrder: 0 };
      const ownKey = { v: 1, version: version + 1, id, workspaceId, provider: 'alpha', ...used };
      ingress.bus.put('policies', SNAPSHOT_KEYS.ownKey(id), ownKey);
      await policyOf({});
    };
    await ownKeyOf('another');
    expect(await usable('?output_modalities=all', managementKey)).not.toContain('lab/small');
    await ownKeyOf('default');
    expect(await usable('?output_modalities=all', managementKey)).toContain('lab/small');
  });
});
