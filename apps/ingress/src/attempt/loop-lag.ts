// How late this process's own timers are. A process that gets too little processor measures the slowness of others wrongly, and must not give up on them early.

export interface LoopLag {
  /** Recent lateness in milliseconds: the highest, decaying within a second or two. */
  readonly ms: number;
  stop(): void;
}

const EVERY_MS = 50;
const DECAY = 0.9;

export const watchLoopLag = (now: () => number = () => performance.now()): LoopLag => {
  let expected = now() + EVERY_MS;
  let lag = 0;
  const timer = setInterval(() => {
    const at = now();
    lag = Math.max(at - expected, lag * DECAY, 0);
    expected = at + EVERY_MS;
  }, EVERY_MS);
  timer.unref();
  return {
    get ms() {
      return lag;
    },
    stop: () => clearInterval(timer),
  };
};
