// What the workspace pays on top goes with each attempt of its plan: into the hold, to the worker, into the journal and onto the charge. A rate that is changed
// meanwhile is for later plans.
import type { PlannedAttempt } from '@waystation/contracts';
import { surchargeRateOf, type SurchargeRates } from '@waystation/ledger';

export const withSurcharges = (
  attempts: readonly PlannedAttempt[],
  rates: SurchargeRates,
): readonly PlannedAttempt[] => {
  if (rates.markupPpm === undefined && rates.byokFeePpm === undefined) return attempts;
  return attempts.map((attempt) => {
    const surchargePpm = surchargeRateOf(rates, attempt.byok);
    return surchargePpm === 0 ? attempt : { ...attempt, surchargePpm };
  });
};
