// The answer of a job: what it is taken for, what its usage is, and that nothing comes out of one that is none.
import { answered, jobOf } from '../conformance/jobs.js';
import { openaiChat } from '../openai-chat/openai-chat.js';

const embed = jobOf(openaiChat, 'embeddings');
const rank = jobOf(openaiChat, 'rerank');
const input = { model: 'lab/vectors', input: ['a', 'b'] };
const ranks = { model: 'lab/ranks', query: 'q', documents: ['zero', { text: 'one' }] };
const vector = '{"object":"embedding","index":0,"embedding":[0.1]}';

describe('usage', () => {
  it.each<[string, string, object, string]>([
    ['is told', '{"prompt_tokens":12,"total_tokens":12}', { input: 12 }, 'provider'],
    ['is the total where that is all', '{"total_tokens":9}', { input: 9 }, 'provider'],
    [
      'is told by modality',
      '{"prompt_tokens":300,"prompt_tokens_details":{"image_tokens":258}}',
      { input: 42, imageInput: 258 },
      'provider',
    ],
    ['is clamped where it is impossible', '{"prompt_tokens":1e12}', { input: 128_000 }, 'clamped'],
    ['is estimated where it is a placeholder', '{"prompt_tokens":0}', { input: 100 }, 'estimated'],
    ['is estimated where it is none', 'null', { input: 100 }, 'estimated'],
  ])('%s', (_name, usage, expected, source) => {
    const { reader } = answered(embed, input, `{"data":[${vector}],"usage":${usage}}`);
    expect(reader.failure).toBeUndefined();
    expect(reader.report()).toMatchObject({ usage: expected, usageSource: source });
  });

  it('of a reranker that tells none is estimated in tokens and in search units', () => {
    const { reader } = answered(rank, ranks, '{"results":[{"index":0,"relevance_score":0.5}]}');
    expect(reader.report()).toEqual({ usage: { input: 100, searchUnits: 1 }, usageSource: 'estimated' });
  });
});

describe('what is no answer', () => {
  it.each<[string, typeof embed, object, string, string]>([
    ['no JSON', embed, input, 'oops', 'provider_invalid_response'],
    ['half of an answer', embed, input, `{"data":[${vector}]`, 'provider_invalid_response'],
    ['no vectors', embed, input, '{"data":[]}', 'provider_invalid_response'],
    ['no data', embed, input, '{"object":"list"}', 'provider_invalid_response'],
    ['an error with 200', embed, input, '{"error":{"code":429,"message":"slow down"}}', 'provider_rate_limited'],
    ['no results', rank, ranks, '{"results":[]}', 'provider_invalid_response'],
    [
      'a document that was not asked about',
      rank,
      ranks,
      '{"results":[{"index":2,"relevance_score":1}]}',
      'provider_invalid_response',
    ],
    ['a result without a score', rank, ranks, '{"results":[{"index":1}]}', 'provider_invalid_response'],
    ['a reranker’s error with 200', rank, ranks, '{"error":"overloaded"}', 'provider_unavailable'],
  ])('%s', (_name, job, fields, answer, code) => {
    const { reader, text } = answered(job, fields, answer);
    expect([reader.failure?.code, reader.meaningful, text]).toEqual([code, false, '']);
  });

  it('more than is read', () => {
    const limits = { bodyBytesMax: 20 };
    const { reader, text } = answered(embed, input, `{"data":[${vector}]}`, { limits });
    expect([reader.failure?.message, text]).toEqual(['The "Lab" answered with more than 20 bytes.', '']);
  });
});
