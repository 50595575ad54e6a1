// The sandbox's variables. The only file of this app that knows their names.
import { z } from 'zod';

export interface SandboxConfig {
  readonly host: string;
  readonly port: number;
}

export const sandboxConfig: z.ZodType<SandboxConfig> = z
  .object({
    WAYSTATION_SANDBOX_HOST: z.string().min(1).default('127.0.0.1'),
    WAYSTATION_SANDBOX_PORT: z.coerce.number().int().min(0).max(65_535).default(4010),
  })
  .transform((env) => ({ host: env.WAYSTATION_SANDBOX_HOST, port: env.WAYSTATION_SANDBOX_PORT }));
