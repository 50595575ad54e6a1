// One app as a Nest application over the shared bus: on Fastify where it has HTTP of its own, a bare microservice otherwise.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type INestMicroservice,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import type { NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  APP_CONTEXT,
  BUS,
  CONFIG,
  HEALTH,
  LOGGER,
  METRICS,
  type Address,
  type AppContext,
  type AppDefinition,
} from './app.js';
import { BusStrategy, PassErrorsOn } from './bus-strategy.js';
import { furtherServer } from './further-server.js';
import { nestLog } from './nest-log.js';
import { requestIdOf } from './request-id.js';

export interface NestApp {
  readonly name: string;
  readonly strategy: BusStrategy;
  /** Registers the handlers at the bus. */
  serve(): Promise<void>;
  /** Set where the app has HTTP: binds its ports and answers which. */
  readonly listen?: () => Promise<Ports>;
  /** All that it listens with. */
  readonly servers: readonly Server[];
  /** Runs the shutdown hooks of Nest. */
  close(): Promise<void>;
}

/** `port`, and `<name>Port` of each further listener. */
export type Ports = Readonly<Record<string, number>>;

@Module({})
class RuntimeModule {}

@Module({})
class AppRoot {}

const runtimeModule = (context: AppContext<unknown>): DynamicModule => {
  const providers = [
    { provide: APP_CONTEXT, useValue: context },
    { provide: BUS, useValue: context.bus },
    { provide: LOGGER, useValue: context.log },
    { provide: CONFIG, useValue: context.config },
    { provide: METRICS, useValue: context.metrics },
    { provide: HEALTH, useValue: context.health },
  ];
  return {
    module: RuntimeModule,
    global: true,
    imports: [DiscoveryModule],
    providers,
    exports: providers.map(({ provide }) => provide),
  };
};

const rootOf = (context: AppContext<unknown>, module: DynamicModule | Type): DynamicModule => ({
  module: AppRoot,
  imports: [runtimeModule(context), module],
});

export const createNestApp = async (app: AppDefinition, context: AppContext<unknown>): Promise<NestApp> => {
  const root = rootOf(context, await app.module(context));
  const strategy = new BusStrategy({ bus: context.bus, streamKeys: app.streamKeys?.(context.config) });
  return app.http === undefined
    ? microservice(app, root, strategy, context)
    : withHttp(app, app.http, root, strategy, context);
};

/** `init` of the application runs the lifecycle hooks; registering the handlers would run them once more. */
const skipSecondInit = (microservice: INestMicroservice): void =>
  (microservice as NestMicroservice).setIsInitHookCalled(true);

const microservice = async (
  app: AppDefinition,
  root: DynamicModule,
  strategy: BusStrategy,
  context: AppContext<unknown>,
): Promise<NestApp> => {
  const nest = await NestFactory.createMicroservice(root, {
    strategy,
    logger: nestLog(context.log),
    abortOnError: false,
  });
  nest.useGlobalFilters(new PassErrorsOn());
  strategy.bindControllers(nest as INestApplicationContext);
  // `init` runs the lifecycle hooks; registering the listeners would run them once more.
  (nest as unknown as { setIsInitHookCalled(called: boolean): void }).setIsInitHookCalled(true);
  await nest.init();
  return {
    name: app.name,
    strategy,
    servers: [],
    serve: async () => void (await nest.listen()),
    close: () => nest.close(),
  };
};

const withHttp = async (
  app: AppDefinition,
  http: NonNullable<AppDefinition['http']>,
  root: DynamicModule,
  strategy: BusStrategy,
  context: AppContext<unknown>,
): Promise<NestApp> => {
  const options = http.options?.(context.config);
  const adapter = new FastifyAdapter({
    trustProxy: false,
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestIdOf(request.headers['x-request-id']),
    ...options,
  });
  await http.prepare?.(adapter.getInstance(), context);
  // Bodies are parsed by what `prepare` has set up, or by Fastify itself; Nest's own parsers would parse them once more.
  const nest = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: nestLog(context.log),
    abortOnError: false,
    bodyParser: false,
  });
  // Deferred, so that the filter is there before the handlers are wrapped; the application itself runs the lifecycle hooks.
  const rpc = nest.connectMicroservice({ strategy }, { deferInitialization: true });
  rpc.useGlobalFilters(new PassErrorsOn());
  skipSecondInit(rpc);
  strategy.bindControllers(nest);
  await nest.init();
  const server = nest.getHttpServer() as unknown as Server;
  const { routing } = adapter.getInstance();
  const further = (http.listenAlso?.(context.config) ?? []).map((address) => ({
    ...address,
    server: furtherServer(address.name, server, options?.http ?? {}, routing),
  }));
  const listen = async (): Promise<Ports> => {
    const { host, port } = http.listen(context.config);
    await nest.listen(port, host).catch((cause: unknown) => {
      throw listenError(app.name, host, port, cause);
    });
    const ports: Record<string, number> = { port: portOf(server) };
    for (const { name, server: other, ...address } of further) {
      await bind(other, address).catch((cause: unknown) => {
        throw listenError(`${app.name} (${name})`, address.host, address.port, cause);
      });
      ports[`${name}Port`] = portOf(other);
    }
    return ports;
  };
  return {
    name: app.name,
    strategy,
    servers: [server, ...further.map((each) => each.server)],
    listen,
    serve: async () => void (await nest.startAllMicroservices()),
    close: () => nest.close(),
  };
};

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const bind = async (server: Server, { host, port }: Address): Promise<void> => {
  server.listen(port, host);
  await once(server, 'listening');
};

/** What an operator can do about a port that cannot be had. */
export const listenError = (who: string, host: string, port: number, cause: unknown): Error => {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  const reason =
    code === 'EADDRINUSE'
      ? 'is taken by another process; stop it or choose another port'
      : code === 'EACCES'
        ? 'needs more rights; choose a port above 1023'
        : `cannot be bound (${String(code)})`;
  return new Error(`port ${port} on ${host} for ${who} ${reason}`, { cause });
};
