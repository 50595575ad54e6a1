// Where the cluster of a data folder lies. Usually inside; outside, behind a symlink, where root runs and `nobody`, who then owns it, cannot get inside.
import { lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { chmod, chown, mkdtemp, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { UNPRIVILEGED, enterableByOthers, isRoot } from './paths.ts';

/** What may lie in a folder that we then call our own and close to others. */
const OURS = new Set(['waystation.yaml', 'secrets.json', 'run.json', 'supervisor.json', 'postgres', 'nats', 'logs']);
/** Where root keeps clusters whose data folder `nobody` cannot reach. */
const OUTSIDE = '/var/lib/waystation';

/**
 * The cluster's folder. Root cannot run Postgres and nobody else may enter our folder: it is given to `nobody` (root enters anyway), or, where a
 * folder above it is closed or it holds things that are not ours, the cluster lies outside, behind a symlink.
 */
export async function postgresFolder(dataDir: string): Promise<string> {
  const place = path.join(dataDir, 'postgres');
  if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true) return readlink(place);
  const own = readdirSync(dataDir).every((name) => OURS.has(name) || name.startsWith('supervisor.json'));
  if (own) await chmod(dataDir, 0o700);
  if (!isRoot) return place;
  if (own && enterableByOthers(path.dirname(dataDir))) {
    await chown(dataDir, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
    return place;
  }
  mkdirSync(OUTSIDE, { recursive: true, mode: 0o755 });
  const outside = await mkdtemp(path.join(OUTSIDE, 'postgres-'));
  await chown(outside, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const cluster = path.join(outside, 'data');
  symlinkSync(cluster, place);
  return cluster;
}

/** Deletes a data folder whole, with a cluster that lies outside. */
export async function deleteDataFolder(dataDir: string): Promise<void> {
  const cluster = await readlink(path.join(dataDir, 'postgres')).catch(() => undefined);
  if (cluster !== undefined) {
    const outside = path.dirname(cluster);
    if (path.dirname(outside) === OUTSIDE) await rm(outside, { recursive: true, force: true });
  }
  await rm(dataDir, { recursive: true, force: true });
}
