// Control's variables. The only file of this app that knows their names.
import { fileURLToPath } from 'node:url';
import { isWellFormedApiKey, parseUsd } from '@waystation/contracts';
import { z } from 'zod';

export interface ControlConfig {
  readonly writerUrl: string;
  readonly readerUrl: string;
  /** X25519, base64url of the raw 32 bytes. */
  readonly workerPublicKey: string;
  readonly configFile?: string;
  readonly sandboxUrl?: string;
  /** Hosts of the operator's own network that the management API may name; lower case. */
  readonly privateHosts: readonly string[];
  readonly seeds: {
    readonly apiKey?: string;
    readonly managementKey?: string;
    /** Picodollars granted to the workspace `default`; only with an api key. */
    readonly credits: bigint;
  };
  /** Where the catalog's own files are. */
  readonly catalogFolder: string;
  /** For `${VAR}` in the operator's file, and the keys and addresses of the catalog's providers. */
  readonly environment: Readonly<Record<string, string>>;
}

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });
const seedKey = z.string().refine(isWellFormedApiKey, 'must be a key of the form sk-way-v1-… with a valid checksum');

/** The files that come with the project; sources and build output lie equally deep. */
const CATALOG_FOLDER = fileURLToPath(new URL('../../../libs/catalog/data', import.meta.url));

/** What must not be set in production: it would let anybody in who has read the documentation. */
const DEVELOPMENT_ONLY = [
  'WAYSTATION_SANDBOX_URL',
  'WAYSTATION_SEED_API_KEY',
  'WAYSTATION_SEED_MANAGEMENT_KEY',
  'WAYSTATION_SEED_CREDITS_USD',
];

export const controlConfig: z.ZodType<ControlConfig> = z
  .looseObject({
    WAYSTATION_MODE: z.enum(['development', 'production']).default('production'),
    WAYSTATION_CONTROL_WRITER_URL: postgresUrl,
    WAYSTATION_CONTROL_READER_URL: postgresUrl,
    WAYSTATION_WORKER_PUBLIC_KEY: z
      .string()
      .refine((text) => Buffer.from(text, 'base64url').length === 32, 'must be base64url of 32 bytes (X25519)'),
    WAYSTATION_CONFIG: z.string().min(1).optional(),
    WAYSTATION_CATALOG: z.string().min(1).optional(),
    WAYSTATION_SANDBOX_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// URL' }).optional(),
    WAYSTATION_PRIVATE_HOSTS: z.string().optional(),
    WAYSTATION_SEED_API_KEY: seedKey.optional(),
    WAYSTATION_SEED_MANAGEMENT_KEY: seedKey.optional(),
    WAYSTATION_SEED_CREDITS_USD: z
      .string()
      .refine((text) => (parseUsd(text) ?? -1n) >= 0n, 'must be an amount of USD such as 100')
      .optional(),
  })
  .superRefine((env, context) => {
    if (env.WAYSTATION_MODE !== 'production') return;
    for (const name of DEVELOPMENT_ONLY) {
      if (env[name] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'is refused in production: unset it, or set WAYSTATION_MODE=development',
        });
    }
  })
  .transform((env): ControlConfig => {
    const environment = Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    return {
      writerUrl: env.WAYSTATION_CONTROL_WRITER_URL,
      readerUrl: env.WAYSTATION_CONTROL_READER_URL,
      workerPublicKey: env.WAYSTATION_WORKER_PUBLIC_KEY,
      ...(env.WAYSTATION_CONFIG === undefined ? {} : { configFile: env.WAYSTATION_CONFIG }),
      ...(env.WAYSTATION_SANDBOX_URL === undefined ? {} : { sandboxUrl: env.WAYSTATION_SANDBOX_URL }),
      privateHosts: (env.WAYSTATION_PRIVATE_HOSTS ?? '')
        .split(',')
        .map((host) => host.trim().toLowerCase())
        .filter((host) => host !== ''),
      seeds: {
        ...(env.WAYSTATION_SEED_API_KEY === undefined ? {} : { apiKey: env.WAYSTATION_SEED_API_KEY }),
        ...(env.WAYSTATION_SEED_MANAGEMENT_KEY === undefined
          ? {}
          : { managementKey: env.WAYSTATION_SEED_MANAGEMENT_KEY }),
        credits: parseUsd(env.WAYSTATION_SEED_CREDITS_USD ?? '100') ?? 0n,
      },
      catalogFolder: env.WAYSTATION_CATALOG ?? CATALOG_FOLDER,
      environment,
    };
  });
