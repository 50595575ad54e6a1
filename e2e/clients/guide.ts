// The programs of the guide, run as a reader would run them: copied, with the address and the key of a system of their own.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { RunningSystem } from '@waystation/testing';

const ROOT = path.join(import.meta.dirname, '../..');
const GUIDE = path.join(ROOT, 'docs/guides/point-an-sdk-here.md');
const ADDRESS = 'http://127.0.0.1:8080';
const PROGRAM = /```ts\n(.*?)```/gs;
const TIMEOUT_MS = 30_000;

export interface Program {
  /** The package that it imports first. */
  readonly name: string;
  readonly source: string;
}

export const programsOfGuide = (): Program[] =>
  [...readFileSync(GUIDE, 'utf8').matchAll(PROGRAM)].map(([, source = '']) => ({
    name: /from '(.*?)'/.exec(source)?.[1] ?? 'a program',
    source,
  }));

/** What the program prints, and what it complains of. */
export const runProgram = async ({ source }: Program, { url, apiKey }: RunningSystem): Promise<string> => {
  if (!source.includes(ADDRESS)) throw new Error(`the program does not name ${ADDRESS}`);
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '-'],
    {
      cwd: ROOT,
      env: { WAYSTATION_KEY: apiKey },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    },
  );
  child.stdin.end(source.replaceAll(ADDRESS, url));
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return printed + complaints;
};
