// For tests: a board that has heard of some attempts.
import { createHealthBoard, type HealthBoard } from './health.js';
import { createHealthTally } from './health-tally.js';

export interface Heard {
  readonly endpointId: string;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly restMs?: number | undefined;
}

/** Failures first, so that the last word is a success where there is one. */
export const boardWith = (
  heard: readonly Heard[],
  nowMs: number,
  refusedCredentials: readonly string[] = [],
): HealthBoard => {
  const tally = createHealthTally();
  for (const { endpointId, succeeded = 0, failed = 0, restMs } of heard) {
    if (restMs !== undefined) tally.record(endpointId, { verdict: 'rateLimited', restMs }, 0);
    for (let each = 0; each < failed; each += 1) tally.record(endpointId, { verdict: 'failed' }, 0);
    for (let each = 0; each < succeeded; each += 1) tally.record(endpointId, { verdict: 'succeeded' }, 1);
  }
  const credentials = createHealthTally();
  for (const id of refusedCredentials)
    for (let each = 0; each < 3; each += 1) credentials.record(id, { verdict: 'failed' }, 0);
  const board = createHealthBoard();
  board.hear({ instance: 'worker-1', clockMs: 1, endpoints: tally.news(1), credentials: credentials.news(1) }, nowMs);
  return board;
};
