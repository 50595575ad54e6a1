// Two connections, one consumer, two handlers.
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { openDatabase, type Database } from '@waystation/postgres';
import type { AppContext } from '@waystation/runtime';
import type { LoggingConfig } from './config.js';
import { DecisionsHandler } from './decisions/decisions.handler.js';
import { openPresent, PRESENT, type Present } from './decisions/present.js';
import { GenerationsHandler } from './generations/generations.handler.js';
import { LOGGING_READER, LOGGING_WRITER } from './tokens.js';
import { TrailConsumer } from './trail/trail.consumer.js';

const STATEMENT_TIMEOUT_MS = 10_000;

const open = (
  { log }: AppContext<LoggingConfig>,
  role: 'writer' | 'reader',
  url: string,
  poolMax: number,
): Promise<Database> =>
  openDatabase({
    url,
    schema: 'logging',
    applicationName: `waystation-logging-${role}`,
    poolMax,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    log: (level, message, fields) => log[level](fields, message),
  });

@Module({})
export class LoggingModule implements OnApplicationShutdown {
  constructor(
    @Inject(LOGGING_WRITER) private readonly writer: Database,
    @Inject(LOGGING_READER) private readonly reader: Database,
    @Inject(PRESENT) private readonly present: Present,
  ) {}

  static async of(context: AppContext<LoggingConfig>): Promise<DynamicModule> {
    const [writer, reader] = await Promise.all([
      open(context, 'writer', context.config.writerUrl, 2),
      open(context, 'reader', context.config.readerUrl, 4),
    ]);
    context.health.check('logging.postgres', () => ({
      ok: writer.healthy() && reader.healthy(),
      detail: 'the schema logging',
    }));
    return {
      module: LoggingModule,
      controllers: [GenerationsHandler, DecisionsHandler],
      providers: [
        { provide: LOGGING_WRITER, useValue: writer },
        { provide: LOGGING_READER, useValue: reader },
        { provide: PRESENT, useValue: openPresent(context) },
        TrailConsumer,
      ],
    };
  }

  /** Nest calls a module's hook after those of its providers: the consumer has drained. */
  async onApplicationShutdown(): Promise<void> {
    this.present.close();
    await Promise.all([this.writer.close(), this.reader.close()]);
  }
}
