// A nats-server of our own: loopback, JetStream with file storage inside the data folder, and (if asked) the users and permissions of
// deploy/nats/accounts.conf with passwords from the environment of the server.
import { writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, startChild } from './child.ts';
import type { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { natsBinary } from './nats-binary.ts';
import type { Log } from './nats-binary.ts';
import { natsInfo } from './nats-version.ts';
import { repositoryRoot } from './paths.ts';

export const ACCOUNTS_FILE = path.join(repositoryRoot, 'deploy', 'nats', 'accounts.conf');
const READY_TIMEOUT_MS = 30_000;
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export interface NatsServerOptions {
  readonly dataDir: string;
  readonly logFile: string;
  readonly port?: number;
  /** Passwords by service name; with them every connection needs a user of accounts.conf. */
  readonly passwords?: Readonly<Record<string, string>>;
  readonly maxPayloadBytes?: number;
  readonly log?: Log;
}

export interface NatsServer {
  /** Without user and password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly child: Child;
  stop(): Promise<void>;
}

/** The variable of accounts.conf that holds a service's password. */
export const natsPasswordVariable = (service: string): string =>
  `NATS_PASSWORD_${service.toUpperCase().replaceAll('-', '_')}`;

export async function startNats(options: NatsServerOptions): Promise<NatsServer> {
  const binary = await natsBinary(options.log);
  const port = options.port ?? (await freePort());
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const file = path.join(options.dataDir, 'nats.conf');
  await writeFile(file, configuration(options, port), { mode: 0o600 });
  const passwords = Object.entries(options.passwords ?? {}).map(([service, password]) => [
    natsPasswordVariable(service),
    password,
  ]);
  const child = await startChild(binary, ['-c', file], {
    env: { PATH: '/usr/bin:/bin', ...(Object.fromEntries(passwords) as Record<string, string>) },
    logFile: options.logFile,
  });
  const url = `nats://127.0.0.1:${port}`;
  for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await sleep(20)) {
    if (child.exitCode !== undefined)
      throw new Error(`nats-server ended while starting: ${whyItEnded(options.logFile)}`);
    const info = await natsInfo(url).catch(() => undefined);
    if (info?.jetstream === true) break;
    if (Date.now() > deadline) {
      await child.kill();
      throw new Error(`nats-server was not ready within ${READY_TIMEOUT_MS / 1000} s; see ${options.logFile}`);
    }
  }
  return { url, port, pid: child.pid, child, stop: () => child.stop('SIGTERM', 10_000) };
}

// An include is resolved against the folder of the file that holds it, even when it looks absolute.
function configuration(options: NatsServerOptions, port: number): string {
  const lines = [
    'host: "127.0.0.1"',
    `port: ${port}`,
    'server_name: "waystation"',
    `max_payload: ${options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES}`,
    `jetstream { store_dir: ${JSON.stringify(path.join(options.dataDir, 'jetstream'))} }`,
  ];
  if (options.passwords !== undefined) {
    lines.push(`include ${JSON.stringify(path.relative(options.dataDir, ACCOUNTS_FILE))}`);
  }
  return `${lines.join('\n')}\n`;
}

const whyItEnded = (logFile: string): string =>
  lastLines(logFile, 20)
    .split('\n')
    .findLast((line) => /\[(FTL|ERR)\]|nats-server:/.test(line)) ?? lastLines(logFile, 3);
