// What routers know of the endpoints' health: counters of the last five minutes, added up from all workers. Mergeable, so that order and loss of messages do
// not matter much, and a router that starts late is warm within a second. Pure: time is a parameter.

const SLOT_MS = 10_000;
/** Five minutes. */
const SLOTS = 30;
/** Three slots, the last 20 to 30 seconds. */
const RECENT_SLOTS = 3;
/** Fewer requests than this in the window say nothing about an endpoint's class. */
const JUDGED_FROM = 100;
const NORMAL_FROM = 0.95;
const DEGRADED_FROM = 0.8;
/** No provider rests an endpoint for longer than this, whatever its Retry-After says. */
const REST_MS_MAX = 600_000;

/** `recent-outage`: at least half of the last seconds' attempts failed. `degraded` and `down` by the success ratio of five minutes. */
export type EndpointState = 'stable' | 'recent-outage' | 'degraded' | 'down' | 'resting';

/** What a worker counted since its last message. */
export interface HealthReport {
  readonly endpointId: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly restUntilMs?: number | undefined;
}

interface Counters {
  /** Number of the slot that is written now: time divided by the length of a slot. */
  slot: number;
  readonly succeeded: Uint32Array;
  readonly failed: Uint32Array;
  restUntilMs: number;
  /** What the counts say in `slot`; undefined after a change. Worked out once, asked for by every plan. */
  judged: EndpointState | undefined;
}

export interface HealthBoard {
  merge(reports: readonly HealthReport[], nowMs: number): void;
  stateOf(endpointId: string, nowMs: number): EndpointState;
  /** Forgets endpoints that the catalog no longer has. */
  retain(has: (endpointId: string) => boolean): void;
}

export const createHealthBoard = (): HealthBoard => {
  const byEndpoint = new Map<string, Counters>();

  /** Empties the slots that time has passed over. */
  const advance = (counters: Counters, slot: number): void => {
    if (slot <= counters.slot) return;
    for (let passed = Math.max(counters.slot, slot - SLOTS) + 1; passed <= slot; passed += 1) {
      counters.succeeded[passed % SLOTS] = 0;
      counters.failed[passed % SLOTS] = 0;
    }
    counters.slot = slot;
    counters.judged = undefined;
  };

  return {
    merge(reports, nowMs) {
      const slot = Math.floor(nowMs / SLOT_MS);
      for (const report of reports) {
        let counters = byEndpoint.get(report.endpointId);
        if (counters === undefined) {
          counters = {
            slot,
            succeeded: new Uint32Array(SLOTS),
            failed: new Uint32Array(SLOTS),
            restUntilMs: 0,
            judged: undefined,
          };
          byEndpoint.set(report.endpointId, counters);
        }
        advance(counters, slot);
        counters.judged = undefined;
        counters.succeeded[slot % SLOTS] = (counters.succeeded[slot % SLOTS] ?? 0) + report.succeeded;
        counters.failed[slot % SLOTS] = (counters.failed[slot % SLOTS] ?? 0) + report.failed;
        if (report.restUntilMs !== undefined)
          counters.restUntilMs = Math.max(counters.restUntilMs, Math.min(report.restUntilMs, nowMs + REST_MS_MAX));
      }
    },
    stateOf(endpointId, nowMs) {
      const counters = byEndpoint.get(endpointId);
      if (counters === undefined) return 'stable';
      if (counters.restUntilMs > nowMs) return 'resting';
      advance(counters, Math.floor(nowMs / SLOT_MS));
      counters.judged ??= judge(counters);
      return counters.judged;
    },
    retain(has) {
      for (const endpointId of byEndpoint.keys()) if (!has(endpointId)) byEndpoint.delete(endpointId);
    },
  };
};

const sum = (counts: Uint32Array, slot: number, slots: number): number => {
  let total = 0;
  for (let back = 0; back < slots; back += 1) total += counts[(slot - back) % SLOTS] ?? 0;
  return total;
};

const judge = ({ succeeded, failed, slot }: Counters): EndpointState => {
  const failures = sum(failed, slot, SLOTS);
  if (failures === 0) return 'stable';
  const total = failures + sum(succeeded, slot, SLOTS);
  if (total >= JUDGED_FROM) {
    const ratio = 1 - failures / total;
    if (ratio < DEGRADED_FROM) return 'down';
    if (ratio < NORMAL_FROM) return 'degraded';
  }
  const recentlyFailed = sum(failed, slot, RECENT_SLOTS);
  return recentlyFailed > 0 && recentlyFailed >= sum(succeeded, slot, RECENT_SLOTS) ? 'recent-outage' : 'stable';
};
