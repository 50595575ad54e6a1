// Knows whether this process's event loop stood still a moment ago: what it reads right afterwards may be old.

export interface LoopWatch {
  /** True during and shortly after a stall of at least the threshold. */
  stalled(): boolean;
  stop(): void;
}

const BEAT_MS = 50;
/** Messages that waited in the socket during a stall are read within this time after it. */
const AFTERMATH_MS = 100;

export const watchLoop = (thresholdMs: number): LoopWatch => {
  let beatAt = performance.now();
  let suspectUntil = -Infinity;
  const look = (now: number): void => {
    if (now - beatAt - BEAT_MS >= thresholdMs) suspectUntil = now + AFTERMATH_MS;
  };
  const timer = setInterval(() => {
    const now = performance.now();
    look(now);
    beatAt = now;
  }, BEAT_MS);
  timer.unref();
  return {
    stalled() {
      const now = performance.now();
      look(now);
      return now < suspectUntil;
    },
    stop: () => clearInterval(timer),
  };
};
