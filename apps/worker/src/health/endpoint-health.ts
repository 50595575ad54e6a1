// Counts how endpoints do, and tells all routers every 250 ms what is new. Counters and histograms only, so that routers can add up what many workers say
// and a lost message hardly matters. What a client did wrong says nothing about an endpoint and is not counted.
import type { Bus } from '@waystation/bus';
import { ERRORS, HealthCounters, type ErrorCode } from '@waystation/contracts';
import { outputTokens } from '@waystation/generation';
import type { RelayResult } from '../attempt/relay.js';

const BUCKETS = 64;
/** Fewer tokens than this say nothing about speed. */
const THROUGHPUT_TOKENS_MIN = 8;

interface Counters {
  succeeded: number;
  failed: number;
  rateLimited: number;
  restUntilMs?: number;
  lastFailureMs?: number;
  timeToFirstTokenMs: number[];
  tokensPerSecond: number[];
}

/** Bucket of a histogram whose bounds grow by √2 from 1. */
export const bucketOf = (value: number): number =>
  Math.min(BUCKETS - 1, Math.max(0, Math.floor(2 * Math.log2(Math.max(value, 1)))));

const bump = (histogram: number[], value: number): void => {
  const bucket = bucketOf(value);
  while (histogram.length <= bucket) histogram.push(0);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
};

/** Refusals by the provider that are about the request and not about the endpoint. */
const ABOUT_THE_REQUEST: ReadonlySet<ErrorCode> = new Set([
  'provider_rejected',
  'context_length_exceeded',
  'content_policy_violation',
]);

const verdict = ({ outcome, error }: RelayResult): 'succeeded' | 'failed' | 'rateLimited' | undefined => {
  if (outcome === 'completed') return 'succeeded';
  if (error?.code === 'provider_rate_limited') return 'rateLimited';
  if (error === undefined || ERRORS[error.code].fault !== 'provider' || ABOUT_THE_REQUEST.has(error.code))
    return undefined;
  return 'failed';
};

export class EndpointHealth {
  readonly #bus: Bus;
  readonly #timer: NodeJS.Timeout;
  #counters = new Map<string, Counters>();
  #fromMs = Date.now();

  constructor(bus: Bus, everyMs: number) {
    this.#bus = bus;
    this.#timer = setInterval(() => this.tell(), everyMs).unref();
  }

  record(endpointId: string, result: RelayResult): void {
    const counted = verdict(result);
    if (counted === undefined) return;
    const counters = this.#of(endpointId);
    const now = Date.now();
    counters[counted] += 1;
    if (counted !== 'succeeded') counters.lastFailureMs = now;
    const rest = result.error?.retryAfterMs;
    if (rest !== undefined) counters.restUntilMs = Math.max(counters.restUntilMs ?? 0, now + rest);
    if (counted !== 'succeeded' || result.timeToFirstTokenMs === undefined) return;
    bump(counters.timeToFirstTokenMs, result.timeToFirstTokenMs);
    const tokens = outputTokens(result.report.usage);
    const seconds = (result.durationMs - result.timeToFirstTokenMs) / 1000;
    if (tokens >= THROUGHPUT_TOKENS_MIN && seconds > 0) bump(counters.tokensPerSecond, tokens / seconds);
  }

  tell(): void {
    if (this.#counters.size === 0) return;
    const endpoints = [...this.#counters].map(([endpointId, counters]) => ({ endpointId, ...counters }));
    const toMs = Date.now();
    this.#bus.signal(HealthCounters, this.#bus.instance, {
      v: 1,
      instance: this.#bus.instance,
      fromMs: this.#fromMs,
      toMs,
      endpoints,
    });
    this.#counters = new Map();
    this.#fromMs = toMs;
  }

  close(): void {
    clearInterval(this.#timer);
    this.tell();
  }

  #of(endpointId: string): Counters {
    const known = this.#counters.get(endpointId);
    if (known !== undefined) return known;
    const fresh: Counters = { succeeded: 0, failed: 0, rateLimited: 0, timeToFirstTokenMs: [], tokensPerSecond: [] };
    this.#counters.set(endpointId, fresh);
    return fresh;
  }
}
