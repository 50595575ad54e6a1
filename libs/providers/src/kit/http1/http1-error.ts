// What can go wrong on a connection, one code each. Which of our errors that is, transport-error.ts decides.

export type Http1ErrorCode =
  | 'CLOSED'
  | 'CONNECT_TIMEOUT'
  | 'FIRST_BYTE_TIMEOUT'
  | 'IDLE_TIMEOUT'
  | 'HTTP_REQUEST_INVALID'
  | 'HTTP_HEAD_INVALID'
  | 'HTTP_HEAD_TOO_LARGE'
  | 'HTTP_FRAMING_INVALID'
  | 'HTTP_CHUNK_INVALID'
  | 'HTTP_UPGRADE_UNASKED'
  | 'TOO_MANY_WAIT'
  | 'PROXY_FAILED'
  | 'PROXY_REFUSED'
  | 'PROXY_AUTHENTICATION';

export class Http1Error extends Error {
  readonly code: Http1ErrorCode;

  constructor(code: Http1ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Http1Error';
    this.code = code;
  }
}

/** A proxy's answer to CONNECT, or to a request that it was to pass on. */
export class ProxyRefusal extends Http1Error {
  readonly status: number;

  constructor(code: 'PROXY_REFUSED' | 'PROXY_AUTHENTICATION', status: number) {
    super(code, `the proxy answered ${status}`);
    this.status = status;
  }
}
