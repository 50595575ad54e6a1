// `npm test`: everything a change must pass. Goes on after a failure to find all of them; the last line is the count. `npm test -- lint unit` runs the stages
// whose names begin so. `npm run faults` is the fault matrix with real times and full counts. What failed is told once more before the last line.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { chownForPostgres, startPostgres } from '../../libs/testing/src/servers/postgres-server.ts';
import type { PostgresServer } from '../../libs/testing/src/servers/postgres-server.ts';
import { FAILED, NOTHING, PASSED, add, countTests, summary } from './count-tests.ts';
import type { Counts } from './count-tests.ts';
import { tellFailures } from './report.ts';
import { chooseStages } from './stages.ts';
import type { Stage } from './stages.ts';

const OUTPUT_CHARS_MAX = 200_000;

const words = process.argv.slice(2);
const stages = chosen();
const folder = await mkdtemp(path.join(tmpdir(), 'waystation-npm-test-'));
await chmod(folder, 0o711);
let current: ChildProcess | undefined;
let postgres: PostgresServer | undefined;
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    endGroup(current, 'SIGTERM');
  });
}

let total = NOTHING;
const told: string[] = [];
try {
  for (const stage of stages) {
    if (interrupted) break;
    const began = performance.now();
    const counts = await run(stage);
    total = add(total, counts);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${counts.failed === 0 ? '✓' : '✗'} ${stage.name.padEnd(24)} ${seconds.padStart(7)} s   ${stage.jest === true ? summary(counts) : ''}`,
    );
  }
} finally {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
}
if (interrupted) total = add(total, FAILED);
for (const each of told) console.log(`\n${each}`);
console.log(summary(total));
process.exit(total.failed === 0 ? 0 : 1);

function chosen(): Stage[] {
  try {
    return chooseStages(
      words.filter((word) => !word.startsWith('--')),
      words.includes('--faults'),
    );
  } catch (error) {
    console.error(`waystation: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}

async function run(stage: Stage): Promise<Counts> {
  const report = path.join(folder, 'jest.json');
  await rm(report, { force: true });
  const { passed, output } = await execute(stage, report);
  if (stage.jest === true) {
    told.push(...tellFailures(report, repositoryRoot).map((failure) => `✗ ${stage.name}: ${failure}`));
    return countTests(report, passed);
  }
  if (passed) return PASSED;
  console.log(output.trimEnd());
  told.push(`✗ ${stage.name}`);
  return FAILED;
}

/** Jest shows its work as it goes; the others speak when they fail. */
async function execute(stage: Stage, report: string): Promise<{ passed: boolean; output: string }> {
  const shown = stage.jest === true;
  const command = [...stage.command, ...(shown ? ['--json', `--outputFile=${report}`, '--silent=false'] : [])];
  const child = spawn(process.execPath, command, {
    cwd: repositoryRoot,
    env: { ...(await environment(stage)), ...(shown ? {} : { NO_COLOR: '1' }) },
    detached: true,
    stdio: ['ignore', shown ? 'ignore' : 'pipe', shown ? 'inherit' : 'pipe'],
  });
  current = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_CHARS_MAX)));
  }
  const timer = setTimeout(() => {
    console.log(`${stage.name} did not end within ${stage.timeoutMs / 60_000} minutes`);
    endGroup(child, 'SIGKILL');
  }, stage.timeoutMs);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  current = undefined;
  return { passed: code === 0, output };
}

async function environment(stage: Stage): Promise<NodeJS.ProcessEnv> {
  const tools = [path.dirname(process.execPath), path.join(repositoryRoot, 'node_modules', '.bin')];
  return {
    ...process.env,
    PATH: [...tools, process.env['PATH'] ?? ''].join(':'),
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', '--disable-warning=ExperimentalWarning'].join(' ').trim(),
    ...(stage.postgres === true ? { WAYSTATION_TEST_POSTGRES_URL: await testPostgres() } : {}),
    ...stage.env,
  };
}

async function testPostgres(): Promise<string> {
  const given = process.env['WAYSTATION_TEST_POSTGRES_URL'];
  if (given !== undefined) return given;
  const home = path.join(folder, 'postgres');
  await chownForPostgres(folder);
  postgres ??= await startPostgres({
    dataDir: home,
    password: randomBytes(16).toString('hex'),
    logFile: path.join(folder, 'postgres.log'),
    durable: false,
  });
  return postgres.adminUrl;
}

/** A stage and everything it started. */
function endGroup(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it has ended already
  }
}
