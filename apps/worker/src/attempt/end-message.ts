// The end frame of a completed attempt: with it the ingress can settle alone.
import type { AttemptEnd, AttemptRunRequest } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import type { RelayResult } from './relay.js';
import { tellUsage } from './tell-usage.js';

const WARNINGS_MAX = 32;

const estimated: Warning = {
  code: 'estimated-usage',
  message: 'The provider told no usage; it was estimated from what was delivered.',
};
const clamped: Warning = {
  code: 'clamped',
  message: 'The provider told an impossible usage; it was corrected to what is possible.',
  field: 'usage',
};

export const endMessage = (
  request: AttemptRunRequest,
  { outcome, report, cutShort, totalBytes, timeToFirstTokenMs, durationMs, upstreamStatus }: RelayResult,
  asked: readonly Warning[],
): AttemptEnd => {
  const about = { estimated: [estimated], clamped: [clamped], provider: [] }[report.usageSource];
  const warnings = [...asked, ...(report.warnings ?? []), ...about].slice(0, WARNINGS_MAX);
  return {
    outcome,
    finishReason: report.finishReason,
    nativeFinishReason: report.nativeFinishReason,
    cutShort,
    ...tellUsage(request, report),
    totalBytes,
    upstreamId: report.upstreamId,
    timeToFirstTokenMs,
    durationMs,
    upstreamStatus,
    warnings: warnings.length === 0 ? undefined : warnings,
    tail: report.tail,
  };
};
