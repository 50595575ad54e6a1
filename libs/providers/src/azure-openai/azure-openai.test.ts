import { askedFor, jobOf } from '../conformance/jobs.js';
import { azureOpenAi } from './azure-openai.js';

const { passthrough, translation } = azureOpenAi;
const body = Buffer.from('{"model":"lab/small","messages":[{"role":"user","content":"hi"}]}');

describe('a deployment at Azure', () => {
  it.each([
    ['as any model where nothing is said', {}, '/chat/completions'],
    [
      'by the path, with the version of the API that the catalog names',
      { apiVersion: '2025-04-01-preview' },
      '/openai/deployments/gpt%204o/chat/completions?api-version=2025-04-01-preview',
    ],
  ])('is asked %s, whatever dialect the client speaks', (_, quirks, path) => {
    const common = { upstreamModel: 'gpt 4o', quirks };
    expect(passthrough?.buildRequest({ ...common, body, stream: false, dropParameters: [] }).path).toBe(path);
    const call = { messages: [], stream: false, sampling: {} };
    expect(translation?.buildRequest({ ...common, call }).path).toBe(path);
  });

  it('is asked for jobs at its own path too, and for no rerank', () => {
    const embed = jobOf(azureOpenAi, 'embeddings');
    const input = { model: 'lab/vectors', input: 'x' };
    expect(askedFor(embed, input).path).toBe('/embeddings');
    expect(askedFor(embed, input, { quirks: { apiVersion: '2024-10-21' } }).path).toBe(
      '/openai/deployments/m-1/embeddings?api-version=2024-10-21',
    );
    expect(() => jobOf(azureOpenAi, 'rerank')).toThrow('no job rerank');
  });

  it('takes its key in a header of its own', () => {
    expect(azureOpenAi.credential).toEqual({ kind: 'header', name: 'api-key' });
  });
});
