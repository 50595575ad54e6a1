// The only place of the runtime that reads the environment. All faults of a process, its own and those of its apps, are found in one go and
// told in one block that names each variable, what is wrong and what to write. Values of secrets are never shown.
import { z } from 'zod';
import type { AppDefinition } from './app.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RuntimeConfig {
  readonly mode: 'development' | 'production';
  readonly release: string;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly nats: {
    readonly url: string;
    readonly user?: string;
    readonly password?: string;
    readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
    /** Copies of each stream and bucket; absent: one. */
    readonly streamReplicas?: number;
  };
  readonly internal: { readonly host: string; readonly port: number };
  readonly timeScale: number;
  readonly shutdownGraceMs: number;
  /** Of the grace: how long an app with HTTP goes on as before, with readiness red, so that whoever sends requests here notices. */
  readonly shutdownNoticeMs: number;
  /** Base URL of an OTLP/HTTP collector; absent: no tracing at all. */
  readonly otlpEndpoint?: string;
  /** Of the requests whose callers do not trace, how many are: 0 to 1. */
  readonly traceRatio: number;
}

const port = z.coerce.number('must be a port number').int('must be a whole port number').min(0).max(65_535);
const optionalText = z.string().optional();

/** A URL list is allowed: `nats://a:4222,nats://b:4222`. */
const natsUrl = z
  .string()
  .refine(
    (text) => text.split(',').every((each) => /^(nats|tls|wss?):\/\/[^\s/]+$/.test(each) && URL.canParse(each)),
    'must be nats://host:port (several with commas between)',
  );

const runtimeEnvironment = z.object({
  WAYSTATION_MODE: z.enum(['development', 'production']).default('production'),
  WAYSTATION_RELEASE: z.string().max(128).default('dev'),
  WAYSTATION_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  WAYSTATION_NATS_URL: natsUrl.default('nats://127.0.0.1:4222'),
  WAYSTATION_NATS_USER: optionalText,
  WAYSTATION_NATS_PASSWORD: optionalText,
  WAYSTATION_NATS_CA_FILE: optionalText,
  WAYSTATION_NATS_CERT_FILE: optionalText,
  WAYSTATION_NATS_KEY_FILE: optionalText,
  WAYSTATION_STREAM_REPLICAS: z.coerce.number('must be a number of copies').int().min(1).max(5).optional(),
  WAYSTATION_INTERNAL_HOST: z.string().default('127.0.0.1'),
  WAYSTATION_INTERNAL_PORT: port.default(0),
  WAYSTATION_TIME_SCALE: z.coerce.number('must be a number, say 0.1').min(0.01).max(10).default(1),
  WAYSTATION_SHUTDOWN_GRACE_MS: z.coerce.number('must be milliseconds').int().min(100).max(3_600_000).default(25_000),
  WAYSTATION_SHUTDOWN_NOTICE_MS: z.coerce.number('must be milliseconds').int().min(0).max(600_000).default(0),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url('must be the URL of an OTLP/HTTP collector, say http://localhost:4318').optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number('must be a share, say 0.1').min(0).max(1).default(1),
});

/** One thing that is wrong with one variable. */
export interface ConfigFault {
  readonly variable: string;
  readonly problem: string;
}

export interface ProcessConfig {
  readonly runtime: RuntimeConfig;
  /** By app, in the order given. */
  readonly apps: readonly unknown[];
}

export type ConfigOutcome = { readonly config: ProcessConfig } | { readonly faults: readonly ConfigFault[] };

/** A variable that is set to nothing counts as not set: compose files and shells make those easily. */
const withoutEmpty = (environment: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );

const SECRET_NAME = /KEY|PASSWORD|SECRET|TOKEN|_URL$/;

const faultOf = (issue: z.core.$ZodIssue, environment: Record<string, string>): ConfigFault => {
  const variable = String(issue.path[0] ?? 'environment');
  const value = environment[variable];
  if (value === undefined && issue.code === 'invalid_type') return { variable, problem: 'is required and not set' };
  const shown =
    value === undefined
      ? ''
      : SECRET_NAME.test(variable)
        ? ' (its value is not shown)'
        : ` (it is ${JSON.stringify(value.slice(0, 80))})`;
  return { variable, problem: `${issue.message}${shown}` };
};

const parse = <Config>(
  schema: z.ZodType<Config>,
  environment: Record<string, string>,
  faults: ConfigFault[],
): Config | undefined => {
  const outcome = schema.safeParse(environment);
  if (outcome.success) return outcome.data;
  faults.push(...outcome.error.issues.map((issue) => faultOf(issue, environment)));
  return undefined;
};

