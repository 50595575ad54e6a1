// What an embeddings request comes to: the five shapes of its input, what is refused, and the bill in its answer.
import type { ChatRequest } from '../openai-chat/chat-request.js';
import { embeddings } from './embeddings.js';

const read = (fields: object): ChatRequest =>
  embeddings.readRequest(Buffer.from(JSON.stringify({ model: 'lab/vectors', ...fields })), { hash: (text) => text });

const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };

describe('an input', () => {
  it.each<
    [string, unknown, { inputs: number; images: number; modalities: string[]; estimate: number; longest: number }]
  >([
    ['of text', 'abcdefgh', { inputs: 1, images: 0, modalities: ['text'], estimate: 11, longest: 2 }],
    ['of texts', ['abcd', 'abcdefgh'], { inputs: 2, images: 0, modalities: ['text'], estimate: 13, longest: 2 }],
    ['of tokens', [1, 2, 100_000], { inputs: 1, images: 0, modalities: ['text'], estimate: 3, longest: 3 }],
    ['of lists of tokens', [[1], [2, 3]], { inputs: 2, images: 0, modalities: ['text'], estimate: 3, longest: 2 }],
    [
      'with an image',
      [{ content: [{ type: 'text', text: 'abcd' }, image] }],
      { inputs: 1, images: 1, modalities: ['image', 'text'], estimate: 1_037, longest: 1 },
    ],
  ])('%s is measured', (_name, input, expected) => {
    const { inputs, inputImages, features } = read({ input });
    expect({
      inputs,
      images: inputImages,
      modalities: features.inputModalities,
      estimate: features.inputTokensEstimate,
      longest: features.longestInputTokens,
    }).toEqual(expected);
  });

  it('of text has no more tokens than bytes, of tokens no more than are there and what stands around them', () => {
    expect(read({ input: 'é'.repeat(100) }).inputTokensMax).toBeGreaterThan(200);
    expect(read({ input: Array.from({ length: 1_000 }, () => 100_000) }).inputTokensMax).toBe(1_000 + 64 + 16);
  });
});

it('asks for no text, streams nothing, and is a job of its own', () => {
  expect(read({ input: 'x', models: ['lab/other'], user: 'u-1', input_type: 'search_query' })).toMatchObject({
    models: ['lab/vectors', 'lab/other'],
    stream: false,
    endUserId: 'u-1',
    features: { api: 'embeddings', dialect: 'embeddings', maxOutputTokens: 0, outputModalities: [] },
  });
});

it.each<[string, object, string]>([
  ['no input', {}, 'input: Invalid request: input is required'],
  ['an empty text', { input: '' }, 'input: String must contain at least 1 character(s)'],
  ['an empty list', { input: [] }, 'input: Array must contain at least 1 element(s)'],
  ['a number', { input: 7 }, 'input: Expected string or array, received number'],
  ['an empty text in a list', { input: ['a', ''] }, 'input[1]: String must contain at least 1 character(s)'],
  ['text and tokens', { input: ['a', 1] }, 'input[1]: Expected string, received number'],
  ['tokens and text', { input: [1, 'a'] }, 'input[1]: Expected a token as a whole number, received string'],
  ['half a token', { input: [1.5] }, 'input[0]: Expected a token as a whole number, received 1.5'],
  ['a negative token', { input: [[-1]] }, 'input[0][0]: Expected a token as a whole number, received -1'],
  ['an empty list of tokens', { input: [[1], []] }, 'input[1]: Array must contain at least 1 element(s)'],
  ['tokens beside a list', { input: [[1], 2] }, 'input[1]: Expected array of tokens, received number'],
  ['null in a list', { input: [null] }, 'input[0]: Expected object, received null'],
  ['an object without content', { input: [{}] }, 'input[0].content: Expected array, received undefined'],
  ['content that is empty', { input: [{ content: [] }] }, 'input[0].content: Array must contain at least 1 element(s)'],
  ['content of no kind', { input: [{ content: [{ type: 'song' }] }] }, 'input[0].content[0].type: Expected one of '],
  [
    'too many',
    { input: Array.from({ length: 2_049 }, () => 'a') },
    'input: Array must contain at most 2048 element(s), received 2049',
  ],
  ['no dimension', { input: 'a', dimensions: 0 }, 'dimensions: Number must be greater than or equal to 1, received 0'],
  ['half a dimension', { input: 'a', dimensions: 1.5 }, 'dimensions: Expected integer, received 1.5'],
  [
    'another format',
    { input: 'a', encoding_format: 'int8' },
    "encoding_format: Invalid enum value. Expected 'float' | 'base64', received \"int8\"",
  ],
  ['a stream', { input: 'a', stream: true }, 'stream: embeddings does not stream; leave it out'],
  ['a model that is no text', { input: 'a', model: 7 }, 'model: Expected string, received number'],
  ['an unknown preference', { input: 'a', provider: { zrd: true } }, "Unrecognized key(s) in object: 'zrd'"],
])('%s is refused', (_name, fields, message) => {
  expect(() => read(fields)).toThrow(message);
});

describe('an answer', () => {
  const answer = Buffer.from('{"object":"list","data":[{"embedding":[0.10,-2e-3]}],"usage":{"prompt_tokens":7}}');
  const bill = { usage: { input: 12 }, cost: 240_000n, promptCost: 240_000n, completionCost: 0n, byok: false };

  it('gets the bill in place of the usage, and keeps its numbers as they were written', () => {
    expect(embeddings.withBill(answer, bill)?.toString()).toBe(
      '{"object":"list","data":[{"embedding":[0.10,-2e-3]}],"usage":{"prompt_tokens":12,"total_tokens":12,"cost":0.00000024,"is_byok":false' +
        ',"cost_details":{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.00000024,"upstream_inference_completions_cost":0}}}',
    );
  });

  it('tells tokens by modality where there are two', () => {
    const both = embeddings.withBill(answer, { ...bill, usage: { input: 8, imageInput: 258 } });
    expect(JSON.parse(both?.toString() ?? '')).toMatchObject({
      usage: { prompt_tokens: 266, prompt_tokens_details: { text_tokens: 8, image_tokens: 258 } },
    });
  });

  it('stays as it is while the bill is not known, and is none where it is no object', () => {
    expect(embeddings.withBill(answer, undefined)).toBe(answer);
    expect(embeddings.withBill(Buffer.from('[]'), bill)).toBeUndefined();
  });
});
