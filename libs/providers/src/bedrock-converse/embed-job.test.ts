// Written from https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and …/model-parameters-embed.html.
import { answered, askedFor, jobOf } from '../conformance/jobs.js';
import type { Job } from '../spec.js';
import { bedrockConverse } from './bedrock-converse.js';

const embed = jobOf(bedrockConverse, 'embeddings');
const at =
  (upstreamModel: string): Job =>
  (request) =>
    embed({ ...request, upstreamModel });
const TITAN_1 = at('amazon.titan-embed-text-v1');
const TITAN_2 = at('amazon.titan-embed-text-v2:0');
const COHERE_3 = at('cohere.embed-english-v3');
const COHERE_4 = at('us.cohere.embed-v4:0');

const one = { model: 'a/b', input: ['one'], dimensions: 256, user: 'alice' };
const two = { model: 'a/b', input: ['one', 'two'], dimensions: 256, input_type: 'query' };

describe('embeddings at Bedrock', () => {
  it.each<[string, Job, object, string, object, string[]]>([
    ['Titan', TITAN_2, one, 'amazon.titan-embed-text-v2%3A0', { inputText: 'one', dimensions: 256 }, []],
    ['the first Titan', TITAN_1, one, 'amazon.titan-embed-text-v1', { inputText: 'one' }, ['dimensions']],
    [
      'Cohere’s fourth',
      COHERE_4,
      two,
      'us.cohere.embed-v4%3A0',
      { texts: ['one', 'two'], input_type: 'search_query', embedding_types: ['float'], output_dimension: 256 },
      [],
    ],
    [
      'Cohere’s third',
      COHERE_3,
      { ...two, input_type: undefined },
      'cohere.embed-english-v3',
      { texts: ['one', 'two'], input_type: 'search_document', embedding_types: ['float'] },
      ['input_type', 'dimensions'],
    ],
  ])('asks %s in its own words', (_, job, fields, model, body, warned) => {
    expect(askedFor(job, fields)).toEqual({ path: `/model/${model}/invoke`, body, warned });
  });

  it.each<[string, Job, object, string]>([
    [
      'more texts than one for Titan',
      TITAN_2,
      two,
      'input: the endpoint that would serve this takes one text at a time.',
    ],
    ['tokens', COHERE_4, { ...two, input: [[1]] }, 'input: the endpoint that would serve this takes text, not tokens.'],
    [
      'images',
      COHERE_4,
      { ...two, input: [{ content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] }] },
      'input: the endpoint that would serve this takes text only.',
    ],
    [
      'models of other makers',
      at('twelvelabs.marengo-embed-2-7-v1:0'),
      one,
      'model: the endpoint that would serve this embeds in a way that is not known here.',
    ],
  ])('refuses %s', (_, job, fields, message) => {
    expect(() => askedFor(job, fields)).toThrow(message);
  });

  it('gives Titan’s vector, with the tokens that it tells', () => {
    const answer = '{"embedding":[0.5,-2],"embeddingsByType":{"float":[0.5,-2]},"inputTextTokenCount":3}';
    const { reader, text } = answered(TITAN_2, one, answer);
    expect(reader.report()).toEqual({ usage: { input: 3 }, usageSource: 'provider' });
    expect(JSON.parse(text)).toMatchObject({ data: [{ object: 'embedding', index: 0, embedding: [0.5, -2] }] });
  });

  it.each([
    ['by type', '{"id":"c","response_type":"embeddings_by_type","embeddings":{"float":[[0.5],[1]]}}'],
    ['as a list', '{"id":"c","response_type":"embeddings_floats","embeddings":[[0.5],[1]]}'],
  ])('gives Cohere’s vectors %s, as base64 where that was asked for, and estimates their tokens', (_, answer) => {
    const { reader, text } = answered(COHERE_4, { ...two, encoding_format: 'base64' }, answer);
    expect(reader.report().usageSource).toBe('estimated');
    const half = Buffer.from(new Float32Array([0.5]).buffer).toString('base64');
    expect(JSON.parse(text)).toMatchObject({ data: [{ embedding: half }, { index: 1 }] });
  });

  it.each([
    ['a vector too few', COHERE_4, two, '{"embeddings":{"float":[[0.5]]}}'],
    ['no vector', TITAN_2, one, '{"message":"no"}'],
    ['vectors of another type', COHERE_4, two, '{"embeddings":{"int8":[[1],[2]]}}'],
  ])('takes %s for a failure', (_, job, fields, answer) => {
    expect(answered(job, fields, answer).reader.failure?.code).toBe('provider_invalid_response');
  });
});
