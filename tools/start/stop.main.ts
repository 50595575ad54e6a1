// `npm stop`: ends the system of a data folder in order, also one whose supervisor was killed. Nothing running is not an error.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { endLeftovers, lockFileOf, readLock } from './data-folder.ts';
import { readOptions } from './options.ts';
import { endProcess, runs } from './processes.ts';

/** A system takes its streams to their end first. */
const GRACE_MS = 90_000;

const { dataDir } = readOptions(process.argv.slice(2), process.env, process.cwd());
const lock = readLock(dataDir);
const running = lock !== undefined && (runs(lock.supervisor) || lock.children.some(runs));
if (lock === undefined || !running) {
  console.log(`nothing is running in ${dataDir}`);
} else {
  const began = performance.now();
  await endProcess(lock.supervisor, 'SIGTERM', GRACE_MS);
  await endLeftovers(readLock(dataDir) ?? lock, console.log);
  rmSync(lockFileOf(dataDir), { force: true });
  rmSync(path.join(dataDir, 'run.json'), { force: true });
  console.log(`stopped in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
