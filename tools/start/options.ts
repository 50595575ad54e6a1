// What `npm start` was asked to do: options after `--`, or the same in npm's own words when npm swallowed the dashes (`npm start --detach`).
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StartFault } from './fault.ts';

export type Shape = 'split' | 'fused';

export interface StartOptions {
  readonly shape: Shape;
  /** 0: any free one. */
  readonly port: number;
  /** Management at a port of its own; undefined: all at one. 0: any free one. */
  readonly managementPort: number | undefined;
  readonly dataDir: string;
  readonly detach: boolean;
  /** Replicas of the process that holds each app; in the fused shape the data plane counts as `ingress`. */
  readonly replicas: {
    readonly ingress: number;
    readonly router: number;
    readonly worker: number;
    /** Of billing, logging and control each. */
    readonly backOffice: number;
  };
  /** Restart services that die. Tests that kill them say no. */
  readonly supervise: boolean;
  /** False: `dist` is known to be current. */
  readonly build: boolean;
  /** Variables for every service, over what is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Postgres survives a power cut. Only throw-away systems say no. */
  readonly durable: boolean;
  /** End when the process that started this one is gone. */
  readonly leashed: boolean;
}

const REPLICAS_MAX = 16;
const DEFAULT_PORT = '8080';
const OPTIONS =
  'Options: --fused --port N --management-port N --data-dir FOLDER --detach --ingress N --routers N --workers N --back-office N';

export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): StartOptions {
  const { values, positionals } = parse(args);
  const swallowed = swallowedByNpm(env, positionals);
  if (positionals.length > 0) throw new StartFault(`unexpected ${positionals.join(' ')}. ${OPTIONS}`);
  const flag = (given: boolean | undefined, name: string): boolean => given ?? (swallowed(name) ?? 'false') !== 'false';
  return {
    shape: flag(values.fused, 'fused') ? 'fused' : 'split',
    port: wholeNumber('--port', values.port ?? swallowed('port') ?? DEFAULT_PORT, 0, 65535),
    managementPort: optionalPort('--management-port', values['management-port'] ?? swallowed('management_port')),
    dataDir: path.resolve(cwd, values['data-dir'] ?? swallowed('data_dir') ?? '.waystation'),
    detach: flag(values.detach, 'detach'),
    replicas: {
      ingress: wholeNumber('--ingress', values.ingress ?? '1', 1, REPLICAS_MAX),
      router: wholeNumber('--routers', values.routers ?? '1', 1, REPLICAS_MAX),
      worker: wholeNumber('--workers', values.workers ?? '1', 0, REPLICAS_MAX),
      backOffice: wholeNumber('--back-office', values['back-office'] ?? '1', 1, REPLICAS_MAX),
    },
    supervise: !(values['no-supervise'] ?? false),
    build: !(values['no-build'] ?? false),
    durable: !(values['not-durable'] ?? false),
    leashed: values.leashed ?? false,
    env: Object.fromEntries((values.env ?? []).map(assignment)),
  };
}

/**
 * `npm start --port 9000 --detach` without the dashes: npm keeps the options (as `true`, for it does not know that one has a value) and passes the
 * values on as bare words. A number is the port then, and the other the folder.
 */
function swallowedByNpm(env: NodeJS.ProcessEnv, words: string[]): (name: string) => string | undefined {
  const value = (name: string, looks: (word: string) => boolean): string | undefined => {
    const known = env[`npm_config_${name}`];
    if (known === undefined) return undefined;
    if (known !== '' && known !== 'true') return known;
    const at = words.findIndex(looks);
    return at < 0 ? undefined : words.splice(at, 1)[0];
  };
  const digits = (word: string): boolean => /^\d+$/.test(word);
  const port = value('port', digits);
  const managementPort = value('management_port', digits);
  const dataDir = value('data_dir', () => true);
  return (name) => ({ port, management_port: managementPort, data_dir: dataDir })[name] ?? env[`npm_config_${name}`];
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        fused: { type: 'boolean' },
        port: { type: 'string' },
        'management-port': { type: 'string' },
        'data-dir': { type: 'string' },
        detach: { type: 'boolean' },
        ingress: { type: 'string' },
        routers: { type: 'string' },
        workers: { type: 'string' },
        'back-office': { type: 'string' },
        'no-supervise': { type: 'boolean' },
        'no-build': { type: 'boolean' },
        'not-durable': { type: 'boolean' },
        leashed: { type: 'boolean' },
        env: { type: 'string', multiple: true },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartFault(`${reason}. ${OPTIONS}`);
  }
}

const optionalPort = (option: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : wholeNumber(option, text, 0, 65535);

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new StartFault(`${option} must be a whole number from ${min} to ${max}, not ${text}`);
  return value;
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new StartFault(`--env must be NAME=value, not ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
