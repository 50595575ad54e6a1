// The whole system as `npm start` brings it up, in a throw-away data folder on free ports, for black-box tests that also kill parts of it.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteDataFolder } from './servers/cluster-folder.ts';
import type { RunFile } from './run-file.ts';
import { e2eShape, e2eTimeScale, inheritedEnvironment } from './servers/config.ts';
import { repositoryRoot } from './servers/paths.ts';

export interface RunningSystemOptions {
  /** Default: WAYSTATION_E2E_SHAPE, else split. */
  readonly shape?: 'split' | 'fused';
  /** Multiplies every time constant. Default: WAYSTATION_E2E_TIME_SCALE, else 0.1. */
  readonly timeScale?: number;
  /** In the fused shape `ingress` counts data planes. */
  readonly replicas?: {
    readonly ingress?: number;
    readonly router?: number;
    readonly worker?: number;
    /** Of billing, logging and control each; in the fused shape of the process that holds them. */
    readonly backOffice?: number;
  };
  /** Management at a listener of its own. Default: no. */
  readonly separateManagement?: boolean;
  /** The operator's file (waystation.yaml). */
  readonly config?: string;
  /** Variables for every service. */
  readonly env?: Readonly<Record<string, string>>;
  /** Restart services that die. Default: no, tests decide. */
  readonly supervise?: boolean;
}

export type AppName = 'ingress' | 'router' | 'worker' | 'billing' | 'logging' | 'control';

export interface RunningSystem extends Omit<RunFile, 'services'> {
  readonly dataDir: string;
  readonly timeScale: number;
  /** Of every ingress (or data plane), the first being `url`; without path. */
  readonly ingressUrls: readonly string[];
  readonly sandboxUrl: string;
  /** Connects as `operator`. */
  readonly nats: { readonly url: string; readonly user?: string; readonly password?: string };
  /** Name of the process that holds an app in this shape; other names are given back as they are. */
  processOf(name: string): string;
  /** Process names, Postgres and NATS among them. */
  readonly processes: readonly string[];
  pid(name: string): number;
  /** Health and metrics of a process, without path. */
  internalUrl(name: string): string;
  /** SIGKILL; resolves when the process is gone. */
  kill(name: string): Promise<void>;
  signal(name: string, signal: NodeJS.Signals): void;
  /** In order if it runs, or after it was killed; resolves when it is ready again. */
  restartService(name: string, env?: Readonly<Record<string, string>>): Promise<void>;
  logs(name: string): Promise<string>;
  /** Writes the operator's file anew; only where there was one at the start, be it empty. */
  configure(text: string): Promise<void>;
  /** Ends everything and deletes the data. */
  stop(): Promise<void>;
}

const CONFIG_FILE = 'waystation.yaml';
const STOP_TIMEOUT_MS = 90_000;
const OUTPUT_CHARS_MAX = 20_000;
const DATA_PLANE = /^(ingress|router|worker)(-\d+)?$/;
const BACK_OFFICE = /^(billing|logging|control)(-\d+)?$/;

export async function runningSystem(options: RunningSystemOptions = {}): Promise<RunningSystem> {
  const shape = options.shape ?? e2eShape();
  const timeScale = options.timeScale ?? e2eTimeScale();
  const home = await mkdtemp(path.join(tmpdir(), 'waystation-test-'));
  // As root Postgres runs as `nobody`, who must get through to its own folder.
  await chmod(home, 0o711);
  const dataDir = path.join(home, 'data');
  const config = path.join(home, CONFIG_FILE);
  if (options.config !== undefined) await writeFile(config, options.config, { mode: 0o600 });

  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      path.join(repositoryRoot, 'tools/start/main.ts'),
      ...argumentsOf(options, shape, dataDir),
    ],
    {
      cwd: repositoryRoot,
      env: environmentOf(options, timeScale, config),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const output = collect(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const run = await ready(child, ended, output).catch(async (error: unknown) => {
    await deleteAll(dataDir, home);
    throw error;
  });
  return handle({ child, ended, run, shape, timeScale, dataDir, home });
}

function argumentsOf(options: RunningSystemOptions, shape: string, dataDir: string): string[] {
  const { ingress = 1, router = 1, worker = 1, backOffice = 1 } = options.replicas ?? {};
  return [
    ...['--data-dir', dataDir, '--port', '0', '--leashed', '--not-durable'],
    ...['--ingress', String(ingress), '--routers', String(router), '--workers', String(worker)],
    ...['--back-office', String(backOffice)],
    ...(shape === 'fused' ? ['--fused'] : []),
    ...(options.separateManagement === true ? ['--management-port', '0'] : []),
    ...(options.supervise === true ? [] : ['--no-supervise']),
    ...Object.entries(options.env ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ];
}

/** What npm and the machine's owner set must not reach the system under test: no real provider, no foreign server, no other folder. */
function environmentOf(options: RunningSystemOptions, timeScale: number, config: string): NodeJS.ProcessEnv {
  const kept = Object.entries(inheritedEnvironment()).filter(
    ([name]) => !/^(npm_|NODE_OPTIONS$|JEST_|WAYSTATION_|DATABASE_URL$|NATS_URL$)|(_KEY|_TOKEN|_PAT)$/i.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    WAYSTATION_TIME_SCALE: String(timeScale),
    ...(options.config === undefined ? {} : { WAYSTATION_CONFIG: config }),
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-OUTPUT_CHARS_MAX)));
  }
  return () => text;
}

