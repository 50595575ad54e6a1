// A hold that is extended as its stream runs. Whoever relays the stream asks ahead of need; the answer is what is held by now, in all.
// Invariant: what is told to be covered is held.
import { toWaystationError, type LeaseRefusal } from '@waystation/contracts';
import { aboveZero, minus, type Amounts } from './amounts.js';
import { OUTPUT_TOKENS_MIN } from './bound-plan.js';
import { fitsLeft, type Hold } from './lease-pool.js';
import { FIRST_SLICE_TOKENS, UNSEEN_TOKENS, nextCover, type Cover } from './plan-growth.js';

export interface GrowingHoldTerms {
  readonly hold: Hold;
  /** Output tokens that the plan can make at most. */
  readonly fullTokens: number;
  /** What the plan costs at most with so much output. */
  readonly amountsAt: (outputTokens: number) => Amounts;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export class GrowingHold {
  readonly #terms: GrowingHoldTerms;
  #cover: Cover;
  #asking = false;
  #refusal: LeaseRefusal | undefined;
  /** Waiting will not help. */
  #isFinal = false;

  constructor(terms: GrowingHoldTerms) {
    this.#terms = terms;
    this.#cover = { tokens: FIRST_SLICE_TOKENS, step: FIRST_SLICE_TOKENS, grownAtMs: terms.now() };
  }

  /** Tokens that may be counted on; undefined: all that can be made. */
  get heldOutputTokens(): number | undefined {
    const { tokens } = this.#cover;
    return tokens >= this.#terms.fullTokens ? undefined : Math.max(0, tokens - UNSEEN_TOKENS);
  }

  get hold(): Hold {
    return this.#terms.hold;
  }

  /** Why no more is held, where that was the last answer. */
  get refusal(): LeaseRefusal | undefined {
    return this.#refusal;
  }

  /** Whether the last answer was a refusal. */
  get isRefused(): boolean {
    return this.#isFinal || this.#refusal !== undefined;
  }

  /**
   * Somebody has used most of `knownTokens` and needs more. Resolves to whether there is anything to tell: nothing while an earlier question is under way, or
   * where billing did not answer; then it is asked again.
   */
  async extend(knownTokens: number): Promise<boolean> {
    const held = this.heldOutputTokens;
    if (held === undefined || held > knownTokens || this.#isFinal) return true;
    if (this.#asking) return false;
    this.#asking = true;
    try {
      await this.#grow();
      return true;
    } catch (thrown) {
      const { code } = toWaystationError(thrown);
      // Its lease can have no more, now or later.
      this.#isFinal = code === 'conflict' || code === 'not_found';
      return this.#isFinal;
    } finally {
      this.#asking = false;
    }
  }

  async #grow(): Promise<void> {
    const { fullTokens, now } = this.#terms;
    const next = nextCover(this.#cover, fullTokens, now());
    const refusal = await this.#take(next.tokens);
    if (refusal === undefined) return this.#covers(next);
    const affordable = this.#affordable(refusal, next.tokens);
    if (affordable - this.#cover.tokens >= OUTPUT_TOKENS_MIN && (await this.#take(affordable)) === undefined)
      return this.#covers({ ...next, tokens: affordable });
    this.#refusal = refusal;
    this.#isFinal = refusal.code !== 'in_flight';
  }

  #covers(cover: Cover): void {
    this.#cover = cover;
    this.#refusal = undefined;
  }

  #missing(tokens: number): Amounts {
    const { hold, amountsAt } = this.#terms;
    return aboveZero(minus(amountsAt(tokens), hold.amounts));
  }

  async #take(tokens: number): Promise<LeaseRefusal | undefined> {
    return (await this.#terms.hold.grow(this.#missing(tokens)))?.refused;
  }

  /** As many tokens, below `most`, as what is left will buy. */
  #affordable(refusal: LeaseRefusal, most: number): number {
    let low = this.#cover.tokens;
    let high = most;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fitsLeft(this.#missing(middle), refusal)) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
