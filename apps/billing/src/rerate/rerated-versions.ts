// An attempt that was re-rated stays at its corrected price: whatever its witnesses tell later is priced by that, though their lines name the old version.
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { Case } from '../settle/cases.js';

/** The cases as they are to be priced. Asks only where something is corrected, which is rare. */
export const atReratedVersions = async (runner: QueryRunner, cases: readonly Case[]): Promise<readonly Case[]> => {
  const corrected = cases.filter(({ corrects }) => corrects).map(({ backing }) => backing.generationId);
  if (corrected.length === 0) return cases;
  const rows = await queryRows<{ attempt_id: string; price_version: string }>(
    runner,
    `select distinct on (generation_id, attempt_id) attempt_id, price_version from charge
      where generation_id = any($1) and rerate_id is not null order by generation_id, attempt_id, revision desc`,
    [corrected],
  );
  const versions = new Map(rows.map((row) => [row.attempt_id, row.price_version]));
  return cases.map((each) => {
    const priceVersion = versions.get(each.backing.attemptId);
    return priceVersion === undefined ? each : { ...each, backing: { ...each.backing, priceVersion } };
  });
};
