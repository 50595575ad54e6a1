// The end frame of a completed attempt: with it the ingress can settle alone.
import type { AttemptEnd, AttemptRunRequest } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import type { RelayResult } from './relay.js';
import { tellUsage } from './tell-usage.js';

const WARNINGS_MAX = 32;
const CONTENT_TYPE_CHARS_MAX = 128;

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
    ...(report.finishReason === undefined ? {} : { finishReason: report.finishReason }),
    ...(report.nativeFinishReason === undefined ? {} : { nativeFinishReason: report.nativeFinishReason }),
    ...(cutShort === undefined ? {} : { cutShort }),
    ...tellUsage(request, report),
    totalBytes,
    ...(report.upstreamId === undefined ? {} : { upstreamId: report.upstreamId }),
    ...(timeToFirstTokenMs === undefined ? {} : { timeToFirstTokenMs }),
    durationMs,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(report.tail === undefined ? {} : { tail: report.tail }),
    ...(report.contentType === undefined ? {} : { contentType: report.contentType.slice(0, CONTENT_TYPE_CHARS_MAX) }),
  };
};
