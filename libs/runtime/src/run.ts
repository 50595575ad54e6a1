// The one bootstrap. A process is a list of apps: one in the split shape, three in a fused process; app code cannot tell.
// Order: config → log → internal port → bus → apps → handlers → HTTP → ready. Whatever fails before ready is one clear line and exit code 1.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, BUS_TIMES, type Bus, type BusTimes } from '@waystation/bus';
import { mendJsonParse } from '@waystation/contracts';
import type { Logger } from 'pino';
import type { AppContext, AppDefinition } from './app.js';
import { describeFaults, environmentOfProcess, readConfig, type ProcessConfig, type RuntimeConfig } from './config.js';
import { explainError } from './describe-error.js';
import { drainHttp } from './drain-http.js';
import { createHealth, type Health } from './health.js';
import { startInternalHttp } from './internal-http.js';
import { createLog, type Log } from './log.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { createNestApp, listenError, type NestApp } from './nest-app.js';
import { createShutdown, type Shutdown, type ShutdownStep } from './shutdown.js';
import { startTelemetry, type Telemetry } from './telemetry.js';

export interface RunOptions {
  /** Name of the process towards NATS, logs and metrics. Default: the app's name; needed where several apps share the process. */
  readonly service?: string;
}

/** How long a crashing process may try to get its journal out. */
const CRASH_FLUSH_MS = 1_000;
/** A line says that the bus is still away: first after this long, then again each time. */
const WAITING_LINE_MS = 5_000;
/** Between two exports of spans. */
const TRACES_EVERY_MS = 5_000;
/** Shares of the time left that a step of the shutdown may use, so that the later ones get theirs. */
const HTTP_SHARE = 0.8;
const STEP_SHARE = 0.9;

export const run = async (apps: readonly AppDefinition[], options: RunOptions = {}): Promise<void> => {
  mendJsonParse();
  const service = options.service ?? apps.map(({ name }) => name).join('-');
  const outcome = readConfig(apps, environmentOfProcess());
  if ('faults' in outcome) {
    process.stderr.write(describeFaults(service, outcome.faults));
    process.exit(1);
  }
  await runProcess(service, apps, outcome.config);
};

/** What a process is made of, filled in as it boots. */
interface Parts {
  phase: string;
  ready: boolean;
  bus?: Bus;
  readonly apps: NestApp[];
  closeInternal?: () => Promise<void>;
}

const runProcess = async (service: string, apps: readonly AppDefinition[], config: ProcessConfig): Promise<void> => {
  const { runtime } = config;
  const telemetry = await startTelemetry({
    endpoint: runtime.otlpEndpoint,
    service,
    release: runtime.release,
    ratio: runtime.traceRatio,
    everyMs: scaleMs(TRACES_EVERY_MS, runtime.timeScale),
  });
  const log = createLog({ service, release: runtime.release, level: runtime.logLevel, tracing: telemetry.enabled });
  const exit = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  const parts: Parts = { phase: 'starting', ready: false, apps: [] };
  const endNow = new AbortController();
  const shutdown = createShutdown({
    graceMs: runtime.shutdownGraceMs,
    log: log.root,
    endNow,
    exit,
    steps: () => shutdownSteps(parts, telemetry, runtime.shutdownNoticeMs),
  });
  const health = createHealth();
  const metrics = createMetrics();
  dieLoudly(parts, log, exit);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutdown.begin(signal));
  try {
    await boot(service, apps, config, {
      parts,
      log: log.root,
      named: log.named,
      health,
      metrics,
      shutdown,
      stopping: endNow.signal,
    });
  } catch (error) {
    if (shutdown.started) return;
    log.root.fatal({ err: error, phase: parts.phase }, `${service} cannot start: ${explainError(error)}`);
    exit(1);
  }
};

interface Boot {
  readonly parts: Parts;
  readonly log: Logger;
  readonly named: (instance: string) => void;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly shutdown: Shutdown;
  readonly stopping: AbortSignal;
}

