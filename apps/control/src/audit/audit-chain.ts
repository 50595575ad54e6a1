// The audit's hash chain: each record's hash covers the one before it, so that a record cannot be changed, removed or put in between without a trace.
import { createHash } from 'node:crypto';

/** Who did it: a key of a workspace, or one of our own processes. */
export interface Actor {
  readonly kind: 'key' | 'service';
  readonly keyHash?: string;
  readonly memberId?: string;
  /** What a service was doing: `seed`, `config-file`, … */
  readonly reason?: string;
}

/** What changed. Never a secret, never a plaintext key. */
export interface AuditFact {
  readonly workspaceId?: string;
  readonly actor: Actor;
  /** Past tense: `key.created`. */
  readonly action: string;
  /** Id of the entity. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditRecord extends AuditFact {
  readonly id: number;
  /** Unix ms. */
  readonly at: number;
  readonly previousHash: string;
  readonly hash: string;
}

/** What stands before the first record. */
export const FIRST_HASH = '0'.repeat(64);

/** JSON with keys in order at every depth, so that a round trip through jsonb changes nothing. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
};

export const hashOf = ({
  id,
  at,
  workspaceId,
  actor,
  action,
  subject,
  detail,
  previousHash,
}: Omit<AuditRecord, 'hash'>): string =>
  createHash('sha256')
    .update(canonicalJson({ id, at, workspaceId, actor, action, subject, detail, previousHash }))
    .digest('hex');

export const nextRecord = (
  fact: AuditFact,
  previous: { readonly id: number; readonly hash: string } | undefined,
  at: number,
): AuditRecord => {
  const record = { ...fact, id: (previous?.id ?? 0) + 1, at, previousHash: previous?.hash ?? FIRST_HASH };
  return { ...record, hash: hashOf(record) };
};

/** What is wrong with the record that follows `previous`, or undefined. */
export const faultOf = (
  record: AuditRecord,
  previous: { readonly id: number; readonly hash: string } | undefined,
): string | undefined => {
  if (record.id !== (previous?.id ?? 0) + 1) return `record ${(previous?.id ?? 0) + 1} is missing`;
  if (record.previousHash !== (previous?.hash ?? FIRST_HASH))
    return `record ${record.id} does not follow the one before it`;
  if (record.hash !== hashOf(record)) return `record ${record.id} was changed`;
  return undefined;
};
