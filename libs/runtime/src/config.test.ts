import { z } from 'zod';
import type { AppDefinition } from './app.js';
import { describeFaults, readConfig, type Environment } from './config.js';

const app = (name: string, config: z.ZodType): AppDefinition => ({
  name,
  config,
  module: () => {
    throw new Error('not built here');
  },
});
const ingress = app(
  'ingress',
  z
    .object({ WAYSTATION_PORT: z.coerce.number().int().max(65_535) })
    .transform((environment) => ({ port: environment.WAYSTATION_PORT })),
);
const worker = app(
  'worker',
  z.object({ WAYSTATION_WORKER_PRIVATE_KEY: z.string().regex(/^[\w-]{43}$/, 'must be 32 bytes as base64url') }),
);

const faultsOf = (environment: Environment, ...apps: AppDefinition[]): string[] => {
  const outcome = readConfig(apps, environment);
  return 'faults' in outcome ? outcome.faults.map(({ variable, problem }) => `${variable}: ${problem}`) : [];
};

describe('readConfig', () => {
  test('an empty environment is a production process on the default NATS, with a port of its choice', () => {
    const outcome = readConfig([], {});
    expect('config' in outcome && outcome.config.runtime).toEqual({
      mode: 'production',
      release: 'dev',
      logLevel: 'info',
      nats: { url: 'nats://127.0.0.1:4222' },
      internal: { host: '127.0.0.1', port: 0 },
      timeScale: 1,
      traceRatio: 1,
      shutdownGraceMs: 25_000,
      shutdownNoticeMs: 0,
    });
  });

  test('each app gets what its own schema makes of the same environment', () => {
    const outcome = readConfig([ingress, worker], {
      WAYSTATION_PORT: '8080',
      WAYSTATION_WORKER_PRIVATE_KEY: 'a'.repeat(43),
      UNRELATED: 'x',
    });
    expect('config' in outcome && outcome.config.apps).toEqual([
      { port: 8080 },
      { WAYSTATION_WORKER_PRIVATE_KEY: 'a'.repeat(43) },
    ]);
  });

  test('every fault of the runtime and of all apps is listed, not only the first', () => {
    const environment = {
      WAYSTATION_MODE: 'staging',
      WAYSTATION_INTERNAL_PORT: '99999',
      WAYSTATION_NATS_URL: 'localhost',
      WAYSTATION_PORT: 'http',
    };
    const faults = faultsOf(environment, ingress, worker);
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'WAYSTATION_MODE',
      'WAYSTATION_NATS_URL',
      'WAYSTATION_INTERNAL_PORT',
      'WAYSTATION_PORT',
      'WAYSTATION_WORKER_PRIVATE_KEY',
    ]);
    expect(faults).toContain('WAYSTATION_WORKER_PRIVATE_KEY: is required and not set');
  });

  test('a notice longer than half of the grace is refused, since running work would have no time left', () => {
    const outcome = readConfig([], { WAYSTATION_SHUTDOWN_GRACE_MS: '4000', WAYSTATION_SHUTDOWN_NOTICE_MS: '2000' });
    expect('config' in outcome && outcome.config.runtime.shutdownNoticeMs).toBe(2000);
    expect(faultsOf({ WAYSTATION_SHUTDOWN_NOTICE_MS: '12501' })).toEqual([
      'WAYSTATION_SHUTDOWN_NOTICE_MS: must be at most half of WAYSTATION_SHUTDOWN_GRACE_MS, which is 25000 (it is 12501)',
    ]);
  });

  test('a fault that two apps share is told once', () => {
    expect(faultsOf({}, worker, { ...worker, name: 'second' })).toHaveLength(1);
  });

  test('values are shown where they help, and never where they could be secret', () => {
    const told = faultsOf(
      {
        WAYSTATION_MODE: 'staging',
        WAYSTATION_WORKER_PRIVATE_KEY: 'hunter2',
        WAYSTATION_NATS_URL: 'http://u:hunter2@h',
      },
      worker,
    ).join('\n');
    expect(told).toContain('(it is "staging")');
    expect(told).toContain('WAYSTATION_WORKER_PRIVATE_KEY: must be 32 bytes as base64url (its value is not shown)');
    expect(told).not.toContain('hunter2');
  });

  test('a variable that is set to nothing counts as not set', () => {
    expect(faultsOf({ WAYSTATION_MODE: '', WAYSTATION_PORT: '' }, ingress)).toEqual([
      'WAYSTATION_PORT: is required and not set',
    ]);
  });

  test.each<[string, Environment, string[]]>([
    [
      'another time scale in production, which is the default',
      { WAYSTATION_TIME_SCALE: '0.1' },
      ['WAYSTATION_TIME_SCALE'],
    ],
    [
      'another time scale in production, told besides other faults',
      { WAYSTATION_TIME_SCALE: '0.1', WAYSTATION_LOG_LEVEL: 'loud' },
      ['WAYSTATION_LOG_LEVEL', 'WAYSTATION_TIME_SCALE'],
    ],
    ['nothing in development', { WAYSTATION_MODE: 'development', WAYSTATION_TIME_SCALE: '0.1' }, []],
    ['nothing for the neutral scale', { WAYSTATION_TIME_SCALE: '1' }, []],
    ['a scale of zero', { WAYSTATION_MODE: 'development', WAYSTATION_TIME_SCALE: '0' }, ['WAYSTATION_TIME_SCALE']],
    ['a collector that is no URL', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, ['OTEL_EXPORTER_OTLP_ENDPOINT']],
    ['more copies than JetStream keeps', { WAYSTATION_STREAM_REPLICAS: '6' }, ['WAYSTATION_STREAM_REPLICAS']],
    ['nothing for a cluster of NATS servers', { WAYSTATION_NATS_URL: 'nats://a:4222,tls://b:4222' }, []],
  ])('refuses %s', (_name, environment, expected) => {
    expect(faultsOf(environment).map((fault) => fault.split(':')[0])).toEqual(expected);
  });

  test('the block for the operator names the process, the count, and one variable a line', () => {
    expect(
      describeFaults('worker', [
        { variable: 'A', problem: 'is required and not set' },
        { variable: 'LONGER', problem: 'must be x' },
      ]),
    ).toBe(
      'worker cannot start: 2 faults in its environment\n  A       is required and not set\n  LONGER  must be x\n',
    );
  });
});
