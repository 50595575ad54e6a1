// A completion without content is a failure of the provider, never charged and never shown, unless the provider says why there is none.
import { WaystationError } from '@waystation/contracts';
import { outputTokens } from '@waystation/generation';
import type { ResponseReport } from '../spec.js';

/** The content filter took it all, or the model thought until its tokens were used up. */
export const isDeliberatelyEmpty = (report: ResponseReport): boolean =>
  report.finishReason === 'content-filter' ||
  (report.finishReason === 'length' && report.usageSource !== 'estimated' && outputTokens(report.usage) > 0);

export const emptyCompletion = (providerName: string): WaystationError =>
  new WaystationError('provider_empty', `${providerName} finished without any content.`, {
    details: { provider_name: providerName },
  });
