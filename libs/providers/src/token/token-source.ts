// The token of one credential: asked for once however many need it, kept until shortly before its end, and renewed in the background while the old one is still good.
// Invariants: one question at a time; a token is never given out past its time; after a refusal nobody asks again for a moment.

export interface Token {
  readonly secret: string;
  /** From when it was asked for. */
  readonly lifeMs: number;
}

/** A new one is asked for so long before the end… */
const SPARE_MS_MAX = 5 * 60_000;
/** … or when so much of its life is left, if that is shorter. */
const SPARE_SHARE = 0.2;
/** Of the spare time: a request that goes out in it may come too late. */
const UNUSABLE_SHARE = 0.2;
const RETRY_MS = 1_000;

interface Held {
  readonly secret: string;
  readonly renewAtMs: number;
  readonly usableUntilMs: number;
}

export class TokenSource {
  readonly #ask: () => Promise<Token>;
  readonly #nowMs: () => number;
  #held: Held | undefined;
  #asking: Promise<string> | undefined;
  #refused: { readonly error: Error; readonly untilMs: number } | undefined;

  /** @param nowMs a clock that never goes back */
  constructor(ask: () => Promise<Token>, nowMs: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** At once where there is one. A rejection is that of the question. */
  get(): string | Promise<string> {
    const now = this.#nowMs();
    const held = this.#held !== undefined && now < this.#held.usableUntilMs ? this.#held : undefined;
    const refused = this.#refused !== undefined && now < this.#refused.untilMs ? this.#refused : undefined;
    if (held === undefined) {
      if (this.#asking !== undefined) return this.#asking;
      return refused === undefined ? this.#renew(now) : Promise.reject(refused.error);
    }
    // In the background nobody waits: whoever needs one after the old one has ended is told.
    if (now >= held.renewAtMs && this.#asking === undefined && refused === undefined)
      this.#renew(now).catch(() => undefined);
    return held.secret;
  }

  #renew(now: number): Promise<string> {
    const asking = this.#ask().then(
      ({ secret, lifeMs }) => {
        const spareMs = Math.min(SPARE_MS_MAX, lifeMs * SPARE_SHARE);
        this.#held = {
          secret,
          renewAtMs: now + lifeMs - spareMs,
          usableUntilMs: now + lifeMs - spareMs * UNUSABLE_SHARE,
        };
        this.#asking = this.#refused = undefined;
        return secret;
      },
      (error: Error) => {
        this.#asking = undefined;
        this.#refused = { error, untilMs: this.#nowMs() + RETRY_MS };
        throw error;
      },
    );
    this.#asking = asking;
    return asking;
  }
}
