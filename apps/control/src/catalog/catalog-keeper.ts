// Brings the published catalog up to date with its sources: the catalog's files where a key is set, the operator's file, the providers of the management API, the
// sandbox. At boot and whenever the file, a provider or a probe changes or the time of a price has come. Invariants: billing has stored every price version before
// an endpoint that names it is committed, and none is routed before it is in force; no replica commits a catalog of providers that another has changed.
import { createHash } from 'node:crypto';
import { normaliseCatalog, type NormalisedCatalog } from '@waystation/catalog';
import { BillingPricesPut, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import type { AppContext } from '@waystation/runtime';
import type { Changes } from '../changes/changes.js';
import type { ControlConfig } from '../config.js';
import { readConfigFile, type ConfigFile } from '../config-file/read-config-file.js';
import { storeCredentials } from '../credentials/credential-rows.js';
import { NO_OVERLAY, readOverlay, type Overlay } from '../private-providers/overlay.js';
import { readRevision } from '../private-providers/provider-rows.js';
import type { CatalogFiles } from './catalog-files.js';
import { checkSources, describeFaults, gatherSources, type Sources } from './gather-sources.js';
import { readSandbox } from './sandbox-source.js';
import { storeCatalog } from './store-catalog.js';

/** Says who asks: control itself. */
export const CONTROL_PRINCIPAL: Principal = { kind: 'service', permissions: ['service', 'operator'] };

const PRICES_PER_CALL = 1_000;
const LOOK_EVERY_MS = 2_000;
const RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;

export interface CatalogKeeper {
  /** Whether the sources were brought in once. */
  readonly ready: boolean;
  readonly fault: string | undefined;
  stop(): Promise<void>;
}

export const sha256hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export const startCatalogKeeper = (
  context: Pick<AppContext<ControlConfig>, 'bus' | 'log' | 'config' | 'scaleMs'>,
  changes: Changes,
  first: ConfigFile,
  catalogFiles: CatalogFiles,
  database: Database,
): CatalogKeeper => {
  const { bus, log, config, scaleMs } = context;
  const stored = new Set<string>();
  /** The version at which billing knows an endpoint to be. */
  const atVersion = new Map<string, string>();
  /** When the catalog was last brought up to date by us. */
  let appliedMs = Infinity;
  let stopped = false;
  let ready = false;
  let fault: string | undefined;
  let file = first;
  let applied: ConfigFile | undefined;
  let overlay = NO_OVERLAY;
  let appliedRevision = -1;
  let toldFaults = '';
  let interrupt: (() => void) | undefined;
  let told = false;
  /** The text of the file when it was last looked at. */
  let seen = first.text;

  /** Once at boot, in one line: what the keys of the environment brought, and what they did not. */
  const tell = ({ offered, leftOut, overlayFaults }: Sources): void => {
    const faults = overlayFaults.join('\n  ');
    if (faults !== '' && faults !== toldFaults)
      log.error({}, `providers of the management API cannot be used and are left out:\n  ${faults}`);
    toldFaults = faults;
    if (told) return;
    told = true;
    if (offered.length > 0) log.info({ providers: offered }, 'providers of the catalog are offered by their keys');
    if (leftOut.length > 0)
      log.warn({}, `providers of the catalog have a key and are not offered: ${leftOut.join('; ')}`);
  };

  /** False where it was interrupted. */
  const pause = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      if (stopped) return resolve(false);
      const timer = setTimeout(() => resolve(true), ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });

  /**
   * Tells billing of every price that it may not know: those in force, with the endpoints that are at them from now on, and those to come, so that nothing
   * stands in the way when their time has come. A change that came while we watched is in force since it was to be, any other since now.
   */
  const putPrices = async (known: NormalisedCatalog['prices'], nowMs: number): Promise<void> => {
    const news = known.filter(({ endpointId, version, inForce }) =>
      inForce ? atVersion.get(endpointId) !== version : !stored.has(version),
    );
    for (let at = 0; at < news.length; at += PRICES_PER_CALL) {
      const portion = news.slice(at, at + PRICES_PER_CALL);
      const inForce = portion.filter((each) => each.inForce);
      await bus.request(BillingPricesPut, {
        ...{ v: 1, principal: CONTROL_PRINCIPAL },
        prices: [...new Map(portion.map((each) => [each.version, each])).values()].map(
          ({ version, price, effectiveAtMs = nowMs }) => ({ version, price, effectiveAt: effectiveAtMs }),
        ),
        endpoints: inForce.map(({ endpointId, version, effectiveAtMs }) => ({
          endpointId,
          version,
          effectiveAt: effectiveAtMs !== undefined && effectiveAtMs >= appliedMs ? effectiveAtMs : nowMs,
        })),
      });
      for (const { version } of portion) stored.add(version);
      for (const { endpointId, version } of inForce) atVersion.set(endpointId, version);
    }
  };

  /** Answers when the next price comes into force, in Unix ms; undefined where a private provider was changed meanwhile, so that nothing was done. */
  const apply = async (from: ConfigFile, over: Overlay): Promise<number | undefined> => {
    const sandbox = config.sandboxUrl === undefined ? [] : await readSandbox(config.sandboxUrl);
    const { privateHosts } = config;
    const sources = await gatherSources(from, catalogFiles, config.environment, {
      ...{ sandbox, privateHosts, overlay: over.providers },
    });
    if (sources.faults.length > 0) throw new Error(describeFaults(sources.faults));
    tell(sources);
    const nowMs = Date.now();
    const catalog = normaliseCatalog(sources.located, sha256hex, nowMs);
    if (catalog.faults.length > 0) throw new Error(describeFaults(catalog.faults));
    for (const rounding of catalog.roundings) log.warn({}, rounding);
    await putPrices(catalog.prices, nowMs);
    const isCurrent = await changes.commit(async (change) => {
      if ((await readRevision(change.runner)) !== over.revision) return { result: false };
      const credentials = await storeCredentials(change, config.workerPublicKey, sources.credentials);
      const { written, removed } = await storeCatalog(change, catalog);
      if (credentials.length + written.length + removed.length === 0) return { result: true };
      log.info(
        { written: written.length, removed: removed.length, credentials: credentials.length },
        'the catalog was brought up to date',
      );
      return {
        result: true,
        fact: {
          actor: { kind: 'service', reason: 'catalog-sources' },
          action: 'catalog.applied',
          subject: 'catalog',
          detail: { written, removed, credentials },
        },
      };
    });
    if (!isCurrent) return undefined;
    appliedMs = nowMs;
    return Math.min(
      ...catalog.prices.map(({ effectiveAtMs = 0 }) => (effectiveAtMs > nowMs ? effectiveAtMs : Infinity)),
    );
  };

  /** What the management API has, where it changed. */
  const lookOver = async (): Promise<void> => {
    const revision = await database.transaction((runner) => readRevision(runner));
    if (revision !== overlay.revision)
      overlay = await database.transaction((runner) => readOverlay(runner, config.environment, Date.now()));
  };

  /** The file as it is now, if it changed and is good; what is wrong with it is logged once and nothing else happens. */
  const look = async (): Promise<void> => {
    if (config.configFile === undefined) return;
    const read = await readConfigFile(config.configFile, config.environment);
    const settled = read.text === seen;
    seen = read.text;
    // Whoever writes a file may be in the middle of it: it counts when it was the same twice.
    if (read.text === file.text || !settled) return;
    const faults = await checkSources(read, catalogFiles, config.environment, sha256hex);
    file = faults.length > 0 ? { ...file, text: read.text } : read;
    if (faults.length > 0)
      log.error(
        { file: config.configFile },
        `${describeFaults(faults)}\nThe file is left aside; what was there before stays.`,
      );
  };

  const run = async (): Promise<void> => {
    let retryMs = RETRY_MS;
    let nextChangeMs = Infinity;
    while (!stopped) {
      try {
        await lookOver();
        if (
          applied?.providers !== file.providers ||
          appliedRevision !== overlay.revision ||
          Date.now() >= nextChangeMs
        ) {
          const next = await apply(file, overlay);
          if (next === undefined) continue;
          nextChangeMs = next;
          [applied, appliedRevision, ready, fault, retryMs] = [file, overlay.revision, true, undefined, RETRY_MS];
        }
        // Between two looks at the file the whole pause lies, so that they can tell whether somebody is writing it.
        if (await pause(Math.min(scaleMs(LOOK_EVERY_MS), Math.max(0, nextChangeMs - Date.now())))) await look();
        fault = undefined;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== fault)
          log.warn({ err: error }, 'the catalog cannot be brought up to date now; trying again until it works');
        fault = reason;
        await pause(scaleMs(retryMs));
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  };
  changes.onCommit(() => interrupt?.());
  const running = run();

  return {
    get ready() {
      return ready;
    },
    get fault() {
      return fault;
    },
    async stop() {
      stopped = true;
      interrupt?.();
      await running;
    },
  };
};
