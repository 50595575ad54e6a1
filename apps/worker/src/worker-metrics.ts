// The worker's metrics: preallocated cells, bumped once per attempt.
import type { AttemptRunRequest } from '@waystation/contracts';
import { OUTCOMES, inputTokens, outputTokens, type Outcome } from '@waystation/generation';
import { operationOf, type Cell, type Metrics } from '@waystation/runtime';
import type { RelayResult } from './attempt/relay.js';

export interface WorkerMetrics {
  readonly busy: Cell;
  readonly full: Cell;
  readonly upstreamBytes: Cell;
  /** @param traceId of the attempt, where it is traced */
  record(request: Pick<AttemptRunRequest, 'dialect' | 'attempt'>, result: RelayResult, traceId?: string): void;
}

export const createWorkerMetrics = (
  metrics: Metrics,
  inFlight: () => number,
  draining: () => number,
): WorkerMetrics => {
  const attempts = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, metrics.counter('waystation_worker_attempts_total', { outcome })]),
  ) as Record<Outcome, Cell>;
  const durations = metrics.histogramBy('gen_ai_client_operation_duration_seconds');
  const firstChunks = metrics.histogramBy('gen_ai_client_operation_time_to_first_chunk_seconds');
  const tokens = metrics.histogramBy('gen_ai_client_token_usage');
  const firstToken = metrics.histogram('waystation_worker_first_token_seconds');
  const relayed = metrics.counter('waystation_worker_relayed_bytes_total');
  metrics.gauge('waystation_worker_attempts_in_flight', inFlight);
  metrics.gauge('waystation_worker_attempts_draining', draining);
  return {
    busy: metrics.counter('waystation_worker_busy_total'),
    full: metrics.counter('waystation_worker_full_total'),
    upstreamBytes: metrics.counter('waystation_worker_upstream_bytes_total'),
    record({ dialect, attempt }, { outcome, error, timeToFirstTokenMs, durationMs, totalBytes, report }, traceId) {
      attempts[outcome].value += 1;
      relayed.value += totalBytes;
      const operation = operationOf(dialect);
      const { provider, model } = attempt;
      durations.at(operation, provider, model, error?.code).observe(durationMs / 1000, traceId);
      if (timeToFirstTokenMs !== undefined) {
        firstToken.observe(timeToFirstTokenMs / 1000);
        firstChunks.at(operation, provider, model).observe(timeToFirstTokenMs / 1000, traceId);
      }
      const [input, output] = [inputTokens(report.usage), outputTokens(report.usage)];
      if (input > 0) tokens.at(operation, provider, model, 'input').observe(input);
      if (output > 0) tokens.at(operation, provider, model, 'output').observe(output);
    },
  };
};
