// The cohere-ai package: rerank.
import { CohereClient } from 'cohere-ai';
import { RERANKED } from '../questions.ts';
import type { Connection, Features } from './asked.ts';

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const client = new CohereClient({ baseUrl: `${url}/api`, token: apiKey, maxRetries: 0 });
  return {
    rerank: async (model) => {
      const { results } = await client.rerank({ model, ...RERANKED });
      return { order: results.map(({ index }) => index) };
    },
  };
};