const boot = async (
  service: string,
  apps: readonly AppDefinition[],
  config: ProcessConfig,
  own: Boot,
): Promise<void> => {
  const { parts, health, metrics } = own;
  const { runtime } = config;
  checkProcess(own, apps);
  const { host, port } = runtime.internal;
  const internal = await startInternalHttp(runtime.internal, health, metrics, {
    service,
    release: runtime.release,
  }).catch((cause: unknown) => {
    throw listenError('health and metrics (WAYSTATION_INTERNAL_PORT)', host, port, cause);
  });
  parts.closeInternal = internal.close;

  const alone = apps.every((app) => app.bus === false);
  const bus = alone ? absentBus(service) : await connect(service, apps, runtime, own);
  own.named(bus.instance);
  metrics.setDefaultLabels({ service });
  const names = apps.map(({ name }) => name).join(' ');
  metrics.gauge('waystation_process_info', () => 1, { name: bus.instance, apps: names, release: runtime.release });
  metrics.gauge('waystation_ready', () => (health.ready() ? 1 : 0));

  for (const [index, app] of apps.entries()) {
    parts.phase = `starting ${app.name}`;
    const log = apps.length === 1 ? own.log : own.log.child({ app: app.name });
    const nest = await createNestApp(app, contextOf(app, config.apps[index], runtime, bus, { ...own, log }));
    parts.apps.push(nest);
    // At once, so that an app that starts later in this process finds the handlers of the earlier ones.
    await nest.serve();
  }
  parts.phase = 'opening ports';
  const ports: Record<string, number> = {};
  for (const app of parts.apps) Object.assign(ports, await app.listen?.());
  if (own.shutdown.started) return;
  parts.phase = 'running';
  parts.ready = true;
  own.log.info(
    {
      internalPort: internal.port,
      ...ports,
      apps: apps.map(({ name }) => name),
      pid: process.pid,
    },
    'ready',
  );
};

const contextOf = (
  app: AppDefinition,
  config: unknown,
  runtime: RuntimeConfig,
  bus: Bus,
  own: Boot,
): AppContext<unknown> => ({
  name: app.name,
  config,
  bus,
  log: own.log,
  metrics: own.metrics,
  health: own.health,
  release: runtime.release,
  mode: runtime.mode,
  scaleMs: (ms) => scaleMs(ms, runtime.timeScale),
  stopping: own.stopping,
});

/** Whole milliseconds; what was a time stays one (0 often means never). */
const scaleMs = (ms: number, scale: number): number => (ms <= 0 ? ms : Math.max(1, Math.round(ms * scale)));

const publishesFacts = (apps: readonly AppDefinition[]): boolean => apps.some((app) => app.publishesFacts === true);

const checkProcess = ({ parts, health, shutdown }: Boot, apps: readonly AppDefinition[]): void => {
  const check = (ok: boolean, detail: string): { ok: boolean; detail?: string } => (ok ? { ok } : { ok, detail });
  health.check('boot', () => check(parts.ready, parts.phase));
  health.check('shutdown', () => check(!shutdown.started, 'shutting down'));
  if (publishesFacts(apps)) {
    health.check('facts', () =>
      check(parts.bus?.facts.healthy === true, 'the journal of money facts cannot be written, or nobody would read it'),
    );
  }
};

const connect = async (
  service: string,
  apps: readonly AppDefinition[],
  runtime: RuntimeConfig,
  { parts, health, metrics, log }: Boot,
): Promise<Bus> => {
  parts.phase = 'connecting to NATS';
  health.check('bus', () => ({ ok: parts.bus?.state === 'connected', detail: parts.bus?.state ?? 'connecting' }));
  const bus = await connectWaiting(service, apps, runtime, log, metrics);
  parts.bus = bus;
  // A journal begins to look for its consumer when it is first asked: now, so that the process can become ready. The trail is not for all to ask.
  if (publishesFacts(apps)) void bus.facts.healthy;
  measureBus(metrics, bus);
  health.show('bus', () => [
    {
      instance: bus.instance,
      state: bus.state,
      'facts not acked, bytes': bus.facts.unackedBytes,
      'trail not acked, bytes': bus.trail.unackedBytes,
    },
  ]);
  return bus;
};

const USES_OF_A_BUS: readonly PropertyKey[] = [
  'state',
  'onState',
  'request',
  'handle',
  'openStream',
  'handleStream',
  'signal',
  'onSignal',
  'facts',
  'trail',
  'consume',
  'kv',
  'close',
] satisfies (keyof Bus)[];

/** Stands in where no app of the process has a bus: it has a name for logs and metrics, and any use of it is a bug that says so. */
const absentBus = (service: string): Bus =>
  new Proxy({ instance: service } as Bus, {
    get(target, property) {
      if (!USES_OF_A_BUS.includes(property)) return Reflect.get(target, property);
      throw new Error(`${service} runs without a bus (bus: false in its definition) and uses bus.${String(property)}`);
    },
  });

