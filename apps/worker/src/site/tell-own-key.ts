// A provider's refusal of a customer's own key, in words for who can mend it: not the operator, whose key it is not.
import { WaystationError, type PlannedAttempt } from '@waystation/contracts';

export const tellOwnKey = (
  error: WaystationError,
  { providerName }: Pick<PlannedAttempt, 'providerName'>,
): WaystationError =>
  error.code !== 'provider_auth'
    ? error
    : new WaystationError(
        'provider_auth',
        `${providerName} does not accept the workspace's own key for it. Whoever manages the workspace has to check it, or set another.`,
        { ...(error.details === undefined ? {} : { details: error.details }), cause: error },
      );
