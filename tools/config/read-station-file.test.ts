// What a file of a station's settings may say, every fault with its line and column, in the words of the station's own readers.
import { readStationFile, SEALED } from './read-station-file.ts';
import { pathOf } from './path-of.ts';

const taking = () => [];
const read = (text: string, environment: Record<string, string> = {}) =>
  readStationFile('station.yaml', text, environment, taking);
const faultsOf = (text: string, environment: Record<string, string> = {}): readonly string[] => {
  const file = read(text, environment);
  return 'faults' in file ? file.faults : [];
};
const lab = (key: string): string => `private_providers:
  - slug: lab
    dialect: openai-chat
    apiKey: ${key}
    endpoints: [{ model: lab/small, price: { input: 0.150, output: "1" } }]
`;

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  [
    'a section that nobody knows',
    'budgets: []',
    [
      'station.yaml:1:1: budgets: is not known here; known are workspace, surcharges, private_providers, keys, limits, guardrails, presets, task_rules',
    ],
  ],
  ['a section that is no list', 'keys: { name: a }', ['station.yaml:1:7: keys: must be a list']],
  ['a thing without a name', 'keys:\n  - name: a\n  - limit: 1', ['station.yaml:3:5: keys[1]: has no name']],
  ['a thing that is none', 'keys: [a]', ['station.yaml:1:8: keys[0]: must be a map']],
  ['two of a name', 'keys:\n  - name: a\n  - name: a', ['station.yaml:3:5: keys[1]: "a" is there twice, first at 2:5']],
  [
    'two of a limit',
    'limits:\n  - { scope: tag, scope_id: n, metric: usd, window: day, limit: 1 }\n  - { scope: tag, scope_id: n, metric: usd, window: day, limit: 2, free_only: false }',
    ['station.yaml:3:5: limits[1]: "tag n usd day" is there twice, first at 2:5'],
  ],
  [
    'a variable that is not set',
    lab('${LAB_KEY}'),
    ['station.yaml:4:13: private_providers[0].apiKey: the environment variable LAB_KEY is not set'],
  ],
  [
    'a secret in the clear',
    lab('sk-1'),
    [
      'station.yaml:4:13: private_providers[0].apiKey: must be the name of an environment variable, as ${NAME}: a file that is kept holds no secrets',
    ],
  ],
  [
    'no YAML',
    'keys: [',
    ['station.yaml:1:8: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
])('a file with %s', (_what, text, faults) => {
  expect(faultsOf(text)).toEqual(faults);
});

test('a secret in the clear is not repeated', () => {
  expect(faultsOf(lab('sk-canary')).join()).not.toContain('canary');
});

test('what the station’s reader refuses is told at its line', () => {
  const file = readStationFile(
    'station.yaml',
    'guardrails:\n  - name: g\n    content_filters:\n      - pattern: "("\n        action: block\n',
    {},
    () => [pathOf('content_filters.0.pattern: The pattern does not compile')],
  );
  expect(file).toEqual({
    faults: ['station.yaml:4:18: guardrails[0].content_filters[0].pattern: The pattern does not compile'],
  });
});

test('a secret is filled in for requests, and seen from outside as what the station tells', () => {
  const file = read(lab('${LAB_KEY}'), { LAB_KEY: 'sk-canary' });
  if ('faults' in file) throw new Error(file.faults.join());
  const [provider] = file.desired.things;
  expect(provider?.settings).toMatchObject({ apiKey: SEALED, endpoints: [{ price: { input: '0.150', output: '1' } }] });
  expect(JSON.stringify(file.desired.things)).not.toContain('canary');
  expect(provider === undefined ? undefined : file.saidOf.get(provider)).toMatchObject({ apiKey: 'sk-canary' });
});

test('a variable of control stays a name', () => {
  const file = read(lab('${WAYSTATION_PROVIDER_LAB_KEY}'));
  if ('faults' in file) throw new Error(file.faults.join());
  expect(file.desired.things[0]?.settings['apiKey']).toBe('${WAYSTATION_PROVIDER_LAB_KEY}');
});

test.each<[string, (string | number)[], string]>([
  ['limit: Expected number', ['limit'], 'Expected number'],
  ['provider.endpoints[0].price.input: is negative', ['provider', 'endpoints', 0, 'price', 'input'], 'is negative'],
  ['rules[2].when: Unexpected token', ['rules', 2, 'when'], 'Unexpected token'],
  ['There is no workspace: none', [], 'There is no workspace: none'],
])('%s is at %j', (message, at, problem) => {
  expect(pathOf(message)).toEqual({ at, problem });
});
