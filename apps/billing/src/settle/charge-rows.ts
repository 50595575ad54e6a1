// Charges in Postgres: one row for each revision of an attempt, and their sum by key and day.
import type { QueryRunner } from 'typeorm';
import { unixOfGeneration } from '@waystation/contracts';
import { NOTHING, plus, type Book, type ChargeDecision, type Charged, type Evidence } from '@waystation/ledger';
import type { Outcome } from '@waystation/generation';
import { arrayText, queryPrepared, type Statement } from '@waystation/postgres';
import type { Backing } from './backing.js';
import { inSlices } from './in-slices.js';

/** One revision, ready to be written. */
export interface ChargeRow {
  readonly backing: Backing;
  readonly decision: ChargeDecision;
  readonly event: Charged;
  readonly outcome: Outcome;
  readonly served: boolean;
  readonly evidence: Evidence;
  /** The re-rating that made it, where one did. */
  readonly rerateId?: string;
}

interface StoredCharge {
  readonly attempt_id: string;
  readonly revision: number;
  readonly charged: string;
  readonly counted_byok: string;
  readonly counted_requests: string;
  readonly counted_tokens: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly surcharge: string;
  readonly outcome: string;
  readonly outcome_by: string;
  readonly served: boolean;
  readonly usage: Evidence['usage'];
  readonly usage_source: string;
  readonly usage_by: string;
  readonly service_tier: string | null;
}

/** Puts the charges of these attempts into the book, and answers the evidence each was last settled from. */
export const loadCharges = async (
  runner: QueryRunner,
  book: Book,
  named: readonly { readonly generationId: string; readonly attemptId: string }[],
): Promise<Map<string, Evidence>> => {
  const settledFrom = new Map<string, Evidence>();
  if (named.length === 0) return settledFrom;
  const attempts = [...new Map(named.map((each) => [`${each.generationId} ${each.attemptId}`, each])).values()];
  const rows = await queryPrepared<StoredCharge>(
    runner,
    // Each by its key, whatever the planner thinks of a table that grew since it was last looked at: joined freely, it reads all of it.
    `select c.* from unnest($1::text[], $2::text[]) as a (generation_id, attempt_id),
            lateral (select attempt_id, revision, charged, counted_byok, counted_requests, counted_tokens, waste, variance, byok, surcharge, outcome, outcome_by, served,
                            usage, usage_source, usage_by, service_tier
                       from charge where charge.generation_id = a.generation_id and charge.attempt_id = a.attempt_id offset 0) as c
      order by c.attempt_id, c.revision`,
    [attempts.map(({ generationId }) => generationId), attempts.map(({ attemptId }) => attemptId)],
  );
  for (const row of rows) {
    const before = book.charges.get(row.attempt_id);
    book.charges.set(row.attempt_id, {
      revision: row.revision,
      charged: plus(before?.charged ?? NOTHING, {
        usd: BigInt(row.charged),
        byok: BigInt(row.counted_byok),
        requests: BigInt(row.counted_requests),
        tokens: BigInt(row.counted_tokens),
      }),
      waste: (before?.waste ?? 0n) + BigInt(row.waste),
      variance: (before?.variance ?? 0n) + BigInt(row.variance),
      byok: (before?.byok ?? 0n) + BigInt(row.byok),
      surcharge: (before?.surcharge ?? 0n) + BigInt(row.surcharge),
    });
    settledFrom.set(row.attempt_id, evidenceOf(row));
  }
  return settledFrom;
};

// The words of these columns were written from the same types and are never changed.
const evidenceOf = (row: StoredCharge): Evidence => ({
  outcomeBy: row.outcome_by as Evidence['outcomeBy'],
  outcome: row.outcome as Outcome,
  served: row.served,
  usageBy: row.usage_by as Evidence['usageBy'],
  usage: row.usage,
  usageSource: row.usage_source as Evidence['usageSource'],
  ...(row.service_tier === null ? {} : { serviceTier: row.service_tier }),
  sequence: 0,
  delivered: 0,
});

/** Of these generations, those that their ingress has closed. */
export const closedGenerations = async (
  runner: QueryRunner,
  generationIds: readonly string[],
): Promise<Set<string>> => {
  if (generationIds.length === 0) return new Set();
  const rows = await queryPrepared<{ generation_id: string }>(
    runner,
    `select a.generation_id from unnest($1::text[]) as a (generation_id),
            lateral (select 1 from charge where charge.generation_id = a.generation_id and outcome_by = 'ingress' limit 1) as c`,
    [[...new Set(generationIds)]],
  );
  return new Set(rows.map(({ generation_id }) => generation_id));
};

/** The database works on one slice while the next is written down. Rejects with what the first that failed says. */
export const insertCharges = async (
  runner: QueryRunner,
  posting: string,
  rows: readonly ChargeRow[],
): Promise<void> => {
  const failures: unknown[] = [];
  const sent: Promise<void>[] = [];
  await inSlices(rows, (slice) => {
    sent.push(insertSlice(runner, posting, slice).catch((error: unknown) => void failures.push(error)));
  });
  await Promise.all(sent);
  if (failures.length > 0) throw failures[0];
};

