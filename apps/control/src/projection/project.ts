// Postgres → KV, in two ways: what the outbox names (after every change), and everything that differs (at boot, and whenever the bus was away).
// Both run under one lock in one repeatable-read transaction, so that a head is written over exactly the set it speaks of, by one replica at a time.
import { SNAPSHOT_KEYS, type HeadEntry } from '@waystation/contracts';
import type { Bus, KvBucket } from '@waystation/bus';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { canonicalJson } from '../audit/audit-chain.js';
import {
  bucketOf,
  HEAD_BUCKETS,
  kindsOf,
  PROJECTED_BUCKETS,
  PROJECTIONS,
  type EntityKind,
  type ProjectedBucket,
} from './entities.js';
import { readContent } from './kv-content.js';

/** Most outbox rows of one pass. */
const ROWS_MAX = 5_000;
/** Writes to KV that are under way at once. */
const WRITES_MAX = 64;
const CONTENT_TIMEOUT_MS = 10_000;

/** Each of them is a put, or a deletion where the value is undefined. */
type Write = readonly [key: string, value: unknown];

interface OutboxRow {
  id: string;
  kind: EntityKind;
  entity_id: string;
}

/** Publishes what the outbox names. True when there may be more, undefined when another replica is at it. */
export const projectOutbox = (database: Database, bus: Bus): Promise<boolean | undefined> =>
  exclusively(database, async (runner) => {
    const rows = await queryRows<OutboxRow>(runner, 'select id, kind, entity_id from outbox order by id limit $1', [
      ROWS_MAX,
    ]);
    if (rows.length === 0) return false;
    const more = rows.length === ROWS_MAX;
    for (const bucket of PROJECTED_BUCKETS) {
      const touched = rows.filter(({ kind }) => bucketOf(kind) === bucket);
      if (touched.length === 0) continue;
      const kv = await bus.kv(bucket);
      for (const kind of kindsOf(bucket)) {
        const ids = [...new Set(touched.filter((row) => row.kind === kind).map(({ entity_id }) => entity_id))];
        if (ids.length > 0) await write(kv, await writesOf(runner, kind, ids));
      }
      // With rows left over the set is not complete yet; the head comes with the last of them.
      if (HEAD_BUCKETS.includes(bucket) && !more) await kv.put(SNAPSHOT_KEYS.head, await headOf(runner, bucket));
    }
    await runner.query('delete from outbox where id <= $1', [rows.at(-1)?.id]);
    return more;
  });

/** Makes a bucket equal to Postgres, writing only what differs. Answers how many keys were written or removed; undefined when another replica is at it. */
export const projectBucket = async (
  database: Database,
  bus: Bus,
  bucket: ProjectedBucket,
): Promise<number | undefined> => {
  const kv = await bus.kv(bucket);
  const content = await readContent(kv, CONTENT_TIMEOUT_MS);
  await outrun(database, bucket, content);
  return exclusively(database, async (runner) => {
    const wanted = new Map<string, unknown>();
    for (const kind of kindsOf(bucket)) {
      const { keyOf, read } = PROJECTIONS[kind];
      for (const { id, entry } of await read(runner, null)) wanted.set(keyOf(id), entry);
    }
    const changed: Write[] = [...wanted].filter(
      ([key, entry]) => canonicalJson(content.get(key) ?? null) !== canonicalJson(entry),
    );
    const stale: Write[] = [...content.keys()]
      .filter((key) => !wanted.has(key) && key !== SNAPSHOT_KEYS.head)
      .map((key) => [key, undefined]);
    await write(kv, [...changed, ...stale]);
    if (HEAD_BUCKETS.includes(bucket)) {
      const head = await headOf(runner, bucket);
      const known = content.get(SNAPSHOT_KEYS.head) as Partial<HeadEntry> | undefined; // only compared
      const isSame =
        known?.version === head.version && known.entities === head.entities && changed.length + stale.length === 0;
      if (!isSame) await kv.put(SNAPSHOT_KEYS.head, head);
    }
    return changed.length + stale.length;
  });
};

/**
 * Readers ignore versions older than the newest they saw. Where KV is ahead of Postgres (a database restored from a backup), the whole bucket gets a
 * revision beyond, so that what Postgres says wins.
 */
const outrun = async (
  database: Database,
  bucket: ProjectedBucket,
  content: ReadonlyMap<string, unknown>,
): Promise<void> => {
  const newest = [...content.values()].reduce<number>((highest, entry) => Math.max(highest, versionOf(entry)), 0);
  await database.transaction(async (runner) => {
    const [ahead] = await queryRows<{ value: string }>(
      runner,
      'update revision set value = $1::bigint + 1 where value < $1::bigint returning value',
      [newest],
    );
    if (ahead === undefined) return;
    for (const table of new Set(kindsOf(bucket).map((kind) => PROJECTIONS[kind].table)))
      await runner.query(`update ${table} set version = $1`, [ahead.value]);
    await runner.query('update heads set version = $1 where bucket = $2', [ahead.value, bucket]);
  });
};

const versionOf = (entry: unknown): number =>
  typeof entry === 'object' &&
  entry !== null &&
  'version' in entry &&
  typeof entry.version === 'number' &&
  Number.isSafeInteger(entry.version)
    ? entry.version
    : 0;

const writesOf = async (runner: QueryRunner, kind: EntityKind, ids: readonly string[]): Promise<Write[]> => {
  const { keyOf, read } = PROJECTIONS[kind];
  const found = new Map((await read(runner, ids)).map(({ id, entry }) => [id, entry]));
  return ids.map((id) => [keyOf(id), found.get(id)]);
};

const write = async (kv: KvBucket, writes: readonly Write[]): Promise<void> => {
  for (let at = 0; at < writes.length; at += WRITES_MAX) {
    await Promise.all(
      writes
        .slice(at, at + WRITES_MAX)
        .map(([key, value]) => (value === undefined ? kv.delete(key) : kv.put(key, value))),
    );
  }
};

const headOf = async (runner: QueryRunner, bucket: ProjectedBucket): Promise<HeadEntry> => {
  const [head] = await queryRows<{ version: string }>(runner, 'select version from heads where bucket = $1', [bucket]);
  const tables = new Set(kindsOf(bucket).map((kind) => PROJECTIONS[kind].table));
  const counts = [...tables].map((table) => `(select count(*) from ${table})`);
  const [count] = await queryRows<{ entities: string }>(runner, `select ${counts.join(' + ')} as entities`);
  return { v: 1, version: Number(head?.version), entities: Number(count?.entities), at: Date.now() };
};

/** Undefined when another replica is projecting: try again soon. The lock is taken with the first statement, so the snapshot is not older than the lock. */
const exclusively = <Result>(
  database: Database,
  work: (runner: QueryRunner) => Promise<Result>,
): Promise<Result | undefined> =>
  database.transaction(async (runner) => {
    await runner.query('set transaction isolation level repeatable read');
    const [lock] = await queryRows<{ taken: boolean }>(
      runner,
      `select pg_try_advisory_xact_lock(hashtextextended('waystation.control.projection', 0)) as taken`,
    );
    return lock?.taken === true ? work(runner) : undefined;
  });
