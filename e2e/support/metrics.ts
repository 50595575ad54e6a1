// Numbers that a process tells about itself.
import type { RunningSystem } from '@waystation/testing';

/** Sum over all labels; 0 where the metric does not exist yet. */
export const metric = async (system: RunningSystem, process: string, name: string): Promise<number> => {
  const text = await (await fetch(`${system.internalUrl(process)}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n'))
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  return sum;
};

export const readiness = async (system: RunningSystem, process: string): Promise<boolean> =>
  (await fetch(`${system.internalUrl(process)}/readyz`).catch(() => undefined))?.status === 200;

/** Processes with a health port of ours. The sandbox has none of Waystation's conditions. */
export const services = (system: RunningSystem): string[] =>
  system.processes.filter((name) => !['postgres', 'nats', 'sandbox'].includes(name));
