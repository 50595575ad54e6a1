// The worker's variables. The only file of this app that knows their names.
import { TOKEN_ENDPOINTS, type ProxiedNames, type TokenEndpoints, type UpstreamTls } from '@waystation/providers';
import { proxiesOf, proxyVariables, type Proxies } from '@waystation/runtime';
import { z } from 'zod';
import { authorityFile, clientCertificates } from './site/client-certificates.js';

export interface WorkerConfig {
  /** X25519, base64url of the raw 32 bytes. Opens the providers' credentials. */
  readonly privateKey: string;
  /** Slugs of the providers that this worker serves; undefined: all. */
  readonly providers: readonly string[] | undefined;
  /** Attempts at the same time; one more is answered busy. */
  readonly attemptsMax: number;
  /** For providers whose catalog entry says nothing else. */
  readonly timeouts: { readonly connectMs: number; readonly firstByteMs: number; readonly idleMs: number };
  /** After the client left a provider that bills to the end: how long to listen for the usage. */
  readonly drainMs: number;
  readonly tls: UpstreamTls;
  /** `TOKEN_ENDPOINTS` itself where nothing else is said. */
  readonly tokenEndpoints: TokenEndpoints;
  readonly proxies: Proxies;
  readonly proxiedNames: ProxiedNames;
}

const ms = (defaultMs: number) => z.coerce.number().int().min(1).max(3_600_000).default(defaultMs);

const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'must be an http or https URL');

/** Variables of before, whose certificate every provider was shown that asked for one. */
const notForEverybody = z
  .undefined('is not read any more: say in WAYSTATION_WORKER_CLIENT_CERTIFICATES for which origins the certificate is')
  .optional();

export const workerConfig: z.ZodType<WorkerConfig> = z
  .object({
    WAYSTATION_WORKER_PRIVATE_KEY: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/, 'must be an X25519 private key: base64url of 32 bytes'),
    WAYSTATION_WORKER_PROVIDERS: z.string().optional(),
    WAYSTATION_WORKER_ATTEMPTS_MAX: z.coerce.number().int().min(1).max(100_000).default(2_048),
    WAYSTATION_WORKER_CONNECT_TIMEOUT_MS: ms(5_000),
    WAYSTATION_WORKER_FIRST_BYTE_TIMEOUT_MS: ms(300_000),
    WAYSTATION_WORKER_IDLE_TIMEOUT_MS: ms(60_000),
    WAYSTATION_WORKER_DRAIN_MS: ms(60_000),
    WAYSTATION_WORKER_CA_FILE: authorityFile.optional(),
    WAYSTATION_WORKER_CLIENT_CERTIFICATES: clientCertificates.optional(),
    WAYSTATION_WORKER_CERT_FILE: notForEverybody,
    WAYSTATION_WORKER_KEY_FILE: notForEverybody,
    WAYSTATION_WORKER_GOOGLE_TOKEN_URL: httpUrl.optional(),
    WAYSTATION_WORKER_AZURE_AUTHORITY_URL: httpUrl.optional(),
    WAYSTATION_WORKER_PROXIED_NAMES: z.enum(['check', 'pin', 'trust'], 'must be check, pin or trust').default('check'),
    ...proxyVariables,
  })
  .transform((env) => ({
    privateKey: env.WAYSTATION_WORKER_PRIVATE_KEY,
    providers: slugs(env.WAYSTATION_WORKER_PROVIDERS),
    attemptsMax: env.WAYSTATION_WORKER_ATTEMPTS_MAX,
    timeouts: {
      connectMs: env.WAYSTATION_WORKER_CONNECT_TIMEOUT_MS,
      firstByteMs: env.WAYSTATION_WORKER_FIRST_BYTE_TIMEOUT_MS,
      idleMs: env.WAYSTATION_WORKER_IDLE_TIMEOUT_MS,
    },
    drainMs: env.WAYSTATION_WORKER_DRAIN_MS,
    tls: {
      ...(env.WAYSTATION_WORKER_CA_FILE === undefined ? {} : { caFile: env.WAYSTATION_WORKER_CA_FILE }),
      ...(env.WAYSTATION_WORKER_CLIENT_CERTIFICATES === undefined
        ? {}
        : { clientCertificates: env.WAYSTATION_WORKER_CLIENT_CERTIFICATES }),
    },
    tokenEndpoints: tokenEndpoints(env.WAYSTATION_WORKER_GOOGLE_TOKEN_URL, env.WAYSTATION_WORKER_AZURE_AUTHORITY_URL),
    proxies: proxiesOf(env),
    proxiedNames: env.WAYSTATION_WORKER_PROXIED_NAMES,
  }));

const tokenEndpoints = (google: string | undefined, azure: string | undefined): TokenEndpoints =>
  google === undefined && azure === undefined
    ? TOKEN_ENDPOINTS
    : {
        googleTokenUrl: google ?? TOKEN_ENDPOINTS.googleTokenUrl,
        azureAuthorityUrl: azure ?? TOKEN_ENDPOINTS.azureAuthorityUrl,
      };

/** An empty list means all, as if it were not set. */
const slugs = (text: string | undefined): readonly string[] | undefined => {
  const list = (text ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
  return list.length === 0 ? undefined : list;
};
