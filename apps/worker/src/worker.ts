// What attempts share in one worker: snapshots, connections, the journal, and the limits that decide whether one more may be taken.
import type { Journal } from '@waystation/bus';
import type { AttemptRunRequest, CredentialEntry, MoneyLine, ProviderEntry } from '@waystation/contracts';
import { TOKEN_ENDPOINTS, createUpstreamClient, requestToken, type UpstreamClient } from '@waystation/providers';
import { proxyFor, watchCatalog, watchCredentials, type AppContext } from '@waystation/runtime';
import type { Logger } from 'pino';
import { ALLOWANCE_TIMES, type Allowance } from './attempt/allowance.js';
import { Allowances } from './attempt/allowances.js';
import { InFlight } from './attempt/in-flight.js';
import type { RelayOptions } from './attempt/relay.js';
import { CapacityGate } from './capacity/capacity-gate.js';
import type { WorkerConfig } from './config.js';
import { EndpointHealth } from './health/endpoint-health.js';
import {
  createCredentials,
  openEntry,
  type AskToken,
  type Credentials,
  type OpenedCredential,
} from './site/credentials.js';
import { keepClientCertificates } from './site/client-certificates.js';
import { buildSite, createSites, type Site, type SiteDefaults, type Sites } from './site/sites.js';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.js';

export const WORKER = Symbol('waystation.worker');

const PROGRESS_EVERY_MS = 2_000;
const HEALTH_EVERY_MS = 250;
/** A router that was silent for so long may have missed something. */
const LISTENER_FORGOTTEN_MS = 3_000;
/** The caller waits for its first frame as long, and is told within a second. Not scaled: a short clock makes no disk faster. */
const JOURNAL_MS = 850;
/** How often it is looked whether client certificates were renewed. */
const CERTIFICATES_EVERY_MS = 30_000;
/** How long an answer with a token may take to begin. */
const TOKEN_MS = 10_000;
/** What a provider may still send after the caller left. */
const DRAIN_BYTES_MAX = 16 * 1024 * 1024;
/** Share of the attempts that may be listened to after their callers left; beyond it they are closed and estimated. */
const DRAINING_SHARE = 0.25;

export interface Worker {
  readonly instance: string;
  readonly log: Logger;
  readonly facts: Journal<MoneyLine>;
  readonly sites: Sites;
  readonly credentials: Credentials;
  /** For probes: a provider as it would be called, and what it would be presented with, whether the catalog has it or not. @throws WaystationError */
  readonly siteAt: (entry: ProviderEntry) => Site;
  readonly open: (entry: CredentialEntry, provider: ProviderEntry) => OpenedCredential | Promise<OpenedCredential>;
  readonly client: UpstreamClient;
  readonly inFlight: InFlight;
  readonly capacity: CapacityGate;
  readonly health: EndpointHealth;
  readonly metrics: WorkerMetrics;
  /** Whether one more attempt may be taken: there is room, it was not here before, and the journal can record it. */
  takes(request: AttemptRunRequest): boolean;
  readonly allowances: Allowances;
  relayOptions(billsAfterCancel: boolean, allowance: Allowance | undefined): RelayOptions;
  close(): Promise<void>;
}

export const createWorker = ({
  bus,
  config,
  log,
  metrics,
  health,
  scaleMs,
  stopping,
}: AppContext<WorkerConfig>): Worker => {
  const catalog = watchCatalog(bus, { log });
  const credentials = watchCredentials(bus, { log });
  health.check('worker.snapshots', () => ({
    ok: catalog.ready && credentials.ready,
    detail: 'catalog and credentials from the bus',
  }));
  const client = createUpstreamClient();
  const stopReading = keepClientCertificates(config.tls.clientCertificates, {
    log,
    everyMs: scaleMs(CERTIFICATES_EVERY_MS),
  });
  const inFlight = new InFlight({
    attemptsMax: config.attemptsMax,
    progressEveryMs: scaleMs(PROGRESS_EVERY_MS),
    facts: bus.facts,
  });
  const allowances = new Allowances(bus, {
    repeatMs: scaleMs(ALLOWANCE_TIMES.repeatMs),
    waitMs: scaleMs(ALLOWANCE_TIMES.waitMs),
  });
  const capacity = new CapacityGate(bus, scaleMs);
  capacity
    .listen()
    .catch((error: unknown) => log.error({ err: error }, 'what other workers use of credentials will not be known'));
  const endpointHealth = new EndpointHealth(bus, scaleMs(HEALTH_EVERY_MS), scaleMs, capacity);
  endpointHealth
    .listen(scaleMs(LISTENER_FORGOTTEN_MS))
    .catch((error: unknown) => log.error({ err: error }, 'routers that start will not be told of health'));
  const cells = createWorkerMetrics(
    metrics,
    () => inFlight.count,
    () => inFlight.drainingCount,
  );
  stopping.addEventListener('abort', () => inFlight.stopAll());
  const timeouts = {
    connectMs: scaleMs(config.timeouts.connectMs),
    firstByteMs: scaleMs(config.timeouts.firstByteMs),
    idleMs: scaleMs(config.timeouts.idleMs),
  };
  const siteDefaults: SiteDefaults = {
    timeouts,
    connectionsMax: config.attemptsMax,
    tls: config.tls,
    proxies: config.proxies,
    proxiedNames: config.proxiedNames,
  };
  const askToken: AskToken = (grant, providerName) => {
    const form = grant(config.tokenEndpoints, Date.now());
    const proxy = proxyFor(new URL(form.url), config.proxies);
    return requestToken(client, form, {
      providerName,
      // The operator's own variables may name a server of the operator's own network.
      allowPrivateAddress: config.tokenEndpoints !== TOKEN_ENDPOINTS,
      timeouts: { ...timeouts, firstByteMs: Math.min(timeouts.firstByteMs, scaleMs(TOKEN_MS)) },
      tls: config.tls,
      ...(proxy === undefined ? {} : { proxy: { url: proxy, names: config.proxiedNames } }),
    });
  };
  return {
    instance: bus.instance,
    log,
    facts: bus.facts,
    sites: createSites(catalog, siteDefaults),
    credentials: createCredentials(credentials, config.privateKey, askToken),
    siteAt: (entry) => buildSite(entry, siteDefaults),
    open: (entry, { slug, name }) =>
      openEntry(entry, config.privateKey, askToken, { id: entry.id, provider: slug, providerName: name })(),
    client,
    inFlight,
    capacity,
    health: endpointHealth,
    metrics: cells,
    takes: (request) =>
      catalog.ready &&
      bus.facts.healthy &&
      inFlight.hasRoom &&
      !stopping.aborted &&
      !(request.skipInstances?.includes(bus.instance) ?? false),
    allowances,
    relayOptions: (billsAfterCancel, allowance) => ({
      allowance,
      drain: billsAfterCancel
        ? {
            ms: scaleMs(config.drainMs),
            bytesMax: DRAIN_BYTES_MAX,
            allowed: () => inFlight.drainingCount < config.attemptsMax * DRAINING_SHARE,
          }
        : undefined,
      journalMs: JOURNAL_MS,
      onBytes: (bytes) => void (cells.upstreamBytes.value += bytes),
    }),
    async close() {
      inFlight.stopAll();
      inFlight.close();
      stopReading();
      catalog.stop();
      credentials.stop();
      await Promise.all([client.close(), allowances.drain(), capacity.close(), endpointHealth.close()]);
    },
  };
};
