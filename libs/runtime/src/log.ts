// One JSON line per event on stdout. A line break, a key or a password in a value cannot get out: text is JSON-escaped, known fields are redacted by name,
// and anything shaped like a key is cut from the finished line. Bodies are never logged.
import { trace } from '@opentelemetry/api';
import { destination as pinoDestination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { describeError } from './describe-error.js';

export interface LogOptions {
  readonly service: string;
  readonly release: string;
  readonly level: string;
  readonly tracing: boolean;
  /** Default: stdout. */
  readonly to?: DestinationStream;
}

const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'apiKey',
  'api_key',
  'password',
  'secret',
  'privateKey',
  'cookie',
  'x-api-key',
];
const REDACT = SECRET_FIELDS.flatMap((field) => {
  const name = /^\w+$/.test(field) ? field : `["${field}"]`;
  const below = name.startsWith('[') ? `*${name}` : `*.${name}`;
  const headers = name.startsWith('[') ? `headers${name}` : `headers.${name}`;
  return [name, below, headers, name.startsWith('[') ? `*.headers${name}` : `*.headers.${name}`];
});

/** Our keys and providers' keys, bearer values, and passwords inside URLs. */
const SECRETS = /\bsk-[\w-]{8,}|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|(?<=:\/\/[^\s/:@"]*:)[^\s/@"]+(?=@)/g;
const MAY_HOLD_SECRET = /sk-|Bearer |Basic |@/;

export const withoutSecrets = (line: string): string =>
  MAY_HOLD_SECRET.test(line) ? line.replace(SECRETS, '[redacted]') : line;

export interface Log {
  readonly root: Logger;
  /** From here on every line names the instance, those of loggers made before too. */
  named(instance: string): void;
  /** Writes out what is buffered. Call it before the process exits. */
  flush(): void;
}

export const createLog = (options: LogOptions): Log => {
  const stdout = options.to === undefined ? pinoDestination({ dest: 1, sync: false, minLength: 0 }) : undefined;
  // Whoever read our lines has gone; that is no reason to stop serving.
  stdout?.on('error', () => undefined);
  let identity: { instance?: string } = {};
  const root = pino(
    {
      level: options.level,
      base: { service: options.service, release: options.release },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: { paths: REDACT, censor: '[redacted]' },
      hooks: { streamWrite: withoutSecrets },
      mixin: () => (options.tracing ? { ...identity, ...activeTrace() } : { ...identity }),
    },
    options.to ?? (stdout as DestinationStream),
  );
  return {
    root,
    named(instance) {
      identity = { instance };
    },
    flush() {
      try {
        stdout?.flushSync();
      } catch {
        // Stdout is gone or not yet open: there is nobody to tell.
      }
    },
  };
};

const activeTrace = (): object => {
  const context = trace.getActiveSpan()?.spanContext();
  return context === undefined ? {} : { traceId: context.traceId, spanId: context.spanId };
};
