// Builds through Nx, which rebuilds only what changed; when not even a file's date changed since the last build, Nx is not asked.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { StartFault } from './fault.ts';

const run = promisify(execFile);
const STAMP = path.join(repositoryRoot, '.nx', 'waystation-build');
const ROOT_INPUTS = ['.swcrc', 'nx.json', 'package-lock.json', 'tsconfig.base.json', 'tools/build-project.mjs'];
const OUTPUT_LINES_MAX = 15;

/** True if there was something to build. */
export async function build(): Promise<boolean> {
  const before = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === before) return false;
  try {
    await run(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'build', '--outputStyle=static'], {
      cwd: repositoryRoot,
      env: {
        ...process.env,
        PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        NX_DAEMON: 'false',
        NX_TUI: 'false',
        NO_COLOR: '1',
      },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-OUTPUT_LINES_MAX).join('\n');
    throw new StartFault(`the build failed; \`npm run build\` shows all of it:\n${output}`, { cause: error });
  }
  mkdirSync(path.dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, fingerprint());
  return true;
}

/** Names, sizes and dates of all that goes into a build, and whether what came out is still there. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const add = (file: string): void => {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  };
  for (const file of ROOT_INPUTS) add(path.join(repositoryRoot, file));
  for (const group of ['libs', 'apps']) {
    for (const project of readdirSync(path.join(repositoryRoot, group)).sort()) {
      const home = path.join(repositoryRoot, group, project);
      const source = path.join(home, 'src');
      if (!existsSync(source)) continue;
      hash.update(`${home} ${existsSync(path.join(home, 'dist'))}\n`);
      add(path.join(home, 'package.json'));
      const entries = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      for (const file of entries.map((entry) => path.join(entry.parentPath, entry.name)).sort()) add(file);
    }
  }
  return hash.digest('hex');
}
