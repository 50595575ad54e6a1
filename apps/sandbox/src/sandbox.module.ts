// Ties the sandbox's server to the life of the process.
import { Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import type { SandboxConfig } from './config.js';
import { startSandboxServer, type SandboxServer } from './server/sandbox-server.js';

@Injectable()
class SandboxService implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: SandboxServer | undefined;

  constructor(@Inject(APP_CONTEXT) private readonly context: AppContext<SandboxConfig>) {}

  async onApplicationBootstrap(): Promise<void> {
    const { config, log, metrics } = this.context;
    const server = await startSandboxServer(config.host, config.port);
    this.server = server;
    metrics.gauge('waystation_sandbox_calls', () => server.truth.totals.calls);
    log.info({ url: server.url }, 'The sandbox answers.');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.server?.close();
  }
}

@Module({ providers: [SandboxService] })
export class SandboxModule {}
