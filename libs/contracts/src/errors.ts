// The one error class and the one error table. Recognised by code, never by instanceof across a process border.
// A message says what was wrong, with which value, and what to do; never a stack, a secret or an upstream URL.

/** Who has to act. */
export type Fault = 'client' | 'provider' | 'waystation';

/**
 * What the attempt loop does with it: `never` ends the generation, `next-endpoint` moves on to the next endpoint,
 * `same-endpoint` asks another worker for the same endpoint (nothing was dispatched), `later` asks the client to come back.
 */
export type RetryClass = 'never' | 'next-endpoint' | 'same-endpoint' | 'later';

export interface ErrorRow {
  readonly status: number;
  readonly fault: Fault;
  readonly retry: RetryClass;
  /** Whether a generation that ends with it, after output was delivered, is charged for what was delivered. */
  readonly chargedAfterOutput: boolean;
  /** The stable type of the reference API (`error.metadata.error_type`). */
  readonly type: string;
}

const row = (status: number, fault: Fault, retry: RetryClass, type: string, chargedAfterOutput = false): ErrorRow => ({
  status,
  fault,
  retry,
  type,
  chargedAfterOutput,
});

export const ERRORS = {
  // what the client sent
  malformed_json: row(400, 'client', 'never', 'invalid_request'),
  invalid_request: row(400, 'client', 'never', 'invalid_request'),
  unknown_parameter: row(400, 'client', 'never', 'invalid_request'),
  model_not_found: row(400, 'client', 'never', 'invalid_request'),
  context_length_exceeded: row(400, 'client', 'next-endpoint', 'context_length_exceeded'),
  content_policy_violation: row(400, 'client', 'next-endpoint', 'content_policy_violation'),
  missing_credentials: row(401, 'client', 'never', 'authentication'),
  invalid_credentials: row(401, 'client', 'never', 'authentication'),
  key_disabled: row(401, 'client', 'never', 'authentication'),
  key_expired: row(401, 'client', 'never', 'authentication'),
  insufficient_credits: row(402, 'client', 'never', 'payment_required'),
  limit_exceeded: row(402, 'client', 'never', 'payment_required'),
  in_flight: row(402, 'client', 'later', 'payment_required'),
  permission_denied: row(403, 'client', 'never', 'permission_denied'),
  content_blocked: row(403, 'client', 'never', 'permission_denied', true),
  workspace_suspended: row(403, 'client', 'never', 'permission_denied'),
  not_found: row(404, 'client', 'never', 'not_found'),
  no_endpoints: row(404, 'client', 'never', 'not_found'),
  method_not_allowed: row(405, 'client', 'never', 'invalid_request'),
  request_timeout: row(408, 'client', 'never', 'timeout'),
  conflict: row(409, 'client', 'never', 'invalid_request'),
  idempotency_in_progress: row(409, 'client', 'later', 'invalid_request'),
  idempotency_finished: row(409, 'client', 'never', 'invalid_request'),
  payload_too_large: row(413, 'client', 'never', 'payload_too_large'),
  unsupported_media_type: row(415, 'client', 'never', 'invalid_request'),
  idempotency_mismatch: row(422, 'client', 'never', 'unprocessable'),
  unprocessable: row(422, 'client', 'never', 'unprocessable'),
  headers_too_large: row(431, 'client', 'never', 'invalid_request'),
  rate_limited: row(429, 'client', 'later', 'rate_limit_exceeded'),
  client_closed_request: row(499, 'client', 'never', 'unmapped', true),
  // what a provider did
  provider_rejected: row(400, 'provider', 'next-endpoint', 'invalid_request'),
  provider_auth: row(502, 'provider', 'next-endpoint', 'provider_unavailable'),
  provider_rate_limited: row(429, 'provider', 'next-endpoint', 'rate_limit_exceeded'),
  provider_overloaded: row(503, 'provider', 'next-endpoint', 'provider_overloaded'),
  provider_unavailable: row(502, 'provider', 'next-endpoint', 'provider_unavailable', true),
  provider_timeout: row(504, 'provider', 'next-endpoint', 'timeout', true),
  provider_invalid_response: row(502, 'provider', 'next-endpoint', 'provider_unavailable', true),
  provider_stream_broken: row(502, 'provider', 'next-endpoint', 'provider_unavailable', true),
  provider_empty: row(502, 'provider', 'next-endpoint', 'provider_unavailable'),
  // ourselves
  no_worker: row(503, 'waystation', 'next-endpoint', 'provider_overloaded'),
  // The capacity that is configured for a credential is used up: nothing was sent, and another endpoint may have room.
  credential_full: row(429, 'waystation', 'next-endpoint', 'rate_limit_exceeded'),
  worker_busy: row(503, 'waystation', 'same-endpoint', 'provider_overloaded'),
  accept_timeout: row(503, 'waystation', 'same-endpoint', 'provider_overloaded'),
  worker_lost: row(502, 'waystation', 'next-endpoint', 'provider_unavailable', true),
  stream_gap: row(502, 'waystation', 'next-endpoint', 'provider_unavailable', true),
  stream_stalled: row(504, 'waystation', 'next-endpoint', 'timeout', true),
  no_responder: row(503, 'waystation', 'later', 'provider_overloaded'),
  bus_unavailable: row(503, 'waystation', 'later', 'provider_overloaded'),
  journal_unavailable: row(503, 'waystation', 'later', 'provider_overloaded'),
  snapshot_stale: row(503, 'waystation', 'later', 'provider_overloaded'),
  shutting_down: row(503, 'waystation', 'later', 'provider_overloaded', true),
  payments_not_configured: row(503, 'waystation', 'never', 'server'),
  payments_unavailable: row(503, 'waystation', 'later', 'server'),
  overloaded: row(503, 'waystation', 'later', 'provider_overloaded'),
  deadline_exceeded: row(504, 'waystation', 'later', 'timeout', true),
  cancelled: row(499, 'client', 'never', 'unmapped', true),
  // What ends an attempt of which its caller had nothing when it gave it up: nobody's answer, so nobody's charge. Never told to a client.
  passed_over: row(503, 'waystation', 'never', 'provider_overloaded'),
  bad_message: row(400, 'waystation', 'never', 'invalid_request'),
  unknown_version: row(400, 'waystation', 'never', 'invalid_request'),
  internal: row(500, 'waystation', 'never', 'server', true),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERRORS, value);

