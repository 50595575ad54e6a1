// What must hold after every fault (docs: the fault matrix): the ledger has nothing to complain of. Asked over the bus as `operator`.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningSystem } from './running-system.ts';

export interface LedgerReport {
  readonly entries: number;
  readonly debits: string;
  readonly credits: string;
  readonly openLeases: number;
  readonly problems: readonly string[];
}

const LOOK_EVERY_MS = 250;

/**
 * Waits until the ledger verifies without a problem, and with `withoutLeases` until no lease is open; throws with the problems when it does not
 * within the time.
 */
export async function invariants(
  system: Pick<RunningSystem, 'nats'>,
  options: { readonly withinMs?: number; readonly withoutLeases?: boolean } = {},
): Promise<LedgerReport> {
  // Loaded when called: test files that only want a server need no bus.
  const [{ connectBus }, { BillingLedgerVerify }] = await Promise.all([
    import('@waystation/bus'),
    import('@waystation/contracts'),
  ]);
  const bus = await connectBus({ ...system.nats, service: 'operator', services: [], release: 'test' });
  try {
    const ask = async (): Promise<LedgerReport> =>
      bus.request(BillingLedgerVerify, { v: 1, principal: { kind: 'service', permissions: ['operator'] } });
    for (const deadline = Date.now() + (options.withinMs ?? 15_000); ; await sleep(LOOK_EVERY_MS)) {
      // Right after a fault billing may still be on its way back.
      const report = await ask().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      if (!(report instanceof Error) && complaintsOf(report, options.withoutLeases === true).length === 0)
        return report;
      if (Date.now() < deadline) continue;
      if (report instanceof Error) throw report;
      throw new Error(`the ledger does not hold:\n${complaintsOf(report, options.withoutLeases === true).join('\n')}`);
    }
  } finally {
    await bus.close(1_000);
  }
}

const complaintsOf = (report: LedgerReport, withoutLeases: boolean): string[] => [
  ...report.problems,
  ...(report.debits === report.credits ? [] : [`debits ${report.debits} ≠ credits ${report.credits}`]),
  ...(withoutLeases && report.openLeases > 0 ? [`${report.openLeases} leases are open`] : []),
];
