// Which processes make up a system in each shape, and the environment of each. The one place that knows which variable goes where.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { freePort } from '../../libs/testing/src/servers/free-port.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import type { StartOptions } from './options.ts';
import { ROLES, SCHEMAS } from './secrets.ts';
import type { Secrets } from './secrets.ts';
import type { NatsPlace, PostgresPlace } from './servers.ts';

type App = 'ingress' | 'router' | 'worker' | 'billing' | 'logging' | 'control' | 'sandbox';

/** A process to run. */
export interface Service {
  /** `ingress`, `ingress-2`, `data-plane`, … */
  readonly name: string;
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  /** Health and metrics. */
  readonly internalPort: number;
  /** Where clients connect, on those that serve the public. */
  readonly publicPort: number | undefined;
  /** Where management is, if it is not there. */
  readonly managementPort: number | undefined;
  /** Ends before those of a higher number. */
  readonly stopTurn: number;
}

export interface Ground {
  readonly options: StartOptions;
  readonly secrets: Secrets;
  readonly postgres: PostgresPlace;
  readonly nats: NatsPlace;
  readonly publicPort: number;
  readonly managementPort: number | undefined;
  readonly host: string;
  readonly configFile: string | undefined;
  readonly release: string;
}

interface Kind {
  /** User of the bus, and the name of the process. */
  readonly service: string;
  readonly entry: string;
  readonly apps: readonly App[];
  readonly count: number;
  readonly stopTurn: number;
}

const app = (name: string, file = 'main'): string => path.join(repositoryRoot, 'apps', name, 'dist', `${file}.js`);
export const MIGRATE = app('fused', 'migrate.main');

function kinds({ shape, replicas }: StartOptions): Kind[] {
  const sandbox: Kind = { service: 'sandbox', entry: app('sandbox'), apps: ['sandbox'], count: 1, stopTurn: 4 };
  if (shape === 'fused') {
    return [
      sandbox,
      {
        service: 'back-office',
        entry: app('fused', 'back-office.main'),
        apps: ['billing', 'logging', 'control'],
        count: replicas.backOffice,
        stopTurn: 3,
      },
      {
        service: 'data-plane',
        entry: app('fused', 'data-plane.main'),
        apps: ['ingress', 'router', 'worker'],
        count: replicas.ingress,
        stopTurn: 1,
      },
    ];
  }
  const single = (name: App, count: number, stopTurn: number): Kind => ({
    service: name,
    entry: app(name),
    apps: [name],
    count,
    stopTurn,
  });
  return [
    sandbox,
    ...(['billing', 'logging', 'control'] as const).map((name) => single(name, replicas.backOffice, 3)),
    single('router', replicas.router, 2),
    single('worker', replicas.worker, 2),
    single('ingress', replicas.ingress, 1),
  ];
}

export async function planServices(ground: Ground): Promise<Service[]> {
  const sandboxPort = await freePort();
  const services: Service[] = [];
  for (const kind of kinds(ground.options)) {
    for (let replica = 1; replica <= kind.count; replica += 1) {
      const publicPort = await publicPortOf(kind, replica, ground.publicPort, sandboxPort);
      const managementPort = await managementPortOf(kind, replica, ground.managementPort);
      const internalPort = await freePort();
      services.push({
        name: replica === 1 ? kind.service : `${kind.service}-${replica}`,
        entry: kind.entry,
        env: {
          ...commonEnv(ground, kind.service, internalPort),
          ...Object.assign(
            {},
            ...kind.apps.map((name) => appEnv(name, ground, { publicPort, managementPort, sandboxPort })),
          ),
          ...ground.options.env,
        },
        internalPort,
        publicPort,
        managementPort,
        stopTurn: kind.stopTurn,
      });
    }
  }
  return services;
}

async function publicPortOf(
  kind: Kind,
  replica: number,
  first: number,
  sandboxPort: number,
): Promise<number | undefined> {
  if (kind.apps.includes('sandbox')) return sandboxPort;
  if (!kind.apps.includes('ingress')) return undefined;
  return replica === 1 ? first : freePort();
}

async function managementPortOf(kind: Kind, replica: number, first: number | undefined): Promise<number | undefined> {
  if (first === undefined || !kind.apps.includes('ingress')) return undefined;
  return replica === 1 ? first : freePort();
}

