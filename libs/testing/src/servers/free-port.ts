// Ports are chosen, never fixed, so that several systems can run on one machine. They lie below the range from which kernels take the ports of outgoing
// connections: a port from that range can be gone again before its server has started.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 32_000;
const TRIES_MAX = 200;
const given = new Set<number>();

/** A port that is free now and was not given out by this process before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const port = randomInt(FIRST, LAST);
    if (given.has(port)) continue;
    if (await portIsFree(port)) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} in ${TRIES_MAX} tries`);
}

/** Whether somebody could listen there now. */
export function portIsFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
