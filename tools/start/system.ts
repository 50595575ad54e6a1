// The running system: brought up in order, watched, restarted, and taken down in order. Whoever holds it can end all of it, whatever happened before.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { lastLines, startChild } from '../../libs/testing/src/servers/child.ts';
import type { Child } from '../../libs/testing/src/servers/child.ts';
import { freePort, portIsFree } from '../../libs/testing/src/servers/free-port.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { build } from './build.ts';
import { openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { StartFault } from './fault.ts';
import type { StartOptions } from './options.ts';
import { say, step } from './progress.ts';
import type { Say } from './progress.ts';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import { loadSecrets } from './secrets.ts';
import type { Secrets } from './secrets.ts';
import { bringUpNats, bringUpPostgres } from './servers.ts';
import type { NatsPlace, PostgresPlace } from './servers.ts';
import { MIGRATE, inherited, migrateEnv, planServices } from './services.ts';
import type { Ground, Service } from './services.ts';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 60_000;
/** Longer than the services' own grace, so that they end by themselves. */
const STOP_GRACE_MS = 35_000;
/**
 * Of every service, as in the image (deploy/Dockerfile): a young generation of 16 MiB, or of 8 where memory is limited, is full of what a batch or a stream still
 * needs, and that is then copied over and over.
 */
const NODE_OPTIONS = ['--enable-source-maps', '--max-semi-space-size=32'];
const RESTARTS_MAX = 10;
const RESTART_WINDOW_MS = 5 * 60_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;

/** One process of the system and how to make it again. */
interface Member {
  readonly name: string;
  readonly port: number;
  readonly publicPort: number | undefined;
  readonly managementPort: number | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTurn: number;
  child: Child;
  start(env?: Readonly<Record<string, string>>): Promise<Child>;
  /** It is being stopped or restarted on purpose. */
  expected: boolean;
  restarts: number[];
}

const urlOf = (host: string, port: number): string => {
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
};

/** The port that was asked for, if nobody has it; any free one for 0. */
const freeOr = async (option: string, port: number, host: string): Promise<number> => {
  if (port === 0) return freePort();
  if (await portIsFree(port, host)) return port;
  throw new StartFault(`port ${port} is taken: end what listens there, or choose another with ${option}`);
};

export class System {
  readonly #options: StartOptions;
  readonly #members = new Map<string, Member>();
  #folder: DataFolder | undefined;
  #stopping: Promise<void> | undefined;
  #runFile: RunFile | undefined;

  constructor(options: StartOptions) {
    this.#options = options;
  }

  async start(): Promise<RunFile> {
    const options = this.#options;
    const folder = await step('data folder', (note) => openDataFolder(options.dataDir, note));
    this.#folder = folder;
    const host = process.env['WAYSTATION_HOST'] ?? '127.0.0.1';
    const publicPort = await freeOr('--port', options.port, host);
    const managementHost = process.env['WAYSTATION_MANAGEMENT_HOST'] ?? '127.0.0.1';
    const managementPort =
      options.managementPort === undefined
        ? undefined
        : await freeOr('--management-port', options.managementPort, managementHost);
    const configFile = checkedConfig(folder);
    if (options.build) await step('build', build);
    const { newApiKey } = await import('@waystation/contracts');
    const secrets = loadSecrets(folder.secretsFile, newApiKey);

    const [postgres, nats] = await this.#startServers(folder, secrets);
    const ground: Ground = {
      options,
      secrets,
      postgres,
      nats,
      publicPort,
      managementPort,
      host,
      configFile,
      release: release(),
    };
    await step('database schema', () => migrate(ground, folder));
    const services = await planServices(ground);
    await step(`${services.length} services (${options.shape})`, () => this.#startServices(services));
    this.#refuseIfStopping();

    const url = urlOf(host, publicPort);
    const managementUrl = managementPort === undefined ? url : urlOf(managementHost, managementPort);
    this.#runFile = {
      url,
      managementUrl,
      apiKey: secrets.apiKey,
      managementKey: secrets.managementKey,
      consoleUrl: `${managementUrl}/console`,
      natsUrl: withLogin(nats),
      databaseUrl: postgres.adminUrl,
      shape: options.shape,
      services: [],
    };
    this.#writeRunFile(postgres, nats);
    return this.#runFile;
  }

  /** Ends everything in order: the public side, workers and router, the back office, the sandbox, NATS, Postgres. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Kills what is still there, at once. */
  kill(): void {
    for (const member of this.#members.values()) member.child.signal('SIGKILL');
  }

  /** Makes a process new, in order or after it was killed; with other variables if some are given. Resolves when it is ready. */
  async restart(name: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
    const member = this.#members.get(name);
    if (member === undefined)
      throw new StartFault(`no service ${name}; there are ${[...this.#members.keys()].join(', ')}`);
    member.expected = true;
    await member.child.stop(member.stopSignal, STOP_GRACE_MS);
    await this.#revive(member, env);
    return member.child.pid;
  }

  /** Both at once; when one fails the other is known before the fault is told, so that it is ended too. */
  async #startServers(folder: DataFolder, secrets: Secrets): Promise<[PostgresPlace, NatsPlace]> {
    this.#refuseIfStopping();
    const bringUp = {
      postgres: (port?: number) => bringUpPostgres(folder, secrets, this.#options.durable, port),
      nats: (note: Say, port?: number) => bringUpNats(folder, secrets, note, port),
    };
    const [postgres, nats] = await Promise.allSettled([
      step('Postgres', async () => {
        const server = await bringUp.postgres();
        this.#adoptServer(server, 'SIGINT', () => bringUp.postgres(server.port));
        return server;
      }),
      step('NATS', async (note) => {
        const server = await bringUp.nats(note);
        this.#adoptServer(server, 'SIGTERM', () => bringUp.nats(() => undefined, server.port));
        return server;
      }),
    ]);
    if (postgres.status === 'rejected') throw postgres.reason;
    if (nats.status === 'rejected') throw nats.reason;
    return [postgres.value, nats.value];
  }

  #refuseIfStopping(): void {
    if (this.#stopping !== undefined) throw new StartFault('stopped before it was ready');
  }

  #adoptServer(
    server: PostgresPlace | NatsPlace,
    stopSignal: NodeJS.Signals,
    again: () => Promise<PostgresPlace | NatsPlace>,
  ): void {
    if (server.child === undefined) return;
    const { name, port, child } = server;
    this.#adopt({
      ...{
        name,
        port,
        child,
        stopSignal,
        publicPort: undefined,
        managementPort: undefined,
        stopTurn: name === 'nats' ? 5 : 6,
        expected: false,
        restarts: [],
      },
      async start() {
        const next = await again();
        if (next.child === undefined) throw new StartFault(`${name} is not ours to restart`);
        return next.child;
      },
    });
  }

  async #startServices(services: readonly Service[]): Promise<void> {
    this.#refuseIfStopping();
    const started = await Promise.allSettled(
      services.map(async (service) => {
        const start = (env: Readonly<Record<string, string>> = {}): Promise<Child> => this.#startService(service, env);
        const { name, internalPort: port, publicPort, managementPort, stopTurn } = service;
        this.#adopt({
          name,
          port,
          publicPort,
          managementPort,
          stopTurn,
          stopSignal: 'SIGTERM',
          child: await start(),
          start,
          expected: false,
          restarts: [],
        });
      }),
    );
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await Promise.all(services.map((service) => this.#waitUntilReady(service.name)));
  }

  async #startService(service: Service, env: Readonly<Record<string, string>>): Promise<Child> {
    if (!existsSync(service.entry))
      throw new StartFault(
        `${path.relative(repositoryRoot, service.entry)} is missing: the build made no ${service.name}`,
      );
    const child = await startChild(process.execPath, [...NODE_OPTIONS, service.entry], {
      env: { ...inherited(service.name.replace(/-\d+$/, ''), process.env), ...service.env, ...env },
      cwd: repositoryRoot,
      logFile: this.#needFolder().logFile(service.name),
    });
    this.#needFolder().remember(service.name, child.pid);
    return child;
  }

  /** `/readyz` answers 200. A service that ends first, or takes too long, says why in the last lines of its log. */
  async #waitUntilReady(name: string): Promise<void> {
    const member = this.#member(name);
    const { child } = member;
    let report = 'no answer';
    for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await sleep(50)) {
      this.#refuseIfStopping();
      const log = this.#needFolder().logFile(name);
      if (child.exitCode !== undefined)
        throw new StartFault(`${name} ended while starting (${child.exitCode}): ${whyItEnded(log)}`);
      if (Date.now() > deadline)
        throw new StartFault(
          `${name} was not ready within ${READY_TIMEOUT_MS / 1000} s (${report}); its log is ${log}`,
        );
      try {
        const response = await fetch(`http://127.0.0.1:${member.port}/readyz`, { signal: AbortSignal.timeout(2_000) });
        report = (await response.text()).slice(0, 500);
        if (response.ok) return;
      } catch {
        // not listening yet
      }
    }
  }

  #adopt(member: Member): void {
    this.#members.set(member.name, member);
    this.#watch(member);
    // It came up while the rest was already going down.
    if (this.#stopping !== undefined) void member.child.stop(member.stopSignal, STOP_GRACE_MS);
  }

  #watch(member: Member): void {
    const { child } = member;
    void child.exited.then((code) => {
      this.#folder?.forget(child.pid);
      if (member.expected || this.#stopping !== undefined || this.#runFile === undefined) return;
      say(`${member.name} (pid ${child.pid}) ended unexpectedly: ${code}`);
      if (this.#options.supervise) void this.#reviveWithBackoff(member);
    });
  }

  async #reviveWithBackoff(member: Member): Promise<void> {
    const now = Date.now();
    member.restarts = [...member.restarts.filter((at) => now - at < RESTART_WINDOW_MS), now];
    if (member.restarts.length > RESTARTS_MAX) {
      say(
        `${member.name} ended ${RESTARTS_MAX} times in ${RESTART_WINDOW_MS / 60_000} min and stays down; its log is ${this.#needFolder().logFile(member.name)}`,
      );
      return;
    }
    await sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (member.restarts.length - 1)));
    if (this.#stopping !== undefined) return;
    try {
      await this.#revive(member, {});
      say(`${member.name} runs again (pid ${member.child.pid})`);
    } catch (error) {
      say(`${member.name} did not come back: ${error instanceof Error ? error.message : String(error)}`);
      if (this.#stopping === undefined) await this.#reviveWithBackoff(member);
    }
  }

  async #revive(member: Member, env: Readonly<Record<string, string>>): Promise<void> {
    member.child = await member.start(env);
    try {
      this.#updateRunFile();
      if (member.stopTurn < 5) await this.#waitUntilReady(member.name);
    } catch (error) {
      member.expected = true;
      await member.child.stop(member.stopSignal, STOP_GRACE_MS);
      throw error;
    }
    member.expected = false;
    this.#watch(member);
  }

  async #stopAll(): Promise<void> {
    const turns = [...new Set([...this.#members.values()].map((member) => member.stopTurn))].sort((a, b) => a - b);
    for (const turn of turns) {
      const members = [...this.#members.values()].filter((member) => member.stopTurn === turn);
      await Promise.all(members.map((member) => member.child.stop(member.stopSignal, STOP_GRACE_MS)));
    }
    this.#folder?.release();
  }

  #writeRunFile(postgres: PostgresPlace, nats: NatsPlace): void {
    if (this.#runFile === undefined) return;
    const given = [postgres, nats].filter((server) => server.child === undefined);
    this.#runFile = { ...this.#runFile, services: given.map(({ name, port }) => ({ name, pid: 0, port })) };
    this.#updateRunFile();
  }

  #updateRunFile(): void {
    if (this.#runFile === undefined) return;
    const given = this.#runFile.services.filter((service) => service.pid === 0);
    const own = [...this.#members.values()].map(({ name, child, port, publicPort, managementPort }) => ({
      ...{ name, pid: child.pid, port },
      ...(publicPort === undefined ? {} : { publicPort }),
      ...(managementPort === undefined ? {} : { managementPort }),
    }));
    this.#runFile = { ...this.#runFile, services: [...given, ...own] };
    const file = this.#needFolder().runFile;
    writeFileSync(`${file}.new`, `${JSON.stringify(this.#runFile, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new StartFault(`no service ${name}`);
    return member;
  }

  #needFolder(): DataFolder {
    if (this.#folder === undefined) throw new Error('the data folder is not open');
    return this.#folder;
  }
}

/** The operator's file, checked for being YAML at all before anything is started; what it says is control's to judge. */
function checkedConfig(folder: DataFolder): string | undefined {
  const given = process.env['WAYSTATION_CONFIG'];
  const file = given === undefined || given === '' ? folder.configFile : path.resolve(given);
  if (file === undefined) return undefined;
  try {
    parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new StartFault(`the configuration ${file} cannot be read: ${reason.replace(/:$/, '')}`, { cause: error });
  }
  return file;
}

async function migrate(ground: Ground, folder: DataFolder): Promise<void> {
  try {
    const { stdout, stderr } = await run(process.execPath, ['--enable-source-maps', MIGRATE], {
      cwd: repositoryRoot,
      env: { ...inherited('migrate', process.env), ...migrateEnv(ground) },
      maxBuffer: 16 * 1024 * 1024,
    });
    writeFileSync(folder.logFile('migrate'), `${stdout}${stderr}`, { flag: 'a', mode: 0o600 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    writeFileSync(folder.logFile('migrate'), `${stdout}${stderr}`, { flag: 'a', mode: 0o600 });
    throw new StartFault(
      `the database schema could not be brought up to date: ${whyItEnded(folder.logFile('migrate'))}`,
      { cause: error },
    );
  }
}

/** The message of the last fatal or error line of a JSON log, or the line with which a program fell; failing that, the last lines as they are. */
function whyItEnded(logFile: string): string {
  for (const line of lastLines(logFile, 40).split('\n').reverse()) {
    if (/^(\w+ failed|\w*Error( \[\w+\])?): /.test(line)) return line;
    const entry = parseLogLine(line);
    const grave = entry?.level === 'fatal' || entry?.level === 'error' || Number(entry?.level) >= 50;
    if (grave) return entry?.msg ?? entry?.err?.message ?? line;
  }
  return `the end of its log is\n${lastLines(logFile, 10)}\n`;
}

function parseLogLine(line: string): { level?: number | string; msg?: string; err?: { message?: string } } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as ReturnType<typeof parseLogLine>;
  } catch {
    return undefined;
  }
}

function withLogin(nats: NatsPlace): string {
  const login = nats.login('operator');
  if (login === undefined) return nats.url;
  const url = new URL(nats.url);
  url.username = login.user;
  url.password = login.password;
  return url.href;
}

const release = (): string =>
  String((JSON.parse(readFileSync(path.join(repositoryRoot, 'package.json'), 'utf8')) as { version: string }).version);
