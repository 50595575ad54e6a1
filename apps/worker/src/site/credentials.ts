// Opens sealed credentials. Only workers can; what was opened stays in memory until the entry changes, and is never logged.
import { WaystationError, type CredentialEntry } from '@waystation/contracts';
import type { Credential } from '@waystation/providers';
import { openSealed, type EntitySnapshot } from '@waystation/runtime';

export interface Credentials {
  /** @throws WaystationError `provider_auth` where it is missing or cannot be opened */
  open(id: string, providerName: string): Credential;
}

/** Opened ones that are kept; the oldest is opened again when it is needed. */
const OPENED_MAX = 10_000;

const openEntry = (entry: CredentialEntry, privateKey: string): Credential => ({
  kind: entry.kind,
  ...(entry.name === undefined ? {} : { name: entry.name }),
  // The id ties a sealed text to its place: control seals with the same.
  secret: entry.sealed === undefined ? '' : openSealed(privateKey, entry.sealed, entry.id),
});

export const createCredentials = (snapshot: EntitySnapshot<CredentialEntry>, privateKey: string): Credentials => {
  const opened = new Map<string, Credential>();
  snapshot.onChange((id) => void opened.delete(id));
  return {
    open(id, providerName) {
      const known = opened.get(id);
      if (known !== undefined) return known;
      const entry = snapshot.current.get(id);
      if (entry === undefined) {
        throw new WaystationError(
          'provider_auth',
          `The credential configured for ${providerName} is missing. The operator has to set it.`,
          {
            details: { provider_name: providerName },
          },
        );
      }
      const credential = openEntry(entry, privateKey);
      for (const oldest of opened.keys()) {
        if (opened.size < OPENED_MAX) break;
        opened.delete(oldest);
      }
      opened.set(id, credential);
      return credential;
    },
  };
};
