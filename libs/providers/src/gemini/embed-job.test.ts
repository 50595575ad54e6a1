// Written from https://ai.google.dev/api/embeddings.
import { answered, askedFor, jobOf } from '../conformance/jobs.js';
import { gemini } from './gemini.js';

const embed = jobOf(gemini, 'embeddings');
const AT = { upstreamModel: 'gemini-embedding-001' };
const fields = { model: 'google/gemini-embedding-001', input: ['one', 'two'], user: 'alice' };
const part = (text: string) => ({ parts: [{ text }] });

describe('embeddings at AI Studio', () => {
  it('asks for all inputs at once, in its words', () => {
    expect(askedFor(embed, { ...fields, dimensions: 256, input_type: 'search_query' }, AT)).toEqual({
      path: '/models/gemini-embedding-001:batchEmbedContents',
      warned: [],
      body: {
        requests: ['one', 'two'].map((text) => ({
          model: 'models/gemini-embedding-001',
          content: part(text),
          taskType: 'RETRIEVAL_QUERY',
          outputDimensionality: 256,
        })),
      },
    });
    expect(askedFor(embed, { model: 'a/b', input: 'one' }, { upstreamModel: 'tunedModels/mine' })).toEqual({
      path: '/tunedModels/mine:batchEmbedContents',
      warned: [],
      body: { requests: [{ model: 'tunedModels/mine', content: part('one') }] },
    });
  });

  it.each([
    ['passage', 'RETRIEVAL_DOCUMENT', []],
    ['clustering', 'CLUSTERING', []],
    ['CODE_RETRIEVAL_QUERY', 'CODE_RETRIEVAL_QUERY', []],
    ['image', undefined, ['input_type']],
    ['constructor', undefined, ['input_type']],
  ])('takes %s for %s', (input_type, taskType, warned) => {
    const asked = askedFor(embed, { model: 'a/b', input: 'one', input_type, truncate: 'END' }, AT);
    expect(asked.warned.sort()).toEqual([...warned, 'truncate']);
    expect(asked.body).toMatchObject({ requests: [taskType === undefined ? {} : { taskType }] });
  });

  it('takes images by their bytes, and no tokens', () => {
    const image = (url: string) => ({
      content: [
        { type: 'text', text: 'a' },
        { type: 'image_url', image_url: { url } },
      ],
    });
    expect(askedFor(embed, { ...fields, input: [image('data:image/png;base64,AAAA')] }, AT).body).toMatchObject({
      requests: [{ content: { parts: [{ text: 'a' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] } }],
    });
    expect(() => askedFor(embed, { ...fields, input: [image('https://a.example/b.png')] }, AT)).toThrow(
      'input: the endpoint that would serve this takes images as data URLs only.',
    );
    expect(() => askedFor(embed, { ...fields, input: [[1], [2]] }, AT)).toThrow('takes text, not tokens');
  });

  it('gives a list of vectors, as numbers or as base64, with the tokens that were told', () => {
    const answer = '{"embeddings":[{"values":[0.5,-2]},{"values":[1,0.25]}],"usageMetadata":{"promptTokenCount":7}}';
    const plain = answered(embed, fields, answer);
    expect(plain.reader.report()).toEqual({ usage: { input: 7 }, usageSource: 'provider' });
    expect(JSON.parse(plain.text)).toEqual({
      ...{ id: 'gen-1700000000-abcdefghijABCDEFGHIJ', model: 'lab/small', object: 'list' },
      data: [
        { object: 'embedding', index: 0, embedding: [0.5, -2] },
        { object: 'embedding', index: 1, embedding: [1, 0.25] },
      ],
    });
    const packed = JSON.parse(answered(embed, { ...fields, encoding_format: 'base64' }, answer).text) as {
      data: { embedding: string }[];
    };
    const read = packed.data.map(({ embedding }) => {
      const bytes = Buffer.from(embedding, 'base64');
      return [bytes.readFloatLE(0), bytes.readFloatLE(4)];
    });
    expect(read).toEqual([
      [0.5, -2],
      [1, 0.25],
    ]);
  });

  it.each([
    ['fewer vectors than texts', '{"embeddings":[{"values":[0.5]}]}', 'provider_invalid_response'],
    ['an empty vector', '{"embeddings":[{"values":[0.5]},{"values":[]}]}', 'provider_invalid_response'],
    ['no vectors', '{}', 'provider_invalid_response'],
    ['an error', '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"no"}}', 'provider_rate_limited'],
  ])('takes %s for a failure', (_, answer, code) => {
    const { reader, text } = answered(embed, fields, answer);
    expect({ code: reader.failure?.code, text }).toEqual({ code, text: '' });
  });

  it('estimates where no tokens are told', () => {
    const { reader } = answered(embed, fields, '{"embeddings":[{"values":[0.5]},{"values":[1]}]}');
    expect(reader.report().usageSource).toBe('estimated');
  });
});
