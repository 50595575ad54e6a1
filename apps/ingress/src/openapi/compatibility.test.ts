// The table says what the table of routes says, and knows every operation of the reference.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { API_ROUTES } from './api-routes.js';
import { OWN_LINES, REFERENCE_LINES } from './compatibility.js';
import { writeCompatibility } from './write-compatibility.js';

/** Parameters have names of their own on either side. */
const shapeOf = (operation: string): string => operation.replace(/\{\w+\}|:[a-z]+/g, '{}');
const routes = new Set(API_ROUTES.map(({ key }) => shapeOf(key)));
const own = OWN_LINES.flatMap(([, ...operations]) => operations);

test('each operation of the reference has one line', () => {
  const shapes = REFERENCE_LINES.map(({ operation }) => shapeOf(operation));
  expect(shapes).toHaveLength(97);
  expect(new Set(shapes).size).toBe(97);
});

test.each(REFERENCE_LINES.map(({ operation, standing }) => [operation, standing] as const))(
  '%s, said to be %s, has a route or has none accordingly',
  (operation, standing) => {
    expect(routes.has(shapeOf(operation))).toBe(standing === 'same' || standing === 'differs');
  },
);

test('what differs, is planned or is absent says how, when or why', () => {
  expect(REFERENCE_LINES.filter(({ standing, note }) => standing !== 'same' && note === '')).toEqual([]);
});

test('every route is in the table, in one place', () => {
  const known = [...REFERENCE_LINES.map(({ operation }) => operation), ...own].map(shapeOf);
  expect([...routes].filter((route) => !known.includes(route))).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});

test.each(own)('%s, said to be beyond the reference, has a route', (operation) => {
  expect(routes).toContain(shapeOf(operation));
});

test('a cell never breaks its table', () => {
  const rows = writeCompatibility()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toHaveLength(97 + own.length);
  expect(rows.filter((row) => ![4, 3].includes(row.split('|').length - 1))).toEqual([]);
});

/** Lies beside the repository, where it does at all. */
const reference = path.resolve('../shared/reference/openrouter-openapi.yaml');

test('the lines are the operations of the reference, where its document is at hand', () => {
  if (!existsSync(reference)) {
    // eslint-disable-next-line no-console -- whoever reads the run must see that something was not tried
    console.log(`skipped: the reference's document is not at ${reference}`);
    return;
  }
  const { paths } = parse(readFileSync(reference, 'utf8')) as { paths: Record<string, Record<string, unknown>> };
  const operations = Object.entries(paths).flatMap(([at, item]) =>
    Object.keys(item)
      .filter((method) => /^(get|post|put|patch|delete)$/.test(method))
      .map((method) => `${method.toUpperCase()} ${at}`),
  );
  expect(REFERENCE_LINES.map(({ operation }) => operation).sort()).toEqual(operations.sort());
});
