// What a failed statement means: worth another try, a lost server, or our own mistake. Recognised by SQLSTATE and by Node's socket codes.

/** As much of an error as is looked at. Duck-typed: an error may come from another realm. */
interface Failure {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly driverError?: unknown;
  readonly errors?: unknown;
}

const DEPTH_MAX = 5;
const asFailure = (error: unknown): Failure => (typeof error === 'object' && error !== null ? error : {});

/** An error and what it wraps: TypeORM's driver error, the cause, the first of many (a refused connection to a name with several addresses). */
function* chainOf(error: unknown): Generator<Failure> {
  let each: unknown = error;
  for (let depth = 0; depth < DEPTH_MAX && each !== undefined; depth += 1) {
    const failure = asFailure(each);
    yield failure;
    each = Array.isArray(failure.errors) ? failure.errors[0] : (failure.driverError ?? failure.cause);
  }
}

/** The SQLSTATE of a failed statement (or the socket's code), wherever it is wrapped. */
export const failureCode = (error: unknown): string | undefined => {
  for (const { code } of chainOf(error)) if (typeof code === 'string') return code;
  return undefined;
};

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization_failure, deadlock_detected. */
export const isRetriable = (error: unknown): boolean => {
  const code = failureCode(error);
  return code === '40001' || code === '40P01';
};

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);
/** admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections, and class 08 (connection exception). */
const AWAY_STATES = new Set(['57P01', '57P02', '57P03', '53300']);
/** pg and pg-pool raise these without a code. */
const AWAY_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|not queryable|client has encountered a connection error|connection ended unexpectedly/i;

/** The server cannot be reached or is not ready: waiting may help, nothing is wrong with the statement. */
export const isAway = (error: unknown): boolean => {
  const code = failureCode(error);
  if (code !== undefined) return SOCKET_CODES.has(code) || AWAY_STATES.has(code) || code.startsWith('08');
  return AWAY_MESSAGES.test(reasonOf(error));
};

/** A line for the operator that names the server and never the password. */
export const describeTarget = (url: string): string => {
  try {
    const { username, host, pathname } = new URL(url);
    return `${decodeURIComponent(username) || 'postgres'}@${host || 'localhost'}${pathname}`;
  } catch {
    return 'the given URL';
  }
};

/** The first message in the chain that says something, one line of it. */
export const reasonOf = (error: unknown): string => {
  for (const { message } of chainOf(error))
    if (typeof message === 'string' && message !== '') return message.split('\n', 1)[0] ?? message;
  return String(error);
};
