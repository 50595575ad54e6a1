// What a rerank request comes to, what is refused, and the bill in its answer.
import type { ChatRequest } from '../openai-chat/chat-request.js';
import { rerank } from './rerank.js';

const read = (fields: object): ChatRequest =>
  rerank.readRequest(Buffer.from(JSON.stringify({ model: 'lab/ranks', query: 'q?', documents: ['a'], ...fields })), {
    hash: (text) => text,
  });

it('measures the query with each document, and documents of images', () => {
  const asked = read({
    query: 'x'.repeat(40),
    documents: ['y'.repeat(400), { text: 'z', image: 'https://example.com/a.png' }],
  });
  expect(asked).toMatchObject({
    inputs: 2,
    inputImages: 1,
    stream: false,
    features: {
      api: 'rerank',
      dialect: 'rerank',
      inputModalities: ['text', 'image'],
      longestInputTokens: 110,
      maxOutputTokens: 0,
    },
  });
  expect(asked.inputTokensMax).toBeGreaterThan(40 * 2 + 401);
});

describe('search units that may be counted', () => {
  it.each<[string, { query?: string; documents: string[] }, number]>([
    ['one for a hundred documents', { documents: Array.from({ length: 100 }, () => 'a') }, 1],
    ['one more for the next', { documents: Array.from({ length: 101 }, () => 'a') }, 2],
    ['a document in two pieces counts twice', { documents: Array.from({ length: 51 }, () => 'a'.repeat(600)) }, 2],
    [
      'a long query makes more pieces',
      { query: 'q'.repeat(300), documents: Array.from({ length: 51 }, () => 'a'.repeat(300)) },
      2,
    ],
    ['no document counts beyond what is read of it', { documents: ['a'.repeat(1_000_000)] }, 1],
  ])('%s', (_name, fields, units) => {
    expect(read(fields).pieces).toEqual({ searchUnits: units });
  });
});

it.each<[string, object, string]>([
  ['no query', { query: null }, 'query: Invalid request: query is required'],
  ['an empty query', { query: '' }, 'query: String must contain at least 1 character(s)'],
  ['a query that is no text', { query: ['a'] }, 'query: Expected string, received array'],
  ['no documents', { documents: null }, 'documents: Invalid request: documents is required'],
  ['a list of none', { documents: [] }, 'documents: Array must contain at least 1 element(s)'],
  ['documents that are no list', { documents: 'a' }, 'documents: Expected array, received string'],
  ['an empty document', { documents: ['a', ''] }, 'documents[1]: String must contain at least 1 character(s)'],
  ['a document of a number', { documents: [7] }, 'documents[0]: Expected string or object, received number'],
  ['a document of nothing', { documents: [{}] }, 'documents[0]: Expected an object with `text` or `image`'],
  ['a text that is none', { documents: [{ text: 7 }] }, 'documents[0].text: Expected string, received number'],
  ['an image that is none', { documents: [{ image: {} }] }, 'documents[0].image: Expected string, received object'],
  [
    'too many',
    { documents: Array.from({ length: 10_001 }, () => 'a') },
    'documents: Array must contain at most 10000 element(s), received 10001',
  ],
  ['the best zero', { top_n: 0 }, 'top_n: Number must be greater than or equal to 1, received 0'],
  ['half of one', { top_n: 1.5 }, 'top_n: Expected integer, received 1.5'],
  ['a stream', { stream: true }, 'stream: rerank does not stream; leave it out'],
])('%s is refused', (_name, fields, message) => {
  expect(() => read(fields)).toThrow(message);
});

it.each([
  ['search units', { searchUnits: 2 }, '{"search_units":2,"cost":0.004}'],
  ['tokens', { input: 150 }, '{"total_tokens":150,"cost":0.004}'],
])('the bill tells %s where those are counted', (_name, usage, expected) => {
  const bill = { usage, cost: 4_000_000_000n, promptCost: 4_000_000_000n, completionCost: 0n, byok: false };
  expect(rerank.withBill(Buffer.from('{"results":[]}'), bill)?.toString()).toBe(`{"usage":${expected},"results":[]}`);
});
