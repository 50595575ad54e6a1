// The worker: one attempt at one endpoint. The only process that speaks to providers and opens their credentials.
import type { AppDefinition } from '@waystation/runtime';
import { workerConfig, type WorkerConfig } from './config.js';
import { WorkerModule } from './worker.module.js';

export const app: AppDefinition<WorkerConfig> = {
  name: 'worker',
  config: workerConfig,
  module: (context) => WorkerModule.of(context),
  streamKeys: ({ providers }) => providers,
  publishesFacts: true,
};
