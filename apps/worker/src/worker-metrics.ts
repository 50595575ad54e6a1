// The worker's metrics: preallocated cells, bumped once per attempt.
import { OUTCOMES, type Outcome } from '@waystation/generation';
import type { Cell, Metrics } from '@waystation/runtime';
import type { RelayResult } from './attempt/relay.js';

const FIRST_TOKEN_SECONDS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 60];

export interface WorkerMetrics {
  readonly busy: Cell;
  readonly full: Cell;
  readonly upstreamBytes: Cell;
  record(result: RelayResult): void;
}

export const createWorkerMetrics = (
  metrics: Metrics,
  inFlight: () => number,
  draining: () => number,
): WorkerMetrics => {
  const attempts = Object.fromEntries(
    OUTCOMES.map((outcome) => [
      outcome,
      metrics.counter('waystation_worker_attempts_total', 'Attempts that ended, by outcome.', { outcome }),
    ]),
  ) as Record<Outcome, Cell>;
  const firstToken = metrics.histogram(
    'waystation_worker_first_token_seconds',
    'From the request to the first meaningful event of the provider.',
    FIRST_TOKEN_SECONDS,
  );
  const relayed = metrics.counter('waystation_worker_relayed_bytes_total', 'Bytes given to callers.');
  metrics.gauge('waystation_worker_attempts_in_flight', 'Attempts that run now.', inFlight);
  metrics.gauge(
    'waystation_worker_attempts_draining',
    'Attempts whose caller left and whose usage is still listened for.',
    draining,
  );
  return {
    busy: metrics.counter('waystation_worker_busy_total', 'Attempts that were answered busy.'),
    full: metrics.counter(
      'waystation_worker_full_total',
      'Attempts declined because the capacity of their credential was used up.',
    ),
    upstreamBytes: metrics.counter('waystation_worker_upstream_bytes_total', 'Bytes of responses read from providers.'),
    record({ outcome, timeToFirstTokenMs, totalBytes }) {
      attempts[outcome].value += 1;
      relayed.value += totalBytes;
      if (timeToFirstTokenMs !== undefined) firstToken.observe(timeToFirstTokenMs / 1000);
    },
  };
};
