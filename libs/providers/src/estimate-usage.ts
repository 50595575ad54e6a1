// What to charge where the provider told no usage, or only half of it: counted from what was delivered, marked `estimated`, never zero because of a missing count.
import {
  estimateOutputTokens,
  inputTokens,
  outputTokens,
  type DeliveredContent,
  type Usage,
  type UsageSource,
} from '@waystation/generation';
import type { ResponseReport } from './spec.js';

/** Counts as a provider told them. */
export interface ToldUsage {
  readonly usage: Usage;
  readonly source: UsageSource;
}

/**
 * The usage as it was told. Where none was, or a zero for what cannot be zero (no prompt is empty, nor is output that was delivered), an estimate stands in for just
 * that. What was told wrongly has been clamped and stays.
 */
export const completeUsage = (
  told: ToldUsage | undefined,
  inputTokensEstimate: () => number,
  delivered: DeliveredContent,
): Pick<ResponseReport, 'usage' | 'usageSource'> => {
  const { usage, source } = told ?? { usage: {}, source: 'estimated' };
  if (source === 'clamped') return { usage, usageSource: source };
  const input = inputTokens(usage) > 0 ? undefined : inputTokensEstimate();
  const output = outputTokens(usage) > 0 ? undefined : estimateOutputTokens(delivered);
  if (told !== undefined && (input ?? 0) === 0 && (output ?? 0) === 0) return { usage, usageSource: source };
  return {
    usage: { ...usage, ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) },
    usageSource: 'estimated',
  };
};