interface AppPorts {
  readonly publicPort: number | undefined;
  readonly managementPort: number | undefined;
  readonly sandboxPort: number;
}

function commonEnv({ nats, release }: Ground, service: string, internalPort: number): Record<string, string> {
  const login = nats.login(service);
  return {
    WAYSTATION_MODE: 'development',
    WAYSTATION_RELEASE: release,
    WAYSTATION_NATS_URL: nats.url,
    ...(login === undefined ? {} : { WAYSTATION_NATS_USER: login.user, WAYSTATION_NATS_PASSWORD: login.password }),
    WAYSTATION_INTERNAL_HOST: '127.0.0.1',
    WAYSTATION_INTERNAL_PORT: String(internalPort),
  };
}

function appEnv(
  name: App,
  ground: Ground,
  { publicPort = 0, managementPort, sandboxPort }: AppPorts,
): Record<string, string> {
  switch (name) {
    case 'ingress':
      return {
        WAYSTATION_HOST: ground.host,
        WAYSTATION_PORT: String(publicPort),
        WAYSTATION_MANAGEMENT_PORT: managementPort === undefined ? '' : String(managementPort),
        // Whoever started the system runs it.
        WAYSTATION_OPERATOR_KEY_HASHES: createHash('sha256').update(ground.secrets.managementKey).digest('hex'),
      };
    case 'router':
      return {};
    case 'worker':
      return { WAYSTATION_WORKER_PRIVATE_KEY: ground.secrets.worker.privateKey };
    case 'billing':
    case 'logging':
      return serviceUrls(ground, name);
    case 'control':
      return {
        ...serviceUrls(ground, 'control'),
        WAYSTATION_WORKER_PUBLIC_KEY: ground.secrets.worker.publicKey,
        WAYSTATION_SANDBOX_URL: `http://127.0.0.1:${sandboxPort}`,
        WAYSTATION_SEED_API_KEY: ground.secrets.apiKey,
        WAYSTATION_SEED_MANAGEMENT_KEY: ground.secrets.managementKey,
        ...(ground.configFile === undefined ? {} : { WAYSTATION_CONFIG: ground.configFile }),
      };
    case 'sandbox':
      return { WAYSTATION_SANDBOX_HOST: '127.0.0.1', WAYSTATION_SANDBOX_PORT: String(sandboxPort) };
    default:
      return name satisfies never;
  }
}

function serviceUrls(ground: Ground, schema: string): Record<string, string> {
  return {
    [`WAYSTATION_${schema.toUpperCase()}_WRITER_URL`]: roleUrl(ground, schema, 'writer'),
    [`WAYSTATION_${schema.toUpperCase()}_READER_URL`]: roleUrl(ground, schema, 'reader'),
  };
}

/** Roles belong to the whole server, so their names carry the database's. */
function roleUrl({ postgres, secrets }: Pick<Ground, 'postgres' | 'secrets'>, schema: string, role: string): string {
  const url = new URL(postgres.adminUrl);
  url.username = `${url.pathname.slice(1)}_${schema}_${role}`;
  url.password = secrets.rolePasswords[`${schema}_${role}`] ?? '';
  return url.href;
}

/** The environment of the one command that makes schemas and roles. */
export function migrateEnv(ground: Pick<Ground, 'postgres' | 'secrets'>): Record<string, string> {
  return {
    WAYSTATION_MODE: 'development',
    WAYSTATION_POSTGRES_ADMIN_URL: ground.postgres.adminUrl,
    ...Object.fromEntries(
      SCHEMAS.flatMap((schema) =>
        ROLES.map((role) => [
          `WAYSTATION_${schema.toUpperCase()}_${role.toUpperCase()}_URL`,
          roleUrl(ground, schema, role),
        ]),
      ),
    ),
  };
}

/** What a service inherits. Provider keys go to control alone, which seals them to the workers, the payment service's to billing; nobody gets npm's own variables. */
export function inherited(service: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const mayHoldSecrets = service === 'control' || service === 'back-office';
  const takesPayments = service === 'billing';
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        !/^npm_/i.test(name) &&
        (mayHoldSecrets ||
          (takesPayments && name.startsWith('WAYSTATION_STRIPE_')) ||
          !/(_KEY|_TOKEN|_SECRET|PASSWORD|DATABASE_URL|NATS_URL)$/.test(name)),
    ),
  );
}
