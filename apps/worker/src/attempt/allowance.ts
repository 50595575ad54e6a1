// How much output an attempt may make where its hold grows with the stream: asks for more ahead of need, waits a bounded time for an answer that is late,
// and ends the output where there is no more. A byte of output counts as a token: no tokenizer makes more of it.
import type { AttemptRunRequest } from '@waystation/contracts';

export interface AllowanceTimes {
  /** How often a question is repeated. */
  readonly repeatMs: number;
  /** How long a stream that has used everything up waits for the first answer. */
  readonly waitMs: number;
}

export const ALLOWANCE_TIMES: AllowanceTimes = { repeatMs: 500, waitMs: 2_000 };

/** What is held for an attempt, as its journal lines name it. */
export interface HeldAmounts {
  readonly holdPicodollars: string;
  /** Where a quota counts tokens. */
  readonly holdTokens?: number | undefined;
}

/** What is held by now, as the ingress tells it. */
export interface Held extends HeldAmounts {
  /** Absent: all that the attempt can make. */
  readonly heldOutputTokens?: number | undefined;
  readonly refused: boolean;
}

/** Whoever relays the output. */
export interface AllowanceReader {
  /** Reads nothing more from the provider for now; and goes on. */
  pause(paused: boolean): void;
  /** No more is held: the output ends here. */
  cutShort(): void;
}

export class Allowance {
  readonly #times: AllowanceTimes;
  readonly #ask: (heldOutputTokens: number) => void;
  #reader: AllowanceReader | undefined;
  #held: HeldAmounts;
  #heldTokens: number;
  #askFromTokens: number;
  #usedBytes = 0;
  #isRefused = false;
  #isPaused = false;
  #isOver = false;
  #repeating: NodeJS.Timeout | undefined;
  #waiting: NodeJS.Timeout | undefined;

  /** @param ask tells the ingress how much is known to be held; may be called again and again */
  constructor(
    request: Pick<AttemptRunRequest, 'holdPicodollars' | 'holdTokens' | 'heldOutputTokens'>,
    times: AllowanceTimes,
    ask: (heldOutputTokens: number) => void,
  ) {
    this.#times = times;
    this.#ask = ask;
    this.#held = { holdPicodollars: request.holdPicodollars, holdTokens: request.holdTokens };
    this.#heldTokens = request.heldOutputTokens ?? Infinity;
    this.#askFromTokens = this.#heldTokens / 2;
  }

  /** All that is known to be held. */
  get held(): HeldAmounts {
    return this.#held;
  }

  readBy(reader: AllowanceReader): void {
    this.#reader = reader;
  }

  /** So many bytes of output came in all. */
  used(bytes: number): void {
    this.#usedBytes = bytes;
    if (bytes < this.#askFromTokens || this.#isOver) return;
    this.#question();
    this.#judge();
  }

  /** An answer; or one that was repeated, or overtaken by a newer one. */
  heard({ holdPicodollars, holdTokens, heldOutputTokens = Infinity, refused }: Held): void {
    if (this.#isOver || heldOutputTokens < this.#heldTokens) return;
    const more = heldOutputTokens - this.#heldTokens;
    if (more > 0) {
      this.#held = { holdPicodollars, holdTokens };
      this.#heldTokens = heldOutputTokens;
      this.#askFromTokens = heldOutputTokens === Infinity ? Infinity : heldOutputTokens - more / 2;
      this.#rest();
    }
    this.#isRefused = refused && more === 0;
    if (this.#usedBytes >= this.#askFromTokens) this.#question();
    this.#judge();
  }

  /** The attempt is over. */
  end(): void {
    this.#isOver = true;
    this.#rest();
  }

  #question(): void {
    if (this.#repeating !== undefined) return;
    this.#ask(this.#heldTokens);
    this.#repeating = setInterval(() => this.#ask(this.#heldTokens), this.#times.repeatMs).unref();
  }

  /** What was used up is judged by the last answer; without one, when the time for it is over. */
  #judge(): void {
    if (this.#usedBytes < this.#heldTokens || this.#isOver) return this.#pause(false);
    if (this.#isRefused) return this.#cutShort();
    this.#pause(true);
    this.#waiting ??= setTimeout(() => this.#cutShort(), this.#times.waitMs);
  }

  #pause(paused: boolean): void {
    if (paused === this.#isPaused) return;
    this.#isPaused = paused;
    this.#reader?.pause(paused);
  }

  #cutShort(): void {
    this.end();
    this.#reader?.cutShort();
  }

  #rest(): void {
    clearInterval(this.#repeating);
    clearTimeout(this.#waiting);
    this.#repeating = undefined;
    this.#waiting = undefined;
  }
}
