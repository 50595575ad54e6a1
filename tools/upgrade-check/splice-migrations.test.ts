// The older release keeps its code and gets the newer list.
import { isTest, spliceMigrations } from './splice-migrations.ts';

const app = (more: string, ...names: readonly string[]): string =>
  [
    `import { Other } from './other.js';\n`,
    ...names.map((name) => `import { ${name}1764 } from './migrations/${name}.js';\n`),
    `\nexport const app = { ${more} };\n\n`,
    `export const migrations: MigrateOptions['migrations'] = [\n${names.map((name) => `  ${name}1764,\n`).join('')}];\n`,
    `\nexport { Other };\n`,
  ].join('');

test('an older app with the newer list is the older app with the newer list', () => {
  const spliced = spliceMigrations(app('older: true', 'First'), app('newer: true', 'First', 'Second'));
  expect(spliced).toBe(
    [
      `import { First1764 } from './migrations/First.js';\nimport { Second1764 } from './migrations/Second.js';\n`,
      `import { Other } from './other.js';\n\nexport const app = { older: true };\n\n`,
      `export const migrations: MigrateOptions['migrations'] = [\n  First1764,\n  Second1764,\n];\n\nexport { Other };\n`,
    ].join(''),
  );
});

test.each([
  ['here', app('', 'First'), 'export const app = {};\n', /of here/],
  ['there', 'export const app = {};\n', app('', 'First'), /older release/],
])('an app without a list %s is a fault', (_where, older, newer, message) => {
  expect(() => spliceMigrations(older, newer)).toThrow(message);
});

test.each([
  ['apps/control/src/migrations/keep-origin-of-own-keys.itest.ts', true],
  ['apps/control/src/migrations/keep-origin-of-own-keys.test.ts', true],
  ['apps/control/src/migrations/keep-origin-of-own-keys.property.test.ts', true],
  ['apps/control/src/migrations/keep-origin-of-own-keys.ts', false],
  ['apps/control/src/migrations/add-test.ts', false],
  ['apps/control/src/migrations', false],
])('%s is a test: %s', (file, expected) => {
  expect(isTest(file)).toBe(expected);
});
