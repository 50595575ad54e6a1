// The ingress with real HTTP over a scripted bus, as the bootstrap would start it.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { APP_CONTEXT, createHealth, createMetrics, requestIdOf, type AppContext } from '@waystation/runtime';
import { pino } from 'pino';
import { app } from '../app.js';
import type { IngressConfig } from '../config.js';
import { createScriptedBus, type ScriptedBus } from './scripted-bus.js';
import { answerKindly, fillSnapshots } from './fixtures.js';

export interface TestIngress {
  readonly url: string;
  readonly port: number;
  readonly bus: ScriptedBus;
  readonly context: AppContext<IngressConfig>;
  /** Lines that the ingress logged. */
  readonly logged: string[];
  /** As the shutdown does when the grace is used up. */
  stopNow(): void;
  close(): Promise<void>;
}

export const startIngress = async (
  options: {
    readonly timeScale?: number;
    readonly bodyBytesMax?: number;
    readonly operatorKeyHashes?: readonly string[];
    /** For a whole request to come in. */
    readonly requestMs?: number;
    readonly hedgeAfterMsMin?: number;
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
      bodyBytesMax: options.bodyBytesMax ?? 33_554_432,
      hedgeAfterMsMin: options.hedgeAfterMsMin,
      operatorKeyHashes: new Set(options.operatorKeyHashes),
    },
    bus,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    metrics: createMetrics(),
    health: createHealth(),
    release: 'test',
    mode: 'development',
    scaleMs: (ms) => ms * (options.timeScale ?? 1),
    stopping: stopping.signal,
  };
  const module = await app.module(context);
  const adapter = new FastifyAdapter({
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) =>
      requestIdOf(request.headers['x-request-id']),
    ...app.http?.options?.(context.config),
    ...(options.requestMs === undefined
      ? {}
      : {
          requestTimeout: options.requestMs,
          http: { headersTimeout: options.requestMs, connectionsCheckingInterval: options.requestMs / 10 },
        }),
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
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    bus,
    context,
    logged,
    stopNow: () => stopping.abort(),
    async close() {
      server.closeAllConnections();
      await nest.close();
    },
  };
};
