// Opens sealed credentials. Only workers can; what was opened stays in memory until the entry changes, and is never logged.
// A secret that tokens are got with never goes to a provider: its token does.
import { WaystationError, type CredentialEntry } from '@waystation/contracts';
import { TokenSource, isTokenKind, readGrant, type Credential, type Grant, type Token } from '@waystation/providers';
import { openSealed, type EntitySnapshot } from '@waystation/runtime';

export interface Credentials {
  /**
   * A promise only where a token has to be asked for first; it rejects with `provider_auth`, `provider_unavailable` or `provider_timeout`.
   * @throws WaystationError `provider_auth` where it is missing or cannot be opened
   */
  open(id: string, providerName: string): Credential | Promise<Credential>;
}

/** Asks for a token. */
export type AskToken = (grant: Grant, providerName: string) => Promise<Token>;

/** Opened ones that are kept; the oldest is opened again when it is needed. */
const OPENED_MAX = 10_000;

/** Presents what was opened. */
export type Open = () => Credential | Promise<Credential>;

const bearer = (secret: string): Credential => ({ kind: 'bearer', secret });

const unusable = (providerName: string, what: string): WaystationError =>
  new WaystationError('provider_auth', `The credential configured for ${providerName} ${what}.`, {
    details: { provider_name: providerName },
  });

/** @throws WaystationError `provider_auth` where it cannot be opened, or is not what its kind says */
export const openEntry = (
  entry: CredentialEntry,
  privateKey: string,
  askToken: AskToken,
  providerName: string,
): Open => {
  // The id ties a sealed text to its place: control seals with the same.
  const secret = entry.sealed === undefined ? '' : openSealed(privateKey, entry.sealed, entry.id);
  const { kind, name } = entry;
  if (!isTokenKind(kind)) {
    const credential: Credential = { kind, ...(name === undefined ? {} : { name }), secret };
    return () => credential;
  }
  const reading = readGrant(kind, secret);
  if ('fault' in reading) throw unusable(providerName, `${reading.fault}. The operator has to set it again`);
  const source = new TokenSource(() => askToken(reading.grant, providerName));
  return () => {
    const token = source.get();
    return typeof token === 'string' ? bearer(token) : token.then(bearer);
  };
};

export const createCredentials = (
  snapshot: EntitySnapshot<CredentialEntry>,
  privateKey: string,
  askToken: AskToken,
): Credentials => {
  const opened = new Map<string, Open>();
  snapshot.onChange((id) => void opened.delete(id));
  return {
    open(id, providerName) {
      const known = opened.get(id);
      if (known !== undefined) return known();
      const entry = snapshot.current.get(id);
      if (entry === undefined) throw unusable(providerName, 'is missing. The operator has to set it');
      const open = openEntry(entry, privateKey, askToken, providerName);
      for (const oldest of opened.keys()) {
        if (opened.size < OPENED_MAX) break;
        opened.delete(oldest);
      }
      opened.set(id, open);
      return open();
    },
  };
};
