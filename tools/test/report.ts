// What Jest wrote of a run: what failed and why, and which files are worth asking again.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

const LINES_MAX = 12;
/** More than these is no accident of a busy machine. */
const ASKED_AGAIN_MAX = 3;

/** Of jest's JSON. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z
        .array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }))
        .default([]),
    }),
  ),
});

export interface FailedFile {
  readonly name: string;
  /** Why it could not be run; of no use where tests failed. */
  readonly message: string;
  readonly tests: readonly { readonly name: string; readonly why: string }[];
}

/** Empty where nothing failed, or there is no report. */
export function failedFiles(jsonFile: string): FailedFile[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(jsonFile, 'utf8'));
  } catch {
    return [];
  }
  const failed = report.parse(json).testResults.filter(({ status }) => status === 'failed');
  return failed.map(({ name, message, assertionResults }) => ({
    name,
    message,
    tests: assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({ name: fullName, why: failureMessages.join('\n') })),
  }));
}

/** For each test that failed, and each file that could not be run, its place and the first lines of why. */
export const tell = (files: readonly FailedFile[], root: string): string[] =>
  files.flatMap(({ name, message, tests }) => {
    const file = path.relative(root, name);
    return tests.length === 0 ? [told(file, message)] : tests.map((test) => told(`${file} › ${test.name}`, test.why));
  });

function told(title: string, why: string): string {
  const lines = stripVTControlCharacters(why)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*node_modules/.test(line));
  return [title, ...lines.slice(0, LINES_MAX).map((line) => `    ${line}`)].join('\n');
}

/**
 * Files whose failure may have been the machine's. Never a counterexample of a property, which another run would not draw again, never a file that could not be run, and none at all
 * where many failed.
 */
export const worthAskingAgain = (files: readonly FailedFile[]): string[] => {
  const doubtful = files.every(
    ({ tests }) => tests.length > 0 && tests.every(({ why }) => !why.includes('Counterexample')),
  );
  return doubtful && files.length <= ASKED_AGAIN_MAX ? files.map(({ name }) => name) : [];
};
