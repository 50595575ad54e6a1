// The door to every npm script, written for any Node ≥ 20: installs what the lock file says if it is not installed, then hands over to the Node 24
// that npm brought, which runs our TypeScript directly.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPTS = {
  start: ['tools/start/main.ts'],
  stop: ['tools/start/stop.main.ts'],
  test: ['tools/test/main.ts'],
  faults: ['tools/test/main.ts', '--faults'],
  mutations: ['tools/mutations/main.ts'],
  bench: ['bench/main.ts'],
  // With the young generation of a service.
  'bench:billing': ['--max-semi-space-size=32', 'bench/billing.ts'],
  'bench:dialects': ['bench/dialects.ts'],
  'bench:routing': ['bench/routing.ts'],
  'bench:week': ['bench/week.ts'],
  'bench:tracing': ['bench/tracing.ts'],
  ledger: ['tools/ledger/main.ts'],
};
const MIN_NODE_MAJOR = 24;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const major = (version) => Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);

function stopWith(line) {
  console.error(`waystation: ${line}`);
  process.exit(1);
}

/** Whether node_modules holds what the lock file names. npm keeps its own record of what it installed. */
function isInstalled() {
  const record = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(([place, entry]) => {
    if (!place.includes('node_modules/')) return true;
    if (entry.link === true) return existsSync(path.join(root, place));
    const found = installed[place];
    // Optional packages are for other platforms.
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function install() {
  const began = Date.now();
  process.stdout.write('  dependencies: npm ci …\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    // Options meant for our script (npm start --detach) are not npm ci's.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_config_(detach|fused|port|data_dir)$/i.test(name)),
    ),
  });
  if (result.status !== 0) stopWith('npm ci failed; what it said is above. Run it by hand, then start again.');
  console.log(`✓ dependencies installed  ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

function findNode() {
  if (major(process.version) >= MIN_NODE_MAJOR) return process.execPath;
  const local = path.join(root, 'node_modules', '.bin', 'node');
  const answer = spawnSync(local, ['--version'], { encoding: 'utf8' });
  if (answer.status === 0 && major(answer.stdout.trim()) >= MIN_NODE_MAJOR) return local;
  return stopWith(
    `Node ${MIN_NODE_MAJOR} is needed and the one npm should have brought does not run (node_modules/.bin/node): ` +
      'delete node_modules and start again with npm allowed to run install scripts, or use Node 24.',
  );
}

if (major(process.version) < 20) stopWith(`Node ≥ 20 is needed; this is ${process.version}`);
const script = SCRIPTS[process.argv[2]];
if (script === undefined) stopWith(`unknown script ${process.argv[2]}; there are ${Object.keys(SCRIPTS).join(', ')}`);
if (!isInstalled()) install();

const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', ...script, ...process.argv.slice(3)], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches the child too, from the terminal; it decides when to end, and we end with it.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => stopWith(error.message));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
