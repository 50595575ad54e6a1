// The record of what happened: generations and attempts, for people to look at. Money never waits for it.
import type { MigrateOptions } from '@waystation/postgres';
import type { AppDefinition } from '@waystation/runtime';
import { loggingConfig, type LoggingConfig } from './config.js';
import { LoggingModule } from './logging.module.js';
import { CreateGenerations1763800000001 } from './migrations/create-generations.js';
import { KeepDecisions1764192780163 } from './migrations/keep-decisions.js';
import { KeepAttemptsInRecords1764100000001 } from './migrations/keep-attempts-in-records.js';

export const app: AppDefinition<LoggingConfig> = {
  name: 'logging',
  config: loggingConfig,
  module: (context) => LoggingModule.of(context),
};

export const migrations: MigrateOptions['migrations'] = [
  CreateGenerations1763800000001,
  KeepAttemptsInRecords1764100000001,
  KeepDecisions1764192780163,
];
