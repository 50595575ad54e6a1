// `npm run upgrade-check`: does the release of before run on the schema of now? Takes its tree out of git, gives it the migrations of here, and runs its own tests of everything that
// has a database. A migration that takes away what the running release reads or writes fails them: expand now, contract a release later. Skipped, with a line, where there is no history.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { chownForPostgres, startPostgres } from '../../libs/testing/src/servers/postgres-server.ts';
import { failuresOf, type Failures } from './judged.ts';
import { isTest, spliceMigrations } from './splice-migrations.ts';

const run = promisify(execFile);
const APPS = ['billing', 'control', 'logging'] as const;
const MIGRATIONS = APPS.map((app) => `apps/${app}/src/migrations`);
/** Of an older release; what needs no server knows no schema. */
const TESTS = '/apps/(billing|control|logging)/src/.*\\.itest\\.ts$';

/** Servers end with this process, by its exit; a signal alone would leave them. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

/** Each test is over by itself; a busy machine is no reason to fail. */
const TEST_MS = 600_000;

const git = async (...args: readonly string[]): Promise<string> =>
  (await run('git', args, { cwd: repositoryRoot, maxBuffer: 64 * 1024 * 1024 })).stdout.trim();

/** The newest tag of a release that this commit stands on; before the first, the commit before the newest one that added to the schema. */
const releaseBefore = async (): Promise<string | undefined> => {
  try {
    const tag = await git('describe', '--tags', '--abbrev=0', '--match', 'v*', 'HEAD^').catch(() => undefined);
    if (tag !== undefined) return tag;
    const changed = await git('log', '--diff-filter=A', '-1', '--format=%H', '--', ...MIGRATIONS);
    return changed === '' ? undefined : await git('rev-parse', '--short', `${changed}^`);
  } catch {
    return undefined;
  }
};

/** Its tree as it was committed, with our dependencies and our migrations. */
const buildOlder = async (release: string, tree: string): Promise<void> => {
  const archive = path.join(path.dirname(tree), 'tree.tar');
  await git('archive', '--format=tar', `--prefix=${path.basename(tree)}/`, `--output=${archive}`, release);
  await run('tar', ['-xf', archive, '-C', path.dirname(tree)]);
  await symlink(path.join(repositoryRoot, 'node_modules'), path.join(tree, 'node_modules'));
  for (const app of APPS) {
    const [here, there] = [repositoryRoot, tree].map((root) => path.join(root, 'apps', app, 'src'));
    await cp(path.join(here ?? '', 'migrations'), path.join(there ?? '', 'migrations'), {
      ...{ recursive: true, filter: (from) => !isTest(from) },
    });
    const [newer, older] = await Promise.all(
      [here, there].map((src) => readFile(path.join(src ?? '', 'app.ts'), 'utf8')),
    );
    await writeFile(path.join(there ?? '', 'app.ts'), spliceMigrations(older ?? '', newer ?? ''));
  }
};

/** @param which options of jest that choose tests. @param outcome where it writes what came of them */
const runTests = (tree: string, adminUrl: string, which: readonly string[], outcome: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        ...[
          '--experimental-vm-modules',
          'node_modules/jest/bin/jest.js',
          '--maxWorkers=1',
          '--forceExit',
          `--testTimeout=${TEST_MS}`,
        ],
        ...['--json', `--outputFile=${outcome}`, ...which],
      ],
      {
        cwd: tree,
        env: { ...process.env, WAYSTATION_TEST_POSTGRES_URL: adminUrl, NODE_NO_WARNINGS: '1' },
        // What jest writes as JSON besides is in the file already.
        stdio: ['inherit', 'ignore', 'inherit'],
      },
    );
    process.once('exit', () => child.kill('SIGKILL'));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });

const failuresIn = async (outcome: string): Promise<Failures> =>
  failuresOf(JSON.parse(await readFile(outcome, 'utf8')));

/** Tests of a release that is out cannot be mended here, and some wait seconds for what a busy machine takes longer for: a file that failed is asked once more. A schema fails it twice; a person may have judged that it breaks nothing (judged.ts). */
const judge = async (tree: string, adminUrl: string, only: string | undefined): Promise<number> => {
  const outcome = path.join(path.dirname(tree), 'outcome.json');
  const pattern = only === undefined ? TESTS : `${only}.*\\.itest\\.ts$`;
  const code = await runTests(tree, adminUrl, ['--testPathPatterns', pattern], outcome);
  if (code === 0) return 0;
  const { files } = await failuresIn(outcome);
  if (files.length === 0) return code;
  console.log(`once more: ${files.map((file) => path.relative(tree, file)).join(', ')}`);
  const again = await runTests(tree, adminUrl, ['--runTestsByPath', ...files], outcome);
  if (again === 0) return 0;
  const { judged, unjudged } = await failuresIn(outcome);
  for (const { test, why } of judged) console.log(`judged to break nothing: "${test}": ${why}`);
  return judged.length > 0 && unjudged.length === 0 ? 0 : again;
};

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, only: { type: 'string' } } });
  const release = values.from ?? (await releaseBefore());
  if (release === undefined) {
    console.log('skipped: there is no git history here to take the release of before from');
    return 0;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'waystation-upgrade-check-'));
  await chmod(folder, 0o711);
  await chownForPostgres(folder);
  try {
    const tree = path.join(folder, 'older');
    await buildOlder(release, tree);
    const postgres = await startPostgres({
      ...{ dataDir: path.join(folder, 'postgres'), logFile: path.join(folder, 'postgres.log'), durable: false },
      password: randomBytes(16).toString('hex'),
    });
    try {
      console.log(`${release} on the schema of here: ${values.only ?? 'all tests that have a database'}`);
      const code = await judge(tree, postgres.adminUrl, values.only);
      console.log(
        code === 0
          ? `✓ ${release} runs on the schema of here`
          : `✗ ${release} does not run on the schema of here: what it still reads or writes must stay until no process of it is left (docs/guides/upgrade.md)`,
      );
      return code;
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`upgrade-check: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
