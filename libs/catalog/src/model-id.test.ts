// What a model id says, one line a case.
import { parseModelId } from './model-id.js';

describe('a model id', () => {
  it.each([
    ['openai/gpt-4o-mini', { id: 'openai/gpt-4o-mini' }],
    ['openai/gpt-4o-mini:nitro', { id: 'openai/gpt-4o-mini', sort: 'throughput', admits: 'priority' }],
    ['openai/gpt-4o-mini:floor', { id: 'openai/gpt-4o-mini', sort: 'price', admits: 'flex' }],
    ['openai/gpt-4o-mini:exacto', { id: 'openai/gpt-4o-mini', sort: 'exacto' }],
    ['a/b:free', { id: 'a/b:free' }],
    ['a/b:nitro:free', { id: 'a/b:free', sort: 'throughput', admits: 'priority' }],
    ['a/b:free:nitro:floor', { id: 'a/b:free', sort: 'price', admits: 'flex' }],
    ['a/b:constructor', { id: 'a/b:constructor' }],
    ['llama3:8b', { id: 'llama3:8b' }],
    ['', { id: '' }],
  ])('%s', (text, parsed) => {
    expect(parseModelId(text)).toEqual(parsed);
  });
});
