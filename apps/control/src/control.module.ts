// Two connections, one handler, and what runs in the background: publishing, the catalog's sources, the demo's credits, the check of the audit chain.
import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { openDatabase, type Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import { AuditHandler } from './audit/audit.handler.js';
import { verifyAudit } from './audit/verify-audit.js';
import { openCatalogFiles, type CatalogFiles } from './catalog/catalog-files.js';
import { sha256hex, startCatalogKeeper, type CatalogKeeper } from './catalog/catalog-keeper.js';
import { checkSources, describeFaults } from './catalog/gather-sources.js';
import { createChanges, type Changes } from './changes/changes.js';
import type { ControlConfig } from './config.js';
import { NO_FILE, readConfigFile, type ConfigFile } from './config-file/read-config-file.js';
import { OwnKeysHandler } from './credentials/own-keys.handler.js';
import { AssignmentsHandler } from './guardrails/assignments.handler.js';
import { GuardrailsHandler } from './guardrails/guardrails.handler.js';
import { KeysHandler } from './keys/keys.handler.js';
import { LimitsHandler } from './limits/limits.handler.js';
import { MembersHandler } from './members/members.handler.js';
import { PresetsHandler } from './presets/presets.handler.js';
import { TaskRulesHandler } from './presets/task-rules.handler.js';
import { PrivateProvidersHandler } from './private-providers/private-providers.handler.js';
import { startProjector, type Projector } from './projection/projector.js';
import { seedCredits, seedKeys, seedWorkspace, type CreditsSeeder } from './seeds/seed.js';
import { CATALOG_FILES, CHANGES, CONFIG_FILE, CONTROL_READER, CONTROL_WRITER, WORKER_PUBLIC_KEY } from './tokens.js';
import { SurchargesHandler } from './workspaces/surcharges.handler.js';
import { SuspensionHandler } from './workspaces/suspension.handler.js';

const STATEMENT_TIMEOUT_MS = 10_000;

const open = (
  { log }: AppContext<ControlConfig>,
  role: 'writer' | 'reader',
  url: string,
  poolMax: number,
): Promise<Database> =>
  openDatabase({
    url,
    schema: 'control',
    applicationName: `waystation-control-${role}`,
    poolMax,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    log: (level, message, fields) => log[level](fields, message),
  });

@Module({})
export class ControlModule implements OnApplicationBootstrap, OnApplicationShutdown {
  #projector: Projector | undefined;
  #keeper: CatalogKeeper | undefined;
  #credits: CreditsSeeder | undefined;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<ControlConfig>,
    @Inject(CONTROL_WRITER) private readonly writer: Database,
    @Inject(CONTROL_READER) private readonly reader: Database,
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONFIG_FILE) private readonly file: ConfigFile,
    @Inject(CATALOG_FILES) private readonly catalogFiles: CatalogFiles,
  ) {}

  /** A file with a fault ends the first boot here; afterwards a changed file with a fault is only left aside. */
  static async of(context: AppContext<ControlConfig>): Promise<DynamicModule> {
    const { config } = context;
    const file =
      config.configFile === undefined ? NO_FILE : await readConfigFile(config.configFile, config.environment);
    const catalogFiles = await openCatalogFiles(config.catalogFolder);
    const faults = await checkSources(file, catalogFiles, config.environment, sha256hex);
    if (faults.length > 0) throw new Error(describeFaults(faults));
    const [writer, reader] = await Promise.all([
      open(context, 'writer', config.writerUrl, 4),
      open(context, 'reader', config.readerUrl, 4),
    ]);
    const changes = createChanges(writer);
    await seedWorkspace(changes);
    await seedKeys(changes, config.seeds);
    return {
      module: ControlModule,
      controllers: [
        KeysHandler,
        LimitsHandler,
        MembersHandler,
        GuardrailsHandler,
        AssignmentsHandler,
        OwnKeysHandler,
        PresetsHandler,
        TaskRulesHandler,
        SuspensionHandler,
        SurchargesHandler,
        PrivateProvidersHandler,
        AuditHandler,
      ],
      providers: [
        { provide: CONTROL_WRITER, useValue: writer },
        { provide: CONTROL_READER, useValue: reader },
        { provide: CHANGES, useValue: changes },
        { provide: WORKER_PUBLIC_KEY, useValue: config.workerPublicKey },
        { provide: CONFIG_FILE, useValue: file },
        { provide: CATALOG_FILES, useValue: catalogFiles },
      ],
    };
  }

  /** Nothing of this is awaited: billing may live in this very process and register its handlers after us. */
  onApplicationBootstrap(): void {
    const { context, writer, reader, changes } = this;
    const projector = startProjector(writer, context.bus, context);
    const keeper = startCatalogKeeper(context, changes, this.file, this.catalogFiles, writer);
    const credits = seedCredits(context);
    [this.#projector, this.#keeper, this.#credits] = [projector, keeper, credits];
    changes.onCommit(() => projector.wake());
    const { health } = context;
    health.check('control.postgres', () => ({
      ok: writer.healthy() && reader.healthy(),
      detail: 'the schema control',
    }));
    // Once everybody can see the first catalog, a later outage of NATS is no reason to send management calls elsewhere.
    let published = false;
    health.check('control.published', () => {
      published ||= keeper.ready && projector.settled;
      return { ok: published, detail: keeper.fault ?? projector.fault ?? 'the catalog is not published yet' };
    });
    health.check('control.seeds', () => ({
      ok: credits.ready,
      detail: 'waiting for billing to take the demo credits',
    }));
    void this.#checkAudit();
  }

  async #checkAudit(): Promise<void> {
    const { log, metrics } = this.context;
    let intact = 1;
    metrics.gauge('waystation_control_audit_intact', () => intact);
    try {
      const { records, fault } = await verifyAudit(this.writer);
      if (fault === undefined) return log.info({ records }, 'the audit chain is intact');
      intact = 0;
      log.error(
        { records, fault },
        'the audit chain is broken: records were changed or removed by somebody with access to the database',
      );
    } catch (error) {
      log.warn({ err: error }, 'the audit chain could not be checked');
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.#credits?.stop();
    await Promise.all([this.#keeper?.stop(), this.#projector?.stop()]);
    await Promise.all([this.writer.close(), this.reader.close()]);
  }
}
