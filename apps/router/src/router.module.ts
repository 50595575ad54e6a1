// One handler over one state.
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { AppContext } from '@waystation/runtime';
import { PlanHandler } from './plan.handler.js';
import { createRoutingState, ROUTING_STATE, type RoutingState } from './routing-state.js';

@Module({})
export class RouterModule implements OnApplicationShutdown {
  constructor(@Inject(ROUTING_STATE) private readonly state: RoutingState) {}

  static async of(context: AppContext<unknown>): Promise<DynamicModule> {
    return {
      module: RouterModule,
      controllers: [PlanHandler],
      providers: [{ provide: ROUTING_STATE, useValue: await createRoutingState(context) }],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.state.close();
  }
}
