// Counts how endpoints and credentials do, and tells all routers every 250 ms what is new, and who is new all of it. What a client did wrong says nothing about an endpoint and is not
// counted; what a provider thinks of a credential is counted of the credential alone, and what an own key meets never of the endpoint. What is used of credentials goes with it.
import type { Bus, Subscription } from '@waystation/bus';
import {
  Alive,
  ERRORS,
  HealthCounters,
  type CapacityUse,
  type ErrorCode,
  type HealthSubject,
  type PlannedAttempt,
} from '@waystation/contracts';
import { outputTokens } from '@waystation/generation';
import { createHealthTally, type HealthTally, type Observation } from '@waystation/routing';
import type { RelayResult } from '../attempt/relay.js';

/** Fewer tokens than this say nothing about speed. */
const THROUGHPUT_TOKENS_MIN = 8;
/** Rested for so long where a provider limits and does not say for how long. */
const REST_UNTOLD_MS = 1_000;
/** In one message, so that none is larger than the bus takes. */
const SUBJECTS_MAX = 16;
/** A listener is told all with each of its first beats: it may beat before it listens. */
const BEATS_TOLD = 4;
/** Processes that are remembered. */
const LISTENERS_MAX = 1_024;
const LISTENING: ReadonlySet<string> = new Set(['router', 'ingress']);

/** Refusals by the provider that are about the request and not about the endpoint. */
const ABOUT_THE_REQUEST: ReadonlySet<ErrorCode> = new Set([
  'provider_rejected',
  'context_length_exceeded',
  'content_policy_violation',
]);

const observe = (result: RelayResult): Observation | undefined => {
  const { outcome, error, timeToFirstTokenMs, durationMs, report } = result;
  if (outcome === 'completed') {
    const tokens = outputTokens(report.usage);
    const isTelling = tokens >= THROUGHPUT_TOKENS_MIN && durationMs > 0 && timeToFirstTokenMs !== undefined;
    return {
      verdict: 'succeeded',
      timeToFirstTokenMs,
      // With the wait for the first token, as the reference API counts it.
      tokensPerSecond: isTelling ? (tokens * 1_000) / durationMs : undefined,
    };
  }
  if (error?.code === 'provider_rate_limited')
    return { verdict: 'rateLimited', restMs: error.retryAfterMs ?? REST_UNTOLD_MS };
  if (error === undefined || ERRORS[error.code].fault !== 'provider' || ABOUT_THE_REQUEST.has(error.code))
    return undefined;
  return { verdict: 'failed', isBroken: outcome === 'failed-after-output', restMs: error.retryAfterMs };
};

/** What is used of the capacity of credentials. */
export interface CapacityNews {
  news(atMs: number): CapacityUse[];
  all(atMs: number): CapacityUse[];
}

type Told = [endpoints: HealthSubject[], credentials: HealthSubject[], capacity: CapacityUse[]];

export class EndpointHealth {
  readonly #bus: Bus;
  readonly #capacity: CapacityNews;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #endpoints: HealthTally;
  readonly #credentials: HealthTally;
  /** Beats heard of each process that listens, the longest silent first. */
  readonly #listeners = new Map<string, { beats: number; heardMs: number }>();
  #beats: Subscription | undefined;
  #clockMs = 0;

  /** @param nowMs a clock that never goes back; its beginning does not matter */
  constructor(
    bus: Bus,
    everyMs: number,
    scaleMs: (ms: number) => number,
    capacity: CapacityNews,
    nowMs = () => performance.now(),
  ) {
    this.#bus = bus;
    this.#capacity = capacity;
    this.#nowMs = nowMs;
    this.#endpoints = createHealthTally(scaleMs);
    this.#credentials = createHealthTally(scaleMs);
    this.#timer = setInterval(() => this.tell(), everyMs).unref();
  }

  record(
    { endpointId, credentialId, byok }: Pick<PlannedAttempt, 'endpointId' | 'credentialId' | 'byok'>,
    result: RelayResult,
  ): void {
    const observation = observe(result);
    if (observation === undefined) return;
    const atMs = Math.floor(this.#nowMs());
    const isRefused = result.error?.code === 'provider_auth';
    if (credentialId !== undefined && (isRefused || observation.verdict === 'succeeded'))
      this.#credentials.record(credentialId, { verdict: observation.verdict }, atMs);
    if (!byok && !isRefused) this.#endpoints.record(endpointId, observation, atMs);
  }

  /** Tells all to routers that were not heard before, or not for a while; other workers want to know what is used of credentials, and nothing else. */
  async listen(forgetAfterMs: number): Promise<void> {
    this.#beats = await this.#bus.onSignal(Alive, undefined, ({ instance, services }) => {
      const wantsAll = services.some((service) => LISTENING.has(service));
      if (instance === this.#bus.instance || !(wantsAll || services.includes('worker'))) return;
      const now = this.#nowMs();
      const known = this.#listeners.get(instance);
      const beats = known === undefined || now - known.heardMs > forgetAfterMs ? 1 : known.beats + 1;
      this.#listeners.delete(instance);
      this.#listeners.set(instance, { beats, heardMs: now });
      const [oldest] = this.#listeners.keys();
      if (this.#listeners.size > LISTENERS_MAX && oldest !== undefined) this.#listeners.delete(oldest);
      if (beats > BEATS_TOLD) return;
      this.#send((atMs) => [
        wantsAll ? this.#endpoints.all(atMs) : [],
        wantsAll ? this.#credentials.all(atMs) : [],
        this.#capacity.all(atMs),
      ]);
    });
  }

  tell(): void {
    this.#send((atMs) => [this.#endpoints.news(atMs), this.#credentials.news(atMs), this.#capacity.news(atMs)]);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.tell();
    await this.#beats?.drain();
  }

  #send(toldAt: (atMs: number) => Told): void {
    // Each message has its own time, so that of two the newer one is known.
    this.#clockMs = Math.max(this.#clockMs + 1, Math.floor(this.#nowMs()));
    const [endpoints, credentials, capacity] = toldAt(this.#clockMs);
    const longest = Math.max(endpoints.length, credentials.length, capacity.length);
    for (let from = 0; from < longest; from += SUBJECTS_MAX)
      this.#bus.signal(HealthCounters, this.#bus.instance, {
        v: 2,
        instance: this.#bus.instance,
        clockMs: this.#clockMs,
        endpoints: endpoints.slice(from, from + SUBJECTS_MAX),
        credentials: credentials.slice(from, from + SUBJECTS_MAX),
        ...(capacity.length <= from ? {} : { capacity: capacity.slice(from, from + SUBJECTS_MAX) }),
      });
  }
}
