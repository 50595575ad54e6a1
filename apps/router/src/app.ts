// The router: where a generation may run. Decides from an in-memory snapshot; asks nobody.
import type { AppDefinition } from '@waystation/runtime';
import { z } from 'zod';
import { RouterModule } from './router.module.js';

export type RouterConfig = Record<string, never>;

export const app: AppDefinition<RouterConfig> = {
  name: 'router',
  /** Nothing of its own: all that it knows comes over the bus. */
  config: z.object({}).transform(() => ({})),
  module: (context) => RouterModule.of(context),
};
