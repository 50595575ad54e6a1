// The ingress with real HTTP over a scripted bus, as the bootstrap would start it.
import 'reflect-metadata';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  APP_CONTEXT,
  createHealth,
  createMetrics,
  furtherServer,
  requestIdOf,
  type AppContext,
} from '@waystation/runtime';
import { pino } from 'pino';
import { app } from '../app.js';
import type { IngressConfig } from '../config.js';
import { createScriptedBus, type ScriptedBus } from './scripted-bus.js';
import { answerKindly, fillSnapshots } from './fixtures.js';

export interface TestIngress {
  readonly url: string;
  readonly port: number;
  /** Port of management, where it was given a listener of its own; else that of everything. */
  readonly managementPort: number;
  readonly bus: ScriptedBus;
  readonly context: AppContext<IngressConfig>;
  /** Lines that the ingress logged. */
  readonly logged: string[];
  /** As the shutdown does when the grace is used up. */
  stopNow(): void;
  /** From now on for a whole request to come in, those that are under way among them. */
  hurryRequests(requestMs: number): void;
  close(): Promise<void>;
}

export const startIngress = async (
  options: {
    readonly timeScale?: number;
    /** Where some times are to be short and others not. */
    readonly scaleMs?: (ms: number) => number;
    readonly bodyBytesMax?: number;
    readonly operatorKeyHashes?: readonly string[];
    readonly decisionsKept?: number;
    /** For a whole request to come in. */
    readonly requestMs?: number;
    /** How often it is looked for requests that take too long. */
    readonly looksEveryMs?: number;
    readonly hedgeAfterMsMin?: number;
    /** With a listener of its own for management. */
    readonly management?: boolean;
  } = {},
): Promise<TestIngress> => {
  const bus = createScriptedBus();
  fillSnapshots(bus);
  answerKindly(bus);
  const stopping = new AbortController();
  const logged: string[] = [];
  const context: AppContext<IngressConfig> = {
    name: 'ingress',
    config: {
      host: '127.0.0.1',
      port: 0,
      management: options.management === true ? { host: '127.0.0.1', port: 0 } : undefined,
      bodyBytesMax: options.bodyBytesMax ?? 33_554_432,
      hedgeAfterMsMin: options.hedgeAfterMsMin,
      operatorKeyHashes: new Set(options.operatorKeyHashes),
      decisionsKept: options.decisionsKept ?? 0,
    },
    bus,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    metrics: createMetrics(),
    health: createHealth(),
    release: 'test',
    mode: 'development',
    scaleMs: options.scaleMs ?? ((ms) => ms * (options.timeScale ?? 1)),
    stopping: stopping.signal,
  };
  const module = await app.module(context);
  const fastifyOptions = app.http?.options?.(context.config);
  const http = {
    ...fastifyOptions?.http,
    ...(options.requestMs === undefined ? {} : { headersTimeout: options.requestMs }),
    ...(options.looksEveryMs === undefined ? {} : { connectionsCheckingInterval: options.looksEveryMs }),
  };
  const adapter = new FastifyAdapter({
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestIdOf(request.headers['x-request-id']),
    ...fastifyOptions,
    ...(options.requestMs === undefined ? {} : { requestTimeout: options.requestMs }),
    http,
  });
  await app.http?.prepare?.(adapter.getInstance(), context);
  const root = { module: class Root {}, imports: [module], providers: [{ provide: APP_CONTEXT, useValue: context }] };
  const nest = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  await nest.listen(0, '127.0.0.1');
  const server = nest.getHttpServer() as unknown as Server;
  const { port } = server.address() as AddressInfo;
  const further: Server[] = [];
  for (const { name, ...address } of app.http?.listenAlso?.(context.config) ?? []) {
    const other = furtherServer(name, server, http, adapter.getInstance().routing);
    await once(other.listen(address.port, address.host), 'listening');
    further.push(other);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    managementPort: (further[0] === undefined ? { port } : (further[0].address() as AddressInfo)).port,
    bus,
    context,
    logged,
    stopNow: () => stopping.abort(),
    hurryRequests(requestMs) {
      // Node takes the longer of the two for the request.
      server.headersTimeout = requestMs;
      server.requestTimeout = requestMs;
    },
    async close() {
      for (const each of [server, ...further]) {
        each.close();
        each.closeAllConnections();
      }
      await nest.close();
    },
  };
};
