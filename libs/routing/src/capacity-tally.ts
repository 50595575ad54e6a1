// What one worker has used of each credential's capacity, and what of it is to be told. Absolute counts by slots of its own clock, as health is told (ADR 23); a count may also
// become smaller, where a prompt was estimated too long, so that of two words the later one holds. Pure: time is a parameter.
import type { CapacityUse } from '@waystation/contracts';
import { CAPACITY_MS, CAPACITY_SLOT_MS, NO_USE, type Use } from './capacity.js';

/** So many rounds after its last change a count is told: at once, and again, which makes up for what was lost meanwhile. */
const TOLD_AFTER_ROUNDS: ReadonlySet<number> = new Set([0, 4, 16]);
const TOLD_ROUNDS = Math.max(...TOLD_AFTER_ROUNDS);
/** What is in flight is told so often while there is any: who hears nothing of it forgets it. */
const IN_FLIGHT_EVERY_ROUNDS = 4;

interface Slot {
  requests: number;
  tokens: number;
  changedIn: number;
}

/** What was begun in one round: others may not have heard of it. */
interface Round {
  requests: number;
  tokens: number;
  /** Of these, what is still in flight. */
  open: number;
}

interface Subject {
  readonly slots: Map<number, Slot>;
  readonly rounds: Map<number, Round>;
  inFlight: number;
  changedIn: number;
}

/** An attempt that was counted. */
export interface Begun {
  /** It is over. Once; a second time changes nothing. @param tokens what it took, prompt and answer; undefined: as was thought */
  end(tokens: number | undefined, atMs: number): void;
}

export interface CapacityTally {
  /** @param tokens what its prompt is thought to take; @param atMs the worker's own clock, which never goes back */
  begin(id: string, tokens: number, atMs: number): Begun;
  useOf(id: string, atMs: number): Use;
  /** Of that, what others may not have heard of yet: this round's and the last one's. */
  untoldOf(id: string): Use;
  /** When the oldest of what counts now counts no more; undefined: nothing counts. */
  leavesInMs(id: string, atMs: number): number | undefined;
  /** What has changed or is to be told again. Each call is a round. */
  news(atMs: number): CapacityUse[];
  /** All that is still of use, for one who has heard nothing yet. */
  all(atMs: number): CapacityUse[];
}

export const createCapacityTally = (scaleMs: (ms: number) => number = (ms) => ms): CapacityTally => {
  const subjects = new Map<string, Subject>();
  const slotMs = scaleMs(CAPACITY_SLOT_MS);
  const windowMs = scaleMs(CAPACITY_MS);
  let round = 0;

  const subjectOf = (id: string): Subject => {
    const known = subjects.get(id);
    if (known !== undefined) return known;
    const fresh: Subject = { slots: new Map(), rounds: new Map(), inFlight: 0, changedIn: round };
    subjects.set(id, fresh);
    return fresh;
  };

  const slotOf = (subject: Subject, atMs: number): Slot => {
    const number = Math.floor(atMs / slotMs);
    const known = subject.slots.get(number);
    if (known !== undefined) return known;
    const fresh: Slot = { requests: 0, tokens: 0, changedIn: round };
    subject.slots.set(number, fresh);
    return fresh;
  };

  const roundOf = (subject: Subject): Round => {
    const known = subject.rounds.get(round);
    if (known !== undefined) return known;
    const fresh: Round = { requests: 0, tokens: 0, open: 0 };
    subject.rounds.set(round, fresh);
    return fresh;
  };

  const isOver = (slot: number, atMs: number): boolean => (slot + 1) * slotMs <= atMs - windowMs;

  const prune = (atMs: number): void => {
    for (const [id, { slots, rounds, inFlight, changedIn }] of subjects) {
      for (const slot of slots.keys()) if (isOver(slot, atMs)) slots.delete(slot);
      for (const [number, { open }] of rounds) if (number < round - 1 && open === 0) rounds.delete(number);
      if (slots.size === 0 && inFlight === 0 && round - changedIn > TOLD_ROUNDS) subjects.delete(id);
    }
  };

  const told = (id: string, { slots, inFlight }: Subject, include: (slot: Slot) => boolean): CapacityUse => ({
    id,
    inFlight,
    slots: [...slots].flatMap(([slot, counted]) =>
      include(counted) ? [{ slot, requests: counted.requests, tokens: counted.tokens }] : [],
    ),
  });

  return {
    begin(id, tokens, atMs) {
      const subject = subjectOf(id);
      const slot = slotOf(subject, atMs);
      const begunIn = roundOf(subject);
      slot.requests += 1;
      slot.tokens += tokens;
      slot.changedIn = round;
      begunIn.requests += 1;
      begunIn.tokens += tokens;
      begunIn.open += 1;
      subject.inFlight += 1;
      subject.changedIn = round;
      let isRunning = true;
      return {
        end(taken, endedMs) {
          if (!isRunning) return;
          isRunning = false;
          begunIn.open -= 1;
          subject.inFlight -= 1;
          subject.changedIn = round;
          const more = (taken ?? tokens) - tokens;
          const corrected = more > 0 ? slotOf(subject, endedMs) : slot;
          corrected.tokens += more;
          corrected.changedIn = round;
        },
      };
    },
    useOf(id, atMs) {
      const subject = subjects.get(id);
      if (subject === undefined) return NO_USE;
      let [requests, tokens] = [0, 0];
      for (const [number, slot] of subject.slots) {
        if (isOver(number, atMs)) continue;
        requests += slot.requests;
        tokens += slot.tokens;
      }
      return { requests, tokens, inFlight: subject.inFlight };
    },
    untoldOf(id) {
      const subject = subjects.get(id);
      if (subject === undefined) return NO_USE;
      let [requests, tokens, inFlight] = [0, 0, 0];
      for (const number of [round - 1, round]) {
        const begun = subject.rounds.get(number);
        requests += begun?.requests ?? 0;
        tokens += begun?.tokens ?? 0;
        inFlight += begun?.open ?? 0;
      }
      return { requests, tokens, inFlight };
    },
    leavesInMs(id, atMs) {
      const counting = [...(subjects.get(id)?.slots.keys() ?? [])].filter((slot) => !isOver(slot, atMs));
      return counting.length === 0 ? undefined : Math.ceil((Math.min(...counting) + 1) * slotMs + windowMs - atMs);
    },
    news(atMs) {
      prune(atMs);
      const isDue = ({ changedIn }: { readonly changedIn: number }): boolean =>
        TOLD_AFTER_ROUNDS.has(round - changedIn);
      const due = [...subjects].flatMap(([id, subject]) => {
        const news = told(id, subject, isDue);
        const isRunning = subject.inFlight > 0 && round % IN_FLIGHT_EVERY_ROUNDS === 0;
        return news.slots.length > 0 || isDue(subject) || isRunning ? [news] : [];
      });
      round += 1;
      return due;
    },
    all(atMs) {
      prune(atMs);
      return [...subjects].map(([id, subject]) => told(id, subject, () => true));
    },
  };
};
