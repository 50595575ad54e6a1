// The contestants: direct (no gateway), nginx as a plain proxy, Portkey's gateway, and Waystation in both shapes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Books, openBooks } from './books.ts';
import { freePort, start, stop, waitForPort } from './processes.ts';

export interface Contestant {
  readonly name: string;
  readonly port: number;
  /** Path and header lines of a request to it. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly model: string;
  /** The model that streams `tokens` chunks, one every `intervalMs`. */
  streamModel(tokens: number, intervalMs: number): string;
  /** The processes that stand between client and provider. */
  readonly dataPlane: readonly number[];
  /** These and everything else that works for it: bus, database, billing, logging. */
  readonly all: readonly number[];
  /** The key by which the provider knows whose calls it answers: its truth is counted by it. */
  readonly upstreamKey: string;
  /** Waystation's ledger. */
  readonly books?: Books;
  close(): Promise<void>;
}

/** Every stream of the stream scenario. */
export const STREAM = { count: 500, tokens: 150, intervalMs: 40 } as const;

const repository = path.resolve(import.meta.dirname, '..');

const simple = (name: string, port: number): Contestant => ({
  name,
  port,
  path: '/v1/chat/completions',
  headers: [`Authorization: Bearer sk-bench-${name}`],
  upstreamKey: `sk-bench-${name}`,
  model: 'bench',
  streamModel: (tokens, intervalMs) => `bench-${tokens}-${intervalMs}`,
  dataPlane: [],
  all: [],
  close: async () => {},
});

export const direct = (upstreamPort: number): Contestant => simple('direct', upstreamPort);

/** Undefined, with a line that says so, where nginx is not installed. */
export async function nginx(upstreamPort: number): Promise<Contestant | undefined> {
  const binary = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/opt/homebrew/bin/nginx'].find(
    (file) => existsSync(file),
  );
  if (binary === undefined) {
    console.log('nginx is not installed here: left out (Debian: apt-get install nginx-light)');
    return undefined;
  }
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'waystation-nginx-'));
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; worker_processes 2; pid ${folder}/pid; error_log ${folder}/error.log warn; ${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http { access_log off; ${temp} client_max_body_size 64m; client_body_buffer_size 64k;
  upstream provider { server 127.0.0.1:${upstreamPort}; keepalive 512; }
  server { listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } } }`,
  );
  const child = start(binary, ['-p', folder, '-c', path.join(folder, 'nginx.conf')]);
  await waitForPort(port, 5_000);
  const pids = [child.pid ?? 0];
  return {
    ...simple('nginx', port),
    dataPlane: pids,
    all: pids,
    close: async () => {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function portkey(upstreamPort: number): Promise<Contestant> {
  const entry = path.join(import.meta.dirname, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(entry)) {
    console.log('installing the gateways to compare with (bench/package.json) …');
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: import.meta.dirname,
      stdio: 'inherit',
    });
  }
  const port = await freePort();
  const child = start(process.execPath, [entry, `--port=${port}`, '--headless'], { NODE_ENV: 'production' });
  await waitForPort(port, 20_000);
  const pids = [child.pid ?? 0];
  const plain = simple('portkey', port);
  return {
    ...plain,
    headers: [
      ...plain.headers,
      'x-portkey-provider: openai',
      `x-portkey-custom-host: http://127.0.0.1:${upstreamPort}/v1`,
    ],
    dataPlane: pids,
    all: pids,
    close: () => stop(child),
  };
}

interface RunFile {
  url: string;
  apiKey: string;
  natsUrl: string;
  databaseUrl: string;
  services: { name: string; pid: number; port: number }[];
}

/** The models of `upstream.ts`, as the operator's file names them. */
export const benchProviders = (
  upstreamPort: number,
  key: string,
  stream: { readonly tokens: number; readonly intervalMs: number } = STREAM,
): string => `providers:
  - slug: bench
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${upstreamPort}/v1
    apiKey: ${key}
    dataPolicy: { retains: false, trains: false, region: local }
    maxConnections: 1024
    endpoints:
      - model: bench/model
        upstreamModel: bench
        context: 128000
        maxOutput: 512
        price: { input: "0.15", output: "0.60" }
      - model: bench/stream-${stream.tokens}-${stream.intervalMs}
        upstreamModel: bench-${stream.tokens}-${stream.intervalMs}
        context: 128000
        maxOutput: 512
        price: { input: "0.15", output: "0.60" }
`;

/** A whole Waystation with all default features on, started by the command people use. */
export const waystation = (shape: 'split' | 'fused', upstreamPort: number): Promise<Contestant> =>
  startWaystation({ shape, providers: benchProviders(upstreamPort, `sk-bench-${shape}`) });

export interface WaystationOptions {
  readonly shape: 'split' | 'fused';
  /** The operator's file. */
  readonly providers: string;
  /** Of the repository that is started; absent: this one. */
  readonly root?: string;
}

export async function startWaystation({ shape, providers, root = repository }: WaystationOptions): Promise<Contestant> {
  const folder = mkdtempSync(path.join(tmpdir(), `waystation-bench-${shape}-`));
  const port = await freePort();
  writeFileSync(path.join(folder, 'waystation.yaml'), providers);
  const args = [
    'tools/bootstrap.mjs',
    'start',
    '--detach',
    '--data-dir',
    folder,
    '--port',
    String(port),
    ...(shape === 'fused' ? ['--fused'] : []),
  ];
  const starter = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, WAYSTATION_SEED_CREDITS_USD: '1000000', WAYSTATION_LOG_LEVEL: 'warn' },
  });
  const [code] = (await once(starter, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm start ended with ${code}`);
  const run = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as RunFile;
  const pids = (...names: string[]): number[] =>
    run.services.filter((service) => names.some((name) => service.name.startsWith(name))).map((service) => service.pid);
  const books = await openBooks(run);
  const base = new URL(run.url);
  return {
    name: `waystation ${shape}`,
    port: Number(base.port),
    path: '/api/v1/chat/completions',
    headers: [`Authorization: Bearer ${run.apiKey}`],
    upstreamKey: `sk-bench-${shape}`,
    model: 'bench/model',
    streamModel: (tokens, intervalMs) => `bench/stream-${tokens}-${intervalMs}`,
    dataPlane: shape === 'fused' ? pids('data-plane') : pids('ingress', 'router', 'worker'),
    all: run.services.filter((service) => !service.name.startsWith('sandbox')).map((service) => service.pid),
    books,
    close: async () => {
      await books.close();
      const stopper = spawn(process.execPath, ['tools/bootstrap.mjs', 'stop', '--data-dir', folder], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await once(stopper, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
