// The one way to change anything here: revision, work, audit record and outbox are one transaction, so that what is published and what is audited
// is exactly what was committed. Holding the revision's row makes changes take turns; they are rare.
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { nextRecord, type AuditFact } from '../audit/audit-chain.js';
import { bucketOf, type EntityKind } from '../projection/entities.js';

export interface Change {
  readonly runner: QueryRunner;
  /** What every row that is written now carries. */
  readonly version: number;
  /** Says that an entity was written or removed and has to be published. */
  touch(kind: EntityKind, id: string): void;
}

/** What the work of a change answers: its result, and what to audit. No fact: nothing was changed, nothing is recorded. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly fact?: AuditFact;
}

export interface Changes {
  commit<Result>(work: (change: Change) => Promise<Outcome<Result>>): Promise<Result>;
  /** Called after each commit that changed something. */
  onCommit(listener: () => void): void;
}

export const createChanges = (database: Database, now: () => number = Date.now): Changes => {
  const listeners: (() => void)[] = [];
  return {
    async commit(work) {
      let changed = false;
      const result = await database.transaction(async (runner) => {
        const [revision] = await queryRows<{ value: string }>(
          runner,
          'update revision set value = value + 1 returning value',
        );
        const version = Number(revision?.value);
        const touched = new Map<string, { kind: EntityKind; id: string }>();
        const outcome = await work({
          runner,
          version,
          touch: (kind, id) => void touched.set(`${kind} ${id}`, { kind, id }),
        });
        if (outcome.fact !== undefined) await append(runner, outcome.fact, now());
        await publish(runner, [...touched.values()], version);
        changed = touched.size > 0 || outcome.fact !== undefined;
        return outcome.result;
      });
      if (changed) for (const listener of listeners) listener();
      return result;
    },
    onCommit: (listener) => void listeners.push(listener),
  };
};

const append = async (runner: QueryRunner, fact: AuditFact, at: number): Promise<void> => {
  const [last] = await queryRows<{ id: string; hash: string }>(
    runner,
    'select id, hash from audit order by id desc limit 1',
  );
  const record = nextRecord(fact, last === undefined ? undefined : { id: Number(last.id), hash: last.hash }, at);
  await runner.query(
    `insert into audit (id, at, workspace_id, actor, action, subject, detail, previous_hash, hash)
     values ($1, to_timestamp($2 / 1000.0), $3, $4, $5, $6, $7, $8, $9)`,
    [
      record.id,
      record.at,
      record.workspaceId ?? null,
      JSON.stringify(record.actor),
      record.action,
      record.subject,
      JSON.stringify(record.detail),
      record.previousHash,
      record.hash,
    ],
  );
};

const publish = async (
  runner: QueryRunner,
  touched: readonly { kind: EntityKind; id: string }[],
  version: number,
): Promise<void> => {
  if (touched.length === 0) return;
  await runner.query('insert into outbox (kind, entity_id) select * from unnest($1::text[], $2::text[])', [
    touched.map(({ kind }) => kind),
    touched.map(({ id }) => id),
  ]);
  const buckets = [...new Set(touched.map(({ kind }) => bucketOf(kind)))];
  await runner.query('update heads set version = $1 where bucket = any($2)', [version, buckets]);
};
