// Completions that came whole and are failures all the same: never charged and never shown.
import { WaystationError } from '@waystation/contracts';
import { outputTokens } from '@waystation/generation';
import type { ResponseReport } from './spec.js';

const NATIVE_CHARS_MAX = 64;

/** The provider says why there is no content: the content filter took it all, or the model thought until its tokens were used up. */
export const isDeliberatelyEmpty = (report: ResponseReport): boolean =>
  report.finishReason === 'content-filter' || (report.finishReason === 'length' && outputTokens(report.usage) > 0);

export const emptyCompletion = (providerName: string): WaystationError =>
  new WaystationError('provider_empty', `${providerName} finished without any content.`, {
    details: { provider_name: providerName },
  });

/** A finish reason that says the provider could not go on. */
export const brokenOff = (providerName: string, native: string): WaystationError =>
  new WaystationError('provider_unavailable', `${providerName} broke the completion off.`, {
    details: { provider_name: providerName, provider_code: native.slice(0, NATIVE_CHARS_MAX) },
  });