/** JSON-safe facts for the client, e.g. which quota refused, what was asked and what is left. Never a prompt, never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error as it crosses a process border. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
  readonly retryAfterMs?: number;
}

export interface WaystationErrorOptions {
  readonly details?: ErrorDetails;
  /** How long the caller should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The only error class of the project. */
export class WaystationError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: WaystationErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WaystationError';
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }

  toWire(): ErrorWire {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }
}

/** Rebuilds an error that crossed a process border. A code that this version does not know becomes `internal`. */
export const errorFromWire = (wire: {
  code: string;
  message: string;
  details?: ErrorDetails | undefined;
  retryAfterMs?: number | undefined;
}): WaystationError =>
  new WaystationError(isErrorCode(wire.code) ? wire.code : 'internal', wire.message, {
    ...(wire.details === undefined ? {} : { details: wire.details }),
    ...(wire.retryAfterMs === undefined ? {} : { retryAfterMs: wire.retryAfterMs }),
  });

/** Converts whatever was thrown. Known errors pass through; all else becomes `internal` with a message that gives nothing away. */
export const toWaystationError = (thrown: unknown): WaystationError => {
  if (thrown instanceof WaystationError) return thrown;
  if (
    thrown !== null &&
    typeof thrown === 'object' &&
    'code' in thrown &&
    'message' in thrown &&
    thrown instanceof Error &&
    isErrorCode(thrown.code)
  ) {
    return new WaystationError(thrown.code, thrown.message, { cause: thrown });
  }
  return new WaystationError('internal', 'An internal error occurred. The request id finds it in the logs.', {
    cause: thrown,
  });
};
