// Whether this worker may still use a credential: what it uses itself is exact, what the others use is what they told, and what they may take at this moment is left to them. Whoever is
// declined was not sent anywhere, so that the next endpoint can be asked; it says nothing about the endpoint's health.
import type { Bus, Subscription } from '@waystation/bus';
import {
  Alive,
  HealthCounters,
  WaystationError,
  type AttemptRunRequest,
  type CapacityUse,
  type PlannedAttempt,
} from '@waystation/contracts';
import { inputTokens, outputTokens, type Usage } from '@waystation/generation';
import { createCapacityBoard, createCapacityTally, mayTake, type Full } from '@waystation/routing';

/** Nobody knows when an attempt that runs will be over. */
const AGAIN_MS = 1_000;
/** A worker that was silent for so long is gone. */
const HEARD_MS = 3_000;
const WORKERS_MAX = 1_024;

export type Place =
  /** To be called once, with what was used in the end; undefined where nothing is limited. */
  | { readonly kind: 'taken'; readonly leave: ((usage: Usage | 'pending') => void) | undefined }
  | { readonly kind: 'full'; readonly error: WaystationError }
  /** Another worker may have room. */
  | { readonly kind: 'not-here' };

const UNLIMITED: Place = { kind: 'taken', leave: undefined };

const WORDS: Readonly<Record<Full['by'], string>> = {
  requests_per_minute: 'requests a minute',
  tokens_per_minute: 'tokens a minute',
  in_flight: 'requests at the same time',
};

const fullError = ({ providerName, byok }: PlannedAttempt, { by, retryAfterMs }: Full): WaystationError =>
  new WaystationError(
    'credential_full',
    `${byok ? "The workspace's own key for" : 'The capacity of this station at'} ${providerName} is used up (${WORDS[by]}); try again.`,
    { details: { provider_name: providerName, metric: by }, retryAfterMs },
  );

export class CapacityGate {
  readonly #bus: Bus;
  readonly #nowMs: () => number;
  readonly #scaleMs: (ms: number) => number;
  readonly #own: ReturnType<typeof createCapacityTally>;
  readonly #others: ReturnType<typeof createCapacityBoard>;
  /** Other workers by when they were heard last. */
  readonly #workers = new Map<string, number>();
  #heard: readonly Subscription[] = [];

  /** @param nowMs a clock that never goes back; its beginning does not matter */
  constructor(bus: Bus, scaleMs: (ms: number) => number, nowMs = () => performance.now()) {
    this.#bus = bus;
    this.#scaleMs = scaleMs;
    this.#nowMs = nowMs;
    this.#own = createCapacityTally(scaleMs);
    this.#others = createCapacityBoard(scaleMs);
  }

  take({ attempt, inputTokensEstimate }: Pick<AttemptRunRequest, 'attempt' | 'inputTokensEstimate'>): Place {
    const { capacity: limits, credentialId } = attempt;
    if (limits === undefined || credentialId === undefined) return UNLIMITED;
    const nowMs = this.#nowMs();
    const atMs = Math.floor(nowMs);
    const own = this.#own.useOf(credentialId, atMs);
    const share = {
      own,
      untold: this.#own.untoldOf(credentialId),
      others: this.#others.useOf(credentialId, nowMs),
      workers: this.#live(nowMs),
    };
    const place = mayTake(limits, share, inputTokensEstimate);
    if (place.kind === 'full') {
      const leavesMs = place.by === 'in_flight' ? undefined : this.#own.leavesInMs(credentialId, atMs);
      return { kind: 'full', error: fullError(attempt, { by: place.by, retryAfterMs: leavesMs ?? AGAIN_MS }) };
    }
    if (place.kind === 'not-here') return place;
    const begun = this.#own.begin(credentialId, inputTokensEstimate, atMs);
    return {
      kind: 'taken',
      leave: (usage) =>
        begun.end(
          usage === 'pending' ? undefined : inputTokens(usage) + outputTokens(usage),
          Math.floor(this.#nowMs()),
        ),
    };
  }

  /** What is to be told. Each call is a round. */
  news(atMs: number): CapacityUse[] {
    return this.#own.news(atMs);
  }

  all(atMs: number): CapacityUse[] {
    return this.#own.all(atMs);
  }

  async listen(): Promise<void> {
    const { instance: self } = this.#bus;
    this.#heard = await Promise.all([
      this.#bus.onSignal(HealthCounters, undefined, (message) => {
        if (message.instance !== self) this.#others.hear(message, this.#nowMs());
      }),
      this.#bus.onSignal(Alive, undefined, ({ instance, services, leaving }) => {
        this.#workers.delete(instance);
        if (leaving === true || instance === self || !services.includes('worker')) return;
        this.#workers.set(instance, this.#nowMs());
        const [oldest] = this.#workers.keys();
        if (this.#workers.size > WORKERS_MAX && oldest !== undefined) this.#workers.delete(oldest);
      }),
    ]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#heard.map((each) => each.drain()));
  }

  #live(nowMs: number): number {
    const since = nowMs - this.#scaleMs(HEARD_MS);
    let live = 1;
    for (const heardMs of this.#workers.values()) if (heardMs >= since) live += 1;
    return live;
  }
}
