// A running system for tests can be looked into, have its parts killed and brought back, and leaves nothing.
import { existsSync } from 'node:fs';
import { invariants, runningSystem } from './index.ts';

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('parts can be killed and brought back, the ledger verified, and stop leaves nothing', async () => {
  const system = await runningSystem({
    shape: 'fused',
    replicas: { ingress: 2 },
    env: { WAYSTATION_LOG_LEVEL: 'debug' },
  });
  const ask = async (url: string): Promise<number> => {
    const answer = await fetch(`${url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${system.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello' }] }),
      signal: AbortSignal.timeout(20_000),
    });
    await answer.text();
    return answer.status;
  };
  const verified = () => invariants(system, { withinMs: 30_000 });
  try {
    expect(system.processOf('worker-2')).toBe('data-plane-2');
    expect(await Promise.all(system.ingressUrls.map(ask))).toEqual([200, 200]);
    expect((await fetch(`${system.sandboxUrl}/truth`)).status).toBe(200);
    expect((await fetch(`${system.internalUrl('billing')}/readyz`)).status).toBe(200);
    expect(await system.logs('ingress')).toContain('"level":"debug"');
    expect((await verified()).entries).toBeGreaterThan(0);

    const before = system.pid('ingress-2');
    await system.kill('ingress-2');
    expect(exists(before)).toBe(false);
    await expect(ask(system.ingressUrls[1] ?? '')).rejects.toThrow();
    await system.restartService('ingress-2');
    expect(await ask(system.ingressUrls[1] ?? '')).toBe(200);

    await system.kill('nats');
    await system.restartService('nats');
    expect((await verified()).problems).toEqual([]);
  } finally {
    const pids = system.processes.map((name) => system.pid(name));
    await system.stop();
    expect(pids.filter(exists)).toEqual([]);
    expect(existsSync(system.dataDir)).toBe(false);
  }
}, 240_000);
