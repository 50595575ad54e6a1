// Credits from the operator, for tests that spend more than the demo workspace begins with.
import type { RunningSystem } from '@waystation/testing';
import { ask } from './ask.ts';

/** Whole dollars. */
export const grantCredits = async (system: RunningSystem, usd: number): Promise<void> => {
  const grant = { amount: String(usd), currency: 'usd', reason: 'tests spend more than they are given' };
  const { status, text } = await ask(system, 'POST', '/api/v1/credits/grants', grant, {
    key: system.managementKey,
    headers: { 'idempotency-key': `tests-spend-${usd}` },
  });
  expect({ status, text: status < 300 ? undefined : text }).toEqual({ status, text: undefined });
};
