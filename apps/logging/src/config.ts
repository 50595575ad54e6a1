// The logging app's variables. The only file of this app that knows their names.
import { z } from 'zod';

export interface LoggingConfig {
  readonly writerUrl: string;
  readonly readerUrl: string;
}

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });

export const loggingConfig: z.ZodType<LoggingConfig> = z
  .object({ WAYSTATION_LOGGING_WRITER_URL: postgresUrl, WAYSTATION_LOGGING_READER_URL: postgresUrl })
  .transform((env) => ({ writerUrl: env.WAYSTATION_LOGGING_WRITER_URL, readerUrl: env.WAYSTATION_LOGGING_READER_URL }));
