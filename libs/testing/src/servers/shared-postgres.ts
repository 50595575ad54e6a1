// One Postgres for all test files of a user: kept by a small process of its own (shared-postgres.main.ts), found through a file in a private
// temporary folder, gone when it has been idle. Test runs start in milliseconds and a killed run leaves nothing behind for long.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { inheritedEnvironment, testContainers } from './config.ts';
import { lastLines } from './child.ts';
import { repositoryRoot } from './paths.ts';

const START_TIMEOUT_MS = 120_000;

/** 0711 and not 0700: as root, Postgres runs as `nobody` and must get through to its own folder, whose name it is told. */
export function sharedFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const kind = testContainers() ? 'container' : 'embedded';
  const checkout = createHash('sha256').update(repositoryRoot).digest('hex').slice(0, 12);
  const folder = path.join(tmpdir(), `waystation-test-postgres-${uid}-${checkout}-${kind}`);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  if (process.getuid !== undefined && statSync(folder).uid !== uid)
    throw new Error(`${folder} belongs to another user: remove it`);
  return folder;
}

export async function sharedPostgresUrl(): Promise<string> {
  const folder = sharedFolder();
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(200)) {
    const url = readUrl(folder);
    if (url !== undefined && (await answers(url))) return url;
    // Its own lock lets only one live; the others that were started at the same moment end at once.
    const keeper = spawn(
      process.execPath,
      [path.join(repositoryRoot, 'libs/testing/src/servers/shared-postgres.main.ts'), folder],
      {
        detached: true,
        stdio: 'ignore',
        env: inheritedEnvironment(),
      },
    );
    keeper.unref();
    const code = await new Promise<number | null>((resolve) => {
      keeper.once('exit', resolve);
      void waitForUrl(folder, deadline).then(() => resolve(0));
    });
    if (code !== 0 && code !== ALREADY_KEPT) {
      throw new Error(`the test Postgres did not start: ${lastLines(path.join(folder, 'keeper.log'), 5)}`);
    }
  }
  throw new Error(`the test Postgres was not ready within ${START_TIMEOUT_MS / 1000} s; see ${folder}`);
}

/** Exit code of a keeper that found another one alive. */
export const ALREADY_KEPT = 3;

async function waitForUrl(folder: string, deadline: number): Promise<void> {
  while (readUrl(folder) === undefined && Date.now() < deadline) await sleep(50);
}

function readUrl(folder: string): string | undefined {
  try {
    return readFileSync(path.join(folder, 'url'), 'utf8');
  } catch {
    return undefined;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
