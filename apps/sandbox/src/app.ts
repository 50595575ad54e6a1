// The simulated provider as an app. Never in production: it answers anybody, and its truth log tells of every call.
import { WaystationError } from '@waystation/contracts';
import type { AppDefinition } from '@waystation/runtime';
import { sandboxConfig, type SandboxConfig } from './config.js';
import { SandboxModule } from './sandbox.module.js';

export const app: AppDefinition<SandboxConfig> = {
  name: 'sandbox',
  config: sandboxConfig,
  bus: false,
  module(context) {
    if (context.mode === 'production') {
      throw new WaystationError(
        'permission_denied',
        'The sandbox does not run in production. Set WAYSTATION_MODE=development, or do not start it.',
      );
    }
    return SandboxModule;
  },
};
