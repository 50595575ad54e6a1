import { PROVIDER_DIALECTS } from '@waystation/providers';
import { sandboxSources } from './sandbox-source.js';

const model = (id: string) => ({
  id: `sandbox/${id}`,
  name: id,
  context_length: 1000,
  max_output_tokens: 100,
  price: { input: '0.15', output: '0.60', cacheRead: '0.075' },
  input_modalities: ['text'],
  output_modalities: ['text'],
  apis: ['chat'],
  supported_parameters: ['tools'],
  bills_after_cancel: false,
});
const sources = sandboxSources('http://127.0.0.1:4010/v1', ['echo', 'echo-b', 'fail-500', 'big'].map(model));

describe('the sandbox as providers', () => {
  it('offers a provider for each dialect that is spoken here, at the path where such providers are', () => {
    for (const { dialect } of sources) expect(PROVIDER_DIALECTS).toContain(dialect);
    expect(sources.map(({ slug, dialect, baseUrl }) => [slug, dialect, baseUrl])).toEqual(
      expect.arrayContaining([
        ['sandbox', 'openai-chat', 'http://127.0.0.1:4010/v1'],
        ['sandbox-b', 'openai-chat', 'http://127.0.0.1:4010/v1'],
        ['sandbox-messages', 'anthropic-messages', 'http://127.0.0.1:4010/v1'],
      ]),
    );
  });

  it('names models of a further dialect after its provider, priced like those of the first', () => {
    const messages = sources.find(({ slug }) => slug === 'sandbox-messages');
    expect(messages?.endpoints.map(({ model: id, upstreamModel }) => [id, upstreamModel])).toEqual([
      ['sandbox-messages/echo', 'echo'],
      ['sandbox-messages/fail-500', 'fail-500'],
      ['sandbox-messages/m-100-0-0', 'm-100-0-0'],
      ['sandbox-messages/m-1000-0-0', 'm-1000-0-0'],
      ['sandbox-messages/m-100-0-20', 'm-100-0-20'],
    ]);
    expect(messages?.endpoints[0]?.price).toEqual(model('echo').price);
  });

  it('leaves what sandbox/… offers as it was', () => {
    const offers = sources
      .flatMap(({ slug, endpoints }) => endpoints.map(({ model: id }) => `${id}@${slug}`))
      .filter((offer) => offer.startsWith('sandbox/'));
    expect(offers).toEqual([
      'sandbox/echo@sandbox',
      'sandbox/fail-500@sandbox',
      'sandbox/big@sandbox',
      'sandbox/both@sandbox',
      'sandbox/fallback@sandbox',
      'sandbox/echo-b@sandbox-b',
      'sandbox/both@sandbox-b',
      'sandbox/fallback@sandbox-b',
      'sandbox/unsteady@sandbox-b',
    ]);
  });
});
