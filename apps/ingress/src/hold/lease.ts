// One lease as this ingress keeps it. Counting is cumulative, as the contract says: free = granted − charged − open − unknown, whatever billing has settled so far.
// Invariant: no amount of a lease is ever held twice, and none that is held or charged is ever given back.
import { fitsInto, plus, NOTHING, type Amounts } from './amounts.js';

export class Lease {
  readonly id: string;
  /** All that was granted, less what was given back. */
  granted: Amounts = NOTHING;
  /** Sum of the holds that are open. */
  open: Amounts = NOTHING;
  /** Sum of the holds whose charge only billing will learn (lost or cancelled attempts). They stay in the lease. */
  unknown: Amounts = NOTHING;
  /** Of these, holds of which billing has not told yet. */
  unknownHolds = 0;
  /** Monotonic ms until which such word is waited for. */
  tellUntilMs = 0;
  /** Sum of what was charged. */
  charged: Amounts = NOTHING;
  openHolds = 0;
  /** Of these, holds that may grow. While there is one the lease takes no final leave of billing, since only then it can be renewed for them. */
  growingHolds = 0;
  /** Monotonic ms until which new holds may be taken. */
  takeUntilMs = 0;
  /** Numbers renewals and returns, so that a repeated one has no second effect. */
  step = 0;
  #lastAnswer: Promise<unknown> = Promise.resolve();

  constructor(id: string) {
    this.id = id;
  }

  get claimed(): Amounts {
    return plus(plus(this.open, this.unknown), this.charged);
  }

  get free(): Amounts {
    const { granted, open, unknown, charged } = this;
    return {
      usd: granted.usd - open.usd - unknown.usd - charged.usd,
      byok: granted.byok - open.byok - unknown.byok - charged.byok,
      requests: granted.requests - open.requests - unknown.requests - charged.requests,
      tokens: granted.tokens - open.tokens - unknown.tokens - charged.tokens,
    };
  }

  /** Questions about one lease are asked one after the other: a return that overtook a renewal would give away what was just granted. */
  inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#lastAnswer.then(ask);
    this.#lastAnswer = answer.catch(() => undefined);
    return answer;
  }

  /** Nothing more is to be given back: no hold is open, and of none is billing's word still waited for. */
  isOver(nowMs: number): boolean {
    return this.openHolds === 0 && (this.unknownHolds === 0 || nowMs >= this.tellUntilMs);
  }

  canTake(need: Amounts, nowMs: number): boolean {
    return nowMs < this.takeUntilMs && fitsInto(need, this.free);
  }
}
