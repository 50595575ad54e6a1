// Whether to order credits by oneself: below the threshold, one order at a time, within the day's bound, and later after each failure.

export interface AutoTopUpState {
  readonly enabled: boolean;
  readonly thresholdCents: bigint;
  readonly creditsCents: bigint;
  readonly dailyMaxCents: bigint;
  readonly nextTryAtMs: number;
}

export interface AutoTopUpFacts {
  /** What the workspace can still spend; what idle leases hold counts as unspent. */
  readonly balanceCents: bigint;
  readonly hasOpenOrder: boolean;
  readonly suspended: boolean;
  /** Credits ordered so on this UTC day, failed orders left out. */
  readonly orderedTodayCents: bigint;
  readonly nowMs: number;
}

export type AutoTopUpDecision =
  'order' | 'off' | 'enough' | 'one-is-open' | 'suspended' | 'daily-bound' | 'waits-after-failure';

export const decideAutoTopUp = (settings: AutoTopUpState, facts: AutoTopUpFacts): AutoTopUpDecision => {
  if (!settings.enabled) return 'off';
  if (facts.balanceCents >= settings.thresholdCents) return 'enough';
  if (facts.hasOpenOrder) return 'one-is-open';
  if (facts.suspended) return 'suspended';
  if (facts.orderedTodayCents + settings.creditsCents > settings.dailyMaxCents) return 'daily-bound';
  return facts.nowMs < settings.nextTryAtMs ? 'waits-after-failure' : 'order';
};

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 6 * 3_600_000;

/** How long to wait after so many failures in a row: a minute, doubled each time, six hours at most. */
export const waitAfterFailures = (failures: number): number =>
  failures <= 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20));
