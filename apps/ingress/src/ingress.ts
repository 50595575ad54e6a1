// Everything the ingress is made of, built once when the app starts and shared by HTTP hooks and controllers.
import { randomBytes } from 'node:crypto';
import { Alive, LeaseRecall, WaystationError } from '@waystation/contracts';
import {
  watchCatalog,
  watchKeys,
  watchPolicies,
  watchPresets,
  watchWorkspaces,
  type AppContext,
  type CatalogSnapshot,
  type HeadSnapshot,
  type EntitySnapshot,
  type PolicySnapshot,
} from '@waystation/runtime';
import type { KeyEntry, PresetEntry, WorkspaceEntry } from '@waystation/contracts';
import { createAffinity, type Affinity } from './affinity/affinity.js';
import { createAside } from './aside/run-aside.js';
import { UNANSWERED_MAX } from './attempt/attempt-in-order.js';
import { watchLoopLag } from './attempt/loop-lag.js';
import { createRetryBudget } from './attempt/retry-budget.js';
import { createAuthenticator, type Authenticator } from './auth/authenticator.js';
import type { IngressConfig } from './config.js';
import { createServicesSeen, type ServicesSeen } from './console/services-seen.js';
import type { Client } from './deliver/client.js';
import type { Delivery } from './deliver/delivery.js';
import { createGiveUp, type GiveUp } from './generate/give-up.js';
import { answerBefore } from './generate/finish.js';
import type { GenerateDeps } from './generate/generate.js';
import type { GenerationRequest } from './generate/generation.js';
import { CLAIM_TIMES, createClaims, type Claims } from './idempotency/claims.js';
import { generateOnce } from './idempotency/generate-once.js';
import { answerNeeds } from './hold/answer-needs.js';
import { leaseBankOver } from './hold/lease-bank.js';
import { createLeaseCache, type LeaseCache } from './hold/lease-cache.js';
import { keepLeftOpen } from './hold/left-open.js';
import { LEASE_TIMES, type LeaseTimes } from './hold/lease-pool.js';
import { hearStatistics, type StatisticsHeard } from './models/endpoint-statistics.js';
import { createIngressCells, type IngressCells } from './metrics.js';
import { ANSWER_WITHIN_MS, createAnswers, type Answers } from './replay/answers.js';
import { generateOrReplay } from './replay/generate-or-replay.js';
import { traceFinished } from './trace-generation.js';

export const INGRESS = Symbol('waystation.ingress');

/** Snapshots older than this admit nobody: a revoked key must be refused within seconds. */
const STALE_AFTER_MS = 8_000;
/** A stream without output for so long gets its status line and comments. */
const WARM_AFTER_MS = 10_000;
/** For a generation in all, from its request to its last byte. */
const DEADLINE_MS = 600_000;
/** A worker that was silent for so long is not asked for in vain. */
const WORKER_HEARD_MS = 3_000;
/**
 * A wedged worker must be passed over within 600 ms: one wait where there is no other worker, two where there is. Not scaled: a short clock makes no process
 * faster. Longer where this process itself gets too little processor, since then the others may as well.
 */
const ACCEPT_MS_IN_ALL = 520;
const ACCEPT_MS_MAX = 5_000;
const LAG_USUAL_MS = 5;
const ACCEPT_MS_PER_LAG = 8;
const LEASE_TICK_MS = 250;
/** Generations in flight in one process; beyond it callers are sent away. */
const OPEN_MAX = 20_000;

export interface Ingress {
  readonly context: AppContext<IngressConfig>;
  readonly authenticator: Authenticator;
  readonly keys: EntitySnapshot<KeyEntry>;
  readonly workspaces: EntitySnapshot<WorkspaceEntry>;
  readonly presets: EntitySnapshot<PresetEntry>;
  readonly policies: HeadSnapshot<PolicySnapshot>;
  readonly catalog: HeadSnapshot<CatalogSnapshot>;
  readonly services: ServicesSeen;
  readonly statistics: StatisticsHeard;
  readonly cells: IngressCells;
  readonly warmAfterMs: number;
  /** Runs a generation to its end. Never rejects: the delivery is told everything. */
  generate(request: GenerationRequest, delivery: Delivery, client: Client): void;
  /** Gives leases back and stops watching. */
  close(): Promise<void>;
}

