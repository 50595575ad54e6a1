import { estimateOutputTokens } from './estimate-output.js';

test.each([
  ['a stream of single tokens counts its chunks', { bytes: 500, chunks: 100 }, 100],
  ['a stream of large pieces counts bytes', { bytes: 4_001, chunks: 10 }, 1_001],
  ['a body counts bytes, rounded up', { bytes: 5, chunks: 0 }, 2],
  ['nothing delivered is nothing', { bytes: 0, chunks: 0 }, 0],
])('%s', (_, delivered, tokens) => {
  expect(estimateOutputTokens(delivered)).toBe(tokens);
});
