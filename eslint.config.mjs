// Style is Prettier's; this file holds what protects the structure: layers, strict types, and no money as `number`.
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** DESIGN section 2: app → platform → contract, app → adapter → domain → contract. */
const layers = [
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: ['layer:contract'] },
  { sourceTag: 'layer:domain', onlyDependOnLibsWithTags: ['layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:adapter', onlyDependOnLibsWithTags: ['layer:adapter', 'layer:domain', 'layer:contract'] },
  { sourceTag: 'layer:platform', onlyDependOnLibsWithTags: ['layer:platform', 'layer:contract'] },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: ['layer:platform', 'layer:adapter', 'layer:domain', 'layer:contract'],
  },
  { sourceTag: 'layer:composition', onlyDependOnLibsWithTags: ['layer:app', 'layer:platform'] },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: ['layer:platform', 'layer:contract'] },
  { sourceTag: 'layer:root', onlyDependOnLibsWithTags: ['*'] },
];

/** Tests of any layer may take real servers from libs/testing, which itself speaks over the bus. */
const boundaries = (constraints, allow = []) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allow,
    depConstraints: constraints,
    ignoredCircularDependencies: [['testing', 'bus']],
  },
];
const inTests = layers.map((layer) => ({
  ...layer,
  onlyDependOnLibsWithTags: [...layer.onlyDependOnLibsWithTags, 'layer:testing'],
}));

/** Domain libs import nothing from outside and nothing of Node's. */
const domain = ['catalog', 'routing', 'ledger', 'policy', 'generation'].map((name) => `libs/${name}/src/**/*.ts`);

/** The data plane, and what every process of it stands on. */
const withoutDatabase = ['apps/ingress', 'apps/router', 'apps/worker', 'libs/bus', 'libs/runtime'].map(
  (folder) => `${folder}/src/**/*.ts`,
);

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.waystation/**', 'tools/fixtures/**'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(layers),
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/consistent-type-assertions': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.test.ts', '**/*.itest.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(inTests) },
  },
  // Nx forbids importing an application altogether; putting apps together is what this project is for.
  {
    files: ['apps/fused/src/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(layers, ['@waystation/app-*']) },
  },
  {
    files: domain,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'node:*',
                '!@waystation/*',
                '@nestjs/*',
                '@nats-io/*',
                'typeorm',
                'pg',
                'undici',
                'fastify',
                'pino',
                'zod',
              ],
              message: 'Domain libs import nothing from outside.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'Buffer'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The clock is a parameter.' },
        { object: 'Math', property: 'random', message: 'Randomness is a parameter.' },
      ],
    },
  },
  {
    files: withoutDatabase,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['@waystation/postgres', 'pg', 'pg-*', 'typeorm', 'typeorm/*'],
              message: 'The data plane serves on snapshots and leases, and never waits for Postgres.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['tools/**', 'e2e/**', 'bench/**', '**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        AbortSignal: 'readonly',
      },
    },
    rules: { 'no-console': 'off', '@nx/enforce-module-boundaries': 'off' },
  },
);
