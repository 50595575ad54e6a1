// The way to the running system, as the operator: NATS where run.json or NATS_URL say it is. Split, fused or elsewhere makes no difference.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Principal, RpcContract } from '@waystation/contracts';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import type { Books } from './command.ts';

const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };
/** The longest that a command takes: a whole ledger is read. */
const ASK_MS = 300_000;
const CONNECT_MS = 5_000;

export interface OpenBooks extends Books {
  /** Ids of all that there are. */
  workspaces(): Promise<string[]>;
  close(): Promise<void>;
}

/** The system cannot be reached. */
export class AwayFault extends Error {
  override name = 'AwayFault';
}

export async function openBooks(natsUrl: string | undefined, dataDir: string): Promise<OpenBooks> {
  const url = new URL(natsUrl ?? (await urlFromRunFile(dataDir)));
  const login =
    url.username === '' ? {} : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  const [{ connectBus }, { endpointEntry, workspaceEntry }] = await builtLibraries();
  const bus = await connectBus({
    url: `${url.protocol}//${url.host}`,
    ...login,
    service: 'operator',
    services: [],
    release: 'tools',
    connectTimeoutMs: CONNECT_MS,
  });
  return {
    ask: <Request extends object, Reply>(
      contract: RpcContract<Request, Reply>,
      request: Omit<Request, 'v' | 'principal'>,
    ) =>
      bus.request(contract, contract.request.parse({ v: 1, principal: OPERATOR, ...request }), { timeoutMs: ASK_MS }),
    async upstreamModels(provider) {
      const catalog = await bus.kv('catalog');
      const models: { upstreamModel: string; model: string }[] = [];
      for (const key of await catalog.keys()) {
        const endpoint = endpointEntry.safeParse(await catalog.get(key));
        if (endpoint.success && endpoint.data.provider === provider)
          models.push({ upstreamModel: endpoint.data.upstreamModel, model: endpoint.data.model });
      }
      return models;
    },
    async workspaces() {
      const workspaces = await bus.kv('workspaces');
      const entries = await Promise.all(
        (await workspaces.keys()).filter((key) => key.startsWith('workspace.')).map((key) => workspaces.get(key)),
      );
      return entries
        .map((entry) => workspaceEntry.safeParse(entry))
        .flatMap((read) => (read.success ? [read.data.id] : []))
        .sort();
    },
    close: () => bus.close(1_000),
  };
}

async function urlFromRunFile(dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'run.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new AwayFault(
      `no system runs in ${dataDir}: npm start it, name its folder with --data-dir, or give NATS_URL`,
    );
  });
  return (JSON.parse(text) as RunFile).natsUrl;
}

/** Loaded when it is needed, so that help needs no build. */
const builtLibraries = () =>
  Promise.all([import('@waystation/bus'), import('@waystation/contracts')]).catch((error: unknown) => {
    throw new AwayFault('the project is not built: npm start or npm run build first', { cause: error });
  });
