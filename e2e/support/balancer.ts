// What stands before several ingresses: asks each whether it is ready, gives requests in turn to those that are, and never sends one twice.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSystem } from '@waystation/testing';

const ASK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 2_000;

export interface Balancer {
  /** Address of the ingress for the next request; undefined where none is ready. */
  next(): string | undefined;
  close(): Promise<void>;
}

export const balancerOf = (system: RunningSystem): Balancer => {
  const targets = system.processes
    .filter((name) => /^(ingress|data-plane)/.test(name))
    .map((name, index) => ({ name, url: system.ingressUrls[index] ?? system.url, ready: true }));
  const closing = new AbortController();
  const look = async (target: (typeof targets)[number]): Promise<void> => {
    while (!closing.signal.aborted) {
      target.ready = await fetch(`${system.internalUrl(target.name)}/readyz`, {
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      }).then(
        async (answer) => (await answer.arrayBuffer(), answer.ok),
        () => false,
      );
      await sleep(ASK_EVERY_MS);
    }
  };
  const looking = targets.map(look);
  let turn = 0;
  return {
    next() {
      const ready = targets.filter((target) => target.ready);
      return ready[(turn += 1) % ready.length]?.url;
    },
    async close() {
      closing.abort();
      await Promise.all(looking);
    },
  };
};
