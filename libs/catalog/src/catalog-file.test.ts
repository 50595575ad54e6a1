// What the catalog's files mean: who is offered by the keys of an environment, and what a provider's file becomes.
import { keyAmong, offerByKeys, sourceOfCatalog, type CatalogProvider } from './catalog-file.js';

const lab: CatalogProvider = {
  ...{ slug: 'lab', name: 'The lab', dialect: 'openai-chat', baseUrl: 'https://api.lab.example/v1' },
  ...{ keyVariables: ['LAB_KEY', 'LAB_API_KEY'], credential: { kind: 'bearer' }, billsAfterCancel: true },
  endpoints: [
    {
      ...{ model: 'lab/small', upstreamModel: 'small-1', context: 1000, maxOutput: 100 },
      ...{ price: { input: '1', output: '2' }, abilities: ['reasoning', 'tools'] },
    },
  ],
};
const DIALECTS = ['openai-chat'];

describe('what the keys of an environment offer', () => {
  it.each<[string, Record<string, string>, string[], string[]]>([
    ['nothing without a key', {}, [], []],
    ['nothing by an empty key', { LAB_KEY: '' }, [], []],
    ['a provider by any of its variables', { LAB_API_KEY: 'k' }, ['lab'], []],
    ['not by a dialect that is not spoken', { MORSE_KEY: 'k' }, [], ['morse: its dialect morse is not spoken here']],
    ['not before the address is whole', { HOST_KEY: 'k' }, [], ['host: its address needs HOST_NAME']],
    ['by key and address', { HOST_KEY: 'k', HOST_NAME: 'x' }, ['host'], []],
    [
      'not unasked where a key is not enough',
      { PLAN_KEY: 'k' },
      [],
      ['plan: only where the file extends it: flat fee'],
    ],
  ])('%s', (_, variables, offered, leftOut) => {
    const heads = [
      lab,
      { ...lab, slug: 'morse', dialect: 'morse', keyVariables: ['MORSE_KEY'] },
      { ...lab, slug: 'host', keyVariables: ['HOST_KEY'], addressVariables: ['HOST_NAME'] },
      { ...lab, slug: 'plan', keyVariables: ['PLAN_KEY'], onRequest: 'flat fee' },
    ];
    const offer = offerByKeys(heads, variables, DIALECTS);
    expect(offer.offered.map(({ slug }) => slug)).toEqual(offered);
    expect(offer.leftOut.map(({ slug, why }) => `${slug}: ${why}`)).toEqual(leftOut);
  });

  it('takes the first of its variables that is set', () => {
    expect(keyAmong(lab, { LAB_API_KEY: 'second', LAB_KEY: 'first' })).toBe('first');
    expect(keyAmong(lab, { LAB_API_KEY: 'second', LAB_KEY: '' })).toBe('second');
  });
});

describe('a provider’s file as a source', () => {
  const models = new Map([['lab/small', { id: 'lab/small', name: 'Small', published: '2026-01-02' }]]);

  it('has its models by their names and days, and the parameters that its dialect has for what it can do', () => {
    const { endpoints, ...provider } = sourceOfCatalog(lab, models, {});
    expect(provider).toEqual({
      ...{ slug: 'lab', name: 'The lab', dialect: 'openai-chat', baseUrl: 'https://api.lab.example/v1' },
      ...{ allowPrivateAddress: false, billsAfterCancel: true, credential: { kind: 'bearer' } },
    });
    expect(endpoints).toEqual([
      {
        ...{ model: 'lab/small', upstreamModel: 'small-1', modelName: 'Small', created: Date.UTC(2026, 0, 2) / 1000 },
        ...{ context: 1000, maxOutput: 100, price: { input: '1', output: '2' } },
        supportedParameters: [
          ...['max_tokens', 'max_completion_tokens', 'seed'],
          ...['tools', 'tool_choice', 'parallel_tool_calls'],
          ...['reasoning', 'include_reasoning', 'reasoning_effort'],
        ],
      },
    ]);
  });

  it('promises no parameter that its dialect lacks', () => {
    const { endpoints } = sourceOfCatalog(
      {
        ...lab,
        dialect: 'anthropic-messages',
        endpoints: lab.endpoints.map((each) => ({ ...each, abilities: ['sampling'] })),
      },
      models,
      {},
    );
    expect(endpoints[0]?.supportedParameters).toEqual([
      ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'stop'],
    ]);
  });

  it('has its address filled in from the environment', () => {
    const host = { ...lab, baseUrl: 'https://${HOST_NAME}.example/${HOST_NAME}/v1' };
    expect(sourceOfCatalog(host, models, { HOST_NAME: 'eu' }).baseUrl).toBe('https://eu.example/eu/v1');
  });

  it('may be of the own machine only where the file itself says http', () => {
    expect(sourceOfCatalog({ ...lab, baseUrl: 'http://127.0.0.1:1234/v1' }, models, {}).allowPrivateAddress).toBe(true);
    expect(
      sourceOfCatalog({ ...lab, baseUrl: '${BASE}/v1' }, models, { BASE: 'http://10.0.0.1' }).allowPrivateAddress,
    ).toBe(false);
  });
});
