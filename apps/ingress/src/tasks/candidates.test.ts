// Which models are there to choose from, and at what price.
import type { EndpointEntry, RouteFeatures } from '@waystation/contracts';
import { NO_RULES } from '@waystation/policy';
import { endpoint, provider } from '../test-edge/fixtures.js';
import { candidatesFor, type Market } from './candidates.js';

const features: RouteFeatures = {
  ...{ api: 'chat', dialect: 'openai-chat', stream: false, bodyBytes: 1, inputTokensEstimate: 100, toolCount: 0 },
  ...{ parameters: [], inputModalities: ['text'], outputModalities: ['text'], messageCount: 1 },
};
const identity = { workspaceId: 'default', keyHash: 'k' };
const offer = (model: string, changes: Partial<EndpointEntry> = {}): EndpointEntry =>
  endpoint('alpha', { id: `${model} ${JSON.stringify(changes)}`, model, ...changes });
const priced = (input: string, output: string) => ({ price: { perUnit: { input, output } } });
const market = (...endpoints: EndpointEntry[]): Market => ({
  catalog: {
    revision: 1,
    providers: new Map([['alpha', provider('alpha', { credentialId: 'c' })]]),
    models: new Map(),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  },
  policies: { revision: 1, policies: new Map(), ownKeys: [] },
});
const found = (of: Market, more: Partial<RouteFeatures> = {}) =>
  candidatesFor(of, { identity, policy: NO_RULES, preferences: {}, features: { ...features, ...more } });

it('a model costs what its cheapest endpoint does that can serve the request', () => {
  const one = market(
    offer('lab/a', { ...priced('10', '1') }),
    offer('lab/a', { ...priced('1', '1'), enabled: false }),
    offer('lab/a', { ...priced('5', '2') }),
  );
  expect(found(one)).toEqual([{ model: 'lab/a', price: 17n }]);
});

it('a model that would have to leave tools or a format out is none to choose', () => {
  const one = market(offer('lab/a', { supportedParameters: ['tools'] }), offer('lab/b', { supportedParameters: [] }));
  expect(found(one, { parameters: ['tools'] }).map(({ model }) => model)).toEqual(['lab/a']);
  expect(found(one, { parameters: ['tools', 'response_format'] })).toEqual([]);
});

it('a prompt that may be shortened is so only where no model takes all of it', () => {
  const small = offer('lab/small', { context: 150 });
  const long = { inputTokensEstimate: 200, compression: 'always' } as const;
  const models = (of: Market, more: Partial<RouteFeatures>) => found(of, more).map(({ model }) => model);
  expect(models(market(small, offer('lab/large', { context: 200 })), long)).toEqual(['lab/large']);
  expect(models(market(small), long)).toEqual(['lab/small']);
  expect(models(market(small), { inputTokensEstimate: 200 })).toEqual([]);
});
