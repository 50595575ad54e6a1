// Deadlines of streams: rounded up, so that the streams of a moment share their timers instead of each having a list of its own.

const STEP_MS = 50;

/** Runs the callback when the Unix time has come, at most one step late. */
export const atDeadline = (deadlineAt: number, callback: () => void): NodeJS.Timeout => {
  const leftMs = Math.max(0, deadlineAt - Date.now());
  const timer = setTimeout(callback, Math.ceil(leftMs / STEP_MS) * STEP_MS);
  timer.unref();
  return timer;
};
