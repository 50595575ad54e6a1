// What a data folder knows and nobody else: made once, at the first start, readable by its owner only. Losing it loses the database with it.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { NATS_SERVICES } from '../../libs/testing/src/servers/nats-services.ts';
import { StartFault } from './fault.ts';

export const SCHEMAS = ['billing', 'logging', 'control'] as const;
export const ROLES = ['owner', 'writer', 'reader'] as const;

export interface Secrets {
  readonly version: 1;
  readonly apiKey: string;
  readonly managementKey: string;
  readonly worker: { readonly privateKey: string; readonly publicKey: string };
  readonly postgresPassword: string;
  /** `billing_owner`, … */
  readonly rolePasswords: Readonly<Record<string, string>>;
  /** By user of deploy/nats/accounts.conf. */
  readonly natsPasswords: Readonly<Record<string, string>>;
}

export function loadSecrets(file: string, newApiKey: (bytes: (size: number) => Uint8Array) => string): Secrets {
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
    } catch (error) {
      throw new StartFault(`${file} is damaged: restore it from a backup, or start with a new --data-dir`, {
        cause: error,
      });
    }
  }
  const secrets: Secrets = {
    version: 1,
    apiKey: newApiKey(randomBytes),
    managementKey: newApiKey(randomBytes),
    worker: workerKeyPair(),
    postgresPassword: password(),
    rolePasswords: Object.fromEntries(
      SCHEMAS.flatMap((schema) => ROLES.map((role) => [`${schema}_${role}`, password()])),
    ),
    natsPasswords: Object.fromEntries(NATS_SERVICES.map((user) => [user, password()])),
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}

/** Begins with a letter: NATS would read digits out of its configuration as a number. */
const password = (): string => `p${randomBytes(18).toString('hex')}`;

/** X25519, raw 32 bytes each as base64url, which is what a JWK holds. */
function workerKeyPair(): Secrets['worker'] {
  const jwk = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { privateKey: String(jwk['d']), publicKey: String(jwk['x']) };
}
