// Runs named tests of one file in a copy of the tree, and tells of each whether it passed.
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const TIMEOUT_MS = 240_000;

const jestReport = z.object({
  testResults: z.array(
    z.object({
      /** Set where the file could not be run at all. */
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

export interface TestRun {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** The first line of what the first failure said. */
  readonly why: string | undefined;
}

/** Titles are matched anywhere in a test's full name. `env` goes to Jest. */
export async function runTests(
  tree: string,
  file: string,
  titles: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<TestRun> {
  const report = path.join(tree, 'report.json');
  await rm(report, { force: true });
  const pattern = titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const child = spawn(
    process.execPath,
    [
      ...['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--maxWorkers=1', '--silent'],
      ...['--cacheDirectory', path.join(tree, '.jest-cache'), '--json', `--outputFile=${report}`],
      ...['--testNamePattern', pattern, '--runTestsByPath', file],
    ],
    { cwd: tree, env, stdio: 'ignore', detached: true },
  );
  const timer = setTimeout(() => endGroup(child.pid), TIMEOUT_MS);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: [], failed: [], why: 'Jest ended without a report.' };
  const { testResults } = jestReport.parse(JSON.parse(text));
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status === 'failed');
  return {
    passed: results.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName),
    failed: failed.map(({ fullName }) => fullName),
    why: firstLine(failed[0]?.failureMessages[0] ?? testResults[0]?.message ?? ''),
  };
}

/** Jest and what its tests started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

// eslint-disable-next-line no-control-regex
const COLOURS = /\u001B\[[0-9;]*m/g;
const firstLine = (text: string): string | undefined =>
  text
    .replaceAll(COLOURS, '')
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('●'));
