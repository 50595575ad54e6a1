// Plants a violation of each direction of DESIGN section 2 where a careless hand would write it, and expects ESLint to refuse it. The texts stand at
// paths inside real projects, but on no disk.
import { execFileSync } from 'node:child_process';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';

const BOUNDARY = '@nx/enforce-module-boundaries';
const OUTSIDE = 'no-restricted-imports';

const PLANTED: readonly (readonly [what: string, path: string, text: string, rule: string])[] = [
  [
    'a domain lib that imports platform',
    'libs/ledger/src/planted.ts',
    "import { connectBus } from '@waystation/bus';\nconnectBus;",
    BOUNDARY,
  ],
  [
    'a domain lib that imports an adapter',
    'libs/routing/src/planted.ts',
    "import { scan } from '@waystation/dialects';\nscan;",
    BOUNDARY,
  ],
  [
    'an adapter that imports platform',
    'libs/providers/src/planted.ts',
    "import { run } from '@waystation/runtime';\nrun;",
    BOUNDARY,
  ],
  [
    'platform that imports domain',
    'libs/bus/src/planted.ts',
    "import { priceUsage } from '@waystation/catalog';\npriceUsage;",
    BOUNDARY,
  ],
  [
    'a contract that imports domain',
    'libs/contracts/src/planted.ts',
    "import { quotaSetOf } from '@waystation/ledger';\nquotaSetOf;",
    BOUNDARY,
  ],
  [
    'an app that imports an app',
    'apps/ingress/src/planted.ts',
    "import { app } from '@waystation/app-billing';\napp;",
    BOUNDARY,
  ],
  [
    'a path into another project',
    'apps/router/src/planted.ts',
    "import { X } from '../../../libs/contracts/src/index.js';\nX;",
    BOUNDARY,
  ],
  [
    'product code that imports the test library',
    'apps/worker/src/planted.ts',
    "import { natsServer } from '@waystation/testing';\nnatsServer;",
    BOUNDARY,
  ],
  [
    'a domain lib that imports node:fs',
    'libs/policy/src/planted.ts',
    "import { readFileSync } from 'node:fs';\nreadFileSync;",
    OUTSIDE,
  ],
  ['a domain lib that imports a library', 'libs/catalog/src/planted.ts', "import { z } from 'zod';\nz;", OUTSIDE],
  [
    'a domain lib that asks the clock',
    'libs/ledger/src/planted.ts',
    'export const now = (): number => Date.now();',
    'no-restricted-properties',
  ],
  [
    'a domain lib that throws dice',
    'libs/routing/src/planted.ts',
    'export const dice = (): number => Math.random();',
    'no-restricted-properties',
  ],
  ['a domain lib that waits', 'libs/policy/src/planted.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['a lib that prints', 'libs/bus/src/planted.ts', "console.log('x');", 'no-console'],
  [
    'the bus that reaches for our database',
    'libs/bus/src/planted.ts',
    "import { openDatabase } from '@waystation/postgres';\nopenDatabase;",
    OUTSIDE,
  ],
  ...['ingress', 'router', 'worker'].flatMap((app) =>
    [
      ['our database', "import { openDatabase } from '@waystation/postgres';\nopenDatabase;"],
      ['a driver', "import pg from 'pg';\npg;"],
      ['a mapper', "import type { DataSource } from 'typeorm';\nexport type A = DataSource;"],
    ].map(
      ([what, text]) =>
        [`the ${app} that reaches for ${what}`, `apps/${app}/src/planted.ts`, text ?? '', OUTSIDE] as const,
    ),
  ),
];

const ALLOWED: readonly (readonly [what: string, path: string, text: string])[] = [
  [
    'an app that imports platform and domain',
    'apps/billing/src/planted.ts',
    "import { openDatabase } from '@waystation/postgres';\nimport { quotaSetOf } from '@waystation/ledger';\nopenDatabase(quotaSetOf);\n",
  ],
  [
    'a domain lib that imports contracts',
    'libs/ledger/src/planted.ts',
    "import { WaystationError } from '@waystation/contracts';\nexport const a = WaystationError;\n",
  ],
  [
    'a test that takes real servers',
    'libs/bus/src/planted.itest.ts',
    "import { natsServer } from '@waystation/testing';\nawait natsServer();\n",
  ],
];

const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
let found: (string | null)[][] = [];

beforeAll(() => {
  // Without a cached project graph the boundary rule is skipped with only a warning.
  execFileSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'show', 'projects'], { cwd: repositoryRoot, env });
  const cases = [...PLANTED, ...ALLOWED].map(([, path, text]) => ({ path, text }));
  const output = execFileSync(process.execPath, ['tools/tidy/lint-text.main.ts'], {
    cwd: repositoryRoot,
    env,
    input: JSON.stringify(cases),
    encoding: 'utf8',
  });
  found = JSON.parse(output) as (string | null)[][];
}, 120_000);

test.each(PLANTED.map(([what, , , rule], index) => [what, rule, index] as const))('%s is refused', (_, rule, index) => {
  expect(found[index]).toContain(rule);
});

test.each(ALLOWED.map(([what], index) => [what, PLANTED.length + index] as const))('%s passes', (_, index) => {
  expect(found[index]).toEqual([]);
});
