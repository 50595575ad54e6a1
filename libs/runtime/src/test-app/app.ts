// An app with an rpc, a management call, a stream and HTTP, run as a real process by the tests of the bootstrap.
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Controller,
  Get,
  Inject,
  Module,
  Query,
  Req,
  UseGuards,
  type BeforeApplicationShutdown,
  type CanActivate,
  type ExecutionContext,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { HandlerContext, StreamWriter } from '@waystation/bus';
import { WaystationError, type Principal } from '@waystation/contracts';
import { z } from 'zod';
import { APP_CONTEXT, Handles, LOGGER, listenerOf, type AppContext, type AppDefinition } from '../index.js';
import type { Logger } from 'pino';
import { Rename, Repeat, Shout } from './contracts.js';

/** Work that must not be over before a test has looked ends when the test says so: SIGUSR2. */
const released = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()));

interface Config {
  readonly port: number;
  readonly furtherPort: number | undefined;
  readonly providers: readonly string[] | undefined;
}

class NoShoutingNames implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { name } = context.switchToRpc().getData<{ name: string }>();
    if (name === 'unprocessable') throw new WaystationError('unprocessable', 'refused by the guard');
    return true;
  }
}

@Controller()
export class TestHandlers {
  constructor(@Inject(APP_CONTEXT) private readonly context: AppContext<Config>) {}

  @Handles(Shout)
  async shout(request: { text: string; held?: boolean }): Promise<{ text: string }> {
    if (request.text === 'fail') throw new WaystationError('rate_limited', 'too loud', { retryAfterMs: 7 });
    if (request.held === true) {
      this.context.log.info('holding');
      await released;
    }
    return { text: `${request.text.toUpperCase()} ${this.context.name}` };
  }

  @Handles(Rename)
  @UseGuards(new NoShoutingNames())
  rename(request: { principal: Principal; name: string }, context: HandlerContext): { name: string; by: string } {
    if (request.name === 'conflict')
      throw new WaystationError('conflict', 'taken', { details: { name: request.name } });
    return {
      name: request.name,
      by: `${request.principal.kind} ${context.deadlineAt > Date.now() ? 'in time' : 'late'}`,
    };
  }

  @Handles(Repeat)
  async repeat(
    request: { pieces: number; everyMs: number },
    body: Buffer,
    writer: StreamWriter<{ pieces: number }>,
  ): Promise<void> {
    if (request.pieces === 0) {
      writer.write(body);
      // All such streams end in one and the same turn of the event loop.
      await new Promise((resolve) => this.context.stopping.addEventListener('abort', resolve, { once: true }));
    }
    for (let piece = 0; piece < request.pieces; piece += 1) {
      if (this.context.stopping.aborted)
        return writer.fail(new WaystationError('shutting_down', 'the process is shutting down; try again'));
      writer.write(body);
      await sleep(request.everyMs);
    }
    writer.end({ pieces: request.pieces });
  }
}

@Controller()
export class TestRoutes {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  @Get('slow')
  async slow(@Query('ms') ms: string, @Query('held') held: string | undefined): Promise<{ waited: string }> {
    if (held !== undefined) {
      this.log.info('holding');
      await released;
    }
    await sleep(Number(ms));
    return { waited: ms };
  }

  @Get('listener')
  listener(@Req() request: { raw: IncomingMessage }): { listener: string | undefined } {
    return { listener: listenerOf(request.raw.socket) };
  }

  @Get('crash')
  crash(): { crashing: boolean } {
    setImmediate(() => {
      throw new Error('a bug', { cause: new Error('its cause with sk-way-v1-abcdefghijkl') });
    });
    return { crashing: true };
  }

  @Get('log')
  logged(@Query('text') text: string): { logged: boolean } {
    this.log.info({ text }, text);
    return { logged: true };
  }
}

@Module({})
class TestModule implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(LOGGER) private readonly log: Logger) {}

  onModuleInit(): void {
    this.log.info('hook onModuleInit');
  }
  onApplicationBootstrap(): void {
    this.log.info('hook onApplicationBootstrap');
  }
  beforeApplicationShutdown(): void {
    this.log.info('hook beforeApplicationShutdown');
  }
  onApplicationShutdown(): void {
    this.log.info('hook onApplicationShutdown');
  }
}

export const app: AppDefinition<Config> = {
  name: 'worker',
  config: z
    .object({
      WAYSTATION_TEST_PORT: z.coerce.number().int().max(65_535),
      WAYSTATION_TEST_FURTHER_PORT: z.coerce.number().int().max(65_535).optional(),
      WAYSTATION_TEST_PROVIDERS: z.string().optional(),
    })
    .transform((environment) => ({
      port: environment.WAYSTATION_TEST_PORT,
      furtherPort: environment.WAYSTATION_TEST_FURTHER_PORT,
      providers: environment.WAYSTATION_TEST_PROVIDERS?.split(','),
    })),
  module: () => ({ module: TestModule, controllers: [TestHandlers, TestRoutes] }),
  http: {
    listen: (config) => ({ host: '127.0.0.1', port: config.port }),
    listenAlso: ({ furtherPort: port }) => (port === undefined ? [] : [{ name: 'further', host: '127.0.0.1', port }]),
  },
  streamKeys: (config) => config.providers,
};