const scaledTimes = (scaleMs: (ms: number) => number): LeaseTimes => ({
  idleMs: scaleMs(LEASE_TIMES.idleMs),
  endingMs: scaleMs(LEASE_TIMES.endingMs),
  refillPauseMs: scaleMs(LEASE_TIMES.refillPauseMs),
  returnRetryMs: scaleMs(LEASE_TIMES.returnRetryMs),
  tellMs: scaleMs(LEASE_TIMES.tellMs),
  horizonMs: scaleMs(LEASE_TIMES.horizonMs),
});

const openLeases = ({ bus, log, scaleMs }: AppContext<IngressConfig>, cells: IngressCells): LeaseCache => {
  const newLeaseId = (): string => `lease-${bus.instance.slice(0, 24)}-${randomBytes(8).toString('hex')}`;
  return createLeaseCache({
    bank: cells.countRefusals(leaseBankOver(bus)),
    times: scaledTimes(scaleMs),
    now: () => performance.now(),
    newLeaseId,
    onFault: (error, what) => log.warn({ err: error }, `${what} failed`),
  });
};

const openClaims = async ({ bus, log, scaleMs }: AppContext<IngressConfig>): Promise<Claims> =>
  createClaims({
    bucket: await bus.kv('idempotency'),
    times: { answerMs: CLAIM_TIMES.answerMs, retryMs: scaleMs(CLAIM_TIMES.retryMs) },
    nowMs: Date.now,
    onFault: (error, what) => log.warn({ err: error }, `${what} failed`),
  });

const openAnswers = async ({ bus, log }: AppContext<IngressConfig>, cells: IngressCells): Promise<Answers> =>
  createAnswers({
    bucket: await bus.kv('answers'),
    answerMs: ANSWER_WITHIN_MS,
    nowMs: Date.now,
    onLookup: (found) => cells.lookedForAnswer(found),
    onFault: (error, what) => log.warn({ err: error }, `${what} failed`),
  });

const openAffinity = async ({ bus, log }: AppContext<IngressConfig>, cells: IngressCells): Promise<Affinity> =>
  createAffinity({
    bucket: await bus.kv('affinity'),
    nowMs: Date.now,
    onWrite: (write) => cells.toldAffinity(write),
    onFault: (error, what) => log.warn({ err: error }, `${what} failed`),
  });

