// Provider credentials: sealed to the workers as soon as they are read, stored and published sealed. Control can make them and never open them.
import { createHmac } from 'node:crypto';
import type { CredentialEntry } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import { sealSecret, type Sealed } from '@waystation/runtime';
import type { Change } from '../changes/changes.js';

export interface CredentialSource {
  readonly id: string;
  readonly provider: string;
  readonly kind: CredentialEntry['kind'];
  readonly name?: string;
  /** Absent where the kind is `none`. */
  readonly secret?: string;
  /** Instead of it, where it is not known any more. */
  readonly sealed?: SealedSecret;
}

/** A secret that was sealed when it was given, and what tells it from others. */
export interface SealedSecret {
  readonly text: Sealed;
  readonly fingerprint: string;
}

/** Tells whether a secret is still the same without keeping it: sealing the same text twice has nothing in common. */
const fingerprintOf = (publicKey: string, { id, kind, name, secret, sealed }: CredentialSource): string =>
  createHmac('sha256', `${publicKey} ${id}`)
    .update(JSON.stringify([kind, name ?? null, secret ?? sealed?.fingerprint ?? null]))
    .digest('hex');

/** @param id of the credential, which is the place that it is sealed for */
export const sealNow = (publicKey: string, id: string, secret: string): SealedSecret => ({
  text: sealSecret(publicKey, secret, id),
  fingerprint: fingerprintOf(publicKey, { id, provider: '', kind: 'none', secret }),
});

/** As it goes to the workers; null where there is no secret. */
export const sealedOf = (publicKey: string, { id, secret, sealed }: CredentialSource): Sealed | null =>
  sealed?.text ?? (secret === undefined ? null : sealSecret(publicKey, secret, id));

/** Makes the operator's credentials be exactly these. Answers the ids that changed. */
export const storeCredentials = async (
  { runner, version, touch }: Change,
  publicKey: string,
  sources: readonly CredentialSource[],
): Promise<string[]> => {
  const stored = new Map(
    (
      await queryRows<{ id: string; fingerprint: string }>(
        runner,
        'select id, fingerprint from credentials where workspace_id is null',
      )
    ).map((row) => [row.id, row.fingerprint]),
  );
  const changed: string[] = [];
  for (const source of sources) {
    const fingerprint = fingerprintOf(publicKey, source);
    const isKnown = stored.get(source.id) === fingerprint;
    stored.delete(source.id);
    if (isKnown) continue;
    const sealed = sealedOf(publicKey, source);
    await runner.query(
      `insert into credentials (id, provider, kind, name, sealed, fingerprint, version) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (id) do update set provider = $2, kind = $3, name = $4, sealed = $5, fingerprint = $6, version = $7`,
      [
        source.id,
        source.provider,
        source.kind,
        source.name ?? null,
        sealed && JSON.stringify(sealed),
        fingerprint,
        version,
      ],
    );
    changed.push(source.id);
  }
  const gone = [...stored.keys()];
  if (gone.length > 0) await runner.query('delete from credentials where id = any($1)', [gone]);
  for (const id of [...changed, ...gone]) touch('credential', id);
  return [...changed, ...gone];
};
