// Only what a person has judged, by file and name, is no fault of the schema.
import { failuresOf } from './judged.js';

const known = [{ file: 'apps/a/src/a.itest.ts', test: 'counts', why: 'a number that nobody uses' }];
const file = (name: string, status: string, ...tests: [string, string][]) => ({
  ...{ name, status },
  assertionResults: tests.map(([fullName, each]) => ({ fullName, status: each })),
});

test('what passed is no failure', () => {
  const passed = { testResults: [file('/t/apps/a/src/a.itest.ts', 'passed', ['counts', 'passed'])] };
  expect(failuresOf(passed, known)).toEqual({ files: [], judged: [], unjudged: [] });
});

test('a test is judged by its file and its name together, and a file that could not be run by nobody', () => {
  const json = {
    testResults: [
      file('/t/apps/a/src/a.itest.ts', 'failed', ['counts', 'failed'], ['reads', 'failed'], ['writes', 'passed']),
      file('/t/apps/b/src/a.itest.ts', 'failed', ['counts', 'failed']),
      file('/t/apps/a/src/c.itest.ts', 'failed'),
    ],
  };
  expect(failuresOf(json, known)).toEqual({
    files: json.testResults.map(({ name }) => name),
    judged: known,
    unjudged: ['/t/apps/a/src/a.itest.ts: reads', '/t/apps/b/src/a.itest.ts: counts', '/t/apps/a/src/c.itest.ts'],
  });
});

test('what is no outcome of jest is refused, so that no outcome is no success', () => {
  expect(() => failuresOf(undefined)).toThrow();
  expect(() => failuresOf({ testResults: [{ status: 'failed' }] })).toThrow();
});