const connectWaiting = async (
  service: string,
  apps: readonly AppDefinition[],
  runtime: RuntimeConfig,
  log: Logger,
  metrics: Metrics,
): Promise<Bus> => {
  const queued = metrics.histogramBy('waystation_bus_queue_seconds');
  const { url, ...credentials } = runtime.nats;
  const shown = url.replaceAll(/\/\/[^@/,]*@/g, '//');
  const since = performance.now();
  const waiting = setInterval(
    () =>
      log.warn(
        { waitedMs: Math.round(performance.now() - since) },
        `waiting for NATS at ${shown}; not ready until it answers`,
      ),
    scaleMs(WAITING_LINE_MS, runtime.timeScale),
  );
  try {
    return await connectBus({
      url,
      ...credentials,
      service,
      services: apps.map(({ name }) => name),
      release: runtime.release,
      times: busTimes(runtime.timeScale),
      connectTimeoutMs: Number.POSITIVE_INFINITY,
      log: (level, message, fields) => log[level](fields, message),
      // Clocks of two machines may differ by more than a message takes.
      onTaken: (contract, queuedMs) => queued.at(contract).observe(Math.max(0, queuedMs) / 1000),
    });
  } finally {
    clearInterval(waiting);
  }
};

/** Times that the speed of the machine decides and not the design: with less than this, a busy machine would look like a broken one. */
const BUS_TIMES_MIN: Partial<BusTimes> = {
  acceptTimeoutMs: 250,
  acceptAfterMs: 50,
  lostAfterMs: 1_500,
  rpcTimeoutMs: 2_000,
  journalAckTimeoutMs: 1_000,
  journalSilenceMs: 700,
  ackWaitMs: 2_000,
  requestGraceMs: 200,
};

const busTimes = (scale: number): BusTimes =>
  Object.fromEntries(
    (Object.keys(BUS_TIMES) as (keyof BusTimes)[]).map((name) => {
      const floorMs = Math.min(BUS_TIMES[name], BUS_TIMES_MIN[name] ?? 0);
      return [name, Math.max(floorMs, scaleMs(BUS_TIMES[name], scale))];
    }),
  ) as unknown as BusTimes;

const measureBus = (metrics: Metrics, bus: Bus): void => {
  metrics.gauge('waystation_bus_connected', () => (bus.state === 'connected' ? 1 : 0));
  for (const journal of ['facts', 'trail'] as const) {
    metrics.gauge('waystation_journal_unacked_bytes', () => bus[journal].unackedBytes, { journal });
  }
};

const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${Math.round(ms)} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Readiness is red from the moment shutdown has begun: see `checkProcess`. */
const shutdownSteps = (parts: Parts, telemetry: Telemetry, noticeMs: number): ShutdownStep[] => {
  const { apps, bus } = parts;
  const each = (work: (app: NestApp) => Promise<void>, ms: number): Promise<void> =>
    within(ms, Promise.all(apps.map(work)));
  const open = apps.some(({ servers }) => servers.some(({ listening }) => listening));
  return [
    { name: 'notice', run: async () => void (await sleep(open ? noticeMs : 0)) },
    {
      name: 'http',
      run: (ms) =>
        within(
          ms * STEP_SHARE,
          Promise.all(apps.flatMap(({ servers }) => servers).map((server) => drainHttp(server, ms * HTTP_SHARE))),
        ),
    },
    { name: 'subscriptions', run: (ms) => each(({ strategy }) => strategy.close(), ms * STEP_SHARE) },
    { name: 'apps', run: (ms) => each((app) => app.close(), ms * STEP_SHARE) },
    {
      name: 'journal',
      run: (ms) =>
        bus &&
        within(ms * STEP_SHARE, Promise.all([bus.facts.flush(ms * HTTP_SHARE), bus.trail.flush(ms * HTTP_SHARE)])),
    },
    { name: 'bus', run: (ms) => bus && within(ms * STEP_SHARE, bus.close(ms * HTTP_SHARE)) },
    { name: 'telemetry', run: (ms) => telemetry.close(ms * HTTP_SHARE) },
    { name: 'internal port', run: () => parts.closeInternal?.() },
  ];
};

/** A bug that nobody caught: the state of the process is unknown, so it ends; first the journal gets a moment, since money may be in it. */
const dieLoudly = (parts: Parts, log: Log, exit: (code: number) => never): void => {
  let dying = false;
  const die = (error: unknown, origin: string): void => {
    log.root.fatal({ err: error, origin }, `ending after an error that nobody caught: ${explainError(error)}`);
    if (dying || parts.bus === undefined) exit(1);
    dying = true;
    const flushed = Promise.allSettled([
      parts.bus?.facts.flush(CRASH_FLUSH_MS),
      parts.bus?.trail.flush(CRASH_FLUSH_MS),
    ]);
    setTimeout(() => exit(1), CRASH_FLUSH_MS + 100);
    void flushed.then(() => exit(1));
  };
  process.on('uncaughtException', (error, origin) => die(error, origin));
  process.on('unhandledRejection', (reason) => die(reason, 'unhandledRejection'));
};
