// What Jest wrote of a run: what failed, and why. In a long log it stands far above the last line, or was cut out of it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

const LINES_MAX = 12;

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

/** For each test that failed, and each file that could not be run, its place and the first lines of why. Empty where there is no report. */
export function tellFailures(jsonFile: string, root: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(jsonFile, 'utf8'));
  } catch {
    return [];
  }
  const failed = report.parse(json).testResults.filter(({ status }) => status === 'failed');
  return failed.flatMap(({ name, message, assertionResults }) => {
    const file = path.relative(root, name);
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    if (tests.length === 0) return [told(file, message)];
    return tests.map(({ fullName, failureMessages }) => told(`${file} › ${fullName}`, failureMessages.join('\n')));
  });
}

function told(title: string, why: string): string {
  const lines = stripVTControlCharacters(why)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*node_modules/.test(line));
  return [title, ...lines.slice(0, LINES_MAX).map((line) => `    ${line}`)].join('\n');
}
