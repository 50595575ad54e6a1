// Counts that a provider told, bent to what is possible: whole, not negative, and not above what the endpoint can do.
import type { Usage, UsageSource } from '@waystation/generation';

const OUTPUT_CLASSES: ReadonlySet<string> = new Set(['output', 'reasoning', 'audioOutput', 'imageOutput']);
/** Classes that count neither side's tokens: pieces, searches. */
const PIECES_MAX = 1_000_000;
const INPUT_CLASSES: ReadonlySet<string> = new Set([
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'audioInput',
  'imageInput',
]);

const maxOf = (name: string, tokensMax: { readonly input: number; readonly output: number }): number => {
  if (INPUT_CLASSES.has(name)) return tokensMax.input;
  return OUTPUT_CLASSES.has(name) ? tokensMax.output : PIECES_MAX;
};

export interface ClampedUsage {
  readonly usage: Usage;
  readonly source: UsageSource;
}

/** Undefined for a placeholder: no count above zero. */
export const clampUsage = (
  told: Usage,
  tokensMax: { readonly input: number; readonly output: number },
): ClampedUsage | undefined => {
  const usage: Record<string, number> = {};
  let clamped = false;
  for (const [name, count] of Object.entries(told)) {
    const max = maxOf(name, tokensMax);
    const bent = Number.isFinite(count) ? Math.min(Math.max(Math.trunc(count), 0), max) : count > 0 ? max : 0;
    if (bent !== count) clamped = true;
    usage[name] = bent;
  }
  const nothing = Object.values(usage).every((count) => count === 0);
  return nothing && !clamped ? undefined : { usage, source: clamped ? 'clamped' : 'provider' };
};
