// The operator's file: what it may say, and every fault with its place.
import { PROVIDER_DIALECTS } from '@waystation/providers';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { parseConfigFile } from './read-config-file.js';

const FILE = 'waystation.yaml';
const read = (text: string, environment: Record<string, string> = {}) => parseConfigFile(FILE, text, environment);
const GOOD = `providers:
  - slug: lab
    dialect: openai-chat
    baseUrl: http://127.0.0.1:9100/v1
    apiKey: \${LAB_KEY}
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints:
      - model: lab/small
        upstreamModel: m-50-0-0
        context: 128000
        maxOutput: 16384
        price: { input: "0.15", output: "0.60", cacheRead: "0.075" }
`;

describe('the operator’s file', () => {
  it('names providers of the operator’s own network, with their keys apart', () => {
    const { providers, faults } = read(GOOD, { LAB_KEY: 'secret' });
    expect(faults).toEqual([]);
    expect(providers).toHaveLength(1);
    expect(providers[0]?.secret).toBe('secret');
    expect(providers[0]?.source).toEqual({
      slug: 'lab',
      dialect: 'openai-chat',
      baseUrl: 'http://127.0.0.1:9100/v1',
      allowPrivateAddress: true,
      dataPolicy: { retains: false, trains: false, region: 'local' },
      credential: { kind: 'bearer' },
      endpoints: [
        {
          model: 'lab/small',
          upstreamModel: 'm-50-0-0',
          context: 128_000,
          maxOutput: 16_384,
          price: { input: '0.15', output: '0.60', cacheRead: '0.075' },
        },
      ],
    });
  });

  it.each(['', '\n', '# nothing yet\n', 'providers: []\n'])('may be empty: %j', (text) => {
    expect(read(text)).toMatchObject({ providers: [], faults: [] });
  });

  it('needs no key, and may want it in a header', () => {
    const keyless = GOOD.replace('    apiKey: ${LAB_KEY}\n', '');
    expect(read(keyless).providers[0]?.source?.credential).toEqual({ kind: 'none' });
    const header = GOOD.replace('${LAB_KEY}', 'k\n    auth: { kind: header, name: x-api-key }');
    expect(read(header).providers[0]?.source?.credential).toEqual({ kind: 'header', name: 'x-api-key' });
  });

  it('takes secrets that tokens are got with, and says what is wrong with one without quoting it', () => {
    const of = (kind: string): string => GOOD.replace('${LAB_KEY}', `\${LAB_KEY}\n    auth: { kind: ${kind} }`);
    const client = JSON.stringify({ tenantId: 't', clientId: 'c', clientSecret: 's' });
    const { providers, faults } = read(of('azure-ad'), { LAB_KEY: client });
    expect(faults).toEqual([]);
    expect(providers[0]).toMatchObject({ secret: client, source: { credential: { kind: 'azure-ad' } } });
    expect(read(of('google-service-account'), { LAB_KEY: '{"client_email":"canary"}' }).faults).toEqual([
      'waystation.yaml:5:13: providers[0].apiKey: must be the JSON key of a Google service account, with client_email and private_key',
    ]);
    expect(read('providers: [{ extends: azure, apiKey: canary, auth: { kind: azure-ad } }]').faults).toEqual([
      expect.stringMatching(/apiKey: must be JSON with tenantId, clientId and clientSecret/),
    ]);
    expect(read(of('azure-ad').replace('    apiKey: ${LAB_KEY}\n', '')).faults).toEqual([
      expect.stringMatching(/^waystation\.yaml:\d+:\d+: providers\[0\]\.apiKey: is needed with auth azure-ad$/),
    ]);
  });

  const AWS = GOOD.replace('openai-chat', 'bedrock-converse').replace(
    'apiKey: ${LAB_KEY}',
    'auth: { kind: aws, accessKeyId: "${AWS_ACCESS_KEY_ID}", secretAccessKey: "${AWS_SECRET_ACCESS_KEY}", region: us-east-1 }',
  );
  const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

  it('takes keys of AWS, which are sealed as one text', () => {
    const { providers, faults } = read(AWS, KEYS);
    expect(faults).toEqual([]);
    expect(providers[0]?.source?.credential).toEqual({ kind: 'aws' });
    expect(JSON.stringify(providers[0]?.source)).not.toContain('AKIDEXAMPLE');
    expect(JSON.parse(providers[0]?.secret ?? '')).toEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'secret',
      region: 'us-east-1',
    });
    const extended = read(
      AWS.replace('slug: lab', 'extends: lab')
        .replace(/ {4}dialect: .*\n/, '')
        .replace(/ {4}endpoints:[^]*/, ''),
      KEYS,
    );
    expect(extended.faults).toEqual([]);
    expect(extended.providers[0]).toMatchObject({
      extension: { credential: { kind: 'aws' } },
      secret: providers[0]?.secret,
    });
    expect(JSON.stringify({ ...extended.providers[0], secret: undefined })).not.toContain('AKIDEXAMPLE');
    const session = read(AWS.replace('region:', 'sessionToken: token, region:'), KEYS).providers[0]?.secret ?? '';
    expect(JSON.parse(session)).toMatchObject({ sessionToken: 'token' });
  });

  it.each([
    [
      'where one is missing',
      AWS.replace('${AWS_SECRET_ACCESS_KEY}', ''),
      'providers[0].auth.secretAccessKey: must not be empty',
    ],
    ['without a region', AWS.replace(', region: us-east-1', ''), 'providers[0].auth.region: is missing'],
    [
      'beside another key',
      AWS.replace('    auth:', '    apiKey: k\n    auth:'),
      'providers[0].apiKey: must not be there beside auth',
    ],
    [
      'for a dialect that does not sign',
      AWS.replace('bedrock-converse', 'openai-chat'),
      'providers[0].auth: cannot be of the kind aws: the dialect openai-chat does not sign',
    ],
  ])('refuses keys of AWS %s', (_, text, fault) => {
    expect(read(text, KEYS).faults.join('\n')).toContain(fault);
  });

  it('takes a number for a price by the digits that were written', () => {
    const { providers } = read(GOOD.replace('"0.15"', '0.1500').replace('"0.60"', '3'), { LAB_KEY: 'k' });
    expect(providers[0]?.source?.endpoints[0]?.price).toEqual({ input: '0.1500', output: '3', cacheRead: '0.075' });
  });

  it('tells every fault at once, each with its line and column', () => {
    const { faults, providers } = read(`providers:
  - slug: Lab One
    dialect: smoke-signals
    baseUrl: lab.example.com
    apiKey: \${NO_SUCH_KEY}
    datapolicy: { retains: false }
    endpoints:
      - model: lab/small:nitro
        context: many
        price: 0.15
      - model: lab/large
        context: 1000
        price: { input: "1", tokens: "2" }
      - context: 1000
        price: { input: "1", output: "2" }
`);
    expect(providers).toEqual([]);
    expect(faults).toEqual([
      'waystation.yaml:5:13: providers[0].apiKey: the environment variable NO_SUCH_KEY is not set',
      'waystation.yaml:2:11: providers[0].slug: must be lower-case letters, digits and dashes, at most 48',
      `waystation.yaml:3:14: providers[0].dialect: must be one of ${PROVIDER_DIALECTS.join(', ')}`,
      'waystation.yaml:4:14: providers[0].baseUrl: must be an http or https URL without user, query or fragment',
      'waystation.yaml:8:16: providers[0].endpoints[0].model: must not end in a variant that only says how to sort (:nitro, :floor, :exacto)',
      'waystation.yaml:9:18: providers[0].endpoints[0].context: must be a number',
      'waystation.yaml:10:16: providers[0].endpoints[0].price: must say what each price is for, in USD per million tokens: { input: "0.15", output: "0.60" }',
      'waystation.yaml:13:38: providers[0].endpoints[1].price.tokens: is no unit of price; known are input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning, audioInput, audioOutput, imageInput, imageOutput, request, inputImages, outputImages, searchUnits, characters, seconds',
      'waystation.yaml:13:16: providers[0].endpoints[1].price: must have a price for output ("0" where it is free)',
      'waystation.yaml:14:9: providers[0].endpoints[2].model: is missing',
      'waystation.yaml:6:5: providers[0].datapolicy: is not known here',
    ]);
  });

  it('tells where a price is wrong', () => {
    const { faults } = read(GOOD.replace('"0.15"', '-1').replace('"0.60"', '1e-3').replace('"0.075"', '"20000"'), {
      LAB_KEY: 'k',
    });
    expect(faults).toEqual([
      'waystation.yaml:12:25: providers[0].endpoints[0].price.input: is negative (-1)',
      'waystation.yaml:12:37: providers[0].endpoints[0].price.output: is not a plain decimal amount such as "0.15" (1e-3)',
      'waystation.yaml:12:54: providers[0].endpoints[0].price.cacheRead: is more than 10000 USD per million tokens (20000); the unit is USD per million tokens',
    ]);
  });

  const priced = (yaml: string): string =>
    GOOD.replace('price: { input: "0.15", output: "0.60", cacheRead: "0.075" }', yaml);

  it('prices requests and images, large prompts, service tiers and days to come', () => {
    const { providers, faults } = read(
      priced(`price: { input: 1, output: 2, request: 0.01, inputImages: "0.002", outputImages: 0.04 }
        tiers: [{ aboveInputTokens: 200000, price: { input: 2, output: 4 } }]
        serviceTiers:
          flex: { price: { input: 0.5, output: 1 } }
          priority: { price: { input: 3, output: 6 }, tiers: [{ aboveInputTokens: 1000, price: { input: 4, output: 8 } }] }
        priceChanges:
          - { effectiveAt: 2026-12-01T01:00:00+01:00, price: { input: 0.75, output: 1.50 } }`),
      { LAB_KEY: 'k' },
    );
    expect(faults).toEqual([]);
    expect(providers[0]?.source?.endpoints[0]).toMatchObject({
      price: { input: '1', output: '2', request: '0.01', inputImages: '0.002', outputImages: '0.04' },
      tiers: [{ aboveInputTokens: 200_000, price: { input: '2', output: '4' } }],
      serviceTiers: {
        flex: { price: { input: '0.5', output: '1' } },
        priority: {
          price: { input: '3', output: '6' },
          tiers: [{ aboveInputTokens: 1_000, price: { input: '4', output: '8' } }],
        },
      },
      priceChanges: [{ effectiveAtMs: Date.UTC(2026, 11, 1), price: { input: '0.75', output: '1.50' } }],
    });
  });

  it('may stand on a provider of the catalog, and says only what is otherwise', () => {
    const { providers, faults } = read(
      `providers:
  - extends: openai
    models: [openai/gpt-5.5]
  - extends: openai
    slug: openai-eu
    baseUrl: https://eu.example/v1
    apiKey: \${EU_KEY}
    timeouts: { idleMs: 5000 }
    capacity: { requestsPerMinute: 600, inFlight: 40 }
    endpoints:
      - { model: openai/gpt-5.5, price: { input: 4.50, output: 27 } }
      - { model: openai/gpt-5.4-mini, tag: batch, maxOutput: 10 }
`,
      { EU_KEY: 'eu' },
    );
    expect(faults).toEqual([]);
    expect(providers).toMatchObject([
      {
        ...{ slug: 'openai', base: 'openai', secret: undefined },
        extension: { slug: 'openai', models: ['openai/gpt-5.5'] },
      },
      {
        ...{ slug: 'openai-eu', base: 'openai', secret: 'eu' },
        extension: {
          ...{ slug: 'openai-eu', baseUrl: 'https://eu.example/v1', allowPrivateAddress: true },
          timeouts: { idleMs: 5_000 },
          capacity: { requestsPerMinute: 600, inFlight: 40 },
          endpoints: [
            { model: 'openai/gpt-5.5', price: { input: '4.50', output: '27' } },
            { model: 'openai/gpt-5.4-mini', tagSuffix: 'batch', maxOutput: 10 },
          ],
        },
      },
    ]);
  });

  it('takes what the guide of the catalog shows', async () => {
    const guide = await readFile('docs/guides/catalog.md', 'utf8');
    const { faults, providers } = read(/```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '', { OPENAI_EU_KEY: 'k' });
    expect(faults).toEqual([]);
    expect(providers.map(({ slug }) => slug)).toEqual(['openai']);
  });

  it('takes figures of quality, as the guide of task routing shows', async () => {
    const guide = await readFile('docs/guides/task-routing.md', 'utf8');
    const { faults, providers } = read(/```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '', {});
    expect(faults).toEqual([]);
    const endpoints = [
      { model: 'openai/gpt-5.5', quality: { coding: 0.86, general: 0.9 } },
      { model: 'openai/gpt-5.4-mini', quality: { coding: 0.61 } },
    ];
    expect(providers).toMatchObject([{ slug: 'openai', extension: { endpoints } }]);
  });

  test.each([
    [
      '- extends: openai\n    endpoints: [{ model: a/b, quality: { coding: 86 } }]',
      'providers[0].endpoints[0].quality.coding: ',
    ],
    [
      '- extends: openai\n    endpoints: [{ model: a/b, quality: { poetry: 0.5 } }]',
      'providers[0].endpoints[0].quality.poetry: is not known here',
    ],
    ['- extends: openai\n    dialect: openai-chat', ':3:5: providers[0].dialect: is not known here'],
    ['- extends: Open AI', ':2:14: providers[0].extends: must be lower-case letters'],
    ['- extends: openai\n    models: []', ':3:13: providers[0].models: must name at least one model'],
    [
      '- extends: openai\n    endpoints: [{ model: a/b, price: { input: 1 } }]',
      ':3:38: providers[0].endpoints[0].price: must have a price for output',
    ],
    ['- extends: openai\n  - extends: openai', 'provider "openai" is there twice'],
    ['- slug: lab', 'providers[0].dialect: is missing'],
    ['- just text', 'providers[0]: '],
  ])('refuses %j', (yaml, reason) => {
    const { faults, providers } = read(`providers:\n  ${yaml}\n`);
    expect(providers).toEqual([]);
    expect(faults.join('\n')).toContain(reason);
  });

  it('takes what the guide shows', async () => {
    const guide = await readFile('docs/guides/change-a-price.md', 'utf8');
    const { faults, providers } = read(/```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '');
    expect(faults).toEqual([]);
    const [endpoint] = providers[0]?.source?.endpoints ?? [];
    expect(Object.keys(endpoint?.serviceTiers ?? {})).toEqual(['flex', 'priority']);
    expect(endpoint?.priceChanges).toHaveLength(1);
  });

  test.each([
    ['price: 0.15', 'price: must say what each price is for'],
    ['price: { input: "1" }', 'price: must have a price for output'],
    ['price: { input: -1, output: 1 }', 'price.input: is negative (-1)'],
    ['price: { input: .nan, output: 1 }', 'price.input: is not a plain decimal amount'],
    ['price: { input: free, output: 1 }', 'price.input: is not a plain decimal amount'],
    ['price: { input: 0.1234567890123, output: 1 }', 'price.input: has more than 12 decimals (0.1234567890123)'],
    ['price: { input: 1, output: 1, request: 101 }', 'price.request: is more than 100 USD per request'],
    ['price: { input: 1, output: 1, inputImages: 0.0000000000001 }', 'price.inputImages: has more than 12 decimals'],
    [
      'price: { input: 1, output: 1 }\n        tiers: [{ aboveInputTokens: 5, price: { input: 1, output: 1, request: 1 } }]',
      'tiers[0].price.request: is no unit of price',
    ],
    [
      'price: { input: 1, output: 1 }\n        serviceTiers: { Flex!: { price: { input: 1, output: 1 } } }',
      'must be a service tier such as flex or priority',
    ],
    [
      'price: { input: 1, output: 1 }\n        serviceTiers: { flex: { price: { input: 1 } } }',
      'serviceTiers.flex.price: must have a price for output',
    ],
    [
      'price: { input: 1, output: 1 }\n        priceChanges: [{ effectiveAt: tomorrow, price: { input: 1, output: 1 } }]',
      'priceChanges[0].effectiveAt: must be a time such as 2026-12-01T00:00:00Z',
    ],
  ])('refuses %j, with line and reason', (yaml, reason) => {
    const { faults, providers } = read(priced(yaml), { LAB_KEY: 'k' });
    expect(providers).toEqual([]);
    expect(faults[0]).toMatch(/^waystation\.yaml:\d+:\d+: providers\[0\]/);
    expect(faults.join('\n')).toContain(reason);
  });

  it('tells what is there twice, together with what else is wrong', () => {
    const endpoint = GOOD.slice(GOOD.indexOf('      - model'));
    const { faults } = read(
      `${GOOD}${endpoint}${GOOD.slice(GOOD.indexOf('  - slug')).replace('context: 128000', 'context: 0')}`,
      { LAB_KEY: 'k' },
    );
    expect(faults).toEqual([
      'waystation.yaml:26:18: providers[1].endpoints[0].context: must be at least 1',
      'waystation.yaml:13:16: providers[0].endpoints[1].model: the same model is there twice; give one of them a tag',
      'waystation.yaml:18:11: providers[1].slug: provider "lab" is there twice',
    ]);
  });

  it.each([
    ['providers:\n  - slug: [\n', 'waystation.yaml:3:1: '],
    ['a: 1\na: 2\n', 'waystation.yaml:2:1: '],
    ['providers: 7\n', 'waystation.yaml:1:12: providers: '],
    ['- a\n', 'waystation.yaml:1:1: '],
  ])('tells where it is no such file: %j', (text, place) => {
    const { faults } = read(text);
    expect(faults[0]).toContain(place);
  });

  it('never shows a secret in a fault', () => {
    const { faults } = read(GOOD.replace('context: 128000', 'context: -1'), { LAB_KEY: 'sk-very-secret' });
    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain('sk-very-secret');
  });

  it('refuses anchors that make a small file a large one', () => {
    const level = (name: string, of: string): string =>
      `${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(', ')}]\n`;
    const { faults } = read(
      `a: &a [1]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}${level('f', 'e')}${level('g', 'f')}${level('h', 'g')}`,
    );
    expect(faults.join()).toContain('is too large');
  });

  it('answers with faults or providers whatever the text is', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constantFrom(...GOOD.split('\n')).chain((line) => fc.string().map((noise) => GOOD.replace(line, noise))),
        ),
        (text) => {
          const { providers, faults } = read(text, { LAB_KEY: 'k' });
          expect(faults.length > 0 ? providers : []).toEqual([]);
          for (const fault of faults) expect(fault).toMatch(/^waystation\.yaml:\d+:\d+: /);
        },
      ),
    ));
});
