import { azureOpenAi } from './azure-openai.js';

const { passthrough, translation } = azureOpenAi;
const body = Buffer.from('{"model":"lab/small","messages":[{"role":"user","content":"hi"}]}');

describe('a deployment at Azure', () => {
  it.each([
    ['its usual version', {}, '2024-10-21'],
    ['the version that the catalog names', { apiVersion: '2025-04-01-preview' }, '2025-04-01-preview'],
  ])('is named by the path, with %s, whatever dialect the client speaks', (_, quirks, version) => {
    const path = `/openai/deployments/gpt%204o/chat/completions?api-version=${version}`;
    const common = { upstreamModel: 'gpt 4o', quirks };
    expect(passthrough?.buildRequest({ ...common, body, stream: false, dropParameters: [] }).path).toBe(path);
    const call = { messages: [], stream: false, sampling: {} };
    expect(translation?.buildRequest({ ...common, call }).path).toBe(path);
  });

  it('takes its key in a header of its own', () => {
    expect(azureOpenAi.credential).toEqual({ kind: 'header', name: 'api-key' });
  });
});
