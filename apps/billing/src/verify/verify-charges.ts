// Every charge is worked out again from its own facts: usage × price version under the outcome policy, by the function that decided it. Names the attempt
// whose row says otherwise. Reads in pages, so that neither memory nor the event loop notices how many charges there are.
import { WaystationError, priceVector, type PriceVector } from '@waystation/contracts';
import { creditsOf, decideCharge, type Payer } from '@waystation/ledger';
import { OUTCOMES, type Outcome, type UsageSource } from '@waystation/generation';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

const PAGE_ROWS = 1_000;

interface ChargeFactsRow {
  readonly generation_id: string;
  readonly attempt_id: string;
  readonly revision: number;
  readonly hold: string;
  readonly price_version: string;
  readonly charged: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly surcharge: string;
  readonly surcharge_ppm: number;
  readonly payer: Payer;
  readonly policy_row: string;
  readonly outcome: string;
  readonly served: boolean;
  readonly usage: Readonly<Record<string, number>>;
  readonly usage_source: UsageSource;
  readonly service_tier: string | null;
}

interface Sums {
  readonly charged: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
  readonly byok: bigint;
  readonly surcharge: bigint;
}

const NOTHING: Sums = { charged: 0n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n };

const isOutcome = (text: string): text is Outcome => OUTCOMES.some((outcome) => outcome === text);

/** What is wrong with a revision, given what all revisions up to it come to. */
export const faultOfCharge = (row: ChargeFactsRow, sums: Sums, price: PriceVector): string | undefined => {
  const { outcome } = row;
  if (!isOutcome(outcome)) return `outcome ${outcome} is none`;
  const decision = decideCharge({
    outcome,
    served: row.served,
    usage: row.usage,
    usageSource: row.usage_source,
    price,
    holdPicodollars: BigInt(row.hold),
    byok: row.payer === 'byok',
    surchargePpm: row.surcharge_ppm,
    serviceTier: row.service_tier ?? undefined,
  });
  const borneBy = (payer: Payer): bigint => (decision.payer === payer ? decision.amount : 0n);
  const { variance: beyond = 0n, surcharge = 0n } = decision;
  const asDecided =
    sums.charged + sums.variance === creditsOf(decision) + beyond &&
    sums.surcharge === surcharge &&
    sums.variance >= beyond &&
    sums.waste === borneBy('waste') &&
    sums.byok === borneBy('byok') &&
    row.payer === decision.payer &&
    row.policy_row === decision.policyRow;
  if (asDecided) return undefined;
  return (
    `says charged ${sums.charged}, waste ${sums.waste}, variance ${sums.variance}, byok ${sums.byok}, surcharge ${sums.surcharge} by ${row.payer} (${row.policy_row}); ` +
    `its usage at its price is ${decision.amount} by ${decision.payer} (${decision.policyRow}), ${surcharge} on top, ${beyond} beyond its hold`
  );
};

/** Complaints about at most `room` attempts. */
export const complaintsOfCharges = async (runner: QueryRunner, room: number): Promise<string[]> => {
  const complaints: string[] = [];
  const prices = new Map<string, PriceVector>();
  let after: readonly [generationId: string, attemptId: string, revision: number] = ['', '', -1];
  let attemptId = '';
  let sums = NOTHING;
  while (complaints.length < room) {
    const rows = await queryRows<ChargeFactsRow>(
      runner,
      `select generation_id, attempt_id, revision, hold, price_version, charged, waste, variance, byok, surcharge, surcharge_ppm, payer, policy_row, outcome, served, usage, usage_source, service_tier
         from charge where (generation_id, attempt_id, revision) > ($1, $2, $3)
        order by generation_id, attempt_id, revision limit ${PAGE_ROWS}`,
      [...after],
    );
    await loadPrices(runner, prices, rows);
    for (const row of rows) {
      if (row.attempt_id !== attemptId) sums = NOTHING;
      attemptId = row.attempt_id;
      sums = {
        charged: sums.charged + BigInt(row.charged),
        waste: sums.waste + BigInt(row.waste),
        variance: sums.variance + BigInt(row.variance),
        byok: sums.byok + BigInt(row.byok),
        surcharge: sums.surcharge + BigInt(row.surcharge),
      };
      const price = prices.get(row.price_version);
      // A version that is not stored is another check's complaint.
      const fault = price === undefined ? undefined : faultOfCharge(row, sums, price);
      if (fault !== undefined && complaints.length < room)
        complaints.push(`attempt ${row.attempt_id}, revision ${row.revision}: ${fault}`);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) break;
    after = [last.generation_id, last.attempt_id, last.revision];
  }
  return complaints;
};

const loadPrices = async (
  runner: QueryRunner,
  prices: Map<string, PriceVector>,
  rows: readonly ChargeFactsRow[],
): Promise<void> => {
  const missing = [...new Set(rows.map((row) => row.price_version))].filter((version) => !prices.has(version));
  if (missing.length === 0) return;
  const stored = await queryRows<{ id: string; price: unknown }>(
    runner,
    `select id, price from price_version where id = any($1)`,
    [missing],
  );
  for (const { id, price } of stored) {
    const parsed = priceVector.safeParse(price);
    if (!parsed.success) throw new WaystationError('internal', `Price version ${id} is no price vector.`);
    prices.set(id, parsed.data);
  }
};
