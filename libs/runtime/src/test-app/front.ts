// A second app, to share a process with the first: HTTP that calls the other's handler over the bus.
import { Controller, Get, Inject, Query } from '@nestjs/common';
import type { Bus } from '@waystation/bus';
import { z } from 'zod';
import type { Logger } from 'pino';
import { BUS, LOGGER, type AppDefinition } from '../index.js';
import { Shout } from './contracts.js';

@Controller()
export class FrontRoutes {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Get('shout')
  async shout(@Query('text') text: string): Promise<{ text: string }> {
    this.log.info('shouting');
    return this.bus.request(Shout, { text });
  }
}

export const front: AppDefinition<{ port: number }> = {
  name: 'ingress',
  config: z
    .object({ WAYSTATION_FRONT_PORT: z.coerce.number().int() })
    .transform((environment) => ({ port: environment.WAYSTATION_FRONT_PORT })),
  module: () => ({ module: class FrontModule {}, controllers: [FrontRoutes] }),
  http: { listen: (config) => ({ host: '127.0.0.1', port: config.port }) },
};
