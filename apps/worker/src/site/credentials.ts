// Opens sealed credentials. Only workers can; what was opened stays in memory until the entry changes, and is never logged.
// A secret that tokens are got with never goes to a provider: its token does.
// Invariant: a customer's own key is opened for calls of its workspace to its provider, at the origin that it was kept for, and for no others.
import { WaystationError, toWaystationError, type CredentialEntry } from '@waystation/contracts';
import { TokenSource, isTokenKind, readGrant, type Credential, type Grant, type Token } from '@waystation/providers';
import { openSealed, type EntitySnapshot } from '@waystation/runtime';
import { tellOwnKey } from './tell-own-key.js';

/** Which credential, and for whom: an own key serves its own workspace only. */
export interface CredentialAsked {
  readonly id: string;
  readonly provider: string;
  readonly providerName: string;
  /** Set where it is to be an own key of this workspace; absent where it is to be the station's own. */
  readonly ownedBy?: string | undefined;
  /** The provider's address, where an own key would be sent that brings none. */
  readonly baseUrl?: string | undefined;
}

/** What a call is presented with, and where it goes if not to the provider's address. */
export interface OpenedCredential {
  readonly credential: Credential;
  readonly baseUrl?: string | undefined;
}

export interface Credentials {
  /**
   * A promise only where a token has to be asked for first; it rejects with `provider_auth`, `provider_unavailable` or `provider_timeout`.
   * @throws WaystationError `provider_auth` where it is missing, is not for this call, or cannot be opened
   */
  open(asked: CredentialAsked): OpenedCredential | Promise<OpenedCredential>;
}

/** Asks for a token. */
export type AskToken = (grant: Grant, providerName: string) => Promise<Token>;

/** Opened ones that are kept; the oldest is opened again when it is needed. */
const OPENED_MAX = 10_000;

/** Presents what was opened. */
export type Open = () => OpenedCredential | Promise<OpenedCredential>;

const unusable = ({ providerName, ownedBy }: CredentialAsked, what: string): WaystationError =>
  new WaystationError(
    'provider_auth',
    ownedBy === undefined
      ? `The credential configured for ${providerName} ${what}. The operator has to set it again.`
      : `The workspace's own key for ${providerName} ${what}. Whoever manages the workspace has to set it again.`,
    { details: { provider_name: providerName } },
  );

/** @throws WaystationError `provider_auth` where it cannot be opened, or is not what its kind says */
export const openEntry = (
  entry: CredentialEntry,
  privateKey: string,
  askToken: AskToken,
  asked: CredentialAsked,
): Open => {
  const { kind, name, sealed } = entry;
  if (sealed === undefined && entry.workspaceId !== undefined) throw unusable(asked, 'has no secret');
  // The id ties a sealed text to its place: control seals with the same.
  const secret = sealed === undefined ? '' : openSealed(privateKey, sealed, entry.id);
  const place = entry.baseUrl === undefined ? {} : { baseUrl: entry.baseUrl };
  if (!isTokenKind(kind)) {
    const opened = { credential: { kind, ...(name === undefined ? {} : { name }), secret }, ...place };
    return () => opened;
  }
  const reading = readGrant(kind, secret);
  if ('fault' in reading) throw unusable(asked, reading.fault);
  const source = new TokenSource(() =>
    askToken(reading.grant, asked.providerName).catch((thrown: unknown) => {
      throw asked.ownedBy === undefined ? thrown : tellOwnKey(toWaystationError(thrown), asked);
    }),
  );
  const bearer = (token: string): OpenedCredential => ({ credential: { kind: 'bearer', secret: token }, ...place });
  return () => {
    const token = source.get();
    return typeof token === 'string' ? bearer(token) : token.then(bearer);
  };
};

/** What is named in a plan is looked at again here, where secrets are: a mistake elsewhere must not spend a customer's key for another, or for us. */
const isFor = (entry: CredentialEntry, { provider, ownedBy }: CredentialAsked): boolean =>
  entry.workspaceId === ownedBy && (ownedBy === undefined || entry.provider === provider);

/** A slug can come to mean another address, and one who gave a key gave it to the one before: what is not known to be for this origin is not sent there. */
const requireOrigin = ({ baseUrl, origin }: CredentialEntry, asked: CredentialAsked): void => {
  const goesTo = URL.parse(baseUrl ?? asked.baseUrl ?? '')?.origin;
  const keptFor = URL.parse(origin ?? '')?.origin;
  if (keptFor === undefined) throw unusable(asked, 'does not say for which address it was kept');
  if (goesTo !== keptFor)
    throw unusable(asked, `was kept for ${keptFor} and is sent nowhere else; the provider has another address by now`);
};

export const createCredentials = (
  snapshot: EntitySnapshot<CredentialEntry>,
  privateKey: string,
  askToken: AskToken,
): Credentials => {
  const opened = new Map<string, Open>();
  snapshot.onChange((id) => void opened.delete(id));
  return {
    open(asked) {
      const { id } = asked;
      const entry = snapshot.current.get(id);
      if (entry === undefined || !isFor(entry, asked)) throw unusable(asked, 'is missing');
      if (asked.ownedBy !== undefined) requireOrigin(entry, asked);
      const known = opened.get(id);
      if (known !== undefined) return known();
      const open = openEntry(entry, privateKey, askToken, asked);
      for (const oldest of opened.keys()) {
        if (opened.size < OPENED_MAX) break;
        opened.delete(oldest);
      }
      opened.set(id, open);
      return open();
    },
  };
};
