// Two tries at once: the second begins when the first was accepted and has said nothing for a while. The first byte of either decides; the other is cancelled.
// Invariants: the client gets bytes of one try only; every try that was begun is told of; no more than one of them can be charged, whoever tells of it and in whatever
// order: a first that loses is known to have been left behind for a later one, and a second that loses was passed over.
import type { Delivery } from '../deliver/delivery.js';
import { createGiveUp, type GiveUp } from '../generate/give-up.js';
import type { Generation } from '../generate/generation.js';
import type { Lane, Try } from './open-attempt.js';

/** One try that came to its end. */
export interface Entrant<Start> {
  readonly start: Start;
  readonly tried: Try;
  /** The client has output of it. */
  readonly delivered: boolean;
  /** Monotonic ms. */
  readonly endedMs: number;
  /** The other one was quicker. */
  readonly outrun: boolean;
  /** It began beside another. */
  readonly isSecond: boolean;
}

export interface Race<Start> {
  readonly generation: Pick<Generation, 'delivery' | 'giveUp'>;
  /** From the begin of the first. */
  readonly afterMs: number;
  readonly first: Start;
  /** Undefined: it stays alone. */
  readonly beginSecond: () => Start | undefined;
  readonly open: (start: Start, lane: Lane) => Promise<Try>;
  /** Whether it ended as an answer. */
  readonly isAnswer: (tried: Try) => boolean;
}

interface Runner extends Lane {
  readonly giveUp: GiveUp;
  readonly ordinal: 0 | 1;
  consumed: (totalBytes: number) => void;
}

/** How it ended. */
export interface Raced<Start> {
  /** The one that the client has output of, or else the last that ended. */
  readonly decides: Entrant<Start>;
  readonly others: readonly Entrant<Start>[];
}

export const raceAttempts = <Start>({
  generation,
  afterMs,
  first,
  beginSecond,
  open,
  isAnswer,
}: Race<Start>): Promise<Raced<Start>> =>
  new Promise((resolve) => {
    const runners: Runner[] = [];
    const ended: (Entrant<Start> & { readonly runner: Runner })[] = [];
    let winner: Runner | undefined;
    let isAccepted = false;
    let isDue = false;

    const claim = (runner: Runner): void => {
      if (winner !== undefined) return;
      winner = runner;
      clearTimeout(timer);
      generation.delivery.restart(runner.consumed);
      for (const other of runners) {
        // Each is told so that no witness of it could take it for what the client got.
        if (other !== runner) other.giveUp.now(other.ordinal === 0 ? 'given-up' : 'passed-over');
      }
    };

    const deliveryOf = (own: () => Runner): Pick<Delivery, 'delivered' | 'restart' | 'data'> => ({
      get delivered() {
        return winner === own() && generation.delivery.delivered;
      },
      restart(consumed) {
        own().consumed = consumed;
      },
      data(bytes) {
        claim(own());
        if (winner === own()) generation.delivery.data(bytes);
      },
    });

    const finish = (last: Entrant<Start> & { readonly runner: Runner }): void => {
      clearTimeout(timer);
      generation.giveUp.listen(undefined);
      const decides = ended.find(({ runner }) => runner === winner) ?? last;
      resolve({ decides, others: ended.filter((each) => each !== decides) });
    };

    const enter = (ordinal: 0 | 1, start: Start): void => {
      const runner: Runner = {
        ordinal,
        giveUp: createGiveUp(),
        consumed: () => undefined,
        delivery: deliveryOf(() => runner),
        accepted() {
          isAccepted = true;
          enterSecond();
        },
      };
      runners.push(runner);
      if (generation.giveUp.reason !== undefined) runner.giveUp.now(generation.giveUp.reason);
      void open(start, runner).then((tried) => {
        if (isAnswer(tried)) claim(runner);
        const entrant = {
          runner,
          start,
          tried,
          delivered: runner.delivery.delivered,
          endedMs: performance.now(),
          outrun: winner !== undefined && winner !== runner && tried.result.kind === 'given-up',
          isSecond: ordinal === 1,
        };
        ended.push(entrant);
        if (ended.length === runners.length) finish(entrant);
      });
    };

    const enterSecond = (): void => {
      const isAlone = runners.length === 1 && ended.length === 0 && winner === undefined;
      if (!isDue || !isAccepted || !isAlone || generation.giveUp.reason !== undefined) return;
      const second = beginSecond();
      if (second !== undefined) enter(1, second);
    };

    generation.giveUp.listen(() => {
      const { reason } = generation.giveUp;
      if (reason !== undefined) for (const { giveUp } of runners) giveUp.now(reason);
    });
    const timer = setTimeout(() => {
      isDue = true;
      enterSecond();
    }, afterMs);
    enter(0, first);
  });
