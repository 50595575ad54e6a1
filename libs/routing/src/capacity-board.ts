// What all workers have used of each credential's capacity, as they tell it: of two words about the same slot, and about what is in flight, the later one holds. A worker's slots are read
// against the moment at which its newest message came; what is in flight at one that was silent for three seconds is forgotten, since it is gone. Pure: time is a parameter.
import type { CapacityLimits, CapacityUse, HealthMessage } from '@waystation/contracts';
import {
  CAPACITY_METRICS,
  CAPACITY_MS,
  CAPACITY_SLOT_MS,
  NO_USE,
  fullBy,
  type CapacityMetric,
  type Use,
} from './capacity.js';

const SILENT_MS = 3_000;
const PRUNE_MS = 10_000;
/** Nobody knows when an attempt that runs will be over. */
const AGAIN_MS = 1_000;

interface Counted {
  readonly requests: number;
  readonly tokens: number;
  readonly clockMs: number;
}

interface Witness {
  inFlight: { readonly count: number; readonly clockMs: number; readonly heardMs: number };
  readonly slots: Map<number, Counted>;
}

export interface Full {
  readonly by: CapacityMetric;
  /** When there may be room again. */
  readonly retryAfterMs: number;
}

export interface CapacityBoard {
  hear(message: Pick<HealthMessage, 'instance' | 'clockMs' | 'capacity'>, nowMs: number): void;
  /** By all that were heard. */
  useOf(credentialId: string, nowMs: number): Use;
  /** Undefined: so many tokens more fit. */
  fullOf(credentialId: string, limits: CapacityLimits, tokens: number, nowMs: number): Full | undefined;
}

export const createCapacityBoard = (scaleMs: (ms: number) => number = (ms) => ms): CapacityBoard => {
  const credentials = new Map<string, Map<string, Witness>>();
  /** Of each worker: its clock when it was heard last, and what is to be added to it. */
  const clocks = new Map<string, { readonly clockMs: number; readonly offsetMs: number }>();
  const slotMs = scaleMs(CAPACITY_SLOT_MS);
  const windowMs = scaleMs(CAPACITY_MS);
  const silentMs = scaleMs(SILENT_MS);
  let prunedMs = 0;

  const offsetOf = (instance: string): number => clocks.get(instance)?.offsetMs ?? 0;

  const hearOf = (instance: string, clockMs: number, nowMs: number, { id, inFlight, slots }: CapacityUse): void => {
    let witnesses = credentials.get(id);
    if (witnesses === undefined) credentials.set(id, (witnesses = new Map()));
    let witness = witnesses.get(instance);
    if (witness === undefined) {
      witness = { inFlight: { count: 0, clockMs: -1, heardMs: 0 }, slots: new Map() };
      witnesses.set(instance, witness);
    }
    if (clockMs > witness.inFlight.clockMs) witness.inFlight = { count: inFlight, clockMs, heardMs: nowMs };
    for (const { slot, requests, tokens } of slots)
      if (clockMs > (witness.slots.get(slot)?.clockMs ?? -1)) witness.slots.set(slot, { requests, tokens, clockMs });
  };

  /** When a slot of a worker has left the window. */
  const leavesMs = (instance: string, slot: number): number => offsetOf(instance) + (slot + 1) * slotMs + windowMs;

  const prune = (nowMs: number): void => {
    if (nowMs < prunedMs + scaleMs(PRUNE_MS) && nowMs >= prunedMs) return;
    prunedMs = nowMs;
    const heard = new Set<string>();
    for (const [id, witnesses] of credentials) {
      for (const [instance, { slots, inFlight }] of witnesses) {
        for (const slot of slots.keys()) if (leavesMs(instance, slot) <= nowMs) slots.delete(slot);
        if (slots.size === 0 && inFlight.heardMs + silentMs <= nowMs) witnesses.delete(instance);
        else heard.add(instance);
      }
      if (witnesses.size === 0) credentials.delete(id);
    }
    for (const instance of clocks.keys()) if (!heard.has(instance)) clocks.delete(instance);
  };

  const useOf = (credentialId: string, nowMs: number): Use => {
    const witnesses = credentials.get(credentialId);
    if (witnesses === undefined) return NO_USE;
    let [requests, tokens, running] = [0, 0, 0];
    for (const [instance, { slots, inFlight }] of witnesses) {
      if (inFlight.heardMs + silentMs > nowMs) running += inFlight.count;
      for (const [slot, counted] of slots) {
        if (leavesMs(instance, slot) <= nowMs) continue;
        requests += counted.requests;
        tokens += counted.tokens;
      }
    }
    return { requests, tokens, inFlight: running };
  };

  /** When the oldest slots that have to leave for it to fit have left. */
  const freeInMs = (
    credentialId: string,
    limits: CapacityLimits,
    tokens: number,
    by: CapacityMetric,
    nowMs: number,
  ): number => {
    const metric = CAPACITY_METRICS.find(({ name }) => name === by);
    if (metric === undefined || by === 'in_flight') return AGAIN_MS;
    const limit = metric.limitOf(limits) ?? Infinity;
    let used = metric.of(useOf(credentialId, nowMs));
    const leaving = [...(credentials.get(credentialId) ?? [])]
      .flatMap(([instance, { slots }]) =>
        [...slots].map(([slot, counted]) => ({
          atMs: leavesMs(instance, slot),
          amount: metric.of({ ...counted, inFlight: 0 }),
        })),
      )
      .filter(({ atMs, amount }) => atMs > nowMs && amount > 0)
      .sort((a, b) => a.atMs - b.atMs);
    for (const { atMs, amount } of leaving) {
      used -= amount;
      if (used <= 0 || used + metric.needOf(tokens) <= limit) return Math.ceil(atMs - nowMs);
    }
    return AGAIN_MS;
  };

  return {
    hear({ instance, clockMs, capacity }, nowMs) {
      prune(nowMs);
      if (capacity === undefined || capacity.length === 0) return;
      const clock = clocks.get(instance);
      if (clock === undefined || clockMs > clock.clockMs) clocks.set(instance, { clockMs, offsetMs: nowMs - clockMs });
      for (const use of capacity) hearOf(instance, clockMs, nowMs, use);
    },
    useOf,
    fullOf(credentialId, limits, tokens, nowMs) {
      const by = fullBy(limits, useOf(credentialId, nowMs), tokens);
      return by === undefined ? undefined : { by, retryAfterMs: freeInMs(credentialId, limits, tokens, by, nowMs) };
    },
  };
};
