// The end of a run says what failed and why, however far above it was seen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tellFailures } from './report.js';

const folder = mkdtempSync(path.join(tmpdir(), 'waystation-test-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (text: string): string => {
  const file = path.join(folder, 'jest.json');
  writeFileSync(file, text);
  return file;
};

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
  const [first, second, ...others] = tellFailures(written(JSON.stringify(json)), '/r');
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

test('where no report was written there is nothing to tell', () => {
  expect(tellFailures(path.join(folder, 'none.json'), '/r')).toEqual([]);
  expect(tellFailures(written('{"testRes'), '/r')).toEqual([]);
});
