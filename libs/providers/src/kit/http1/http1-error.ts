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
  | 'TOO_MANY_WAIT';

export class Http1Error extends Error {
  readonly code: Http1ErrorCode;

  constructor(code: Http1ErrorCode, message: string) {
    super(message);
    this.name = 'Http1Error';
    this.code = code;
  }
}