function ready(child: ChildProcess, ended: Promise<void>, output: () => string): Promise<RunFile> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const { ready: run } = message as { ready?: RunFile };
      if (run !== undefined) resolve(run);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`the system did not start:\n${output()}`)));
  });
}

interface Grip {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly run: RunFile;
  readonly shape: 'split' | 'fused';
  readonly timeScale: number;
  readonly dataDir: string;
  readonly home: string;
}

function handle({ child, ended, run, shape, timeScale, dataDir, home }: Grip): RunningSystem {
  const { services: initial, ...rest } = run;
  const services = new Map(initial.map((service) => [service.name, { ...service }]));
  const processOf = (name: string): string => {
    if (shape === 'split') return name;
    if (DATA_PLANE.test(name)) return name.replace(/^(ingress|router|worker)/, 'data-plane');
    return name.replace(BACK_OFFICE, 'back-office$2');
  };
  const service = (name: string) => {
    const found = services.get(processOf(name));
    if (found === undefined)
      throw new Error(`no process ${processOf(name)}; there are ${[...services.keys()].join(', ')}`);
    return found;
  };
  const natsUrl = new URL(run.natsUrl);
  let calls = 0;
  return {
    ...rest,
    dataDir,
    timeScale,
    ingressUrls: initial
      .filter(({ name }) => /^(ingress|data-plane)/.test(name))
      .map(({ publicPort }) => `http://127.0.0.1:${publicPort}`),
    sandboxUrl: `http://127.0.0.1:${service('sandbox').publicPort}`,
    nats: {
      url: `nats://${natsUrl.host}`,
      ...(natsUrl.username === '' ? {} : { user: natsUrl.username, password: natsUrl.password }),
    },
    processOf,
    processes: [...services.keys()],
    pid: (name) => service(name).pid,
    internalUrl: (name) => `http://127.0.0.1:${service(name).port}`,
    async kill(name) {
      const { pid } = service(name);
      process.kill(pid, 'SIGKILL');
      while (exists(pid)) await sleep(5);
    },
    signal(name, signal) {
      process.kill(service(name).pid, signal);
    },
    async restartService(name, env = {}) {
      const found = service(name);
      const id = (calls += 1);
      found.pid = await new Promise<number>((resolve, reject) => {
        const answer = (message: unknown): void => {
          const reply = message as { id?: number; pid?: number; error?: string };
          if (reply.id !== id) return;
          child.off('message', answer);
          if (reply.error === undefined) resolve(reply.pid ?? 0);
          else reject(new Error(reply.error));
        };
        child.on('message', answer);
        void ended.then(() => reject(new Error('the system has ended')));
        child.send({ id, restart: found.name, env });
      });
    },
    logs: (name) => readFile(path.join(dataDir, 'logs', `${processOf(name)}.log`), 'utf8'),
    async configure(text) {
      // At once: half a file would be a file with a fault.
      const written = path.join(home, `${CONFIG_FILE}.next`);
      await writeFile(written, text, { mode: 0o600 });
      await rename(written, path.join(home, CONFIG_FILE));
    },
    async stop() {
      child.kill('SIGTERM');
      const late = new AbortController();
      const timeout = sleep(STOP_TIMEOUT_MS, undefined, { signal: late.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      );
      await Promise.race([ended, timeout]);
      late.abort();
      await ended;
      await deleteAll(dataDir, home);
    },
  };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function deleteAll(dataDir: string, home: string): Promise<void> {
  await deleteDataFolder(dataDir);
  await rm(home, { recursive: true, force: true });
}
