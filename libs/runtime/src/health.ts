// Readiness is a set of named checks; liveness is the event loop answering at all.

export interface Health {
  /** A named condition that must hold for `/readyz` to be green. The detail says why not. */
  check(name: string, probe: () => { ok: boolean; detail?: string }): void;
  /** True when all checks hold. */
  ready(): boolean;
  report(): { ready: boolean; checks: Record<string, { ok: boolean; detail?: string }> };
}

export const createHealth = (): Health => {
  const probes = new Map<string, () => { ok: boolean; detail?: string }>();
  const report = (): ReturnType<Health['report']> => {
    const checks = Object.fromEntries([...probes].map(([name, probe]) => [name, probe()]));
    return { ready: Object.values(checks).every((check) => check.ok), checks };
  };
  return { check: (name, probe) => void probes.set(name, probe), ready: () => report().ready, report };
};
