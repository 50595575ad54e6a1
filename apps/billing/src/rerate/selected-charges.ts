// The charges that a re-rating means: attempts by time, provider, endpoint or model, as their last revision left them. Read page by page in the order of their ids.
import { OUTCOMES } from '@waystation/generation';
import type { RerateSelection } from '@waystation/contracts';
import type { Evidence } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { z } from 'zod';
import type { Backing } from '../settle/backing.js';

/** Who bore what of an attempt, in picodollars. */
export interface Borne {
  readonly charged: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
  readonly byok: bigint;
  /** Of what was charged, and of the variance where not all could be had: what is not the provider's. */
  readonly surcharge: bigint;
}

/** One attempt after its last revision. */
export interface SelectedCharge {
  readonly backing: Backing;
  readonly evidence: Evidence;
  /** Over all revisions. */
  readonly borne: Borne;
}

/** An attempt, as a place in the order of reading. */
export interface Place {
  readonly generationId: string;
  readonly attemptId: string;
}

export const BEFORE_ALL: Place = { generationId: '', attemptId: '' };

/** What is to be re-rated, and the version that it is not charged by yet. */
export interface Target {
  readonly selection: RerateSelection;
  readonly priceVersion: string;
}

const amount = z.string().transform((text) => BigInt(text));
const row = z.object({
  generation_id: z.string(),
  attempt_id: z.string(),
  workspace_id: z.string(),
  key_hash: z.string(),
  member_id: z.string().nullable(),
  end_user_id: z.string().nullable(),
  session_id: z.string().nullable(),
  app_referer: z.string().nullable(),
  app_title: z.string().nullable(),
  tags: z.array(z.string()).nullable(),
  provider: z.string(),
  endpoint_id: z.string(),
  model: z.string(),
  lease_id: z.string().nullable(),
  quota_set: z.array(z.string()),
  hold: z.string(),
  price_version: z.string(),
  payer: z.string(),
  outcome: z.enum(OUTCOMES),
  outcome_by: z.enum(['nobody', 'worker', 'ingress']),
  served: z.boolean(),
  usage: z.record(z.string(), z.number()),
  usage_source: z.enum(['provider', 'estimated', 'clamped']),
  usage_by: z.enum(['nobody', 'progress', 'worker', 'ingress']),
  service_tier: z.string().nullable(),
  charged: amount,
  waste: amount,
  variance: amount,
  byok: amount,
  surcharge: amount,
  surcharge_ppm: z.number(),
});

const chargeOf = (raw: unknown): SelectedCharge => {
  const read = row.parse(raw);
  return {
    backing: {
      generationId: read.generation_id,
      attemptId: read.attempt_id,
      workspaceId: read.workspace_id,
      keyHash: read.key_hash,
      ...(read.member_id === null ? {} : { memberId: read.member_id }),
      ...(read.end_user_id === null ? {} : { endUserId: read.end_user_id }),
      ...(read.session_id === null ? {} : { sessionId: read.session_id }),
      ...(read.app_referer === null ? {} : { appReferer: read.app_referer }),
      ...(read.app_title === null ? {} : { appTitle: read.app_title }),
      ...(read.tags === null ? {} : { tags: read.tags }),
      provider: read.provider,
      endpointId: read.endpoint_id,
      model: read.model,
      ...(read.lease_id === null ? {} : { leaseId: read.lease_id }),
      hold: read.hold,
      quotaSet: read.quota_set,
      priceVersion: read.price_version,
      byok: read.payer === 'byok',
      ...(read.surcharge_ppm === 0 ? {} : { surchargePpm: read.surcharge_ppm }),
    },
    evidence: {
      outcomeBy: read.outcome_by,
      outcome: read.outcome,
      served: read.served,
      usageBy: read.usage_by,
      usage: read.usage,
      usageSource: read.usage_source,
      ...(read.service_tier === null ? {} : { serviceTier: read.service_tier }),
      sequence: 0,
      delivered: 0,
    },
    borne: {
      ...{ charged: read.charged, waste: read.waste, variance: read.variance },
      ...{ byok: read.byok, surcharge: read.surcharge },
    },
  };
};

/** Ids of generations begin with the second in which they were accepted, so that a time is a range of ids. */
const idFrom = (ms: number): string =>
  `gen-${Math.ceil(ms / 1000)
    .toString()
    .padStart(10, '0')}`;

