// The filters of all guardrails that a call is under, as one list. Filters only add up: what one guardrail blocks or takes out no other lets through.
import type { PolicyEntry } from '@waystation/contracts';
import { BUILTINS } from './builtins.js';
import { compilePattern, isPatternProblem } from './compile-pattern.js';
import type { Detector } from './match.js';

export type FilterAction = 'redact' | 'block' | 'flag';

export interface ContentFilter {
  /** As errors and records name it: the label, or the placeholder. Never what it found. */
  readonly name: string;
  readonly action: FilterAction;
  readonly guardrailId: string;
  /** What stands in the place of what is taken out. */
  readonly placeholder: string;
  /** Looks at what users say, and at nothing else. */
  readonly userOnly: boolean;
  readonly isInjection: boolean;
  readonly detector: Detector;
}

export interface ContentFilters {
  readonly input: readonly ContentFilter[];
  readonly output: readonly ContentFilter[];
}

const REDACTED = '[REDACTED]';

type Sided = ContentFilter & { readonly side: 'input' | 'output' | 'both' };

const filtersOf = (policy: PolicyEntry): Sided[] => {
  const own = (policy.contentFilters ?? []).map(({ pattern, action, label, appliesTo = 'input' }, index): Sided => {
    const detector = compilePattern(pattern);
    // Checked when it was saved; one that a newer station took is not passed over by an older one.
    if (isPatternProblem(detector)) throw new TypeError(`content filter ${index} of ${policy.id} ${detector.problem}`);
    const placeholder = label ?? REDACTED;
    const name = label ?? `pattern ${index + 1}`;
    return {
      ...{ name, placeholder, action, detector, guardrailId: policy.id },
      ...{ side: appliesTo, userOnly: false, isInjection: false },
    };
  });
  const builtin = (policy.contentFilterBuiltins ?? []).map(
    ({ slug, action, scanScope, appliesTo = 'input' }): Sided => {
      const { placeholder, detector } = BUILTINS[slug];
      const isInjection = slug === 'regex-prompt-injection';
      return {
        ...{ name: placeholder, placeholder, action, detector, guardrailId: policy.id },
        ...{ side: appliesTo, userOnly: isInjection && scanScope === 'user_only', isInjection },
      };
    },
  );
  return [...own, ...builtin];
};

const SEVERITY: Readonly<Record<FilterAction, number>> = { block: 0, redact: 1, flag: 2 };

/** Undefined where there are none. @throws TypeError where one cannot be compiled */
export const contentFiltersOf = (policies: readonly PolicyEntry[]): ContentFilters | undefined => {
  const all = policies.flatMap(filtersOf).sort((one, other) => SEVERITY[one.action] - SEVERITY[other.action]);
  if (all.length === 0) return undefined;
  return {
    input: all.filter(({ side }) => side !== 'output'),
    output: all.filter(({ side }) => side !== 'input'),
  };
};
