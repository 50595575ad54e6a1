// One handler, and what its attempts share.
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { AppContext } from '@waystation/runtime';
import { AttemptHandler } from './attempt.handler.js';
import type { WorkerConfig } from './config.js';
import { ProbeHandler } from './probe/probe.handler.js';
import { WORKER, createWorker, type Worker } from './worker.js';

@Module({})
export class WorkerModule implements OnApplicationShutdown {
  constructor(@Inject(WORKER) private readonly worker: Worker) {}

  static of(context: AppContext<WorkerConfig>): DynamicModule {
    return {
      module: WorkerModule,
      controllers: [AttemptHandler, ProbeHandler],
      providers: [{ provide: WORKER, useValue: createWorker(context) }],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}