const insertSlice = async (runner: QueryRunner, posting: string, rows: readonly ChargeRow[]): Promise<void> => {
  await queryPrepared(
    runner,
    `insert into charge (posting, generation_id, attempt_id, revision, workspace_id, key_hash, member_id, end_user_id, session_id, app_referer, app_title,
                         provider, endpoint_id, model, lease_id, quota_set, hold, price_version, charged, waste, variance, byok, payer, policy_row,
                         outcome, outcome_by, served, usage, usage_source, usage_by, service_tier, rerate_id, counted_byok, counted_requests, counted_tokens, tags,
                         surcharge, surcharge_ppm)
     select $1::bigint, generation_id, attempt_id, revision, workspace_id, key_hash, member_id, end_user_id, session_id, app_referer, app_title,
            provider, endpoint_id, model, lease_id, quota_set::text[], hold, price_version, charged, waste, variance, byok,
            payer, policy_row, outcome, outcome_by, served, usage::jsonb, usage_source, usage_by, service_tier, rerate_id, counted_byok, counted_requests, counted_tokens,
            tags::text[], surcharge, surcharge_ppm
       from unnest($2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                   $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::numeric[], $18::text[], $19::numeric[], $20::numeric[], $21::numeric[],
                   $22::numeric[], $23::text[], $24::text[], $25::text[], $26::text[], $27::boolean[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
                   $33::numeric[], $34::numeric[], $35::numeric[], $36::text[], $37::numeric[], $38::integer[])
         as c (generation_id, attempt_id, revision, workspace_id, key_hash, member_id, end_user_id, session_id, app_referer, app_title,
               provider, endpoint_id, model, lease_id, quota_set, hold, price_version, charged, waste, variance, byok, payer, policy_row,
               outcome, outcome_by, served, usage, usage_source, usage_by, service_tier, rerate_id, counted_byok, counted_requests, counted_tokens, tags,
               surcharge, surcharge_ppm)`,
    [
      posting,
      rows.map(({ backing }) => backing.generationId),
      rows.map(({ backing }) => backing.attemptId),
      rows.map(({ event }) => event.revision),
      rows.map(({ backing }) => backing.workspaceId),
      rows.map(({ backing }) => backing.keyHash),
      rows.map(({ backing }) => backing.memberId ?? null),
      rows.map(({ backing }) => backing.endUserId ?? null),
      rows.map(({ backing }) => backing.sessionId ?? null),
      rows.map(({ backing }) => backing.appReferer ?? null),
      rows.map(({ backing }) => backing.appTitle ?? null),
      rows.map(({ backing }) => backing.provider),
      rows.map(({ backing }) => backing.endpointId),
      rows.map(({ backing }) => backing.model),
      rows.map(({ backing }) => backing.leaseId ?? null),
      // An array of arrays has to be even, so that each set travels as its text; tags do, too.
      rows.map(({ backing }) => arrayText(backing.quotaSet)),
      rows.map(({ backing }) => backing.hold),
      rows.map(({ backing }) => backing.priceVersion),
      rows.map(({ event }) => (event.fromLease.usd + event.fromCredit.usd).toString()),
      rows.map(({ event }) => event.waste.toString()),
      rows.map(({ event }) => event.variance.toString()),
      rows.map(({ event }) => event.byok.toString()),
      rows.map(({ decision }) => decision.payer),
      rows.map(({ decision }) => decision.policyRow),
      rows.map(({ outcome }) => outcome),
      rows.map(({ evidence }) => evidence.outcomeBy),
      rows.map(({ served }) => served),
      rows.map(({ evidence }) => JSON.stringify(evidence.usage)),
      rows.map(({ evidence }) => evidence.usageSource),
      rows.map(({ evidence }) => evidence.usageBy),
      rows.map(({ evidence }) => evidence.serviceTier ?? null),
      rows.map(({ rerateId }) => rerateId ?? null),
      rows.map(({ event }) => (event.fromLease.byok + event.fromCredit.byok).toString()),
      rows.map(({ event }) => (event.fromLease.requests + event.fromCredit.requests).toString()),
      rows.map(({ event }) => (event.fromLease.tokens + event.fromCredit.tokens).toString()),
      rows.map(({ backing: { tags } }) => (tags === undefined ? null : arrayText(tags))),
      rows.map(({ event }) => event.surcharge.toString()),
      rows.map(({ backing }) => backing.surchargePpm ?? 0),
    ],
  );
};

const DAY_SECONDS = 86_400;

interface KeyDay {
  readonly workspaceId: string;
  readonly keyHash: string;
  /** UTC days since the epoch. */
  readonly day: number;
  charged: bigint;
  byok: bigint;
}

/** Adds revisions to what their keys used on the day of the generation. */
export const addedKeyUsage = (rows: readonly ChargeRow[]): Statement[] => {
  const days = new Map<string, KeyDay>();
  for (const { backing, event } of rows) {
    const { workspaceId, keyHash, generationId } = backing;
    const day = Math.floor(unixOfGeneration(generationId) / DAY_SECONDS);
    const key = `${workspaceId} ${keyHash} ${day}`;
    const sum = days.get(key) ?? { workspaceId, keyHash, day, charged: 0n, byok: 0n };
    sum.charged += event.fromLease.usd + event.fromCredit.usd;
    sum.byok += event.byok;
    days.set(key, sum);
  }
  const changed = [...days]
    .filter(([, { charged, byok }]) => charged !== 0n || byok !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (changed.length === 0) return [];
  const sql = `insert into key_usage (workspace_id, key_hash, day, charged, byok)
    select * from unnest($1::text[], $2::text[], $3::date[], $4::numeric[], $5::numeric[])
    on conflict (workspace_id, key_hash, day) do update set charged = key_usage.charged + excluded.charged, byok = key_usage.byok + excluded.byok`;
  const values = [
    changed.map(([, { workspaceId }]) => workspaceId),
    changed.map(([, { keyHash }]) => keyHash),
    changed.map(([, { day }]) => new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10)),
    changed.map(([, { charged }]) => charged.toString()),
    changed.map(([, { byok }]) => byok.toString()),
  ];
  return [{ sql, values }];
};
