// What went wrong on the way to a provider, in our words. Never an address or a path: the cause keeps them for the log.
import { WaystationError, type ErrorCode } from '@waystation/contracts';
import { ProxyRefusal } from './http1/http1-error.js';

type Stage = 'before-response' | 'in-response';

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

const TIMEOUTS: Readonly<Record<string, string>> = {
  CONNECT_TIMEOUT: 'could not be connected to in time',
  ETIMEDOUT: 'could not be connected to in time',
  FIRST_BYTE_TIMEOUT: 'did not begin to answer in time',
  IDLE_TIMEOUT: 'stopped sending in the middle of its answer',
};

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that does not resolve at the moment',
  HTTP_REQUEST_INVALID: 'is configured with a header or path that cannot be sent',
  TOO_MANY_WAIT: 'has too many requests waiting for it',
  PROXY_FAILED: 'cannot be reached, since the connection to the proxy failed',
  PROXY_REFUSED: 'cannot be reached, since the proxy refused a tunnel to it',
  PROXY_AUTHENTICATION: 'cannot be reached, since the proxy asks for other credentials',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
};

/** Of a reason that `toTransportError` tells. */
export const isTlsFailure = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO)/.test(code);

/** What a server tells of a client's certificate: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const CERTIFICATE_REFUSED =
  /_ALERT_(CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;

const explain = (code: string, stage: Stage): { code: ErrorCode; what: string } => {
  const timeout = TIMEOUTS[code];
  if (timeout !== undefined) return { code: 'provider_timeout', what: timeout };
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { code: 'provider_unavailable', what: unreachable };
  if (CERTIFICATE_REFUSED.test(code))
    return { code: 'provider_unavailable', what: 'asks for another client certificate than it was shown, if any' };
  if (isTlsFailure(code)) return { code: 'provider_unavailable', what: 'could not prove its identity (TLS)' };
  if (code.startsWith('HTTP_')) return { code: 'provider_invalid_response', what: 'broke the HTTP protocol' };
  return stage === 'in-response'
    ? { code: 'provider_stream_broken', what: 'closed the connection in the middle of its answer' }
    : { code: 'provider_unavailable', what: 'closed the connection without an answer' };
};

export const toTransportError = (thrown: unknown, stage: Stage, providerName: string): WaystationError => {
  if (thrown instanceof WaystationError) return thrown;
  const code = codeOf(thrown);
  const { code: ours, what } = explain(code, stage);
  return new WaystationError(ours, `${providerName} ${what}.`, {
    details: {
      provider_name: providerName,
      ...(code === '' ? {} : { reason: code }),
      ...(thrown instanceof ProxyRefusal ? { proxy_status: thrown.status } : {}),
    },
    cause: thrown,
  });
};
