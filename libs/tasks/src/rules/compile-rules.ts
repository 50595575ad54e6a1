// Conditions of task rules: CEL, compiled when they are saved and when they are read. https://cel.dev
// Invariants: a condition is of type bool over the features alone; it has no loop, no pattern and a bounded number of nodes, so that no evaluation takes longer than its
// text is long.
import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js';
import type { TaskRule } from '@waystation/contracts';
import { FEATURE_NAMES, FEATURE_TYPES, type FeatureName, type TaskFeatures } from './task-features.js';

const LIMITS = { maxAstNodes: 256, maxDepth: 24, maxListElements: 64, maxMapEntries: 1, maxCallArguments: 4 };

/** Everything else that CEL can call loops, matches patterns or makes longer values. */
const CALLS: ReadonlySet<string> = new Set([
  'startsWith',
  'endsWith',
  'contains',
  'size',
  'lowerAscii',
  'int',
  'double',
]);

const environment = (() => {
  const made = new Environment({ limits: LIMITS });
  for (const name of FEATURE_NAMES) made.registerVariable(name, FEATURE_TYPES[name]);
  return made;
})();

/** Where in the condition, from 1, and what is wrong there. */
export interface RuleFault {
  readonly position: number;
  readonly problem: string;
}

export interface Condition {
  /** What it speaks of. */
  readonly features: ReadonlySet<FeatureName>;
  holds(features: TaskFeatures): boolean;
}

interface Told {
  readonly summary?: string;
  readonly message?: string;
  readonly range?: { readonly start: number } | undefined;
}
const faultOf = (error: unknown): RuleFault => {
  const { summary, message, range } = error as Told; // of the library: each of its errors is one
  return { position: (range?.start ?? 0) + 1, problem: summary ?? message ?? 'it cannot be read' };
};

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value;

/** All nodes below one, itself first. */
const nodesOf = (node: ASTNode): ASTNode[] => {
  const found: ASTNode[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (!isNode(value)) return;
    found.push(value);
    visit(value.args);
  };
  visit(node);
  return found;
};

const forbidden = (nodes: readonly ASTNode[]): RuleFault | undefined => {
  for (const node of nodes) {
    const called = node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
    if (called !== undefined && !CALLS.has(called))
      return {
        position: node.range.start + 1,
        problem: `${called}() cannot be used here; of functions there are ${[...CALLS].join(', ')}`,
      };
    if (node.op === 'map') return { position: node.range.start + 1, problem: 'maps cannot be used here' };
  }
  return undefined;
};

const evaluated = (parsed: ParseResult, features: TaskFeatures): boolean => {
  const values = Object.fromEntries(
    FEATURE_NAMES.map((name) => {
      const value = features[name];
      return [name, FEATURE_TYPES[name] === 'int' && typeof value === 'number' ? BigInt(Math.trunc(value)) : value];
    }),
  );
  try {
    return parsed(values) === true;
  } catch {
    // Such as a division by zero: what cannot be said to hold does not.
    return false;
  }
};

export const compileCondition = (text: string): Condition | RuleFault => {
  try {
    const parsed = environment.parse(text);
    const nodes = nodesOf(parsed.ast);
    const fault = forbidden(nodes);
    if (fault !== undefined) return fault;
    const checked = parsed.check();
    if (!checked.valid) return faultOf(checked.error);
    if (checked.type !== 'bool')
      return { position: 1, problem: `it is of type ${checked.type ?? 'unknown'}; it must be true or false (bool)` };
    const named = new Set(nodes.flatMap((node) => (node.op === 'id' ? [node.args] : [])));
    return {
      features: new Set(FEATURE_NAMES.filter((name) => named.has(name))),
      holds: (features) => evaluated(parsed, features),
    };
  } catch (error) {
    return faultOf(error);
  }
};

export const isFault = (compiled: Condition | RuleFault): compiled is RuleFault => 'problem' in compiled;

export interface CompiledRules {
  readonly rules: readonly (TaskRule & { readonly condition: Condition })[];
  readonly features: ReadonlySet<FeatureName>;
}

/** What is wrong with rules, in words with the position; undefined where they can be saved. */
export const faultOfRules = (rules: readonly TaskRule[]): string | undefined => {
  const names = new Set<string>();
  for (const [index, { name, when, models, tier }] of rules.entries()) {
    if (names.has(name)) return `rules[${index}].name: "${name}" stands there more than once`;
    names.add(name);
    const compiled = compileCondition(when);
    if (isFault(compiled))
      return `rules[${index}].when: ${compiled.problem} (rule "${name}", at character ${compiled.position} of ${JSON.stringify(when.slice(0, 128))})`;
    if (models === undefined && tier === undefined)
      return `rules[${index}]: rule "${name}" chooses nothing; give it models, a tier or both`;
  }
  return undefined;
};

/** Rules that were checked when they were saved. One that an older release took, and this one does not, holds for nothing. */
export const compileRules = (rules: readonly TaskRule[]): CompiledRules => {
  const compiled = rules.flatMap((rule) => {
    const condition = compileCondition(rule.when);
    return isFault(condition) ? [] : [{ ...rule, condition }];
  });
  return { rules: compiled, features: new Set(compiled.flatMap(({ condition }) => [...condition.features])) };
};

/** The first that holds. */
export const ruleFor = ({ rules }: CompiledRules, features: TaskFeatures): TaskRule | undefined =>
  rules.find(({ condition }) => condition.holds(features));
