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
import { findByPlace } from './found-by-place.js';

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

/** With what all witnesses come to, and the count of the board by which they were added up. */
interface Credential {
  countedAt: number;
  requests: number;
  tokens: number;
  inFlight: number;
  readonly witnesses: Map<string, Witness>;
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
  /**
   * Undefined: so many tokens more fit.
   * @param place of the route in the index that it is planned by: only so that it is found sooner
   */
  fullOf(credentialId: string, limits: CapacityLimits, tokens: number, nowMs: number, place?: number): Full | undefined;
}

export const createCapacityBoard = (scaleMs: (ms: number) => number = (ms) => ms): CapacityBoard => {
  const credentials = new Map<string, Credential>();
  const credentialAt = findByPlace(credentials);
  /** Of each worker: its clock when it was heard last, and what is to be added to it. */
  const clocks = new Map<string, { readonly clockMs: number; readonly offsetMs: number }>();
  const slotMs = scaleMs(CAPACITY_SLOT_MS);
  const windowMs = scaleMs(CAPACITY_MS);
  const silentMs = scaleMs(SILENT_MS);
  let prunedMs = 0;
  /**
   * Every plan asks, and workers tell a few times a second: what a credential's witnesses come to is kept until something is heard (a clock that is read anew moves the slots of
   * all that it told of), the first thing that counts anywhere counts no more, or time goes back. Then `count` goes on.
   */
  let count = 0;
  let countedMs = -Infinity;
  let countsUntilMs = Infinity;

  const offsetOf = (instance: string): number => clocks.get(instance)?.offsetMs ?? 0;

  const countAnew = (): void => {
    count += 1;
    countedMs = -Infinity;
    countsUntilMs = Infinity;
  };

  const hearOf = (instance: string, clockMs: number, nowMs: number, { id, inFlight, slots }: CapacityUse): void => {
    let credential = credentials.get(id);
    if (credential === undefined)
      credentials.set(id, (credential = { countedAt: -1, requests: 0, tokens: 0, inFlight: 0, witnesses: new Map() }));
    let witness = credential.witnesses.get(instance);
    if (witness === undefined) {
      witness = { inFlight: { count: 0, clockMs: -1, heardMs: 0 }, slots: new Map() };
      credential.witnesses.set(instance, witness);
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
    countAnew();
    credentialAt.forget();
    const instances = new Set<string>();
    for (const [id, { witnesses }] of credentials) {
      for (const [instance, { slots, inFlight }] of witnesses) {
        for (const slot of slots.keys()) if (leavesMs(instance, slot) <= nowMs) slots.delete(slot);
        if (slots.size === 0 && inFlight.heardMs + silentMs <= nowMs) witnesses.delete(instance);
        else instances.add(instance);
      }
      if (witnesses.size === 0) credentials.delete(id);
    }
    for (const instance of clocks.keys()) if (!instances.has(instance)) clocks.delete(instance);
  };

  const addUp = (credential: Credential, nowMs: number): void => {
    let [requests, tokens, running] = [0, 0, 0];
    for (const [instance, { slots, inFlight }] of credential.witnesses) {
      const silentFromMs = inFlight.heardMs + silentMs;
      if (silentFromMs > nowMs) {
        running += inFlight.count;
        countsUntilMs = Math.min(countsUntilMs, silentFromMs);
      }
      for (const [slot, counted] of slots) {
        const slotUntilMs = leavesMs(instance, slot);
        if (slotUntilMs <= nowMs) continue;
        requests += counted.requests;
        tokens += counted.tokens;
        countsUntilMs = Math.min(countsUntilMs, slotUntilMs);
      }
    }
    credential.requests = requests;
    credential.tokens = tokens;
    credential.inFlight = running;
    credential.countedAt = count;
    countedMs = nowMs;
  };

  /** As of now: what is answered changes with the next question. */
  const usedNow = (credentialId: string, nowMs: number, place?: number): Use => {
    const credential = credentialAt.find(credentialId, place);
    if (credential === undefined) return NO_USE;
    if (nowMs >= countsUntilMs || nowMs < countedMs) countAnew();
    if (credential.countedAt !== count) addUp(credential, nowMs);
    return credential;
  };

  const useOf = (credentialId: string, nowMs: number): Use => {
    const { requests, tokens, inFlight } = usedNow(credentialId, nowMs);
    return { requests, tokens, inFlight };
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
    const leaving = [...(credentials.get(credentialId)?.witnesses ?? [])]
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
      countAnew();
      const clock = clocks.get(instance);
      if (clock === undefined || clockMs > clock.clockMs) clocks.set(instance, { clockMs, offsetMs: nowMs - clockMs });
      for (const use of capacity) hearOf(instance, clockMs, nowMs, use);
    },
    useOf,
    fullOf(credentialId, limits, tokens, nowMs, place) {
      const by = fullBy(limits, usedNow(credentialId, nowMs, place), tokens);
      return by === undefined ? undefined : { by, retryAfterMs: freeInMs(credentialId, limits, tokens, by, nowMs) };
    },
  };
};
