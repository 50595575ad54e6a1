// Finds a nats-server that is new enough, or brings one: PATH → our cache → the pinned GitHub release → Debian's package, unpacked privately
// without root. Whatever is fetched is checked (a pinned SHA-256, or apt's signatures) before it is executed.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, chmod, constants, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { searchPath } from './config.ts';
import { MIN_NATS_VERSION, isNewEnough } from './nats-version.ts';
import { cacheFolder, isRoot } from './paths.ts';

const run = promisify(execFile);
const CONNECT_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const APT_TIMEOUT_MS = 120_000;

/** SHA-256 of https://github.com/nats-io/nats-server/releases/download/v2.11.8/nats-server-v2.11.8-<target>.tar.gz, from that release's SHA256SUMS. */
const RELEASE = {
  version: '2.11.8',
  sha256: {
    'linux-amd64': '397a6deffb5533e160de0cca322bc3dcaec7fb7282d66a3dfa87a9c183152ad1',
    'linux-arm64': 'b08936cb1dc0ae7086137bda14c352df64397c4af45ed2b392705c19585aeb84',
    'darwin-amd64': '002c943c1ed39c55cc5e024debfc02685111fcb2b1cbd887aad39ac977037477',
    'darwin-arm64': '23e0c5354c2da385708946a21900c944fcb9a3bbfd02aae27a4ae750dea0b682',
  } as Readonly<Record<string, string>>,
};

const DEBIAN = {
  mirror: 'http://deb.debian.org/debian',
  suite: 'trixie',
  keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
};

export type Log = (line: string) => void;

/** Path of a nats-server of version 2.10 or newer. */
export async function natsBinary(log: Log = () => undefined): Promise<string> {
  const cached = path.join(cacheFolder(), 'nats-server');
  const installed = await findOnPath(log);
  if (installed !== undefined) return installed;
  if (isNewEnough(await versionOf(cached))) return cached;

  const attempts = [
    { name: `the GitHub release v${RELEASE.version}`, fetch: fetchRelease },
    { name: `the package of Debian ${DEBIAN.suite}`, fetch: fetchFromDebian },
  ];
  const failures: string[] = [];
  for (const { name, fetch } of attempts) {
    const folder = await mkdtemp(path.join(tmpdir(), 'waystation-nats-'));
    try {
      const binary = await fetch(folder);
      const version = await versionOf(binary);
      if (!isNewEnough(version)) throw new Error(`it is version ${version ?? 'unknown'}`);
      await install(binary, cached);
      log(`nats-server ${version} from ${name}`);
      return cached;
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      log(`nats-server: ${name} cannot be had (${reason})`);
      failures.push(`${name}: ${reason}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `no nats-server ≥ ${MIN_NATS_VERSION} (${failures.join('; ')}): put one on the PATH, or set NATS_URL to a running server`,
  );
}

async function findOnPath(log: Log): Promise<string | undefined> {
  for (const folder of searchPath()) {
    const candidate = path.join(folder, 'nats-server');
    const version = await versionOf(candidate);
    if (isNewEnough(version)) return candidate;
    if (version !== undefined) log(`passing over ${candidate}: version ${version} is older than ${MIN_NATS_VERSION}`);
  }
  return undefined;
}

/** Undefined if there is no such program or it does not say. */
export async function versionOf(binary: string): Promise<string | undefined> {
  try {
    await access(binary, constants.X_OK);
    const { stdout } = await run(binary, ['--version'], { timeout: 10_000 });
    return /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

async function install(binary: string, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  const half = `${target}.${randomBytes(6).toString('hex')}`;
  await copyFile(binary, half);
  await chmod(half, 0o755);
  await rename(half, target);
}

async function fetchRelease(folder: string): Promise<string> {
  const target = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const expected = RELEASE.sha256[target];
  if (expected === undefined) throw new Error(`no pinned release for ${target}`);
  const name = `nats-server-v${RELEASE.version}-${target}`;
  const bytes = await download(
    `https://github.com/nats-io/nats-server/releases/download/v${RELEASE.version}/${name}.tar.gz`,
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== expected) throw new Error(`its SHA-256 is ${sha256} and should be ${expected}`);
  const archive = path.join(folder, 'nats.tar.gz');
  await writeFile(archive, bytes);
  await run('tar', ['-xzf', archive, '-C', folder]);
  return path.join(folder, name, 'nats-server');
}

/** The connection must stand within seconds; only then may the body take its time. */
async function download(url: string): Promise<Uint8Array> {
  const abort = new AbortController();
  const impatience = setTimeout(
    () => abort.abort(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`)),
    CONNECT_TIMEOUT_MS,
  );
  const deadline = setTimeout(
    () => abort.abort(new Error(`not finished within ${DOWNLOAD_TIMEOUT_MS / 1000} s`)),
    DOWNLOAD_TIMEOUT_MS,
  );
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(impatience);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw cause instanceof Error ? cause : new Error(String(cause));
  } finally {
    clearTimeout(impatience);
    clearTimeout(deadline);
  }
}

/** A package manager of our own inside one folder: its lists, cache and status; the machine's own are not read or changed. Signatures are checked. */
async function fetchFromDebian(folder: string): Promise<string> {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg'))
    throw new Error('this is not a Debian-like system');
  if (!existsSync(DEBIAN.keyring)) throw new Error(`${DEBIAN.keyring} is missing`);
  for (const each of ['state/lists/partial', 'cache/archives/partial', 'download']) {
    await mkdir(path.join(folder, each), { recursive: true });
  }
  const status = path.join(folder, 'status');
  const sources = path.join(folder, 'sources.list');
  await writeFile(status, '');
  await writeFile(sources, `deb [signed-by=${DEBIAN.keyring}] ${DEBIAN.mirror} ${DEBIAN.suite} main\n`);
  const options = [
    ...['-o', `Dir::State=${folder}/state`, '-o', `Dir::State::status=${status}`, '-o', `Dir::Cache=${folder}/cache`],
    ...[
      '-o',
      `Dir::Etc::sourcelist=${sources}`,
      '-o',
      'Dir::Etc::sourceparts=/dev/null',
      '-o',
      'Dir::Etc::preferencesparts=/dev/null',
    ],
    ...['-o', 'Acquire::Languages=none', '-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=10'],
    ...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []),
  ];
  const apt = { cwd: path.join(folder, 'download'), timeout: APT_TIMEOUT_MS };
  await run('apt-get', [...options, '-q', 'update'], apt);
  await run('apt-get', [...options, '-q', 'download', 'nats-server'], apt);
  const file = (await readdir(apt.cwd)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded nothing');
  await run('dpkg', ['-x', path.join(apt.cwd, file), path.join(folder, 'unpacked')]);
  for (const place of ['usr/bin', 'usr/sbin']) {
    const binary = path.join(folder, 'unpacked', place, 'nats-server');
    if (existsSync(binary)) return binary;
  }
  throw new Error(`${file} holds no nats-server`);
}