/** Checks that concern several variables; they hold whatever else is wrong. */
const refuseInProduction = (environment: Record<string, string>, faults: ConfigFault[]): void => {
  const production = (environment['WAYSTATION_MODE'] ?? 'production') === 'production';
  const scale = environment['WAYSTATION_TIME_SCALE'];
  if (production && scale !== undefined && Number(scale) !== 1) {
    faults.push({
      variable: 'WAYSTATION_TIME_SCALE',
      problem: 'is refused in production: unset it, or set WAYSTATION_MODE=development',
    });
  }
};

/** Running work must have its share of the grace after the notice. */
const NOTICE_SHARE_MAX = 0.5;

const refuseLongNotice = (
  {
    WAYSTATION_SHUTDOWN_NOTICE_MS: noticeMs,
    WAYSTATION_SHUTDOWN_GRACE_MS: graceMs,
  }: z.output<typeof runtimeEnvironment>,
  faults: ConfigFault[],
): void => {
  if (noticeMs > graceMs * NOTICE_SHARE_MAX)
    faults.push({
      variable: 'WAYSTATION_SHUTDOWN_NOTICE_MS',
      problem: `must be at most half of WAYSTATION_SHUTDOWN_GRACE_MS, which is ${graceMs} (it is ${noticeMs})`,
    });
};

const withoutRepeats = (faults: readonly ConfigFault[]): ConfigFault[] => [
  ...new Map(faults.map((fault) => [`${fault.variable} ${fault.problem}`, fault])).values(),
];

export const readConfig = (apps: readonly AppDefinition[], environment: Environment): ConfigOutcome => {
  const set = withoutEmpty(environment);
  const faults: ConfigFault[] = [];
  const own = parse(runtimeEnvironment, set, faults);
  refuseInProduction(set, faults);
  const parsed = apps.map((app) => parse(app.config, set, faults));
  if (own !== undefined) refuseLongNotice(own, faults);
  if (own === undefined || faults.length > 0) return { faults: withoutRepeats(faults) };
  return { config: { runtime: runtimeConfigOf(own), apps: parsed } };
};

const present = <Value extends object>(value: Value): { [Key in keyof Value]?: NonNullable<Value[Key]> } =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [Key in keyof Value]?: NonNullable<Value[Key]>;
  };

const runtimeConfigOf = (own: z.output<typeof runtimeEnvironment>): RuntimeConfig => {
  const tls = present({
    caFile: own.WAYSTATION_NATS_CA_FILE,
    certFile: own.WAYSTATION_NATS_CERT_FILE,
    keyFile: own.WAYSTATION_NATS_KEY_FILE,
  });
  return {
    mode: own.WAYSTATION_MODE,
    release: own.WAYSTATION_RELEASE,
    logLevel: own.WAYSTATION_LOG_LEVEL,
    nats: {
      url: own.WAYSTATION_NATS_URL,
      ...present({
        user: own.WAYSTATION_NATS_USER,
        password: own.WAYSTATION_NATS_PASSWORD,
        streamReplicas: own.WAYSTATION_STREAM_REPLICAS,
      }),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
    },
    internal: { host: own.WAYSTATION_INTERNAL_HOST, port: own.WAYSTATION_INTERNAL_PORT },
    timeScale: own.WAYSTATION_TIME_SCALE,
    shutdownGraceMs: own.WAYSTATION_SHUTDOWN_GRACE_MS,
    shutdownNoticeMs: own.WAYSTATION_SHUTDOWN_NOTICE_MS,
    traceRatio: own.OTEL_TRACES_SAMPLER_ARG,
    ...present({ otlpEndpoint: own.OTEL_EXPORTER_OTLP_ENDPOINT }),
  };
};

/** The block that an operator reads. */
export const describeFaults = (service: string, faults: readonly ConfigFault[]): string => {
  const width = Math.max(...faults.map(({ variable }) => variable.length));
  const lines = faults.map(({ variable, problem }) => `  ${variable.padEnd(width)}  ${problem}`);
  return [
    `${service} cannot start: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in its environment`,
    ...lines,
    '',
  ].join('\n');
};

/** The environment of this process. Nothing else in the runtime reads it. */
export const environmentOfProcess = (): Environment => process.env;

/** For commands that run once and end: their variables, or the block of faults and exit code 1. */
export const readCommandConfig = <Config>(command: string, schema: z.ZodType<Config>): Config => {
  const faults: ConfigFault[] = [];
  const config = parse(schema, withoutEmpty(environmentOfProcess()), faults);
  if (config !== undefined) return config;
  process.stderr.write(describeFaults(command, withoutRepeats(faults)));
  process.exit(1);
};
