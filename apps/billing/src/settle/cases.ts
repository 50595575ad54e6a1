// One case for each attempt of a batch: what was known of it, together with all that was heard now, whatever the order.
import { addsTo, isComplete, merge, NO_EVIDENCE, type Evidence } from '@waystation/ledger';
import { contradictionOf, type Contradiction } from '../witnesses/compare-witnesses.js';
import type { Disagreement } from '../witnesses/disagreement-rows.js';
import { withHold, type Backing } from './backing.js';
import type { Testimony } from './read-lines.js';

/** An attempt that waits for a better witness or for its time. */
export interface Waiting {
  readonly backing: Backing;
  readonly evidence: Evidence;
  readonly dueAtMs: number;
}

export interface Case extends Waiting {
  /** It has a row among those that wait. */
  readonly waits: boolean;
  /** It was settled before, and this is better information. */
  readonly corrects: boolean;
}

/** What a batch leads to. */
export interface Sorted {
  /** To be settled, or corrected, now. */
  readonly ready: readonly Case[];
  /** To be kept until more is heard. */
  readonly open: readonly Case[];
  /** What two witnesses of an attempt say differently. */
  readonly disagreements: readonly Disagreement[];
}

/** Only another outcome's witness or a final count is worth a correction; progress after a settlement is not. */
const improves = (before: Evidence, after: Evidence): boolean =>
  after.outcomeBy !== before.outcomeBy || (after.usageBy !== before.usageBy && after.usageBy !== 'progress');

interface Draft extends Waiting {
  readonly known: 'settled' | 'waiting' | 'new';
  readonly before: Evidence;
  readonly contradiction?: Contradiction | undefined;
}

const draftOf = (
  testimony: Testimony,
  settled: ReadonlyMap<string, Evidence>,
  waiting: ReadonlyMap<string, Waiting>,
): Draft | undefined => {
  const { attemptId, backing, dueAtMs } = testimony;
  const waits = waiting.get(attemptId);
  if (waits !== undefined) return { ...waits, known: 'waiting', before: waits.evidence };
  if (backing === undefined || dueAtMs === undefined) return undefined;
  const evidence = settled.get(attemptId);
  if (evidence !== undefined) return { backing, dueAtMs, evidence, before: evidence, known: 'settled' };
  return testimony.onlyIfKnown
    ? undefined
    : { backing, dueAtMs, evidence: NO_EVIDENCE, before: NO_EVIDENCE, known: 'new' };
};

export const sortCases = (
  heard: readonly Testimony[],
  settled: ReadonlyMap<string, Evidence>,
  waiting: ReadonlyMap<string, Waiting>,
): Sorted => {
  const drafts = new Map<string, Draft>();
  // What only adds to known attempts comes after all that makes them known.
  for (const testimony of [
    ...heard.filter(({ onlyIfKnown }) => !onlyIfKnown),
    ...heard.filter(({ onlyIfKnown }) => onlyIfKnown),
  ]) {
    const draft = drafts.get(testimony.attemptId) ?? draftOf(testimony, settled, waiting);
    if (draft === undefined) continue;
    const evidence = merge(draft.evidence, testimony.evidence);
    const contradiction = draft.contradiction ?? contradictionOf(draft.evidence, testimony.evidence);
    const dueAtMs = Math.min(draft.dueAtMs, testimony.dueAtMs ?? draft.dueAtMs);
    const backing = withHold(draft.backing, testimony.backing ?? testimony.held ?? {});
    drafts.set(testimony.attemptId, { ...draft, backing, evidence, dueAtMs, contradiction });
  }
  const ready: Case[] = [];
  const open: Case[] = [];
  const disagreements: Disagreement[] = [];
  for (const { known, before, backing, evidence, dueAtMs, contradiction } of drafts.values()) {
    if (contradiction !== undefined) {
      const workerWasCharged = known === 'settled' && before.outcomeBy === 'worker';
      disagreements.push({ ...contradiction, backing, workerWasCharged });
    }
    const each: Case = { backing, evidence, dueAtMs, waits: known === 'waiting', corrects: known === 'settled' };
    if (known === 'settled') {
      if (improves(before, evidence)) ready.push(each);
    } else if (isComplete(evidence)) ready.push(each);
    else if (known === 'new' || addsTo(before, evidence)) open.push(each);
  }
  return { ready, open, disagreements };
};
