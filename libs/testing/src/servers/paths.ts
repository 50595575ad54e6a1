// Where things are: the checkout, the folders for cached binaries, and what another user of the machine may enter.
import { mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout this file lives in. */
export const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..');

export const isRoot = process.getuid?.() === 0;

/** `nobody`: Postgres refuses to run as root, so root hands it to the one user that every Unix has. */
export const UNPRIVILEGED = { uid: 65534, gid: 65534 } as const;

/** Whether a user other than the owner may pass through every folder down to this one. */
export function enterableByOthers(folder: string): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    if ((statSync(current).mode & 0o001) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}

/**
 * A folder that survives runs, for binaries. With `forOthers` one that an unprivileged user can read from.
 * Never one that somebody else made: what lies in it gets executed.
 */
export function cacheFolder(options: { forOthers?: boolean } = {}): string {
  const uid = process.getuid?.() ?? 0;
  const candidates = [
    path.join(homedir(), '.cache', 'waystation'),
    ...(isRoot ? ['/var/cache/waystation'] : []),
    path.join(tmpdir(), `waystation-cache-${uid}`),
  ];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      if (process.getuid !== undefined && statSync(folder).uid !== uid) continue;
      if (options.forOthers === true && !enterableByOthers(folder)) continue;
      return folder;
    } catch {
      continue;
    }
  }
  throw new Error(`no folder for downloaded binaries can be made; tried ${candidates.join(', ')}`);
}
