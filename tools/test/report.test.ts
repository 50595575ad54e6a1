// The end of a run says what failed and why, and only what may have been the machine's fault is asked again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { failedFiles, tell, worthAskingAgain } from './report.js';
import type { FailedFile } from './report.js';

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-test-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (text: string): FailedFile[] => {
  const file = path.join(folder, 'jest.json');
  writeFileSync(file, text);
  return failedFiles(file);
};

const failed = (name: string, ...why: string[]): FailedFile => ({
  ...{ name, message: 'all of it' },
  tests: why.map((each, index) => ({ name: `test ${index}`, why: each })),
});

test('what failed is told by its place and the first lines of why, without colours and the frames of libraries', () => {
  const why = `\u001B[31mexpected 1\u001B[39m\n\nreceived 2\n    at a (libs/a.test.ts:3:1)\n    at run (/r/node_modules/jest/run.js:1:1)\n${'more\n'.repeat(50)}`;
  const json = {
    testResults: [
      { name: '/r/libs/a.test.ts', status: 'failed', message: 'all of it', assertionResults: [] },
      {
        ...{ name: '/r/libs/b.test.ts', status: 'failed', message: 'all of it' },
        assertionResults: [
          { fullName: 'it counts', status: 'failed', failureMessages: [why] },
          { fullName: 'it reads', status: 'passed', failureMessages: [] },
        ],
      },
      { name: '/r/libs/c.test.ts', status: 'passed', message: '', assertionResults: [] },
    ],
  };
  const [first, second, ...others] = tell(read(JSON.stringify(json)), '/r');
  expect(others).toEqual([]);
  expect(first).toBe('libs/a.test.ts\n    all of it');
  const lines = second?.split('\n') ?? [];
  expect(lines.slice(0, 5)).toEqual([
    'libs/b.test.ts › it counts',
    '    expected 1',
    '    received 2',
    '        at a (libs/a.test.ts:3:1)',
    '    more',
  ]);
  expect(lines).toHaveLength(13);
});

test('where no report was written nothing is known', () => {
  expect(failedFiles(path.join(folder, 'none.json'))).toEqual([]);
  expect(read('{"testRes')).toEqual([]);
});

test('up to three files are asked again', () => {
  const files = ['/a', '/b', '/c'].map((name) => failed(name, 'it took too long', 'and so did this'));
  expect(worthAskingAgain(files)).toEqual(['/a', '/b', '/c']);
  expect(worthAskingAgain([...files, failed('/d', 'it took too long')])).toEqual([]);
  expect(worthAskingAgain([])).toEqual([]);
});

test('nothing is asked again where a property has a counterexample, or a file could not be run', () => {
  const slow = failed('/a', 'it took too long');
  expect(worthAskingAgain([slow, failed('/b', 'Property failed after 3 tests\nCounterexample: [0]')])).toEqual([]);
  expect(worthAskingAgain([slow, failed('/c')])).toEqual([]);
});
