// A fused station on somebody else's Postgres, started as `npm start` does, and what the drill asks of it: work that is acknowledged, and the operator's commands.
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';

const run = promisify(execFile);

export interface Answer {
  readonly id: string;
  /** As the caller was told. */
  readonly usd: number;
}

export interface Station {
  /** One after the other. Throws where one is not answered whole. */
  ask(count: number): Promise<Answer[]>;
  restart(name: string): Promise<void>;
  /** What `npm run ledger -- verify` says; throws where it complains. */
  verify(): Promise<string>;
  stop(): Promise<void>;
}

export const startStation = async (dataDir: string, databaseUrl: string): Promise<Station> => {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      path.join(repositoryRoot, 'tools/start/main.ts'),
      ...['--fused', '--port', '0', '--leashed', '--data-dir', dataDir],
    ],
    {
      cwd: repositoryRoot,
      env: { ...process.env, DATABASE_URL: databaseUrl },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const system = await new Promise<RunFile>((resolve, reject) => {
    child.on('message', (message) => {
      const { ready } = message as { ready?: RunFile };
      if (ready !== undefined) resolve(ready);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error('the station did not start; what it said is above')));
  });
  let calls = 0;
  return {
    async ask(count) {
      const answers: Answer[] = [];
      for (let index = 0; index < count; index += 1) {
        const response = await fetch(`${system.url}/api/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${system.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: `Number ${index}` }] }),
        });
        const body = (await response.json()) as { id?: string; usage?: { cost?: number } };
        if (response.status !== 200 || body.id === undefined)
          throw new Error(`a request was answered ${response.status}: ${JSON.stringify(body)}`);
        answers.push({ id: body.id, usd: body.usage?.cost ?? 0 });
      }
      return answers;
    },
    restart(name) {
      const id = (calls += 1);
      return new Promise((resolve, reject) => {
        child.on('message', (message) => {
          const reply = message as { id?: number; error?: string };
          if (reply.id !== id) return;
          if (reply.error === undefined) resolve();
          else reject(new Error(reply.error));
        });
        void ended.then(() => reject(new Error('the station has ended')));
        child.send({ id, restart: name });
      });
    },
    async verify() {
      const { stdout } = await run(
        process.execPath,
        [path.join(repositoryRoot, 'tools/ledger/main.ts'), 'verify', '--data-dir', dataDir],
        { cwd: repositoryRoot },
      );
      return stdout.trim();
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
};
