// The catalog as it is committed: every file is what the schema says, prices are whole, and it is as large as it claims to be.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { normaliseCatalog, sourceOfCatalog, type CatalogProvider } from '@waystation/catalog';
import { endpointEntry, modelEntry, providerEntry, SNAPSHOT_KEYS } from '@waystation/contracts';
import { openCatalogFiles, type CatalogFiles } from './catalog-files.js';

const folder = path.resolve('libs/catalog/data');
const sha256hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const STAMP = { v: 1 as const, version: 1 };

describe('the catalog that is committed', () => {
  let files: CatalogFiles;
  let providers: CatalogProvider[];
  let catalog: ReturnType<typeof normaliseCatalog>;

  beforeAll(async () => {
    files = await openCatalogFiles(folder);
    providers = await Promise.all(files.heads.map(({ slug }) => files.provider(slug)));
    const models = await files.models();
    catalog = normaliseCatalog(
      providers.map((provider) => ({
        source: sourceOfCatalog(provider, models, {}),
        locate: (at) => `${provider.slug}: ${at.join('.')}`,
      })),
      sha256hex,
      0,
    );
  });

  it('has a hundred providers, a thousand models, and four hundred of them at two providers or more', async () => {
    const offers = new Map<string, Set<string>>();
    for (const { slug, endpoints } of providers)
      for (const { model } of endpoints) offers.set(model, (offers.get(model) ?? new Set()).add(slug));
    expect(providers.length).toBeGreaterThanOrEqual(100);
    expect(offers.size).toBeGreaterThanOrEqual(1_000);
    expect([...offers.values()].filter((slugs) => slugs.size > 1).length).toBeGreaterThanOrEqual(400);
    expect([...(await files.models()).keys()].sort()).toEqual([...offers.keys()].sort());
  });

  it('has a file for every provider of its table of contents, which says the same, and no other', async () => {
    expect((await readdir(path.join(folder, 'providers'))).sort()).toEqual(
      files.heads.map(({ slug }) => `${slug}.json`).sort(),
    );
    for (const [index, head] of files.heads.entries()) expect(providers[index]).toMatchObject(head);
  });

  it('is whole and exact: no fault, no price that would be rounded', () => {
    expect(catalog.faults).toEqual([]);
    expect(catalog.roundings).toEqual([]);
  });

  it('is acceptable to the contracts', () => {
    for (const provider of catalog.providers) providerEntry.parse({ ...STAMP, ...provider });
    for (const model of catalog.models) modelEntry.parse({ ...STAMP, ...model });
    for (const endpoint of catalog.endpoints) {
      endpointEntry.parse({ ...STAMP, ...endpoint });
      expect(SNAPSHOT_KEYS.endpoint(endpoint.id)).toMatch(/^endpoint\.[a-z0-9_-]+$/);
    }
  });

  it('speaks to the world by https, and to the own machine only where it is asked to', () => {
    const open = providers.filter(({ baseUrl }) => !/^(https:\/\/|\$\{)/.test(baseUrl));
    expect(open.every(({ onRequest }) => onRequest !== undefined)).toBe(true);
  });

  it('says of every provider that keeps nothing where that is written', () => {
    for (const { dataPolicy } of providers)
      if (dataPolicy !== undefined) expect(dataPolicy.source).toMatch(/^https:\/\//);
  });

  it('has more than chat', () => {
    const apis = new Set(catalog.endpoints.flatMap((endpoint) => endpoint.apis));
    expect([...apis].sort()).toEqual(['chat', 'embeddings', 'images', 'rerank', 'speech', 'transcriptions']);
  });
});

describe('a file of the catalog', () => {
  let own: string;
  beforeAll(async () => {
    own = await mkdtemp(path.join(tmpdir(), 'way-catalog-'));
    await mkdir(path.join(own, 'providers'));
  });
  afterAll(() => rm(own, { recursive: true, force: true }));

  it('that is missing is named', async () => {
    await expect(openCatalogFiles(own)).rejects.toThrow("the catalog's file providers.json cannot be used: ");
  });

  it('that says something unknown is named, with what is wrong', async () => {
    const head = { slug: 'lab', name: 'Lab', dialect: 'openai-chat', keyVariables: ['LAB_KEY'] };
    await writeFile(path.join(own, 'providers.json'), JSON.stringify({ providers: [head] }));
    await writeFile(path.join(own, 'providers', 'lab.json'), JSON.stringify({ ...head, endpoints: [], prise: {} }));
    const files = await openCatalogFiles(own);
    const fault = await files.provider('lab').catch((error: unknown) => String(error));
    expect(fault).toContain("the catalog's file providers/lab.json cannot be used");
    expect(fault).toContain('Unrecognized key: "prise"');
  });
});
