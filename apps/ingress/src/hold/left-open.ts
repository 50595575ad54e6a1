// Holds whose charge only billing will learn (clients that left, workers that were lost), by the attempt that they stand for: kept until billing tells what it settled.
// Invariant: bounded. What is never told, or forgotten here, comes back when its lease is swept.
import type { Bus, Subscription } from '@waystation/bus';
import { AttemptSettled } from '@waystation/contracts';
import { fromVector } from './amounts.js';
import type { Hold } from './lease-pool.js';

/** The oldest are forgotten beyond it. */
const HOLDS_MAX = 20_000;

export interface LeftOpen {
  /** Ends the hold for us; what it was worth is known once billing tells of the attempt. */
  leave(attemptId: string, hold: Hold): void;
  drain(): Promise<void>;
}

export const keepLeftOpen = async (bus: Pick<Bus, 'onSignal' | 'instance'>): Promise<LeftOpen> => {
  const holds = new Map<string, Hold>();
  const told: Subscription = await bus.onSignal(AttemptSettled, bus.instance, ({ attempts }) => {
    for (const { attemptId, charged } of attempts) {
      holds.get(attemptId)?.settle(fromVector(charged));
      holds.delete(attemptId);
    }
  });
  return {
    leave(attemptId, hold) {
      hold.leaveOpen();
      if (hold.leaseId === undefined) return;
      holds.set(attemptId, hold);
      for (const oldest of holds.keys()) {
        if (holds.size <= HOLDS_MAX) return;
        holds.delete(oldest);
      }
    },
    drain: () => told.drain(),
  };
};