export const createIngress = async (context: AppContext<IngressConfig>): Promise<Ingress> => {
  const { bus, log, health, metrics, scaleMs, stopping } = context;
  const keys = watchKeys(bus, { log });
  const workspaces = watchWorkspaces(bus, { log });
  const presets = watchPresets(bus, { log });
  const policies = watchPolicies(bus, { log });
  const catalog = watchCatalog(bus, { log });
  const authenticator = createAuthenticator({
    keys,
    workspaces,
    policies,
    staleAfterMs: scaleMs(STALE_AFTER_MS),
    nowMs: Date.now,
    operatorKeyHashes: context.config.operatorKeyHashes,
  });
  const open = new Set<GiveUp>();
  const cells = createIngressCells(
    metrics,
    () => open.size,
    () => leases.openHolds,
  );
  const leases: LeaseCache = openLeases(context, cells);
  const ticking = setInterval(() => leases.tick(), scaleMs(LEASE_TICK_MS));
  ticking.unref();
  const recalls = await bus.onSignal(LeaseRecall, bus.instance, ({ leaseIds }) => leases.recall(leaseIds));
  const claims = await openClaims(context);
  const answers = await openAnswers(context, cells);
  const affinity = await openAffinity(context, cells);
  const needs = await answerNeeds(bus);
  const leftOpen = await keepLeftOpen(bus);
  const services = createServicesSeen(Date.now);
  const beats = await bus.onSignal(Alive, undefined, (beat) => services.saw(beat));
  const statistics = await hearStatistics(bus, catalog, scaleMs);

  health.show('processes', () =>
    services.list().map(({ instance, services: apps, release, lastSeenAt }) => ({
      instance,
      apps: apps.join(' '),
      release,
      'heard, ms ago': Date.now() - lastSeenAt,
    })),
  );
  health.check('keys', () => {
    const stale = authenticator.staleness();
    return stale === undefined ? { ok: true } : { ok: false, detail: stale };
  });
  health.check('catalog', () =>
    catalog.ready ? { ok: true } : { ok: false, detail: 'the catalog has not been loaded yet' },
  );
  stopping.addEventListener('abort', () => {
    for (const giveUp of open) giveUp.now('shutdown');
  });

  const lag = watchLoopLag();
  const tellTrace = traceFinished();
  const refused = {
    fallback: metrics.counter('waystation_ingress_retries_refused_total'),
    second: metrics.counter('waystation_ingress_hedges_refused_total'),
  };
  const deps: GenerateDeps = {
    bus,
    leases,
    needs,
    leftOpen,
    aside: createAside(),
    answers,
    affinity,
    catalog,
    policies,
    log,
    nowMs: Date.now,
    deadlineMs: scaleMs(DEADLINE_MS),
    workers: {
      live: () => services.count('worker', scaleMs(WORKER_HEARD_MS)),
      acceptTimeoutMs: (tries) =>
        Math.min(
          Math.round(
            ACCEPT_MS_IN_ALL / Math.min(tries, UNANSWERED_MAX) + Math.max(0, lag.ms - LAG_USUAL_MS) * ACCEPT_MS_PER_LAG,
          ),
          ACCEPT_MS_MAX,
        ),
    },
    retries: createRetryBudget((what) => (refused[what].value += 1)),
    hedgeAfterMsMin: context.config.hedgeAfterMsMin,
    onRaced: (ended) => cells.raced(ended),
    onFirstByte: (latencyMs) => cells.firstByte(latencyMs),
    onFinished(generation, failure, billed) {
      cells.finished(generation, failure, billed);
      tellTrace(generation, failure, billed);
    },
  };
  return {
    context,
    authenticator,
    keys,
    workspaces,
    presets,
    policies,
    catalog,
    services,
    statistics,
    cells,
    warmAfterMs: scaleMs(WARM_AFTER_MS),
    generate(request, delivery, client) {
      const giveUp = createGiveUp();
      if (open.size >= OPEN_MAX) {
        return delivery.fail(
          new WaystationError('overloaded', 'This server has as many requests in flight as it takes; try again.', {
            retryAfterMs: 1000,
          }),
          answerBefore(request, Date.now()),
        );
      }
      open.add(giveUp);
      client.onGone(() => giveUp.now('client-gone'));
      const startedMs = performance.now();
      const { idempotencyKey } = request;
      const generated =
        idempotencyKey === undefined
          ? generateOrReplay(deps, request, delivery, giveUp)
          : generateOnce(deps, claims, request, idempotencyKey, delivery, giveUp);
      void generated.finally(() => {
        open.delete(giveUp);
        // Ends with its story; of a repetition or a kept answer there is none.
        request.trace?.end();
        cells.generated(performance.now() - startedMs);
      });
    },
    async close() {
      clearInterval(ticking);
      lag.stop();
      await leases.drain();
      await Promise.all([recalls.drain(), beats.drain(), needs.drain(), leftOpen.drain(), statistics.heard.drain()]);
      for (const snapshot of [keys, workspaces, presets, policies, catalog]) snapshot.stop();
    },
  };
};
