// The simulated provider in a process of its own, on a port of its own: it speaks every dialect.
import type * as Sandboxes from '../apps/sandbox/src/server/sandbox-server.js';

const file = new URL('../apps/sandbox/dist/server/sandbox-server.js', import.meta.url).href;
const { startSandboxServer } = (await import(file)) as typeof Sandboxes;
const { port } = await startSandboxServer('127.0.0.1', 0);
process.send?.({ port });
process.on('disconnect', () => process.exit(0));