/** The last revision of each attempt of a selection. Parameters 1 to 8. */
const lastRevisions = (more = ''): string => `
  select distinct on (generation_id, attempt_id) generation_id, attempt_id, workspace_id, key_hash, member_id, end_user_id, session_id, app_referer, app_title,
         tags, provider, endpoint_id, model, lease_id, quota_set, hold, price_version, payer, outcome, outcome_by, served, usage, usage_source, usage_by, service_tier, surcharge_ppm
    from charge
   where generation_id >= $1 and generation_id < $2 and (generation_id, attempt_id) > ($3, $4) and provider = $5
     and ($6::text is null or model = $6) and ($7::text is null or endpoint_id = $7) and ($8::text is null or workspace_id = $8) ${more}
   order by generation_id, attempt_id, revision desc`;
/** Those that are charged by another version. Parameters 9 and 10. */
const ANOTHER_VERSION = `c.price_version <> $9 and ($10::text is null or c.price_version = $10)`;

const SUMS = `
  cross join lateral (select sum(charged) as charged, sum(waste) as waste, sum(variance) as variance, sum(byok) as byok, sum(surcharge) as surcharge
                        from charge r where r.generation_id = c.generation_id and r.attempt_id = c.attempt_id) s
  order by c.generation_id, c.attempt_id`;

const parametersOf = ({ selection, priceVersion }: Target, after: Place): unknown[] => [
  idFrom(selection.from),
  idFrom(selection.to),
  after.generationId,
  after.attemptId,
  selection.provider,
  selection.model ?? null,
  selection.endpointId ?? null,
  selection.workspaceId ?? null,
  priceVersion,
  selection.chargedBy ?? null,
];

/** The next of them behind a place. */
export const selectCharges = async (
  runner: QueryRunner,
  target: Target,
  after: Place,
  limit: number,
): Promise<SelectedCharge[]> => {
  const rows = await queryRows<unknown>(
    runner,
    `select c.*, s.charged, s.waste, s.variance, s.byok, s.surcharge
       from (select * from (${lastRevisions()}) c where ${ANOTHER_VERSION} order by generation_id, attempt_id limit $11) c
      ${SUMS}`,
    [...parametersOf(target, after), limit],
  );
  return rows.map(chargeOf);
};

/** These as they are now, without those that are charged by the version already. */
export const readAgain = async (
  runner: QueryRunner,
  target: Target,
  charges: readonly SelectedCharge[],
): Promise<SelectedCharge[]> => {
  const rows = await queryRows<unknown>(
    runner,
    `select c.*, s.charged, s.waste, s.variance, s.byok, s.surcharge
       from (select * from (${lastRevisions('and generation_id = any($11)')}) c where ${ANOTHER_VERSION} and c.attempt_id = any($12)) c
      ${SUMS}`,
    [
      ...parametersOf(target, BEFORE_ALL),
      charges.map(({ backing }) => backing.generationId),
      charges.map(({ backing }) => backing.attemptId),
    ],
  );
  return rows.map(chargeOf);
};

/** What a version is asked to price: every usage class that was counted, by the version and service tier that it was charged by. */
export interface PricedClass {
  readonly priceVersion: string;
  readonly serviceTier: string | undefined;
  readonly usageClass: string;
}

export const classesOf = ({ backing, evidence }: SelectedCharge): PricedClass[] =>
  Object.keys(evidence.usage)
    .filter((usageClass) => (evidence.usage[usageClass] ?? 0) > 0)
    .map((usageClass) => ({
      priceVersion: backing.priceVersion,
      serviceTier: evidence.serviceTier,
      usageClass,
    }));

/** Of a whole selection. */
export const pricedClasses = async (runner: QueryRunner, target: Target): Promise<PricedClass[]> => {
  const rows = await queryRows<{ price_version: string; service_tier: string | null; usage_class: string }>(
    runner,
    `select distinct c.price_version, c.service_tier, u.key as usage_class
       from (${lastRevisions()}) c, jsonb_each_text(c.usage) u
      where ${ANOTHER_VERSION} and u.value::numeric > 0`,
    parametersOf(target, BEFORE_ALL),
  );
  return rows.map(({ price_version, service_tier, usage_class }) => ({
    priceVersion: price_version,
    serviceTier: service_tier ?? undefined,
    usageClass: usage_class,
  }));
};
