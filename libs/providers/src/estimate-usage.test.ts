import { estimateUsage } from './estimate-usage.js';

test('an estimate has the prompt as it was estimated, and the output that was delivered', () => {
  expect(estimateUsage(7, { bytes: 500, chunks: 100 })).toEqual({ input: 7, output: 100 });
});
