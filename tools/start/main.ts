// `npm start`: brings the whole system up, prints how to use it, and ends all of it on Ctrl-C. With --detach a copy of this process does that in the
// background while this one passes its lines on and returns when it is ready.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { StartFault, explain } from './fault.ts';
import { readOptions } from './options.ts';
import type { StartOptions } from './options.ts';
import { say } from './progress.ts';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import { System } from './system.ts';

/** Marks the copy that a detached start leaves behind. */
const BACKGROUND = 'WAYSTATION_START_BACKGROUND';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env, process.cwd());
  if (options.detach && process.env[BACKGROUND] === undefined) return detach(options);
  await runHere(options);
}

async function runHere(options: StartOptions): Promise<void> {
  const began = performance.now();
  const system = new System(options);
  let interrupts = 0;
  const end = (): void => {
    interrupts += 1;
    if (interrupts > 1) system.kill();
    else say('stopping');
    void system.stop().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  if (options.leashed) process.on('disconnect', end);
  process.on('message', (message) => void obey(system, message));
  try {
    const run = await system.start();
    say(`ready in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    for (const line of howToUse(run)) say(line);
    process.send?.({ ready: run });
  } catch (error) {
    if (interrupts > 0) return;
    await system.stop();
    fail(error, options.dataDir);
  }
}

/** Whoever holds the other end of the channel may ask for a restart; see runningSystem in libs/testing. */
async function obey(system: System, message: unknown): Promise<void> {
  const { id, restart, env } = message as { id: number; restart: string; env?: Record<string, string> };
  try {
    const pid = await system.restart(restart, env);
    process.send?.({ id, pid });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

function howToUse(run: RunFile): string[] {
  const body = '{"model":"sandbox/echo","stream":true,"messages":[{"role":"user","content":"Hello"}]}';
  return [
    '',
    `  URL      ${run.url}/api/v1`,
    `  key      ${run.apiKey}`,
    `  console  ${run.consoleUrl}`,
    '',
    `  curl -N ${run.url}/api/v1/chat/completions -H 'Authorization: Bearer ${run.apiKey}' -H 'Content-Type: application/json' -d '${body}'`,
    '',
  ];
}

function detach(options: StartOptions): void {
  const logs = path.join(options.dataDir, 'logs');
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const log = openSync(path.join(logs, 'start.log'), 'a', 0o600);
  const background = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, [BACKGROUND]: '1' },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => background.kill(signal));
  background.on('message', (message) => {
    const { line, fault, ready } = message as { line?: string; fault?: string; ready?: RunFile };
    if (line !== undefined) console.log(line);
    if (fault !== undefined) console.error(fault);
    if (ready === undefined) return;
    console.log('  running in the background; npm stop ends it');
    background.disconnect();
    background.unref();
    process.exit(0);
  });
  background.on('exit', (code) => process.exit(code === 0 || code === null ? 1 : code));
}

function fail(error: unknown, dataDir: string): never {
  const line = `waystation: ${explain(error, dataDir)}`;
  console.error(line);
  const known = error instanceof StartFault || process.env['WAYSTATION_LOG_LEVEL'] !== 'debug';
  if (!known) console.error(error);
  if (!process.connected) process.exit(1);
  process.send?.({ fault: line }, undefined, undefined, () => process.exit(1));
  return undefined as never;
}

main().catch((error: unknown) => fail(error, 'the data folder'));
