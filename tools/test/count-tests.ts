// How many tests passed, failed and were left out, from what Jest wrote.
import { readFileSync } from 'node:fs';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };
export const PASSED: Counts = { passed: 1, failed: 0, skipped: 0 };
export const FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };

export const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/** A file that could not even be run, and a run that ended badly without a failed test, count as one failure. */
export function countTests(jsonFile: string, exitedWell: boolean): Counts {
  let report: Record<string, number>;
  try {
    report = JSON.parse(readFileSync(jsonFile, 'utf8')) as Record<string, number>;
  } catch {
    return FAILED;
  }
  const number = (name: string): number => report[name] ?? 0;
  const failed = number('numFailedTests') + number('numRuntimeErrorTestSuites');
  return {
    passed: number('numPassedTests'),
    failed: failed === 0 && !exitedWell ? 1 : failed,
    skipped: number('numPendingTests') + number('numTodoTests'),
  };
}

export const summary = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
