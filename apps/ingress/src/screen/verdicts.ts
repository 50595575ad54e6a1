// What the content filters of a call found: names of filters and how often, never what it was.
import { WaystationError } from '@waystation/contracts';
import type { ContentFilter, Match } from '@waystation/screening';
import type { Caller } from '../auth/caller.js';
import type { PipelineStage } from '../generate/metadata.js';

export type Side = 'input' | 'output';

export interface Verdict {
  readonly guardrailId: string;
  readonly filter: string;
  readonly action: ContentFilter['action'];
  readonly side: Side;
  count: number;
}

const NONE: readonly Verdict[] = [];

export class Verdicts {
  /** Absent until something is found: every generation has one of these, and few find anything. */
  #found: Map<string, Verdict> | undefined;

  add({ guardrailId, name, action }: ContentFilter, side: Side): void {
    const key = JSON.stringify([guardrailId, name, action, side]);
    const found = (this.#found ??= new Map<string, Verdict>());
    const known = found.get(key);
    if (known !== undefined) known.count += 1;
    else found.set(key, { guardrailId, filter: name, action, side, count: 1 });
  }

  /** A prompt is looked at again when files became text in it; what is still there is found again. */
  forgetFlags(side: Side): void {
    for (const [key, verdict] of this.#found ?? [])
      if (verdict.side === side && verdict.action === 'flag') this.#found?.delete(key);
  }

  get all(): readonly Verdict[] {
    return this.#found === undefined ? NONE : [...this.#found.values()];
  }
}

const DONE: Readonly<Record<ContentFilter['action'], string>> = {
  block: 'blocked',
  redact: 'redacted',
  flag: 'flagged',
};
const SIDES: Readonly<Record<Side, string>> = { input: 'the prompt', output: 'the answer' };

const scopeOf = (caller: Caller, id: string): string => {
  if (caller.key.policyId === id) return 'key';
  return caller.key.memberPolicyId === id ? 'member' : 'workspace';
};

export const stageOf = (caller: Caller, { guardrailId, filter, action, side, count }: Verdict): PipelineStage => ({
  type: 'guardrail',
  name: 'content-filter',
  guardrail_id: guardrailId,
  guardrail_scope: scopeOf(caller, guardrailId),
  summary: `${filter} ${DONE[action]} in ${SIDES[side]}${count === 1 ? '' : `, ${count} times`}`,
  data: { filter, action, side, count },
});

/** The words of the reference, section 16.4. */
export const blockedBy = (
  { isInjection, name, guardrailId }: ContentFilter,
  side: Side,
  { rule }: Match,
): WaystationError =>
  new WaystationError(
    'content_blocked',
    isInjection
      ? `${side === 'input' ? 'Request' : 'Response'} blocked: prompt injection patterns detected`
      : `${side === 'input' ? 'Request' : 'Response'} blocked by content filter: ${name}`,
    { details: { guardrailId, ...(rule === undefined ? {} : { patterns: [rule] }) } },
  );
