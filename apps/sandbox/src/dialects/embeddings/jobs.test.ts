import { testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const json = ({ text }: Asked) => JSON.parse(text);
const INPUT = ['sunny day at the beach', 'rainy day in the city'];
const embed = (more: object = {}): Promise<Asked> =>
  sandbox.post('/v1/embeddings', { model: 'embed', input: INPUT, ...more });
const cohereEmbed = (more: object = {}): Promise<Asked> =>
  sandbox.post('/v2/embed', { model: 'embed', texts: INPUT, input_type: 'search_document', ...more });
const dot = (one: number[], other: number[]) => one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);

describe('embeddings', () => {
  it('are the same for the same text, of length one, and nearer for texts that share words', async () => {
    const input = ['a sunny day', 'the sunny day', 'bits and bytes'];
    const { data } = json(await embed({ input }));
    const vectors = data.map(({ embedding }: { embedding: number[] }) => embedding);
    expect(json(await embed({ input: input[1] })).data[0].embedding).toEqual(vectors[1]);
    expect(vectors[0]).toHaveLength(256);
    expect(dot(vectors[0], vectors[0])).toBeCloseTo(1, 5);
    expect(dot(vectors[0], vectors[1])).toBeGreaterThan(dot(vectors[0], vectors[2]));
  });

  it('bill the prompt and nothing else', async () => {
    const asked = await embed();
    const tokens = 4 + 6 + 4 + 6;
    expect(json(asked)).toMatchObject({ object: 'list', usage: { prompt_tokens: tokens, total_tokens: tokens } });
    expect(sandbox.truthOf(asked)).toMatchObject({
      dialect: 'embeddings',
      outcome: 'completed',
      promptTokens: tokens,
      completionTokens: 0,
    });
  });

  it('come as base64 of the same floats, in as many dimensions as asked for', async () => {
    const floats = json(await embed({ dimensions: 64 })).data[0].embedding;
    const bytes = Buffer.from(
      json(await embed({ dimensions: 64, encoding_format: 'base64' })).data[0].embedding,
      'base64',
    );
    expect(Array.from({ length: 64 }, (_, index) => bytes.readFloatLE(index * 4))).toEqual(floats);
  });

  it('take tokens instead of text, and refuse what is neither', async () => {
    expect(json(await embed({ input: [[1, 2, 3], [4]] })).usage.prompt_tokens).toBe(4 + 3 + 4 + 1);
    expect(json(await embed({ input: [1, 2, 3] })).data).toHaveLength(1);
    for (const input of ['', [], [''], [{}], undefined]) expect((await embed({ input })).status).toBe(400);
    expect((await embed({ model: 'unheard-of' })).status).toBe(404);
    expect((await embed({ model: 'fail-429' })).status).toBe(429);
  });

  it("come in Cohere's shape too, by type", async () => {
    const asked = await cohereEmbed({ embedding_types: ['float', 'base64', 'int8'] });
    const { embeddings, meta, ...rest } = json(asked);
    expect(rest).toMatchObject({ texts: INPUT, response_type: 'embeddings_by_type' });
    expect(meta.billed_units.input_tokens).toBe(sandbox.truthOf(asked).promptTokens);
    expect(Object.values(embeddings).map((vectors) => (vectors as unknown[]).length)).toEqual([2, 2, 2]);
    expect(embeddings.float[0]).toEqual(json(await embed()).data[0].embedding);
    expect((await cohereEmbed({ input_type: undefined })).status).toBe(400);
    expect((await cohereEmbed({ embedding_types: ['octal'] })).status).toBe(400);
  });
});

describe('reranking', () => {
  const request = { model: 'rerank', query: 'rainy city', documents: [...INPUT, 'nothing of the kind'] };

  it("orders by relevance, in Cohere's shape, by search unit", async () => {
    const asked = await sandbox.post('/v2/rerank', { ...request, top_n: 2 });
    const { results, meta } = json(asked);
    expect(results.map(({ index }: { index: number }) => index)).toEqual([1, 2]);
    expect(results[0].relevance_score).toBeGreaterThan(results[1].relevance_score);
    expect(meta.billed_units).toEqual({ search_units: 1 });
    expect(sandbox.truthOf(asked)).toMatchObject({ dialect: 'cohere-rerank', outcome: 'completed', searchUnits: 1 });
    const many = await sandbox.post('/v2/rerank', { ...request, documents: Array.from({ length: 101 }, () => 'x') });
    expect(json(many).meta.billed_units.search_units).toBe(2);
  });

  it("comes in Jina's shape too, by tokens, with the documents unless they are not wanted", async () => {
    const documents = INPUT.map((text) => ({ text }));
    const asked = await sandbox.post('/v1/rerank', { ...request, documents });
    const { results, usage } = json(asked);
    expect(results[0]).toMatchObject({ index: 1, document: { text: INPUT[1] } });
    expect(usage.total_tokens).toBe(sandbox.truthOf(asked).promptTokens);
    const bare = await sandbox.post('/v1/rerank', { ...request, return_documents: false });
    expect(json(bare).results[0]).not.toHaveProperty('document');
  });

  it('refuses what has no query or no documents', async () => {
    for (const wrong of [{ query: '' }, { documents: [] }, { documents: [1] }, { top_n: 0 }])
      expect((await sandbox.post('/v2/rerank', { ...request, ...wrong })).status).toBe(400);
    expect((await sandbox.post('/v2/rerank', { ...request, model: 'fail-500' })).status).toBe(500);
  });
});
