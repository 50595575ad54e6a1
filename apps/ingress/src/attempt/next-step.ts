// What is tried after an attempt that failed before the client had anything of it. Pure.
import type { ErrorCode, WaystationError } from '@waystation/contracts';

/** Errors of one worker that say nothing about its endpoint: another one may well take it. */
const ONLY_THAT_WORKER: ReadonlySet<ErrorCode> = new Set(['shutting_down', 'overloaded', 'journal_unavailable']);

export const nextStep = ({
  code,
  row,
}: Pick<WaystationError, 'code' | 'row'>): 'stop' | 'next-endpoint' | 'same-endpoint' => {
  if (row.retry === 'next-endpoint' || row.retry === 'same-endpoint') return row.retry;
  return ONLY_THAT_WORKER.has(code) ? 'same-endpoint' : 'stop';
};
