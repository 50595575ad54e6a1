// The billing app's variables. The only file of this app that knows their names.
import { z } from 'zod';

export interface BillingConfig {
  readonly writerUrl: string;
  readonly readerUrl: string;
}

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });

export const billingConfig: z.ZodType<BillingConfig> = z
  .object({ WAYSTATION_BILLING_WRITER_URL: postgresUrl, WAYSTATION_BILLING_READER_URL: postgresUrl })
  .transform((env) => ({ writerUrl: env.WAYSTATION_BILLING_WRITER_URL, readerUrl: env.WAYSTATION_BILLING_READER_URL }));
