// A private NATS server for one test file: JetStream in a temporary folder, on a port of its own that survives kill and restart.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startNats } from './servers/nats-server.ts';
import type { NatsServer } from './servers/nats-server.ts';
import { NATS_SERVICES } from './servers/nats-services.ts';

export interface TestNatsOptions {
  /** With the users and permissions of deploy/nats/accounts.conf. Default: anybody may do anything. */
  readonly accounts?: boolean;
  readonly maxPayloadBytes?: number;
}

export interface TestNats {
  /** Without credentials. */
  readonly url: string;
  readonly port: number;
  /** Of the running process; changes with a restart. */
  readonly pid: number;
  /** By service name, `operator` among them; empty without accounts. */
  readonly credentials: Readonly<Record<string, { readonly user: string; readonly password: string }>>;
  /** Ends it in order and deletes its data. */
  stop(): Promise<void>;
  /** SIGKILL. The data stays for a restart. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; ends it in order first if it still runs. */
  restart(): Promise<void>;
}

export async function natsServer(options: TestNatsOptions = {}): Promise<TestNats> {
  const folder = await mkdtemp(path.join(tmpdir(), 'waystation-test-nats-'));
  const credentials = Object.fromEntries(
    (options.accounts === true ? NATS_SERVICES : []).map((user) => [
      user,
      { user, password: `p${randomBytes(12).toString('hex')}` },
    ]),
  );
  const start = (port?: number): Promise<NatsServer> =>
    startNats({
      dataDir: folder,
      logFile: path.join(folder, 'nats.log'),
      ...(port === undefined ? {} : { port }),
      ...(options.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: options.maxPayloadBytes }),
      ...(options.accounts === true
        ? { passwords: Object.fromEntries(Object.values(credentials).map(({ user, password }) => [user, password])) }
        : {}),
    });
  let server = await start();
  return {
    url: server.url,
    port: server.port,
    credentials,
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => server.child.kill(),
    async restart() {
      await server.stop();
      server = await start(server.port);
    },
  };
}
