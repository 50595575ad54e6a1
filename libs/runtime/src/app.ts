// What an app is to the one bootstrap. Every app exports one `app` of this type from `src/app.ts`; `main.ts` runs it.
import type { ServerOptions } from 'node:http';
import type { DynamicModule, Type } from '@nestjs/common';
import type { Bus } from '@waystation/bus';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Health } from './health.js';
import type { Metrics } from './metrics/metrics.js';

/** What an app gets when its module is built. One bus, logger, registry and health per process, shared by all apps that live in it. */
export interface AppContext<Config> {
  readonly name: string;
  readonly config: Config;
  readonly bus: Bus;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Version of the code, for pages and liveness. */
  readonly release: string;
  /** `production` refuses the sandbox, demo seeds and default secrets. */
  readonly mode: 'development' | 'production';
  /** A time constant under WAYSTATION_TIME_SCALE: every lease, sweep, beat and timeout that is not the client's goes through it, so that tests can run with short ones. */
  readonly scaleMs: (ms: number) => number;
  /**
   * Aborts when the process is shutting down and what still runs must end now: streams that are still open end with `shutting_down`.
   * Until then (the greater part of WAYSTATION_SHUTDOWN_GRACE_MS) running work may finish, while nothing new is taken.
   */
  readonly stopping: AbortSignal;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AppDefinition<Config = unknown> {
  readonly name: string;
  /** Reads this app's variables out of the environment; all faults are listed at once. Unprefixed by shape: two apps may share a variable. */
  readonly config: z.ZodType<Config>;
  /** The app's Nest module. Handlers decorated with `@Handles(contract)` are found in it. */
  module(context: AppContext<Config>): Promise<DynamicModule | Type> | DynamicModule | Type;
  /** Set where the app has HTTP of its own (ingress, sandbox): how to listen. Nest runs on Fastify there. */
  readonly http?: {
    listen(config: Config): Address;
    /** Further addresses for the same routes, with the same limits; `listenerOf` tells a connection's. */
    listenAlso?(config: Config): readonly (Address & { readonly name: string })[];
    /** Before routes are made: content-type parsers, hooks, limits. */
    prepare?(fastify: unknown, context: AppContext<Config>): Promise<void> | void;
    /** Fastify's own options. */
    options?(config: Config): Record<string, unknown> & { readonly http?: ServerOptions };
  };
  /** Keys of stream contracts that this process subscribes to (for a worker: its providers). Absent or undefined: all of them. */
  streamKeys?(config: Config): readonly string[] | undefined;
  /** False where the app is none of ours and speaks to no process of ours (the sandbox): the process connects to no NATS, and has no user there. */
  readonly bus?: false;
  /** Set where the app writes facts that paid work depends on: `/readyz` is red while they cannot be written. */
  readonly publishesFacts?: boolean;
}

/** Injection tokens of the runtime; global in every app. */
export const APP_CONTEXT = Symbol('waystation.app-context');
export const BUS = Symbol('waystation.bus');
export const LOGGER = Symbol('waystation.logger');
export const CONFIG = Symbol('waystation.config');
export const METRICS = Symbol('waystation.metrics');
export const HEALTH = Symbol('waystation.health');
