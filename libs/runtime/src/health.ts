// Readiness is a set of named checks; liveness is the event loop answering at all.

export interface Health {
  /** A named condition that must hold for `/readyz` to be green. The detail says why not. */
  check(name: string, probe: () => { ok: boolean; detail?: string }): void;
  /** True when all checks hold. */
  ready(): boolean;
  report(): { ready: boolean; checks: Record<string, { ok: boolean; detail?: string }> };
  /** Rows for people, on the page of status. No secrets, and nothing that anybody said. */
  show(name: string, read: () => readonly StatusRow[]): void;
  shown(): Record<string, readonly StatusRow[]>;
}

/** All rows of one table have the same names. */
export type StatusRow = Readonly<Record<string, string | number | boolean>>;

/** A detail says why not; where all is well there is nothing to say. A probe that throws is a condition that does not hold. */
const outcomeOf = (probe: () => { ok: boolean; detail?: string }): { ok: boolean; detail?: string } => {
  try {
    const outcome = probe();
    return outcome.ok ? { ok: true } : outcome;
  } catch {
    return { ok: false, detail: 'the probe itself failed' };
  }
};

export const createHealth = (): Health => {
  const probes = new Map<string, () => { ok: boolean; detail?: string }>();
  const report = (): ReturnType<Health['report']> => {
    const checks = Object.fromEntries([...probes].map(([name, probe]) => [name, outcomeOf(probe)]));
    return { ready: Object.values(checks).every((check) => check.ok), checks };
  };
  const tables = new Map<string, () => readonly StatusRow[]>();
  return {
    check: (name, probe) => void probes.set(name, probe),
    ready: () => report().ready,
    report,
    show: (name, read) => void tables.set(name, read),
    shown: () => Object.fromEntries([...tables].map(([name, read]) => [name, read()])),
  };
};
