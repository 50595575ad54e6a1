// The ingress: the only public HTTP of the system.
import type { FastifyInstance } from 'fastify';
import { fileURLToPath } from 'node:url';
import type { AppContext, AppDefinition } from '@waystation/runtime';
import { MANAGEMENT, ingressConfig, type IngressConfig } from './config.js';
import { readConsoleFiles } from './console/console-files.js';
import { prepareHttp } from './http/prepare-http.js';
import { serverOptions } from './http/server-options.js';
import { IngressModule } from './ingress.module.js';
import { createIngress, type Ingress } from './ingress.js';

const CONSOLE_FOLDER = fileURLToPath(new URL('../../console/dist/', import.meta.url));

/** Module and HTTP hooks of one app share what the module was built with. */
const built = new WeakMap<AppContext<IngressConfig>, Ingress>();

const builtFor = (context: AppContext<IngressConfig>): Ingress => {
  const ingress = built.get(context);
  if (ingress === undefined) throw new Error('the module of the ingress is built before its HTTP is prepared');
  return ingress;
};

export const app: AppDefinition<IngressConfig> = {
  name: 'ingress',
  config: ingressConfig,
  publishesFacts: true,
  async module(context) {
    const ingress = await createIngress(context);
    built.set(context, ingress);
    const files = await readConsoleFiles(CONSOLE_FOLDER);
    if (files.size === 0)
      context.log.warn({ folder: CONSOLE_FOLDER }, 'the console was not built; /console answers 404');
    return IngressModule.with(ingress, files);
  },
  http: {
    listen: ({ host, port }) => ({ host, port }),
    listenAlso: ({ management }) => (management === undefined ? [] : [{ name: MANAGEMENT, ...management }]),
    options: serverOptions,
    prepare(fastify, context) {
      prepareHttp(fastify as FastifyInstance, builtFor(context), context.config.bodyBytesMax);
    },
  },
};
