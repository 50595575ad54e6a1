// What went wrong on the way to a provider, in our words. Never an address or a path: the cause keeps them for the log.
import { WaystationError, type ErrorCode } from '@waystation/contracts';

type Stage = 'before-response' | 'in-response';

/** The parser's errors have only a name. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name === 'HTTPParserError' ? 'HPE_INVALID' : '';
};

const TIMEOUTS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'could not be connected to in time',
  ETIMEDOUT: 'could not be connected to in time',
  UND_ERR_HEADERS_TIMEOUT: 'did not begin to answer in time',
  UND_ERR_BODY_TIMEOUT: 'stopped sending in the middle of its answer',
};

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that does not resolve at the moment',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
};

const PROTOCOL = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_INVALID_RETURN_VALUE']);
const isTls = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO)/.test(code);

const explain = (code: string, stage: Stage): { code: ErrorCode; what: string } => {
  const timeout = TIMEOUTS[code];
  if (timeout !== undefined) return { code: 'provider_timeout', what: timeout };
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { code: 'provider_unavailable', what: unreachable };
  if (isTls(code)) return { code: 'provider_unavailable', what: 'could not prove its identity (TLS)' };
  if (PROTOCOL.has(code) || code.startsWith('HPE_'))
    return { code: 'provider_invalid_response', what: 'broke the HTTP protocol' };
  return stage === 'in-response'
    ? { code: 'provider_stream_broken', what: 'closed the connection in the middle of its answer' }
    : { code: 'provider_unavailable', what: 'closed the connection without an answer' };
};

export const toTransportError = (thrown: unknown, stage: Stage, providerName: string): WaystationError => {
  if (thrown instanceof WaystationError) return thrown;
  const code = codeOf(thrown);
  const { code: ours, what } = explain(code, stage);
  return new WaystationError(ours, `${providerName} ${what}.`, {
    details: { provider_name: providerName, ...(code === '' ? {} : { reason: code }) },
    cause: thrown,
  });
};
