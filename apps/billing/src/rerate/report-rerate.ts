// What a re-rating has booked, attempt by attempt: the revisions that carry its id, with what came before them.
import type { RerateDifference, RerateRun } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { mustFindRun, runInfo } from './rerate-runs.js';
import { BEFORE_ALL, type Borne, type Place } from './selected-charges.js';
import { differenceOfSums } from './difference.js';

export interface RerateReport {
  readonly run: RerateRun;
  readonly differences: RerateDifference[];
  readonly next?: Place;
}

interface ReportRow {
  readonly generation_id: string;
  readonly attempt_id: string;
  readonly workspace_id: string;
  readonly endpoint_id: string;
  readonly model: string;
  readonly service_tier: string | null;
  readonly version_before: string;
  readonly version_after: string;
  readonly charged_before: string;
  readonly waste_before: string;
  readonly variance_before: string;
  readonly byok_before: string;
  readonly surcharge_before: string;
  readonly charged: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly surcharge: string;
}

export const reportRerate = (
  database: Database,
  id: string,
  { after = BEFORE_ALL, limit }: { readonly after?: Place | undefined; readonly limit: number },
): Promise<RerateReport> =>
  database.transaction(async (runner) => {
    await runner.query('set transaction isolation level repeatable read, read only');
    const run = await mustFindRun(runner, id);
    const rows = await queryRows<ReportRow>(
      runner,
      `select c.generation_id, c.attempt_id, c.workspace_id, c.endpoint_id, c.model, c.service_tier, c.price_version as version_after,
              c.charged, c.waste, c.variance, c.byok, c.surcharge, b.*
         from charge c
        cross join lateral (select sum(charged) as charged_before, sum(waste) as waste_before, sum(variance) as variance_before, sum(byok) as byok_before, sum(surcharge) as surcharge_before,
                                   (array_agg(price_version order by revision desc))[1] as version_before
                              from charge r where r.generation_id = c.generation_id and r.attempt_id = c.attempt_id and r.revision < c.revision) b
        where c.rerate_id = $1 and (c.generation_id, c.attempt_id) > ($2, $3)
        order by c.generation_id, c.attempt_id limit $4`,
      [id, after.generationId, after.attemptId, limit + 1],
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      run: runInfo(run),
      differences: page.map(differenceOf),
      ...(rows.length > limit && last !== undefined
        ? { next: { generationId: last.generation_id, attemptId: last.attempt_id } }
        : {}),
    };
  });

const differenceOf = (row: ReportRow): RerateDifference => {
  const before: Borne = {
    charged: BigInt(row.charged_before),
    waste: BigInt(row.waste_before),
    variance: BigInt(row.variance_before),
    byok: BigInt(row.byok_before),
    surcharge: BigInt(row.surcharge_before),
  };
  const more: Borne = {
    charged: BigInt(row.charged),
    waste: BigInt(row.waste),
    variance: BigInt(row.variance),
    byok: BigInt(row.byok),
    surcharge: BigInt(row.surcharge),
  };
  return {
    generationId: row.generation_id,
    attemptId: row.attempt_id,
    workspaceId: row.workspace_id,
    endpointId: row.endpoint_id,
    model: row.model,
    ...(row.service_tier === null ? {} : { serviceTier: row.service_tier }),
    versionBefore: row.version_before,
    versionAfter: row.version_after,
    ...differenceOfSums(before, more),
  };
};
