// Each rule finds what it is for, at its line, and leaves alone what only looks like it.
import { tidy } from './rules.ts';
import { treeOf } from './tree.ts';

const found = (texts: Record<string, string>): string[] =>
  tidy(treeOf(texts)).map(({ rule, file, line }) => `${rule} ${file}${line === undefined ? '' : `:${line}`}`);

const VIOLATIONS: readonly (readonly [what: string, texts: Record<string, string>, finding: string])[] = [
  ['a subject as text', { 'apps/a/src/x.ts': "\nconst s = 'way.rpc.route.plan';" }, 'subjects apps/a/src/x.ts:2'],
  [
    'a subject in a template',
    { 'libs/bus/src/x.ts': 'const s = `way.fact.money.${i}`;' },
    'subjects libs/bus/src/x.ts:1',
  ],
  ['the environment in an app', { 'apps/a/src/x.ts': "process.env['A'];" }, 'environment apps/a/src/x.ts:1'],
  [
    'a number of picodollars',
    { 'libs/ledger/src/x.ts': 'let heldPicodollars: number;' },
    'money libs/ledger/src/x.ts:1',
  ],
  [
    'an optional numeric balance',
    { 'apps/billing/src/x.ts': 'interface A { balance?: number | null }' },
    'money apps/billing/src/x.ts:1',
  ],
  ['a price that begins as a number', { 'libs/catalog/src/x.ts': 'let price = 0;' }, 'money libs/catalog/src/x.ts:1'],
  [
    'a numeric amount in a schema',
    { 'apps/billing/src/x.ts': 'const s = z.object({ amount: z.number() });' },
    'money apps/billing/src/x.ts:1',
  ],
  [
    'a provider compared',
    { 'apps/worker/src/x.ts': "if (slug === 'openai') f();" },
    'providers apps/worker/src/x.ts:1',
  ],
  [
    'a provider in a switch',
    { 'libs/routing/src/x.ts': "switch (slug) { case 'groq': f(); }" },
    'providers libs/routing/src/x.ts:1',
  ],
  ['a project without project.json', { 'libs/a/package.json': '{}' }, 'projects libs/a/project.json'],
  [
    'a project without layer',
    { 'libs/a/package.json': '{}', 'libs/a/project.json': '{"tags":["scope:a"]}' },
    'projects libs/a/project.json',
  ],
  [
    'a project of a wrong scope',
    { 'libs/a/package.json': '{}', 'libs/a/project.json': '{"tags":["layer:app","scope:b"]}' },
    'projects libs/a/project.json',
  ],
  ['a dead link', { 'docs/a.md': 'see [b](b.md#part)' }, 'links docs/a.md:1'],
  ['a folder of everything', { 'libs/a/src/utils/x.ts': '' }, 'names libs/a/src/utils'],
  ['export of everything', { 'libs/a/src/index.ts': "export * from './x.js';" }, 'names libs/a/src/index.ts:1'],
  [
    'a lock with registries',
    { 'package-lock.json': '{"packages":{"node_modules/a":{"resolved":"https://r/a.tgz"}}}' },
    'lockfile package-lock.json',
  ],
  ['a test left out', { 'libs/a/src/x.test.ts': "it.skip('a', () => {});" }, 'skipped-tests libs/a/src/x.test.ts:1'],
  ['a table left out', { 'e2e/x.e2e.ts': "test.only.each([])('a', () => {});" }, 'skipped-tests e2e/x.e2e.ts:1'],
  [
    'a compose file that points nowhere',
    { 'docker-compose.yml': 'services: {a: {volumes: ["./b:/b"]}}' },
    'compose docker-compose.yml',
  ],
  [
    'a compose service that needs nobody',
    { 'docker-compose.yml': 'services: {a: {depends_on: [b]}}' },
    'compose docker-compose.yml',
  ],
  [
    'a Dockerfile that copies nothing',
    {
      'docker-compose.yml': 'services: {a: {build: {dockerfile: d/Dockerfile}}}',
      'd/Dockerfile': 'FROM x\nCOPY --chown=a gone ./',
    },
    'compose d/Dockerfile:2',
  ],
];

test.each(VIOLATIONS)('%s is found', (_, texts, finding) => {
  expect(found(texts)).toEqual([finding]);
});

const INNOCENT: readonly (readonly [what: string, texts: Record<string, string>])[] = [
  ['subjects in contracts', { 'libs/contracts/src/subjects.ts': "const s = 'way.rpc';" }],
  ['a subject in a comment', { 'apps/a/src/x.ts': "// 'way.rpc.route.plan'" }],
  ['a setting of Postgres', { 'libs/postgres/src/x.ts': "const s = 'way.workspace';" }],
  [
    'the environment in config, tools and tests',
    { 'apps/a/src/config.ts': 'process.env', 'tools/x.ts': 'process.env', 'apps/a/src/x.test.ts': 'process.env' },
  ],
  ['a count of prices', { 'libs/catalog/src/x.ts': 'let priceCount: number; let price: bigint;' }],
  [
    'a function from a number to a price',
    { 'libs/catalog/src/x.ts': 'interface A { price: (tokens: number) => bigint }' },
  ],
  ['a dialect compared', { 'apps/worker/src/x.ts': "if (dialect === 'openai-chat') f();" }],
  ['a provider compared in the catalog', { 'libs/catalog/src/x.ts': "if (slug === 'openai') f();" }],
  ['a tagged project', { 'libs/a/package.json': '{}', 'libs/a/project.json': '{"tags":["layer:domain","scope:a"]}' }],
  [
    'live, outer and quoted links',
    { 'docs/a.md': '[a](../docs/a.md) [b](https://b) [c](#c)\n```\n[d](d.md)\n```\n`[e](e.md)`' },
  ],
  [
    'a lock with links of our own',
    { 'package-lock.json': '{"packages":{"node_modules/@w/a":{"resolved":"libs/a","link":true}}}' },
  ],
];

test.each(INNOCENT)('%s is let be', (_, texts) => {
  expect(found(texts)).toEqual([]);
});
